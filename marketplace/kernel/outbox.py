"""An event is a row written with its fact: published in the transaction, handled at least once, its effect once.

`publish` stores the event and one delivery per subscriber in the publisher's transaction and calls the inside
subscribers there. The dispatcher hands undispatched deliveries to the queue in batches, one job per handler and
batch; a sweep hands out again what was not handled in time. A delivery is marked handled in the transaction of the
handler's effect.
"""

import dataclasses
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any, ClassVar

import orjson
import structlog
from flask import Flask, current_app
from sqlalchemy import BigInteger, ForeignKey, Identity, Index, delete, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, reads
from marketplace.kernel.db import Row, db, in_transaction, transaction

log = structlog.get_logger("outbox")
BATCH = 500
UNHANDLED_AFTER = timedelta(minutes=2)  # a queue that lost a job is asked again after this
KEEP_HANDLED = timedelta(days=14)
GIVE_UP_AFTER = 50  # attempts; then a person looks at it: `backlog` keeps showing it


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, past tense; fields are JSON values, ids, dates. Subclasses are frozen dataclasses."""

    name: ClassVar[str] = ""

    def payload(self) -> dict[str, Any]:
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}


Handler = Callable[[Sequence[Any]], None]


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who hears an event. `inside`: in the publisher's transaction, called with the one event. Else by a job, called
    with a batch: within a transaction that also marks the batch handled, or (`outside`) with none open, for
    handlers that call other systems by reserve, call, record and may therefore see an event again."""

    event: type[Event]
    handler: Handler
    inside: bool = False
    outside: bool = False

    @property
    def handler_name(self) -> str:
        return f"{self.handler.__module__}.{self.handler.__qualname__}"


class OutboxEvent(Row):
    __tablename__ = "outbox_event"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str]
    payload: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class OutboxDelivery(Row):
    """One event for one handler. dispatched_at: handed to the queue; handled_at: its effect is committed."""

    __tablename__ = "outbox_delivery"
    __table_args__ = (
        Index("ix_outbox_delivery_waiting", "event_id", postgresql_where=text("dispatched_at IS NULL")),
        Index("ix_outbox_delivery_unhandled", "dispatched_at", postgresql_where=text("handled_at IS NULL")),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey("outbox_event.id", ondelete="CASCADE"), primary_key=True)
    handler: Mapped[str] = mapped_column(primary_key=True)
    dispatched_at: Mapped[datetime | None]
    handled_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")


def subscribe(app: Flask, subscriptions: Sequence[Subscription]) -> None:
    """The one table of who hears what, declared in wsgi.py."""
    inside: dict[str, list[Subscription]] = defaultdict(list)
    after: dict[str, list[Subscription]] = defaultdict(list)
    handlers: dict[str, Subscription] = {}
    events: dict[str, type[Event]] = {}
    for subscription in subscriptions:
        name = subscription.event.__name__
        (inside if subscription.inside else after)[name].append(subscription)
        handlers[subscription.handler_name] = subscription
        events[name] = subscription.event
    app.extensions["kontor_outbox"] = {"inside": inside, "after": after, "handlers": handlers, "events": events}


_PUBLISH = """
WITH stored AS (
    INSERT INTO outbox_event (name, payload, at) VALUES (%(name)s, %(payload)s::jsonb, %(at)s) RETURNING id
)
INSERT INTO outbox_delivery (event_id, handler, attempts, last_error)
SELECT stored.id, handler, 0, '' FROM stored, unnest(%(handlers)s::text[]) AS handler RETURNING event_id
"""
_UNHANDLED = """
SELECT event.id, event.payload FROM outbox_delivery delivery JOIN outbox_event event ON event.id = delivery.event_id
WHERE delivery.handler = %(handler)s AND delivery.event_id = ANY(%(ids)s::bigint[]) AND delivery.handled_at IS NULL
ORDER BY event.id
"""
_MARK_HANDLED = """
UPDATE outbox_delivery SET handled_at = %(now)s, attempts = attempts + 1 FROM outbox_event event
WHERE event.id = event_id AND handler = %(handler)s AND event_id = ANY(%(ids)s::bigint[]) AND handled_at IS NULL
RETURNING event.id, event.payload
"""


def publish(event: Event) -> None:
    """Announce `event` from inside the transaction that makes it true."""
    if not in_transaction():
        raise RuntimeError("publish() belongs inside a transaction()")
    table = current_app.extensions["kontor_outbox"]
    name = type(event).__name__
    for subscription in table["inside"].get(name, ()):
        subscription.handler([event])
    after = table["after"].get(name, ())
    if not after:
        return
    payload = orjson.dumps(event.payload()).decode()
    handlers = [subscription.handler_name for subscription in after]
    reads.in_session(_PUBLISH, {"name": name, "payload": payload, "at": clock.now(), "handlers": handlers})


