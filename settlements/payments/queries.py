"""Payments, as each party may see them: every SELECT of this room.

What is read here decides about money, so rows that the session holds already are read again.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, literal_column
from sqlalchemy.orm import load_only

from marketplace.kernel import reads
from marketplace.kernel.access import SYSTEM, Actor, given, prepared, visible
from marketplace.kernel.db import db
from marketplace.orders.models import Order, OrderMoney, OrderStep, VendorOrder
from marketplace.orders.refusals import OrderUnknown
from settlements.ledger.models import Journal
from settlements.payments.models import Payment
from settlements.payments.refusals import PaymentUnknown
from settlements.payments.states import OPEN, PaymentState

AFRESH = {"populate_existing": True}


@dataclass(frozen=True, slots=True)
class OrderToPay:
    """What a payment takes over from its order; owed_minor in minor units of its currency."""

    id: uuid.UUID
    number: str
    company_id: uuid.UUID
    currency: str
    owed_minor: int
    on_terms: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Net paid in minor units, how many payments the order has, and the id of the open one."""

    net_paid_minor: int
    payments: int
    under_way: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class ToBook:
    """Whether the order is in the books, the JSON of its present valuation, and its vendor orders by vendor."""

    booked: bool
    valuation: Mapping[str, Any]
    vendor_orders: Mapping[uuid.UUID, uuid.UUID]


def payment(actor: Actor, payment_id: uuid.UUID, *, locked: bool = False) -> Payment:
    """One payment. Raises PaymentUnknown. Who needs the order's lock as well takes that first."""
    values = given(actor, payment_id=payment_id)
    row: Payment | None = db.session.scalars(_payment(actor, locked), values, execution_options=AFRESH).one_or_none()
    if row is None:
        raise PaymentUnknown
    return row


@prepared
def _payment(viewer: Actor, locked: bool) -> Select[Any]:
    statement = visible(viewer, Payment).where(Payment.id == bindparam("payment_id"))
    return statement.with_for_update() if locked else statement


def as_reserved(payment_id: uuid.UUID) -> Payment:
    """A payment of which only what never changes is used, read where the session lacks it. Raises PaymentUnknown."""
    row = db.session.get(Payment, payment_id)
    if row is None:
        raise PaymentUnknown
    return row


def locked(payment_id: uuid.UUID) -> tuple[Order, Payment]:
    """A payment and its order, locked in the order in which everyone locks them. Raises PaymentUnknown."""
    row = db.session.execute(_locked(SYSTEM), {"payment_id": payment_id}, execution_options=AFRESH).one_or_none()
    if row is None:
        raise PaymentUnknown
    return row[0], row[1]


@prepared
def _locked(viewer: Actor) -> Select[Any]:
    found = visible(viewer, Order).add_columns(Payment).join(Payment, Payment.order_id == Order.id)
    found = found.where(Payment.id == bindparam("payment_id")).with_for_update(of=(Order, Payment))
    # Not what it was made of: a payment asks what an order owes, and the rest is long.
    columns = (Order.company_id, Order.currency, Order.prices_include_tax, Order.owed_minor, Order.pay_until)
    return found.options(load_only(*columns, Order.payment_terms))


def order_to_pay(actor: Actor, order_id: uuid.UUID) -> OrderToPay:
    """What an order owes, locked. Raises OrderUnknown."""
    rows = reads.in_session(reads.in_driver_words(_order_to_pay(actor)), given(actor, order_id=order_id))
    if not rows:
        raise OrderUnknown
    return OrderToPay(*rows[0])


@prepared
def _order_to_pay(viewer: Actor) -> Select[Any]:
    on_terms = Order.payment_terms.is_not(None)
    columns = (Order.id, Order.number, Order.company_id, Order.currency, Order.owed_minor, on_terms)
    return visible(viewer, Order).with_only_columns(*columns).where(Order.id == bindparam("order_id")).with_for_update()


