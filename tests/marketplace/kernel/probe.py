"""The app with a few subscriptions and jobs that leave a trace in the database, for tests that kill processes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

import wsgi
from marketplace.kernel import clock, outbox, queue
from marketplace.kernel.db import db, transaction
from marketplace.kernel.queue import PeriodicSlot
from marketplace.kernel.settings import Settings


@dataclass(frozen=True, slots=True)
class Rang(outbox.Event):
    """A bell that rang; `number` tells bells apart."""

    number: int


def trace(name: str, number: int) -> None:
    """Leave a trace; twice the same trace is an error of the database."""
    db.session.execute(insert(PeriodicSlot).values(name=name, slot=number, at=clock.now()))


def traces(name: str) -> list[int]:
    return sorted(db.session.scalars(select(PeriodicSlot.slot).where(PeriodicSlot.name == name)))


def heard_inside(events: Sequence[Rang]) -> None:
    for event in events:
        trace("inside", event.number)


def heard(events: Sequence[Rang]) -> None:
    for event in events:
        if event.number == 13:
            raise ValueError("unlucky")
        trace("after", event.number)


@queue.job("probe.slow", timeout=2)
def slow(number: int, seconds: float) -> None:
    with transaction():
        first = db.session.execute(
            insert(PeriodicSlot)
            .values(name="started", slot=number, at=clock.now())
            .on_conflict_do_nothing()
            .returning(PeriodicSlot.slot)
        ).first()
    if first is not None:
        time.sleep(seconds)
    with transaction():
        trace("finished", number)


def create_app(configured: Settings | None = None) -> Flask:
    return listening(wsgi.create_app(configured))


def listening(app: Flask) -> Flask:
    """The app, in which nobody but we hear of anything."""
    outbox.subscribe(app, [outbox.Subscription(Rang, heard_inside, inside=True), outbox.Subscription(Rang, heard)])
    return app
