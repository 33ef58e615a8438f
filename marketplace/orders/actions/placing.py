"""An order is placed whole: stock taken, every vendor's part written, everything agreed frozen, and announced."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import current_app

from marketplace.catalogue import stock
from marketplace.credit import actions as credit
from marketplace.kernel import clock, history, outbox, reads, writes
from marketplace.kernel.access import Actor
from marketplace.kernel.db import new_id
from marketplace.orders.actions.payments import confirm_by, pay_if_covered
from marketplace.orders.events import OrderPlaced
from marketplace.orders.formula import valued
from marketplace.orders.models import Order, OrderDelivery, OrderLine, OrderNumber, OrderStep, VendorOrder
from marketplace.orders.queries import WholeOrder
from marketplace.orders.states import VendorOrderVerb
from marketplace.pricing import facts as pricing
from marketplace.pricing.answers import valuation_to_json
from marketplace.pricing.policy import Policy
from marketplace.pricing.wire import order_to_json, policy_to_json, state_to_json

_NEXT_NUMBER = f"INSERT INTO {OrderNumber.__tablename__} DEFAULT VALUES RETURNING id"  # noqa: S608


@dataclass(frozen=True, slots=True)
class LineTerms:
    """What an order keeps of a line beside the formula's facts; `id` is that of the formula's line."""

    id: uuid.UUID
    vendor_id: uuid.UUID
    offer_id: uuid.UUID
    product_id: uuid.UUID
    sku: str
    name: str
    unit: str
    price_source: Mapping[str, Any]
    tax: Mapping[str, Any]
    pointer: str = ""  # where the line stands in the request, for StockTooLow


@dataclass(frozen=True, slots=True)
class DeliveryTerms:
    """What an order keeps of a delivery beside the formula's facts; vendor_id None: the operator sells it."""

    id: uuid.UUID
    vendor_id: uuid.UUID | None
    name: str
    tax: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Placement:
    """Everything that was agreed. `facts` names vendors by str(vendor_id), lines and deliveries by str(id).

    `lines` and `deliveries` stand in the order of those of `facts`; addresses are plain JSON values.
    """

    company_id: uuid.UUID
    company_name: str
    placed_by: uuid.UUID
    facts: pricing.Order
    policy: Policy
    policy_version: str
    lines: Sequence[LineTerms]
    deliveries: Sequence[DeliveryTerms]
    vendor_names: Mapping[uuid.UUID, str]
    delivery_address: Mapping[str, Any]
    billing_address: Mapping[str, Any]
    reference: str = ""
    payment_terms: Mapping[str, Any] | None = None  # on account, as credit.terms keeps them
    vendor_terms: Mapping[uuid.UUID, Mapping[str, Any]] = field(default_factory=dict)  # what is kept of each vendor's
    order_id: uuid.UUID = field(default_factory=new_id)


def place(actor: Actor, placement: Placement, valuation: pricing.Valuation | None = None) -> WholeOrder:
    """Take the stock, write the order with its parts, announce OrderPlaced.

    `valuation` is value() of the facts with nothing cancelled, where the caller has it already. Raises StockTooLow and
    OrderCannotBeValued. An order that costs nothing counts as paid at once. One on terms takes its sum of the buyer's
    credit or is refused (NoPaymentTerms, CreditFrozen, CreditLimitExceeded); its vendors may begin at once.
    """
    worth = valuation or valued(placement.facts, placement.policy)
    wanted = [
        stock.Wanted(terms.id, terms.offer_id, line.quantity, terms.pointer)
        for terms, line in zip(placement.lines, placement.facts.lines, strict=True)
    ]
    stock.reserve(wanted)

    order = _order(placement, worth)
    parts = _parts(order, placement, worth)
    deliveries = _deliveries(order, placement, worth)
    lines = _lines(order, placement, worth, {part.vendor_id: part.id for part in parts})
    held = stock.held(order.company_id, order.id, wanted, _reserved_until(order))
    writes.all_of_it([order], parts, deliveries, lines, held, [_first_step(order, worth)])
    if order.payment_terms is not None:
        credit.take(order.company_id, order.id, order.currency, order.owed_minor)
        _begin(actor, parts)
    outbox.publish(OrderPlaced(order_id=order.id, company_id=order.company_id))
    if order.owed_minor == 0:
        pay_if_covered(actor, order, 0)
    return WholeOrder(order, parts, lines, deliveries)


def _reserved_until(order: Order) -> datetime | None:
    """On terms nothing is waited for, so the stock is kept until it ships."""
    if order.payment_terms is not None:
        return None
    return order.placed_at + timedelta(minutes=current_app.extensions["kontor_settings"].reservation_minutes)


def _begin(actor: Actor, parts: Sequence[VendorOrder]) -> None:
    for part in parts:
        history.move(part, VendorOrderVerb.BEGIN_ON_TERMS, actor)
        part.confirm_by = confirm_by()


