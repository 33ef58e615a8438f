"""Refunds, as each party may see them, and their proof against the books: every SELECT of this room.

What is read here decides about money, so rows that the session holds already are read again.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, text

from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from settlements.ledger import books
from settlements.ledger.books import Difference
from settlements.refunds.models import Refund, RefundAttempt
from settlements.refunds.refusals import RefundUnknown
from settlements.refunds.states import RefundState

AFRESH = {"populate_existing": True}


def refund(actor: Actor, refund_id: uuid.UUID, *, locked: bool = False) -> Refund:
    """One refund. Raises RefundUnknown."""
    statement = visible(actor, Refund).where(Refund.id == refund_id)
    if locked:
        statement = statement.with_for_update()
    row: Refund | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    if row is None:
        raise RefundUnknown
    return row


def refunds(actor: Actor, *, state: RefundState | None = None) -> Select[Any]:
    """The refunds that the actor may see."""
    statement = visible(actor, Refund)
    return statement if state is None else statement.where(Refund.state == state)


def refunds_of(actor: Actor, order_id: uuid.UUID) -> list[Refund]:
    """The refunds of an order that the actor may see, the newest first."""
    statement = visible(actor, Refund).where(Refund.order_id == order_id)
    return list(db.session.scalars(statement.order_by(Refund.id.desc()), execution_options=AFRESH))


def stuck(order_id: uuid.UUID) -> list[Refund]:
    """Refunds of an order that found no payment to go back on, or bounced; the oldest first, locked."""
    no_payment = Refund.payment_id.is_(None) & (Refund.state == RefundState.REQUESTED)
    statement = visible(SYSTEM, Refund).where(
        Refund.order_id == order_id, no_payment | (Refund.state == RefundState.BOUNCED)
    )
    return list(db.session.scalars(statement.order_by(Refund.id).with_for_update(), execution_options=AFRESH))


def attempt(attempt_id: uuid.UUID) -> RefundAttempt:
    statement = visible(SYSTEM, RefundAttempt).where(RefundAttempt.id == attempt_id)
    return db.session.scalars(statement, execution_options=AFRESH).one()


def attempt_exists(attempt_id: uuid.UUID) -> bool:
    statement = visible(SYSTEM, RefundAttempt).with_only_columns(RefundAttempt.id)
    return db.session.scalar(statement.where(RefundAttempt.id == attempt_id)) is not None


def attempts_of(refund_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[RefundAttempt]]:
    """The attempts of some refunds, each in their order."""
    found: dict[uuid.UUID, list[RefundAttempt]] = defaultdict(list)
    statement = visible(SYSTEM, RefundAttempt).where(RefundAttempt.refund_id.in_(list(refund_ids)))
    for row in db.session.scalars(statement.order_by(RefundAttempt.number), execution_options=AFRESH):
        found[row.refund_id].append(row)
    return found


def attempts_by_provider_ids(provider_ids: Sequence[str]) -> dict[str, RefundAttempt]:
    """The attempts that the provider knows by these ids."""
    statement = visible(SYSTEM, RefundAttempt).where(RefundAttempt.provider_id.in_(provider_ids))
    found = db.session.scalars(statement, execution_options=AFRESH)
    return {row.provider_id: row for row in found if row.provider_id is not None}


def refunded_of(payment_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How much of each payment is to go back, all refunds of it together, arrived or not."""
    statement = visible(SYSTEM, Refund).with_only_columns(Refund.payment_id, func.sum(Refund.amount_minor))
    statement = statement.where(Refund.payment_id.in_(payment_ids)).group_by(Refund.payment_id)
    return {row[0]: int(row[1]) for row in db.session.execute(statement)}


def waiting(before: datetime, limit: int) -> list[uuid.UUID]:
    """Refunds that are to be sent or asked after, the longest waiting first."""
    statement = visible(SYSTEM, Refund).with_only_columns(Refund.id)
    statement = statement.where(Refund.state.in_([RefundState.REQUESTED, RefundState.SENT]), Refund.next_at < before)
    return list(
        db.session.scalars(statement.where(Refund.payment_id.is_not(None)).order_by(Refund.next_at).limit(limit))
    )


_OWED = text("""
WITH sent AS (
    SELECT DISTINCT refund_id FROM refund_attempt
    WHERE balance_transaction_id IS NOT NULL AND failure_balance_transaction_id IS NULL
), waiting AS (
    SELECT order_id, currency, sum(amount_minor) AS owed FROM refund
    WHERE state <> 'other_way' AND id NOT IN (SELECT refund_id FROM sent) GROUP BY order_id, currency
), booked AS (
    SELECT party AS order_id, currency, -balance_minor AS owed FROM account WHERE kind = 'refunds_payable'
)
SELECT order_id, currency, coalesce(waiting.owed, 0) AS expected, coalesce(booked.owed, 0) AS found
FROM waiting FULL JOIN booked USING (order_id, currency)
WHERE coalesce(waiting.owed, 0) <> coalesce(booked.owed, 0)
""")


@books.proof
def check_refunds() -> list[Difference]:
    """What the books owe buyers is what the refunds that are not on their way come to."""
    rows = db.session.execute(_OWED)
    return [Difference("refunds owed", str(row[0]), row[1], int(row[2]), int(row[3])) for row in rows]