def standing(order_id: uuid.UUID) -> Standing:
    """How an order that the caller has locked stands; asked after the lock, so that it holds what others committed."""
    ((paid, states, ids),) = reads.in_session(reads.in_driver_words(_standing(SYSTEM)), {"order_id": order_id})
    under_way = (row_id for row_id, state in zip(ids or (), states or (), strict=True) if state in OPEN)
    return Standing(int(paid or 0), len(ids or ()), next(under_way, None))


@prepared
def _standing(viewer: Actor) -> Select[Any]:
    def of_payments(column: Any) -> Any:
        listed = visible(viewer, Payment).with_only_columns(func.array_agg(column))
        return listed.where(Payment.order_id == bindparam("order_id")).scalar_subquery()

    money = visible(viewer, OrderMoney).where(OrderMoney.order_id == bindparam("order_id"))
    return money.with_only_columns(
        func.sum(OrderMoney.amount_minor), of_payments(Payment.state), of_payments(Payment.id)
    )


def to_book(order_id: uuid.UUID, event: str) -> ToBook:
    """What the books need of an order that the caller has locked; `event`: the kind that brings an order into them."""
    statement = reads.in_driver_words(_to_book(SYSTEM))
    ((valuation, parts, booked),) = reads.in_session(statement, {"order_id": order_id, "event": event})
    return ToBook(booked, valuation, {uuid.UUID(vendor): uuid.UUID(part) for vendor, part in parts.items()})


@prepared
def _to_book(viewer: Actor) -> Select[Any]:
    of_order = bindparam("order_id")
    parts = visible(viewer, VendorOrder).with_only_columns(func.jsonb_object_agg(VendorOrder.vendor_id, VendorOrder.id))
    booked = exists().where(Journal.order_id == of_order, Journal.event == bindparam("event"))
    step = visible(viewer, OrderStep).where(OrderStep.order_id == of_order)
    columns = (OrderStep.valuation, parts.where(VendorOrder.order_id == of_order).scalar_subquery(), booked)
    return step.with_only_columns(*columns).order_by(OrderStep.number.desc()).limit(literal_column("1"))


def payments(actor: Actor, *, trouble: bool | None = None) -> Select[Any]:
    """The payments that the actor may see; `trouble`: those that a person has to look at."""
    statement = visible(actor, Payment)
    if trouble is None:
        return statement
    return statement.where(Payment.trouble.is_not(None) if trouble else Payment.trouble.is_(None))


def payments_of(actor: Actor, order_id: uuid.UUID) -> list[Payment]:
    """The payments of an order that the actor may see, the newest first."""
    return list(db.session.scalars(_payments_of(actor), given(actor, order_id=order_id), execution_options=AFRESH))


@prepared
def _payments_of(viewer: Actor) -> Select[Any]:
    statement = visible(viewer, Payment).where(Payment.order_id == bindparam("order_id"))
    return statement.order_by(Payment.attempt.desc())


def id_by_provider(provider_id: str | None, charge_id: str | None) -> uuid.UUID | None:
    """The payment that the provider knows by its own id, or by that of its charge."""
    statement = visible(SYSTEM, Payment).with_only_columns(Payment.id)
    if provider_id is None:
        return db.session.scalar(statement.where(Payment.charge_id == charge_id))
    return db.session.scalar(statement.where(Payment.provider_id == provider_id))


def captured_of(order_id: uuid.UUID) -> list[Payment]:
    """The payments of an order that took money, the newest first."""
    statement = visible(SYSTEM, Payment).where(Payment.order_id == order_id, Payment.state == PaymentState.CAPTURED)
    return list(db.session.scalars(statement.order_by(Payment.attempt.desc()), execution_options=AFRESH))


def attempts(order_id: uuid.UUID) -> tuple[int, Payment | None]:
    """How many payments the order has, and the open one."""
    own = payments_of(SYSTEM, order_id)
    return len(own), next((row for row in own if row.state in OPEN), None)


def waiting(before: datetime, limit: int) -> list[uuid.UUID]:
    """Open payments that nobody asked the provider about since `before`, the longest ago first."""
    statement = visible(SYSTEM, Payment).with_only_columns(Payment.id)
    statement = statement.where(Payment.state.in_(OPEN), Payment.looked_at < before)
    return list(db.session.scalars(statement.order_by(Payment.looked_at).limit(limit)))
