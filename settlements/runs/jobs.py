"""A run goes on from wherever it was killed: every step is a transaction of its own that finds what is left to do."""

import uuid
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from flask import current_app

from marketplace.kernel import clock, queue
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Refusal
from settlements.runs import actions, queries

log = structlog.get_logger("runs")
COLLECTED_AT_ONCE, CLOSED_AT_ONCE = 100, 50
STANDS_STILL_AFTER = timedelta(minutes=5)
MISSED_AT_MOST = timedelta(days=31)  # cuts that are made up for after the marketplace stood still


@queue.job("runs.perform", queue=queue.LONG, timeout=3600, alone=True)
def perform(run_id: str) -> None:
    """Collect and close what is left of a run. Any number of workers may do so at once, each what no other holds."""
    wanted = uuid.UUID(run_id)
    while _collected(wanted):
        pass
    _advance(wanted)
    while _closed(wanted):
        pass
    _advance(wanted)


def _collected(run_id: uuid.UUID) -> bool:
    with transaction():
        return bool(actions.collect(run_id, COLLECTED_AT_ONCE))


def _closed(run_id: uuid.UUID) -> bool:
    """Close a batch; where one statement spoils it, each by itself, so that none fails but that one."""
    with transaction():
        ids = [row.id for row in queries.locked_drafts(run_id, CLOSED_AT_ONCE)]
    if not ids:
        return False
    try:
        with transaction():
            return bool(actions.close(run_id, CLOSED_AT_ONCE))
    except Exception as failure:
        log.warning("statements closed one by one", run_id=str(run_id), error=repr(failure))
    for statement_id in ids:
        _close_one(statement_id)
    return True


def _close_one(statement_id: uuid.UUID) -> None:
    try:
        with transaction():
            actions.close_one(statement_id)
    except Exception as failure:
        log.error("statement not closed", statement_id=str(statement_id), error=repr(failure), exc_info=True)
        reason = failure.text if isinstance(failure, Refusal) else f"{type(failure).__name__}: {failure}"
        with transaction():
            actions.fail(statement_id, reason[:500])


def _advance(run_id: uuid.UUID) -> None:
    with transaction():
        actions.advance(run_id)


@queue.job("runs.pay", queue=queue.LONG, timeout=1800)
def pay(statement_ids: list[str]) -> None:
    """Pay out closed statements, each in a transaction of its own: what fails of one is tried again, and stops no
    other."""
    for statement_id in statement_ids:
        queue.apart(actions.pay, uuid.UUID(statement_id))


@queue.job("runs.pay_waiting", every=300, queue=queue.LONG, timeout=1800, alone=True)
def pay_waiting() -> None:
    """Pay out closed statements whose job was lost."""
    with transaction():
        waiting = queries.to_pay(clock.now() - STANDS_STILL_AFTER)
    pay([str(statement_id) for statement_id in waiting])


@queue.job("runs.open_due", every=600, timeout=300)
def open_due() -> None:
    """Open the run of each cut that has come, those that were missed first."""
    with transaction():
        before = queries.cycle_runs_since()
    for cut in _cuts(before):
        with transaction():
            actions.open_cycle(cut)


def _cuts(before: datetime | None) -> Iterator[datetime]:
    """Midnights in the operator's time zone since the last one that was run."""
    zone = ZoneInfo(current_app.extensions["kontor_settings"].time_zone)
    now = clock.now().astimezone(zone)
    first = now.date() if before is None else max(before, now - MISSED_AT_MOST).astimezone(zone).date() + timedelta(1)
    while first <= now.date():
        yield datetime.combine(first, time(), zone)
        first += timedelta(1)


@queue.job("runs.resume", every=60, alone=True)
def resume() -> None:
    """Take up runs whose job was lost: one that waits or is under way is not put on the queue again."""
    with transaction():
        waiting = queries.unfinished(clock.now() - STANDS_STILL_AFTER)
    for run_id in waiting:
        queue.enqueue("runs.perform", run_id=str(run_id))
