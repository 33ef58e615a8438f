"""Runs and how far they are."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func

from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from settlements.runs.models import SettlementRun, Statement
from settlements.runs.refusals import RunUnknown
from settlements.runs.states import RunState, StatementState

AFRESH = {"populate_existing": True}


@dataclass(frozen=True, slots=True)
class Progress:
    """How many statements a run has, and how many of them are how far."""

    statements: int = 0
    collected: int = 0
    closed: int = 0
    failed: int = 0
    held: int = 0
    paid: int = 0


def run(actor: Actor, run_id: uuid.UUID, *, locked: bool = False) -> SettlementRun:
    """One run. Raises RunUnknown."""
    statement = visible(actor, SettlementRun).where(SettlementRun.id == run_id)
    statement = statement.with_for_update() if locked else statement
    row = db.session.scalars(statement, execution_options=AFRESH).one_or_none()
    if row is None:
        raise RunUnknown
    return row


def runs(actor: Actor) -> Select[Any]:
    """The runs that made statements."""
    return visible(actor, SettlementRun).where(exists().where(Statement.run_id == SettlementRun.id))


def progress_of(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Progress]:
    """How far these runs are."""
    states = StatementState
    statement = (
        visible(SYSTEM, Statement)
        .with_only_columns(
            Statement.run_id,
            func.count(),
            func.count(Statement.collected_at),
            func.count().filter(Statement.state != states.DRAFT),
            func.count(Statement.failed_at),
            func.count().filter(Statement.state == states.HELD),
            func.count().filter(Statement.state == states.PAID),
        )
        .where(Statement.run_id.in_(ids))
        .group_by(Statement.run_id)
    )
    found = {row[0]: Progress(*row[1:]) for row in db.session.execute(statement)}
    return {run_id: found.get(run_id, Progress()) for run_id in ids}


def cycle_run(cut_at: datetime) -> SettlementRun | None:
    """The run of the cycle up to this cut."""
    statement = visible(SYSTEM, SettlementRun).where(SettlementRun.by_cycle, SettlementRun.cut_at == cut_at)
    return db.session.scalars(statement).one_or_none()


def cycle_runs_since() -> datetime | None:
    """The last cut that the cycle was run for."""
    statement = visible(SYSTEM, SettlementRun).with_only_columns(func.max(SettlementRun.cut_at))
    return db.session.scalar(statement.where(SettlementRun.by_cycle))


def last_cut(vendor_id: uuid.UUID | None) -> datetime | None:
    """Up to where statements stand, or are made; of one vendor where it is given."""
    statement = visible(SYSTEM, Statement).with_only_columns(func.max(Statement.cut_at))
    return db.session.scalar(statement if vendor_id is None else statement.where(Statement.vendor_id == vendor_id))


def unfinished(before: datetime) -> list[uuid.UUID]:
    """Runs opened by then of which a statement waits that did not fail, or that have none left; the oldest first."""
    waiting = exists().where(
        Statement.run_id == SettlementRun.id, Statement.state == StatementState.DRAFT, Statement.failed_at.is_(None)
    )
    draft = exists().where(Statement.run_id == SettlementRun.id, Statement.state == StatementState.DRAFT)
    statement = visible(SYSTEM, SettlementRun).where(
        SettlementRun.state != RunState.CLOSED, SettlementRun.opened_at <= before, waiting | ~draft
    )
    return [row.id for row in db.session.scalars(statement.order_by(SettlementRun.id))]
