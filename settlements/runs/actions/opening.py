"""A run is opened with the drafts of its statements, so that all that follows knows what is to be done."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from flask import current_app

from marketplace.kernel import clock, outbox, writes
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import advisory_lock, new_id
from settlements.runs import queries
from settlements.runs.events import RunOpened
from settlements.runs.models import SettlementRun, Statement, StatementAccount
from settlements.runs.queries.planning import Planned, planned
from settlements.runs.refusals import CutOffBackDated, CutOffInFuture, NothingToSettle


def open_cycle(cut_at: datetime) -> SettlementRun | None:
    """The run of all vendors whose cycle ends at this cut, maybe of none; None where it was opened before.

    Raises CutOffInFuture.
    """
    _lock()
    if queries.cycle_run(cut_at) is not None:
        return None
    run, parts = _planned(SYSTEM, cut_at, by_cycle=True, vendor_id=None)
    return _opened(run, parts)


def open_now(actor: Actor, cut_at: datetime | None = None, vendor_id: uuid.UUID | None = None) -> SettlementRun:
    """A run out of turn: of one vendor, or of all, up to a moment since the last run; default: now.

    Raises CutOffInFuture, CutOffBackDated, NothingToSettle.
    """
    _lock()
    cut = cut_at or clock.now()
    settled = queries.last_cut(vendor_id)
    if settled is not None and cut <= settled:
        raise CutOffBackDated(f"What was booked before {settled.isoformat()} is settled already.", pointer="/cut_at")
    run, parts = _planned(actor, cut, by_cycle=False, vendor_id=vendor_id)
    if not parts:
        raise NothingToSettle
    return _opened(run, parts)


def _lock() -> None:
    """Who opens a run at the same moment sees this one's drafts."""
    advisory_lock("settlement runs")


def _planned(
    actor: Actor, cut_at: datetime, *, by_cycle: bool, vendor_id: uuid.UUID | None
) -> tuple[SettlementRun, Sequence[Planned]]:
    if cut_at > clock.now():
        raise CutOffInFuture(pointer="/cut_at")
    day = clock.business_day(cut_at, current_app.extensions["kontor_settings"].time_zone)
    run = SettlementRun(id=new_id(), cut_at=cut_at, by_cycle=by_cycle, vendor_id=vendor_id, person_id=actor.person_id)
    return run, planned(cut_at, day, by_cycle=by_cycle, vendor_id=vendor_id)


def _opened(run: SettlementRun, parts: Sequence[Planned]) -> SettlementRun:
    statements, accounts = [], []
    for _, group in groupby(parts, key=lambda part: (part.vendor_id, part.currency)):
        own = list(group)
        statement = _draft(run, own[0])
        statements.append(statement)
        accounts += [_account(statement.id, part) for part in own]
    writes.all_of_it([run], statements, accounts)
    outbox.publish(RunOpened(run_id=run.id))
    return run


def _draft(run: SettlementRun, first: Planned) -> Statement:
    return Statement(
        id=new_id(),
        run_id=run.id,
        vendor_id=first.vendor_id,
        currency=first.currency,
        sequence=first.sequence,
        starts_at=first.starts_at,
        cut_at=run.cut_at,
        opening_minor=first.statement_opening_minor,
        closing_minor=first.statement_opening_minor,
    )


def _account(statement_id: uuid.UUID, part: Planned) -> StatementAccount:
    return StatementAccount(
        statement_id=statement_id,
        kind=part.kind,
        account_id=part.account_id,
        after=part.after,
        upto=part.upto,
        opening_minor=part.opening_minor,
        closing_minor=part.opening_minor,
    )
