"""Disputes, their movements and evidence: every SELECT of this room.

What is read here decides about money, so rows that the session holds already are read again.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, text

from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from settlements.disputes.models import Dispute, DisputeFile, DisputeMovement
from settlements.disputes.refusals import DisputeUnknown
from settlements.disputes.states import OPEN, UNDECIDED
from settlements.gateway.connect import DisputeState
from settlements.ledger import books
from settlements.ledger.books import Difference

AFRESH = {"populate_existing": True}


def dispute(actor: Actor, dispute_id: uuid.UUID, *, locked: bool = False) -> Dispute:
    """One dispute. Raises DisputeUnknown."""
    statement = visible(actor, Dispute).where(Dispute.id == dispute_id)
    statement = statement.with_for_update() if locked else statement
    row: Dispute | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    if row is None:
        raise DisputeUnknown
    return row


def by_provider_id(provider_id: str) -> Dispute | None:
    """A dispute that was recorded before; its order is locked by the caller, which guards it."""
    statement = visible(SYSTEM, Dispute).where(Dispute.provider_id == provider_id)
    found: Dispute | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    return found


def disputes(actor: Actor, *, state: DisputeState | None = None, to_answer: bool = False) -> Select[Any]:
    """The disputes that the actor may see; `to_answer`: those whose evidence is awaited."""
    statement = visible(actor, Dispute)
    if to_answer:
        statement = statement.where(Dispute.state.in_(OPEN))
    return statement if state is None else statement.where(Dispute.state == state)


def disputes_of(order_id: uuid.UUID) -> list[Dispute]:
    """The disputes of an order, the oldest first."""
    statement = visible(SYSTEM, Dispute).where(Dispute.order_id == order_id)
    return list(db.session.scalars(statement.order_by(Dispute.id), execution_options=AFRESH))


def movements_of(dispute_id: uuid.UUID) -> list[DisputeMovement]:
    return movements_by_dispute([dispute_id]).get(dispute_id, [])


def movements_by_dispute(dispute_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[DisputeMovement]]:
    """What some disputes moved, the oldest first; those that moved nothing are absent."""
    found: dict[uuid.UUID, list[DisputeMovement]] = defaultdict(list)
    statement = visible(SYSTEM, DisputeMovement).where(DisputeMovement.dispute_id.in_(dispute_ids))
    for row in db.session.scalars(statement.order_by(DisputeMovement.at, DisputeMovement.id)):
        found[row.dispute_id].append(row)
    return found


def taken_of_payment(payment_id: uuid.UUID) -> int:
    """How much of a payment its disputes hold now: taken, and not given back."""
    statement = visible(SYSTEM, DisputeMovement).with_only_columns(func.sum(DisputeMovement.amount_minor))
    statement = statement.join(Dispute, Dispute.id == DisputeMovement.dispute_id)
    return -int(db.session.scalar(statement.where(Dispute.payment_id == payment_id)) or 0)


def files_of(dispute_id: uuid.UUID) -> list[DisputeFile]:
    return files_by_dispute([dispute_id]).get(dispute_id, [])


def files_by_dispute(dispute_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[DisputeFile]]:
    """The files of some disputes; those that have none are absent."""
    found: dict[uuid.UUID, list[DisputeFile]] = defaultdict(list)
    statement = visible(SYSTEM, DisputeFile).where(DisputeFile.dispute_id.in_(dispute_ids))
    for row in db.session.scalars(statement.order_by(DisputeFile.field), execution_options=AFRESH):
        found[row.dispute_id].append(row)
    return found


def content_of(file_id: uuid.UUID) -> bytes:
    statement = visible(SYSTEM, DisputeFile).with_only_columns(DisputeFile.content).where(DisputeFile.id == file_id)
    content: bytes = db.session.scalars(statement).one()
    return content


def undecided(before: datetime, limit: int) -> list[tuple[uuid.UUID, str]]:
    """Undecided disputes that nobody looked at since then, with the provider's ids."""
    statement = visible(SYSTEM, Dispute).with_only_columns(Dispute.id, Dispute.provider_id)
    statement = statement.where(Dispute.state.in_(UNDECIDED), Dispute.looked_at < before)
    return [(row[0], row[1]) for row in db.session.execute(statement.order_by(Dispute.looked_at).limit(limit))]


def due_between(since: datetime, until: datetime) -> list[Dispute]:
    """Disputes whose evidence is awaited and due in this time."""
    statement = visible(SYSTEM, Dispute).where(Dispute.state.in_(OPEN), Dispute.due_by.between(since, until))
    return list(db.session.scalars(statement.order_by(Dispute.due_by)))


_HELD = text("""
WITH taken AS (
    SELECT dispute.order_id, dispute.currency, -sum(movement.amount_minor) AS held
    FROM dispute_movement movement JOIN dispute ON dispute.id = movement.dispute_id
    WHERE dispute.borne IS NULL GROUP BY dispute.order_id, dispute.currency
), booked AS (
    SELECT party AS order_id, currency, balance_minor AS held FROM account WHERE kind = 'disputes_in_process'
)
SELECT order_id, currency, coalesce(taken.held, 0) AS expected, coalesce(booked.held, 0) AS found
FROM taken FULL JOIN booked USING (order_id, currency) WHERE coalesce(taken.held, 0) <> coalesce(booked.held, 0)
""")
_CAPPED = text("""
SELECT payment.order_id, payment.currency, captured_minor - disputed_minor AS free, refunded.sum AS refunded
FROM payment JOIN (
    SELECT refund.payment_id, sum(refund.amount_minor) FROM refund JOIN refund_attempt ON refund_id = refund.id
    WHERE balance_transaction_id IS NOT NULL AND failure_balance_transaction_id IS NULL GROUP BY refund.payment_id
) refunded ON refunded.payment_id = payment.id
WHERE refunded.sum > captured_minor - disputed_minor
""")


@books.proof
def check_disputes() -> list[Difference]:
    """What undecided chargebacks took is in process, and no payment is refunded beyond what it took."""
    held = [Difference("disputes", str(row[0]), row[1], int(row[2]), int(row[3])) for row in db.session.execute(_HELD)]
    capped = db.session.execute(_CAPPED)
    return held + [Difference("refunded and disputed", str(row[0]), row[1], int(row[2]), int(row[3])) for row in capped]
