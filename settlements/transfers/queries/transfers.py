"""Transfers, what is taken back of them, and their attempts."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func

from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from settlements.transfers.models import Transfer, TransferAttempt, TransferReversal, TransferReversalAttempt
from settlements.transfers.refusals import TransferUnknown
from settlements.transfers.states import (
    ARRIVED,
    REVERSALS_UNDER_WAY,
    UNDER_WAY,
    ReversalState,
    TransferState,
)

AFRESH = {"populate_existing": True}


@dataclass(frozen=True, slots=True)
class Standing:
    """How the transfers of one cause stand together, in minor units; `open`: how many are not decided yet.

    `withheld_minor`: what was not sent since the vendor owed it. What was refused may have been ordered again since.
    """

    open: int
    made_minor: int
    refused_minor: int
    withheld_minor: int = 0


def transfer(actor: Actor, transfer_id: uuid.UUID, *, locked: bool = False) -> Transfer:
    """One transfer. Raises TransferUnknown."""
    statement = visible(actor, Transfer).where(Transfer.id == transfer_id)
    if locked:
        statement = statement.with_for_update()
    row: Transfer | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    if row is None:
        raise TransferUnknown
    return row


def transfers(
    actor: Actor, *, state: TransferState | None = None, vendor_id: uuid.UUID | None = None, cause: str | None = None
) -> Select[Any]:
    """The transfers that the actor may see."""
    statement = visible(actor, Transfer)
    if state is not None:
        statement = statement.where(Transfer.state == state)
    if vendor_id is not None:
        statement = statement.where(Transfer.vendor_id == vendor_id)
    return statement if cause is None else statement.where(Transfer.cause == cause)


def of_cause(cause: str) -> list[Transfer]:
    """All transfers of one cause, the oldest first."""
    statement = visible(SYSTEM, Transfer).where(Transfer.cause == cause)
    return list(db.session.scalars(statement.order_by(Transfer.id), execution_options=AFRESH))


def standing_of(cause: str) -> Standing:
    """Whether all transfers of a cause are decided, and how."""
    rows = of_cause(cause)
    return Standing(
        open=sum(row.state in UNDER_WAY for row in rows),
        made_minor=sum(row.amount_minor for row in rows if row.state in ARRIVED),
        refused_minor=sum(row.amount_minor for row in rows if row.state is TransferState.REFUSED),
        withheld_minor=sum(row.amount_minor for row in rows if row.state is TransferState.WITHDRAWN)
        - sum(row.amount_minor for row in rows if row.replaces_id is not None),
    )


def transfers_waiting(before: datetime, limit: int) -> list[uuid.UUID]:
    """Transfers that are to be sent or asked after, the longest waiting first."""
    statement = visible(SYSTEM, Transfer).with_only_columns(Transfer.id)
    statement = statement.where(Transfer.state.in_(UNDER_WAY), Transfer.next_at <= before)
    return list(db.session.scalars(statement.order_by(Transfer.next_at).limit(limit)))


def not_sent(vendor_id: uuid.UUID, currency: str) -> list[Transfer]:
    """Transfers that the provider was never asked for, locked, the newest first."""
    statement = visible(SYSTEM, Transfer).where(
        Transfer.vendor_id == vendor_id,
        Transfer.currency == currency,
        Transfer.state == TransferState.REQUESTED,
        Transfer.attempts == 0,
    )
    statement = statement.order_by(Transfer.id.desc()).with_for_update()
    return list(db.session.scalars(statement, execution_options=AFRESH))


def reversible(vendor_id: uuid.UUID, currency: str) -> list[tuple[uuid.UUID, int]]:
    """Transfers with what is left of them to take back, all reversals under way taken off; the newest first."""
    asked = (
        visible(SYSTEM, TransferReversal)
        .with_only_columns(func.coalesce(func.sum(TransferReversal.amount_minor), 0))
        .where(TransferReversal.transfer_id == Transfer.id, TransferReversal.state.in_(REVERSALS_UNDER_WAY))
        .scalar_subquery()
    )
    left = Transfer.amount_minor - Transfer.reversed_minor - asked
    statement = visible(SYSTEM, Transfer).with_only_columns(Transfer.id, left)
    statement = statement.where(
        Transfer.vendor_id == vendor_id,
        Transfer.currency == currency,
        Transfer.state.in_((TransferState.MADE, TransferState.PART_REVERSED)),
        left > 0,
    )
    rows = db.session.execute(statement.order_by(Transfer.id.desc()).limit(200))
    return [(row[0], int(row[1])) for row in rows]


def under_way_of(vendor_id: uuid.UUID, currency: str) -> tuple[int, int]:
    """(what reversals will bring back, how much of it was not asked for yet); those that wait to be tried again, since
    the vendor's balance did not reach, are no help and not counted."""
    statement = visible(SYSTEM, TransferReversal).where(
        TransferReversal.vendor_id == vendor_id,
        TransferReversal.currency == currency,
        TransferReversal.state.in_(REVERSALS_UNDER_WAY),
    )
    rows = [
        row
        for row in db.session.scalars(statement, execution_options=AFRESH)
        if row.state is not ReversalState.REQUESTED or row.attempts == 0
    ]
    asked = sum(row.amount_minor for row in rows)
    return asked, sum(row.amount_minor for row in rows if row.attempts == 0)


