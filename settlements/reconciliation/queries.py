"""What is booked of the provider's movements, and what differs: every SELECT of this room."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, text

from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from settlements.ledger.models import Journal
from settlements.reconciliation.kinds import Booked
from settlements.reconciliation.models import BalanceDifference, ReconciledDay
from settlements.reconciliation.refusals import DifferenceUnknown
from settlements.reconciliation.states import DifferenceState

AFRESH = {"populate_existing": True}

# Corrections of a movement's journal are named after it: psp:<id>:1, :2 ...
_BOOKED = text("""
SELECT split_part(journal.source, ':', 2) AS movement, posting.currency,
    coalesce(sum(amount_minor) FILTER (WHERE account.kind = 'psp_clearing'), 0) AS net,
    coalesce(sum(amount_minor) FILTER (WHERE account.kind IN ('psp_fees', 'psp_dispute_fees')), 0) AS fee
FROM journal JOIN posting ON posting.journal_id = journal.id JOIN account ON account.id = posting.account_id
WHERE journal.source = ANY(:sources) GROUP BY 1, 2
""")
_BOOKED_IN = text("""
SELECT split_part(journal.source, ':', 2) AS movement, posting.currency, sum(posting.amount_minor) AS net,
    min(journal.occurred_at) AS at
FROM journal JOIN posting ON posting.journal_id = journal.id JOIN account ON account.id = posting.account_id
WHERE journal.source LIKE 'psp:%' AND journal.occurred_at >= :since AND journal.occurred_at < :until
    AND account.kind = 'psp_clearing'
GROUP BY 1, 2 HAVING sum(posting.amount_minor) <> 0
""")
_CLEARING = text("""
SELECT account.currency, sum(posting.amount_minor) AS balance
FROM posting JOIN account ON account.id = posting.account_id WHERE account.kind = 'psp_clearing' GROUP BY 1
""")


def booked_of(movement_ids: Iterable[str], corrections: int = 0) -> dict[str, dict[str, Booked]]:
    """By movement and currency, what its journal and so many corrections of it booked; absent: it has none."""
    numbers = [f":{number}" for number in range(1, corrections + 1)]
    sources = [f"psp:{movement_id}{number}" for movement_id in movement_ids for number in ["", *numbers]]
    found: dict[str, dict[str, Booked]] = {}
    for row in db.session.execute(_BOOKED, {"sources": sources}):
        found.setdefault(row.movement, {})[row.currency] = Booked(int(row.net), int(row.fee))
    return found


def booked_between(since: datetime, until: datetime) -> dict[str, tuple[str, int, datetime]]:
    """By movement: the currency, sum on psp_clearing and time of what was booked as one in this time."""
    rows = db.session.execute(_BOOKED_IN, {"since": since, "until": until})
    return {row.movement: (row.currency, int(row.net), row.at) for row in rows}


def clearing() -> dict[str, int]:
    """The balance of psp_clearing by currency."""
    return {row.currency: int(row.balance) for row in db.session.execute(_CLEARING)}


def journal_of(movement_id: str) -> Journal | None:
    statement = visible(SYSTEM, Journal).where(Journal.source == f"psp:{movement_id}")
    found: Journal | None = db.session.scalars(statement).one_or_none()
    return found


def corrections_of(movement_id: str) -> int:
    """How many journals correct that of a movement."""
    sources = [f"psp:{movement_id}:{number}" for number in range(1, 100)]
    statement = visible(SYSTEM, Journal).with_only_columns(func.count(Journal.id)).where(Journal.source.in_(sources))
    return int(db.session.scalar(statement) or 0)


def difference(actor: Actor, difference_id: uuid.UUID, *, locked: bool = False) -> BalanceDifference:
    """One difference. Raises DifferenceUnknown."""
    statement = visible(actor, BalanceDifference).where(BalanceDifference.id == difference_id)
    statement = statement.with_for_update() if locked else statement
    row: BalanceDifference | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    if row is None:
        raise DifferenceUnknown
    return row


def by_subjects(subjects: Sequence[str]) -> dict[str, BalanceDifference]:
    """The differences that were found before under these names, locked."""
    statement = visible(SYSTEM, BalanceDifference).where(BalanceDifference.subject.in_(subjects))
    rows = db.session.scalars(statement.order_by(BalanceDifference.id).with_for_update(), execution_options=AFRESH)
    return {row.subject: row for row in rows}


def unresolved() -> list[BalanceDifference]:
    """Every difference that is open or proposed."""
    statement = visible(SYSTEM, BalanceDifference).where(BalanceDifference.state != DifferenceState.RESOLVED)
    return list(db.session.scalars(statement.order_by(BalanceDifference.id), execution_options=AFRESH))


def differences(
    actor: Actor, *, state: DifferenceState | None = None, kind: str | None = None, unresolved: bool = False
) -> Select[Any]:
    """The differences that the actor may see."""
    statement = visible(actor, BalanceDifference)
    if unresolved:
        statement = statement.where(BalanceDifference.state != DifferenceState.RESOLVED)
    if state is not None:
        statement = statement.where(BalanceDifference.state == state)
    return statement if kind is None else statement.where(BalanceDifference.kind == kind)


def days(actor: Actor) -> Select[Any]:
    """The days that were looked at."""
    return visible(actor, ReconciledDay)


def latest_days(actor: Actor, limit: int) -> list[ReconciledDay]:
    statement = days(actor).order_by(ReconciledDay.day.desc(), ReconciledDay.currency).limit(limit)
    return list(db.session.scalars(statement, execution_options=AFRESH))


def last_look() -> datetime | None:
    """When the balance was looked at last."""
    found: datetime | None = db.session.scalar(
        visible(SYSTEM, ReconciledDay).with_only_columns(func.max(ReconciledDay.looked_at))
    )
    return found


def day_of(day: date, currency: str) -> ReconciledDay | None:
    statement = visible(SYSTEM, ReconciledDay).where(ReconciledDay.day == day, ReconciledDay.currency == currency)
    found: ReconciledDay | None = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    return found