def dispatch(enqueue: Callable[[str, list[int]], None], limit: int = BATCH) -> int:
    """Hand up to `limit` waiting deliveries to the queue, one job per handler; returns how many.

    The mark commits after the enqueueing, so a crash in between enqueues again, which the handled mark makes harmless.
    """
    with transaction():
        waiting = db.session.execute(
            select(OutboxDelivery.event_id, OutboxDelivery.handler)
            .where(OutboxDelivery.dispatched_at.is_(None))
            .order_by(OutboxDelivery.event_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        return _hand_out([(row.event_id, row.handler) for row in waiting], enqueue)


def sweep(enqueue: Callable[[str, list[int]], None], limit: int = BATCH) -> int:
    """Hand out again what was dispatched and not handled in time: the queue may have lost it."""
    with transaction():
        late = db.session.execute(
            select(OutboxDelivery.event_id, OutboxDelivery.handler)
            .where(OutboxDelivery.handled_at.is_(None), OutboxDelivery.dispatched_at < clock.now() - UNHANDLED_AFTER)
            .where(OutboxDelivery.attempts < GIVE_UP_AFTER)
            .order_by(OutboxDelivery.dispatched_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        return _hand_out([(row.event_id, row.handler) for row in late], enqueue)


def _hand_out(pairs: list[tuple[int, str]], enqueue: Callable[[str, list[int]], None]) -> int:
    batches: dict[str, list[int]] = defaultdict(list)
    for event_id, handler in pairs:
        batches[handler].append(event_id)
    for handler, ids in batches.items():
        enqueue(handler, ids)
        db.session.execute(
            update(OutboxDelivery)
            .where(OutboxDelivery.handler == handler, OutboxDelivery.event_id.in_(ids))
            .values(dispatched_at=clock.now()),
            execution_options={"synchronize_session": False},
        )
    return len(pairs)


def deliver(handler_name: str, event_ids: Sequence[int]) -> None:
    """Run one handler on a batch of events; those handled before are left out.

    Where the batch fails, its events are tried one by one, so that one bad event holds up no other; the failure is kept
    on its delivery and raised at the end, so that the queue tries again.
    """
    subscription: Subscription = current_app.extensions["kontor_outbox"]["handlers"][handler_name]
    try:
        _deliver(subscription, event_ids)
    except Exception as failure:
        if len(event_ids) == 1:
            _note_failure(handler_name, event_ids[0], failure)
            raise
        _deliver_singly(subscription, event_ids)


def _deliver_singly(subscription: Subscription, event_ids: Sequence[int]) -> None:
    failures = []
    for event_id in event_ids:
        try:
            _deliver(subscription, [event_id])
        except Exception as failure:
            _note_failure(subscription.handler_name, event_id, failure)
            failures.append(failure)
    if failures:
        raise failures[0]


def _deliver(subscription: Subscription, event_ids: Sequence[int]) -> None:
    wanted = {"handler": subscription.handler_name, "ids": list(event_ids)}
    if subscription.outside:
        found = reads.fetch(_UNHANDLED, wanted)
        if found:
            subscription.handler(_revived(subscription, found))
            with transaction():
                reads.in_session(
                    _MARK_HANDLED, wanted | {"now": clock.now(), "ids": [event_id for event_id, _ in found]}
                )
        return
    with transaction():
        taken = reads.in_session(_MARK_HANDLED, wanted | {"now": clock.now()})
        if taken:
            subscription.handler(_revived(subscription, sorted(taken, key=itemgetter(0))))


def _revived(subscription: Subscription, found: Sequence[tuple[Any, ...]]) -> list[Event]:
    return [revive(subscription.event, payload) for _, payload in found]


def _note_failure(handler_name: str, event_id: int, failure: Exception) -> None:
    log.warning("delivery failed", handler=handler_name, event_id=event_id, error=repr(failure))
    with transaction():
        db.session.execute(
            update(OutboxDelivery)
            .where(OutboxDelivery.handler == handler_name, OutboxDelivery.event_id == event_id)
            .values(attempts=OutboxDelivery.attempts + 1, last_error=repr(failure)[:2000]),
            execution_options={"synchronize_session": False},
        )


def prune() -> int:
    """Forget events whose deliveries were all handled long ago."""
    unhandled = select(OutboxDelivery.event_id).where(OutboxDelivery.handled_at.is_(None))
    with transaction():
        statement = delete(OutboxEvent).where(
            OutboxEvent.at < clock.now() - KEEP_HANDLED, OutboxEvent.id.not_in(unhandled)
        )
        return len(db.session.execute(statement.returning(OutboxEvent.id)).all())


def backlog() -> dict[str, Any]:
    """How much waits, how much is under way, and the age in seconds of the oldest event not yet handled."""
    row = db.session.execute(
        select(
            func.count().filter(OutboxDelivery.dispatched_at.is_(None)).label("waiting"),
            func.count().filter(OutboxDelivery.dispatched_at.is_not(None)).label("under_way"),
            func.min(OutboxEvent.at).label("oldest"),
        )
        .join(OutboxEvent, OutboxEvent.id == OutboxDelivery.event_id)
        .where(OutboxDelivery.handled_at.is_(None))
    ).one()
    age = (clock.now() - row.oldest).total_seconds() if row.oldest else 0.0
    return {"waiting": row.waiting, "under_way": row.under_way, "oldest_seconds": round(age, 3)}


def revive(kind: type[Event], payload: dict[str, Any]) -> Event:
    """The event that `payload` was made from."""
    return kind(**{f.name: _typed(f.type, payload[f.name]) for f in dataclasses.fields(kind) if f.name in payload})


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID | Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _typed(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        (inner,) = getattr(kind, "__args__", (None,))[:1]
        return tuple(_typed(inner, item) for item in value)
    for candidate, revived in ((uuid.UUID, uuid.UUID), (Decimal, Decimal), (datetime, datetime.fromisoformat)):
        if kind is candidate or candidate in getattr(kind, "__args__", ()):
            return revived(value)
    return value