def attempt(attempt_id: uuid.UUID) -> TransferAttempt:
    statement = visible(SYSTEM, TransferAttempt).where(TransferAttempt.id == attempt_id)
    return db.session.scalars(statement, execution_options=AFRESH).one()


def attempts_of(transfer_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[TransferAttempt]]:
    """The attempts of some transfers, each in their order."""
    found: dict[uuid.UUID, list[TransferAttempt]] = defaultdict(list)
    statement = visible(SYSTEM, TransferAttempt).where(TransferAttempt.transfer_id.in_(list(transfer_ids)))
    for row in db.session.scalars(statement.order_by(TransferAttempt.number), execution_options=AFRESH):
        found[row.transfer_id].append(row)
    return found


def known_attempts(provider_ids: Sequence[str]) -> dict[str, uuid.UUID]:
    """The attempts whose transfers the provider knows by these ids."""
    statement = visible(SYSTEM, TransferAttempt).with_only_columns(TransferAttempt.provider_id, TransferAttempt.id)
    return {
        row[0]: row[1] for row in db.session.execute(statement.where(TransferAttempt.provider_id.in_(provider_ids)))
    }


def attempt_exists(attempt_id: uuid.UUID) -> bool:
    statement = visible(SYSTEM, TransferAttempt).with_only_columns(TransferAttempt.id)
    return db.session.scalar(statement.where(TransferAttempt.id == attempt_id)) is not None


def reversal(reversal_id: uuid.UUID) -> tuple[Transfer, TransferReversal]:
    """A reversal and its transfer, locked in the order in which everyone locks them."""
    statement = visible(SYSTEM, TransferReversal).with_only_columns(TransferReversal.transfer_id)
    transfer_id = db.session.scalars(statement.where(TransferReversal.id == reversal_id)).one()
    whole = transfer(SYSTEM, transfer_id, locked=True)
    locked = visible(SYSTEM, TransferReversal).where(TransferReversal.id == reversal_id).with_for_update()
    return whole, db.session.scalars(locked, execution_options=AFRESH).one()


def whose_reversal(reversal_id: uuid.UUID) -> tuple[uuid.UUID, str]:
    """The vendor and the currency of a reversal, which never change."""
    statement = visible(SYSTEM, TransferReversal).with_only_columns(
        TransferReversal.vendor_id, TransferReversal.currency
    )
    row = db.session.execute(statement.where(TransferReversal.id == reversal_id)).one()
    return row[0], row[1]


def reversals_of(transfer_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[TransferReversal]]:
    """The reversals of some transfers, each in their order."""
    found: dict[uuid.UUID, list[TransferReversal]] = defaultdict(list)
    statement = visible(SYSTEM, TransferReversal).where(TransferReversal.transfer_id.in_(list(transfer_ids)))
    for row in db.session.scalars(statement.order_by(TransferReversal.id), execution_options=AFRESH):
        found[row.transfer_id].append(row)
    return found


def reversals_waiting(before: datetime, limit: int) -> list[uuid.UUID]:
    """Reversals that are to be asked for or after, the longest waiting first."""
    statement = visible(SYSTEM, TransferReversal).with_only_columns(TransferReversal.id)
    statement = statement.where(TransferReversal.state.in_(REVERSALS_UNDER_WAY), TransferReversal.next_at <= before)
    return list(db.session.scalars(statement.order_by(TransferReversal.next_at).limit(limit)))


def reversal_attempt(attempt_id: uuid.UUID) -> TransferReversalAttempt:
    statement = visible(SYSTEM, TransferReversalAttempt).where(TransferReversalAttempt.id == attempt_id)
    return db.session.scalars(statement, execution_options=AFRESH).one()


def reversal_attempts_of(reversal_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[TransferReversalAttempt]]:
    """The attempts of some reversals, each in their order."""
    found: dict[uuid.UUID, list[TransferReversalAttempt]] = defaultdict(list)
    wanted = TransferReversalAttempt.reversal_id.in_(list(reversal_ids))
    statement = visible(SYSTEM, TransferReversalAttempt).where(wanted)
    for row in db.session.scalars(statement.order_by(TransferReversalAttempt.number), execution_options=AFRESH):
        found[row.reversal_id].append(row)
    return found
