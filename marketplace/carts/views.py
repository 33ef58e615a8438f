"""A cart as its buyer sees it: every sum by the formula, per line, per vendor and in all."""

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.carts.changes import Change
from marketplace.carts.facts import Priced
from marketplace.carts.models import Cart
from marketplace.carts.queries import Item
from marketplace.kernel.fields import plain_decimal
from marketplace.pricing.facts import LineValue
from marketplace.rules.queries import OfferedDelivery

Json = dict[str, Any]


def in_list(cart: Cart, lines: int) -> Json:
    """A cart in a list: what it cost when its buyer last saw it."""
    return {
        "id": cart.id,
        "name": cart.name,
        "state": cart.state,
        "currency": cart.currency,
        "reference": cart.reference,
        "lines": lines,
        "seen_total_minor": cart.seen_total_minor,
        "order_id": cart.order_id,
        "created_at": cart.created_at,
        "created_by": cart.created_by,
    }


def whole(priced: Priced, changes: Sequence[Change] = ()) -> Json:
    """A cart with all its sums. `changes`: what changed since the buyer last saw it."""
    cart = priced.cart
    values = {item.line.id: value for item, value in zip(priced.items, _line_values(priced), strict=True)}
    return {
        "id": cart.id,
        "name": cart.name,
        "state": cart.state,
        "version": cart.version,
        "currency": cart.currency,
        "prices_include_tax": cart.prices_include_tax,
        "reference": cart.reference,
        "codes": cart.codes,
        "chosen_deliveries": cart.deliveries,
        "delivery_address_id": cart.delivery_address_id,
        "billing_address_id": cart.billing_address_id,
        "order_id": cart.order_id,
        "created_at": cart.created_at,
        "created_by": cart.created_by,
        "lines": [_line(priced, item, values.get(item.line.id)) for item in priced.all_items],
        "vendors": _vendors(priced),
        "deliveries": _deliveries(priced),
        "promotions": _promotions(priced),
        "totals": _totals(priced),
        "changes": list(changes),
        "orderable": bool(priced.items) and not priced.problems,
    }


def _line_values(priced: Priced) -> Sequence[LineValue]:
    return priced.valuation.lines if priced.valuation else ()


def _line(priced: Priced, item: Item, value: LineValue | None) -> Json:
    offer = item.offer
    assert offer is not None
    body: Json = {
        "id": item.line.id,
        "offer_id": offer.id,
        "product_id": offer.product_id,
        "vendor_id": offer.vendor_id,
        "vendor_name": offer.vendor_name,
        "sku": offer.sku,
        "name": offer.name,
        "unit": offer.unit,
        "pack_size": offer.pack_size,
        "min_quantity": offer.min_quantity,
        "lead_time_days": offer.lead_time_days,
        "available": offer.available,
        "quantity": item.line.quantity,
        "orderable": value is not None,
    }
    if value is None:
        return body
    price = priced.prices[offer.id]
    return body | {
        "unit_price": plain_decimal(priced.unit_price(item)),
        "tiers": [{"from_quantity": n, "unit_price": plain_decimal(each)} for n, each in price.tiers],
        "price_source": {"list_id": price.list_id, "kind": price.kind, "name": price.list_name},
        "gross_minor": value.gross_minor,
        "discount_minor": value.vendor_discount_minor + value.market_discount_minor,
        "tax_minor": value.tax_minor,
        "buyer_owes_minor": value.buyer_owes_minor,
        "tax": next(terms.tax for terms in priced.lines if terms.id == item.line.id),
    }


def _vendors(priced: Priced) -> list[Json]:
    """Each vendor's part, with the deliveries that its lines may take."""
    chosen = {item.line.id: group.rate.id for group in priced.groups for item in group.items}
    parts: dict[Any, Json] = {}
    for item, value in zip(priced.items, _line_values(priced), strict=True):
        assert item.offer is not None
        vendor_id = item.offer.vendor_id
        part = parts.setdefault(
            vendor_id,
            {
                "vendor_id": vendor_id,
                "vendor_name": item.offer.vendor_name,
                "goods_minor": 0,
                "discount_minor": 0,
                "tax_minor": 0,
                "buyer_owes_minor": 0,
                "chosen_rate_id": chosen.get(item.line.id),
                "delivery_options": [_option(rate) for rate in priced.options.get(vendor_id, ())],
            },
        )
        part["goods_minor"] += value.gross_minor
        part["discount_minor"] += value.vendor_discount_minor + value.market_discount_minor
        part["tax_minor"] += value.tax_minor
        part["buyer_owes_minor"] += value.buyer_owes_minor
    return list(parts.values())


def _option(rate: OfferedDelivery) -> Json:
    return {
        "rate_id": rate.id,
        "name": rate.name,
        "price_minor": rate.price_minor,
        "free_from_minor": rate.free_from_minor,
        "free_basis": rate.free_basis,
        "by_operator": rate.vendor_id is None,
    }


def _deliveries(priced: Priced) -> list[Json]:
    if priced.valuation is None:
        return []
    return [
        {
            "rate_id": group.rate.id,
            "name": group.rate.name,
            "vendor_id": group.rate.vendor_id,
            "line_ids": [item.line.id for item in group.items],
            "amount_minor": value.amount_minor,
            "tax_minor": value.tax_minor,
            "free": value.free,
            "tax": terms.tax,
        }
        for group, value, terms in zip(priced.groups, priced.valuation.deliveries, priced.deliveries, strict=True)
    ]


def _promotions(priced: Priced) -> list[Json]:
    """The promotions that reach a line; `earned_step` counts from 0, None while no step is reached."""
    if priced.valuation is None:
        return []
    return [
        {
            "id": row.id,
            "name": row.name,
            "code": row.code,
            "earned_step": None if step < 0 else step,
            "steps": [_step(one) for one in row.steps],
        }
        for row, step in zip(priced.promotions, priced.valuation.promotion_steps, strict=True)
    ]


def _step(step: Mapping[str, Any]) -> Json:
    return {
        "from_minor": step["from_minor"],
        "rate": step.get("rate"),
        "amount_minor": step.get("amount_minor"),
    }


def _totals(priced: Priced) -> Json:
    lines = _line_values(priced)
    deliveries = priced.valuation.deliveries if priced.valuation else ()
    return {
        "currency": priced.cart.currency,
        "goods_minor": sum(line.gross_minor for line in lines),
        "discount_minor": sum(line.vendor_discount_minor + line.market_discount_minor for line in lines),
        "delivery_minor": sum(delivery.amount_minor for delivery in deliveries),
        "tax_minor": sum(row.tax_minor for row in (*lines, *deliveries)),
        "total_minor": priced.total_minor,
    }
