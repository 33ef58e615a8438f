"""Statements, as each party may see them."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import aliased

from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from settlements.runs.models import Statement, StatementAccount
from settlements.runs.refusals import StatementUnknown
from settlements.runs.states import StatementState

AFRESH = {"populate_existing": True}
_OPEN = (StatementState.CLOSED, StatementState.HELD)


def statement(actor: Actor, statement_id: uuid.UUID, *, locked: bool = False) -> Statement:
    """One statement; a draft is the operator's alone. Raises StatementUnknown."""
    wanted = statements(actor).where(Statement.id == statement_id)
    wanted = wanted.with_for_update() if locked else wanted
    row = db.session.scalars(wanted, execution_options=AFRESH).one_or_none()
    if row is None:
        raise StatementUnknown
    return row


def statements(
    actor: Actor,
    *,
    state: StatementState | None = None,
    run_id: uuid.UUID | None = None,
    vendor_id: uuid.UUID | None = None,
    failed: bool | None = None,
) -> Select[Any]:
    """The statements that the actor may see: a vendor his own once they are closed."""
    found = visible(actor, Statement)
    if not actor.sees_all:
        found = found.where(Statement.state != StatementState.DRAFT)
    for column, value in ((Statement.state, state), (Statement.run_id, run_id), (Statement.vendor_id, vendor_id)):
        if value is not None:
            found = found.where(column == value)
    if failed is not None:
        found = found.where(Statement.failed_at.is_not(None) if failed else Statement.failed_at.is_(None))
    return found


def locked_drafts(run_id: uuid.UUID, limit: int) -> list[Statement]:
    """Collected drafts of a run that did not fail and that nobody else works on."""
    wanted = _drafts().where(Statement.run_id == run_id, Statement.failed_at.is_(None))
    return list(db.session.scalars(wanted.order_by(Statement.id).limit(limit), execution_options=AFRESH))


def locked_draft(statement_id: uuid.UUID) -> list[Statement]:
    """A collected draft, empty where it is none any more or somebody else works on it."""
    return list(db.session.scalars(_drafts().where(Statement.id == statement_id), execution_options=AFRESH))


def _drafts() -> Select[Any]:
    drafts = visible(SYSTEM, Statement).where(Statement.state == StatementState.DRAFT)
    return drafts.where(Statement.collected_at.is_not(None)).with_for_update(skip_locked=True)


def failed_of(run_id: uuid.UUID) -> list[Statement]:
    """The drafts of a run that could not be closed, locked."""
    wanted = visible(SYSTEM, Statement).where(Statement.run_id == run_id, Statement.failed_at.is_not(None))
    return list(db.session.scalars(wanted.with_for_update(), execution_options=AFRESH))


def closings_of(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, int]]:
    """By statement: how each of its accounts closes."""
    found: dict[uuid.UUID, dict[str, int]] = defaultdict(dict)
    wanted = visible(SYSTEM, StatementAccount).where(StatementAccount.statement_id.in_(ids))
    for row in db.session.scalars(wanted, execution_options=AFRESH):
        found[row.statement_id][row.kind] = row.closing_minor
    return found


def unpaid_before(ids: Sequence[uuid.UUID]) -> list[Statement]:
    """Closed or held statements of the same vendors and currencies before these, locked: what they came to is in these
    now."""
    later = aliased(Statement)
    wanted = (
        visible(SYSTEM, Statement)
        .join(later, (later.vendor_id == Statement.vendor_id) & (later.currency == Statement.currency))
        .where(later.id.in_(ids), Statement.sequence < later.sequence, Statement.state.in_(_OPEN))
        .order_by(Statement.id)
        .with_for_update(of=Statement)
    )
    return list(db.session.scalars(wanted, execution_options=AFRESH))


def to_pay(before: datetime) -> list[uuid.UUID]:
    """Statements that were closed by then and are to be paid out, the oldest first."""
    wanted = visible(SYSTEM, Statement).with_only_columns(Statement.id)
    wanted = wanted.where(
        Statement.state == StatementState.CLOSED, Statement.payout_minor > 0, Statement.closed_at <= before
    )
    return list(db.session.scalars(wanted.order_by(Statement.closed_at).limit(1000)))
