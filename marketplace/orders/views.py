"""Each party has its own view of an order: a buyer sees no vendor's share, a vendor no other vendor and no total."""

from collections.abc import Sequence
from typing import Any

from marketplace.kernel.fields import plain_decimal
from marketplace.kernel.history import HistoryLine
from marketplace.orders.models import OrderDelivery, OrderLine, OrderStep, VendorOrder
from marketplace.orders.queries import VendorPart, WholeOrder
from marketplace.orders.states import VendorOrderState

Json = dict[str, Any]
UNPAID = {VendorOrderState.PLACED}


def summary(whole: WholeOrder) -> Json:
    """An order in a list, for its buyer."""
    order = whole.order
    return {
        "id": order.id,
        "number": order.number,
        "company_id": order.company_id,
        "company_name": order.company_name,
        "state": whole.state,
        "reference": order.reference,
        "placed_at": order.placed_at,
        "pay_until": order.pay_until,
        "payment_terms": order.payment_terms,
        "currency": order.currency,
        "total_minor": order.total_minor,
        "owed_minor": order.owed_minor,
        "net_paid_minor": whole.net_paid_minor,
        "to_pay_minor": max(0, order.owed_minor - whole.net_paid_minor),
        "vendor_orders": [_part_in_list(part) for part in whole.parts],
    }


def buyer_order(whole: WholeOrder) -> Json:
    """An order for its buyer: what he owes and why, nothing of what vendors get."""
    order = whole.order
    return summary(whole) | {
        "placed_by": order.placed_by,
        "prices_include_tax": order.prices_include_tax,
        "goods_minor": order.goods_minor,
        "discount_minor": order.discount_minor,
        "delivery_minor": order.delivery_minor,
        "tax_minor": order.tax_minor,
        "delivery_address": order.delivery_address,
        "billing_address": order.billing_address,
        "policy_version": order.policy_version,
        "vendor_orders": [
            _part_in_list(part)
            | {
                "goods_minor": part.goods_minor,
                "buyer_owes_minor": part.buyer_owes_minor,
                "confirm_by": part.confirm_by,
                "confirmed_at": part.confirmed_at,
                "shipped_at": part.shipped_at,
                "delivered_at": part.delivered_at,
                "lines": [_buyer_line(line) for line in whole.lines_of(part)],
            }
            for part in whole.parts
        ],
        "deliveries": [_delivery(delivery) for delivery in whole.deliveries],
    }


def operator_order(whole: WholeOrder, steps: Sequence[OrderStep]) -> Json:
    """An order for the operator: everyone's share, and each step with its whole valuation."""
    body = buyer_order(whole)
    for shown, part in zip(body["vendor_orders"], whole.parts, strict=True):
        shown["payable_minor"] = part.payable_minor
        shown["commission_minor"] = part.commission_minor
        for line, row in zip(shown["lines"], whole.lines_of(part), strict=True):
            line.update(_shares(row))
    body["steps"] = [_step(step) | {"person_id": step.person_id, "valuation": step.valuation} for step in steps]
    return body


def vendor_order(found: VendorPart) -> Json:
    """A vendor order for its vendor: his lines, his sums, what he gets. The address is his once it is paid."""
    part = found.part
    return {
        "id": part.id,
        "number": part.number,
        "order_id": part.order_id,
        "vendor_id": part.vendor_id,
        "vendor_name": part.vendor_name,
        "company_id": part.company_id,
        "company_name": found.company_name,
        "reference": found.reference,
        "state": part.state,
        "placed_at": found.placed_at,
        "confirm_by": part.confirm_by,
        "confirmed_at": part.confirmed_at,
        "shipped_at": part.shipped_at,
        "delivered_at": part.delivered_at,
        "currency": part.currency,
        "goods_minor": part.goods_minor,
        "payable_minor": part.payable_minor,
        "commission_minor": part.commission_minor,
        "delivery_address": None if part.state in UNPAID else found.delivery_address,
        "lines": [
            _line(line) | {"vendor_discount_minor": line.vendor_discount_minor, **_shares(line)} for line in found.lines
        ],
        "deliveries": [_delivery(delivery) for delivery in found.deliveries],
    }


def history(whole: WholeOrder, steps: Sequence[OrderStep], moves: Sequence[HistoryLine]) -> Json:
    """What happened to an order, oldest first: steps of the formula, and moves of its vendor orders."""
    numbers = {part.id: part.number for part in whole.parts}
    entries = [
        {"kind": "step", "at": step.at} | _step(step) | {"vendor_order": numbers.get(step.vendor_order_id)}  # type: ignore[arg-type]
        for step in steps
    ]
    entries += [
        {
            "kind": "move",
            "at": move.at,
            "vendor_order": numbers[move.row_id],
            "verb": move.verb,
            "from_state": move.from_state,
            "to_state": move.to_state,
            "reason": move.note,
        }
        for move in moves
    ]
    return {"items": sorted(entries, key=lambda entry: entry["at"])}  # type: ignore[arg-type, return-value]


def _part_in_list(part: VendorOrder) -> Json:
    return {
        "id": part.id,
        "number": part.number,
        "vendor_id": part.vendor_id,
        "vendor_name": part.vendor_name,
        "state": part.state,
    }


def _line(line: OrderLine) -> Json:
    return {
        "id": line.id,
        "offer_id": line.offer_id,
        "product_id": line.product_id,
        "position": line.position,
        "sku": line.sku,
        "name": line.name,
        "unit": line.unit,
        "quantity": line.quantity,
        "cancelled_quantity": line.cancelled_quantity,
        "shipped_quantity": line.shipped_quantity,
        "returned_quantity": line.returned_quantity,
        "short_quantity": line.short_quantity,
        "unit_price": plain_decimal(line.unit_price),
        "gross_minor": line.gross_minor,
        "tax_minor": line.tax_minor,
        "tax": line.tax,
    }


def _buyer_line(line: OrderLine) -> Json:
    return _line(line) | {
        "price_source": line.price_source,
        "discount_minor": line.vendor_discount_minor + line.market_discount_minor,
        "buyer_owes_minor": line.buyer_owes_minor,
    }


def _shares(line: OrderLine) -> Json:
    return {
        "vendor_discount_minor": line.vendor_discount_minor,
        "commission_rate": plain_decimal(line.commission_rate),
        "commission_minor": line.commission_minor,
    }


def _delivery(delivery: OrderDelivery) -> Json:
    return {
        "id": delivery.id,
        "vendor_id": delivery.vendor_id,
        "name": delivery.name,
        "price_minor": delivery.price_minor,
        "free_from_minor": delivery.free_from_minor,
        "amount_minor": delivery.amount_minor,
        "tax_minor": delivery.tax_minor,
        "tax": delivery.tax,
    }


def _step(step: OrderStep) -> Json:
    return {
        "number": step.number,
        "cause": step.cause,
        "reason": step.reason,
        "at": step.at,
        "owed_minor": step.valuation["buyer_owes_minor"],
        "refund_minor": step.refund_minor,
    }
