"""Payments, as each party may see them: every SELECT of this room.

What is read here decides about money, so rows that the session holds already are read again.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam

from marketplace.kernel.access import SYSTEM, Actor, given, prepared, visible
from marketplace.kernel.db import db
from settlements.payments.models import Payment
from settlements.payments.refusals import PaymentUnknown
from settlements.payments.states import OPEN, PaymentState

AFRESH = {"populate_existing": True}


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


def order_of(payment_id: uuid.UUID) -> uuid.UUID:
    """The order that a payment is of, which never changes. Raises PaymentUnknown."""
    row = db.session.get(Payment, payment_id)
    if row is None:
        raise PaymentUnknown
    return row.order_id


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


def captured_of(order_id: uuid.UUID) -> list[Payment]:
    """The payments of an order that took money, the newest first."""
    statement = visible(SYSTEM, Payment).where(Payment.order_id == order_id, Payment.state == PaymentState.CAPTURED)
    return list(db.session.scalars(statement.order_by(Payment.attempt.desc()), execution_options=AFRESH))


def attempts(order_id: uuid.UUID) -> tuple[int, Payment | None]:
    """How many payments the order has, and the open one."""
    own = payments_of(SYSTEM, order_id)
    return len(own), next((row for row in own if row.state in OPEN), None)


def by_provider_ids(provider_ids: Sequence[str]) -> dict[str, Payment]:
    """The payments that the provider knows by these ids."""
    statement = visible(SYSTEM, Payment).where(Payment.provider_id.in_(provider_ids))
    found = db.session.scalars(statement, execution_options=AFRESH)
    return {row.provider_id: row for row in found if row.provider_id is not None}


def waiting(before: datetime, limit: int) -> list[uuid.UUID]:
    """Open payments that nobody asked the provider about since `before`, the longest ago first."""
    statement = visible(SYSTEM, Payment).with_only_columns(Payment.id)
    statement = statement.where(Payment.state.in_(OPEN), Payment.looked_at < before)
    return list(db.session.scalars(statement.order_by(Payment.looked_at).limit(limit)))