def _order(placement: Placement, worth: pricing.Valuation) -> Order:
    facts, now = placement.facts, clock.now()
    hours = current_app.extensions["kontor_settings"].pay_within_hours
    return Order(
        id=placement.order_id,
        number=_next_number(),
        company_id=placement.company_id,
        company_name=placement.company_name,
        placed_by=placement.placed_by,
        placed_at=now,
        currency=facts.currency,
        prices_include_tax=facts.prices_include_tax,
        reference=placement.reference,
        delivery_address=dict(placement.delivery_address),
        billing_address=dict(placement.billing_address),
        facts=order_to_json(facts),
        policy=policy_to_json(placement.policy),
        policy_version=placement.policy_version,
        formula_state=state_to_json(pricing.State()),
        goods_minor=sum(line.gross_minor for line in worth.lines),
        discount_minor=sum(line.vendor_discount_minor + line.market_discount_minor for line in worth.lines),
        delivery_minor=sum(delivery.amount_minor for delivery in worth.deliveries),
        tax_minor=sum(row.tax_minor for row in (*worth.lines, *worth.deliveries)),
        total_minor=worth.buyer_owes_minor,
        owed_minor=worth.buyer_owes_minor,
        pay_until=None if placement.payment_terms else now + timedelta(hours=hours),
        payment_terms=dict(placement.payment_terms) if placement.payment_terms else None,
    )


def _next_number() -> str:
    ((number,),) = reads.in_session(_NEXT_NUMBER, {})
    return f"K-{number}"


def _parts(order: Order, placement: Placement, worth: pricing.Valuation) -> list[VendorOrder]:
    """One per vendor, in the order of their first lines."""
    parts = []
    contained = order.prices_include_tax
    for position, vendor_id in enumerate(dict.fromkeys(terms.vendor_id for terms in placement.lines), 1):
        vendor = str(vendor_id)
        lines = [line for line in worth.lines if line.vendor == vendor]
        own = [delivery for delivery in worth.deliveries if delivery.seller == vendor]
        parts.append(
            VendorOrder(
                id=new_id(),
                number=f"{order.number}-{position}",
                order_id=order.id,
                company_id=order.company_id,
                vendor_id=vendor_id,
                vendor_name=placement.vendor_names[vendor_id],
                currency=order.currency,
                position=position,
                goods_minor=sum(line.gross_minor for line in lines),
                buyer_owes_minor=sum(line.buyer_owes_minor for line in lines)
                + sum(delivery.amount_minor + (0 if contained else delivery.tax_minor) for delivery in own),
                payable_minor=worth.vendors_minor[vendor],
                commission_minor=sum(line.commission_minor for line in lines),
                settlement_terms=dict(placement.vendor_terms.get(vendor_id, {})),
            )
        )
    return parts


def _deliveries(order: Order, placement: Placement, worth: pricing.Valuation) -> list[OrderDelivery]:
    rows = zip(placement.deliveries, placement.facts.deliveries, worth.deliveries, strict=True)
    return [
        OrderDelivery(
            id=terms.id,
            order_id=order.id,
            company_id=order.company_id,
            vendor_id=terms.vendor_id,
            currency=order.currency,
            position=position,
            name=terms.name,
            price_minor=fact.price_minor,
            free_from_minor=fact.free_from_minor,
            tax=dict(terms.tax),
            amount_minor=amount.amount_minor,
            tax_minor=amount.tax_minor,
        )
        for position, (terms, fact, amount) in enumerate(rows, 1)
    ]


def _lines(
    order: Order, placement: Placement, worth: pricing.Valuation, part_ids: Mapping[uuid.UUID, uuid.UUID]
) -> list[OrderLine]:
    rows = zip(placement.lines, placement.facts.lines, worth.lines, strict=True)
    return [
        OrderLine(
            id=terms.id,
            order_id=order.id,
            vendor_order_id=part_ids[terms.vendor_id],
            company_id=order.company_id,
            vendor_id=terms.vendor_id,
            delivery_id=None if fact.delivery is None else uuid.UUID(fact.delivery),
            offer_id=terms.offer_id,
            product_id=terms.product_id,
            currency=order.currency,
            position=position,
            sku=terms.sku,
            name=terms.name,
            unit=terms.unit,
            quantity=fact.quantity,
            cancelled_quantity=0,
            shipped_quantity=0,
            short_quantity=0,
            unit_price=Decimal(line.unit_price),
            price_source=dict(terms.price_source),
            tax=dict(terms.tax),
            commission_rate=fact.commission_rate,
            gross_minor=line.gross_minor,
            vendor_discount_minor=line.vendor_discount_minor,
            market_discount_minor=line.market_discount_minor,
            tax_minor=line.tax_minor,
            commission_minor=line.commission_minor,
            buyer_owes_minor=line.buyer_owes_minor,
        )
        for position, (terms, fact, line) in enumerate(rows, 1)
    ]


def _first_step(order: Order, worth: pricing.Valuation) -> OrderStep:
    return OrderStep(
        id=new_id(),
        order_id=order.id,
        company_id=order.company_id,
        number=0,
        cause="placed",
        person_id=order.placed_by,
        formula_state=order.formula_state,
        valuation=valuation_to_json(worth),
        refund_minor=0,
        at=order.placed_at,
    )
