"""Background work: named jobs on RQ, and a table of periodic work of which each slot runs once.

The only file that imports rq and redis. A job is a registered function called with JSON arguments; it loads, locks,
checks the state and acts, so that running it twice does no harm. Jobs come from the outbox dispatcher or from a
periodic slot.
"""

import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import click
import structlog
from flask import Flask, current_app
from flask.cli import with_appcontext
from redis import ConnectionError as RedisConnectionError
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry, SimpleWorker, Worker
from rq.exceptions import DuplicateJobError
from rq.job import Job as RqJob
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.timeouts import BaseTimeoutException
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, outbox
from marketplace.kernel.db import Row, db, transaction
from marketplace.kernel.errors import Upstream

log = structlog.get_logger("queue")
SHORT, LONG = "short", "long"
_RETRY_AFTER = [1, 5, 15, 60, 300]  # seconds
_LOST_AFTER = 3 * 3600  # seconds that a job waits which is enqueued alone
# Seconds between two looks at the outbox. After work, long enough for events to gather: a job costs more than an event.
_POLL, _IDLE_POLL = 0.25, 0.4
_KEEP_SLOTS = timedelta(days=60)
_BACK_OFF = 5.0  # at most, while a server is away

Job = TypeVar("Job", bound=Callable[..., Any])
Key = TypeVar("Key")


class PeriodicSlot(Row):
    """A slot of periodic work that somebody took; the primary key makes it one."""

    __tablename__ = "periodic_slot"

    name: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Registered:
    name: str
    call: Callable[..., Any]
    queue: str
    timeout: int  # seconds
    every: int | None  # seconds
    alone: bool


_jobs: dict[str, Registered] = {}


def job(
    name: str, *, queue: str = SHORT, timeout: int = 60, every: int | None = None, alone: bool = False
) -> Callable[[Job], Job]:
    """Register a function as the job `name` (`noun.verb`); `every` seconds makes it periodic, and `alone` leaves it out
    while an earlier one with the same arguments waits or runs.

    Periodic work that may outlast its period is alone: it looks for all that is due, so that a slot left out loses
    nothing, and where a worker is slow its copies would keep everything behind them waiting.

    Short jobs share one process; long ones are forked, on a queue of their own.
    """

    def register(call: Job) -> Job:
        if name in _jobs and _jobs[name].call is not call:
            raise ValueError(f"two jobs are named {name}")
        _jobs[name] = Registered(name, call, queue, timeout, every, alone)
        return call

    return register


def apart(act: Callable[..., object], *ids: uuid.UUID) -> None:
    """Do it in a transaction of its own: what fails of one is tried again at the job's next run, and stops no other."""
    with _stopping_no_other(act, *ids), transaction():
        act(*ids)


def each(act: Callable[[Key], object], keys: Iterable[Key]) -> None:
    """Do it for each, which opens its own transactions: what fails of one is tried again at the job's next run, and
    stops no other."""
    for key in keys:
        with _stopping_no_other(act, key):
            act(key)


def all_of(find: Callable[[Any], Sequence[Key]]) -> Iterator[Key]:
    """All that `find` finds, a batch at a time, each after the last of the batch before (None: the first): what fails,
    and so is found again by every run, is passed by and keeps nothing else from its turn."""
    last: Key | None = None
    while True:
        with transaction():
            batch = find(last)
        if not batch:
            return
        yield from batch
        last = batch[-1]


@contextmanager
def _stopping_no_other(act: Callable[..., object], *ids: object) -> Iterator[None]:
    facts = {"what": getattr(act, "__name__", "work"), "ids": [str(one) for one in ids]}
    try:
        yield
    except BaseTimeoutException:  # the time of the whole job is over
        raise
    except Exception as failure:
        db.session.rollback()  # also of what was read outside of a transaction
        if isinstance(failure, Upstream):
            log.warning("not done", error=failure.text, **facts)
        else:
            log.error("not done", error=repr(failure), exc_info=True, **facts)


def connection() -> Redis:
    """The Redis connection of this app."""
    redis: Redis = current_app.extensions["kontor_redis"]
    return redis


def init_app(app: Flask, redis_url: str) -> None:
    app.extensions["kontor_redis"] = Redis.from_url(redis_url, socket_connect_timeout=2, health_check_interval=15)
    app.cli.add_command(worker_command)
    app.cli.add_command(dispatcher_command)


def enqueue(name: str, **arguments: Any) -> None:
    """Put the job `name` on its queue with JSON arguments. For the dispatcher, the ticker and after-handlers."""
    registered = _jobs[name]
    how: dict[str, Any] = {
        "retry": Retry(max=len(_RETRY_AFTER), interval=_RETRY_AFTER),
        "failure_ttl": 7 * 86400,
    }
    if registered.alone:
        # The id is the lock: gone when the job is done, shortly after it failed, and also where the queue lost it.
        own = "-".join([name.replace(".", "-"), *map(str, arguments.values())])
        how |= {"unique": True, "job_id": own, "failure_ttl": min(60, registered.every or 60), "ttl": _LOST_AFTER}
        if registered.every:
            del how["retry"]  # it comes again anyway, and sooner while nothing waits to be tried again
    with suppress(DuplicateJobError):
        Queue(registered.queue, connection=connection(), serializer=JSONSerializer).enqueue_call(
            f"{__name__}.perform",
            kwargs={"name": name, "arguments": arguments},
            timeout=registered.timeout,
            result_ttl=0,
            description=name,
            **how,
        )


def perform(name: str, arguments: dict[str, Any]) -> None:
    """What every RQ job calls: the registered function, in an app context of its own."""
    with current_app._get_current_object().app_context():  # type: ignore[attr-defined]
        _jobs[name].call(**arguments)


@job("outbox.deliver", timeout=300)
def deliver(handler: str, event_ids: list[int]) -> None:
    """Run one handler on a batch of events."""
    outbox.deliver(handler, event_ids)


def _enqueue_delivery(handler: str, event_ids: list[int]) -> None:
    enqueue("outbox.deliver", handler=handler, event_ids=event_ids)


def pump() -> int:
    """One round of the dispatcher: hand out what waits; returns how much."""
    return outbox.dispatch(_enqueue_delivery)


@job("outbox.sweep", every=30, alone=True)
def sweep() -> None:
    """Hand out again what the queue may have lost."""
    while outbox.sweep(_enqueue_delivery) == outbox.BATCH:
        pass


@job("outbox.prune", every=3600)
def prune() -> None:
    """Forget what was handled long ago, and slots that nobody can ask for any more."""
    outbox.prune()
    with transaction():
        db.session.execute(delete(PeriodicSlot).where(PeriodicSlot.at < clock.now() - _KEEP_SLOTS))


def tick(seen: dict[str, int] | None = None) -> list[str]:
    """Enqueue the periodic jobs whose slot nobody took yet; returns their names. Any number of tickers may run.

    `seen` is the caller's memory of the last slot it tried of each, so that a slot is asked for once.
    """
    taken, tried = [], {} if seen is None else seen
    for registered in _jobs.values():
        slot = None if registered.every is None else int(clock.now().timestamp()) // registered.every
        if slot is None or tried.get(registered.name) == slot:
            continue
        with transaction():
            row = db.session.execute(
                insert(PeriodicSlot)
                .values(name=registered.name, slot=slot, at=clock.now())
                .on_conflict_do_nothing()
                .returning(PeriodicSlot.slot)
            ).first()
            if row is not None:
                # Before the commit: a queue that is away leaves the slot free for the next tick.
                enqueue(registered.name)
                taken.append(registered.name)
        tried[registered.name] = slot
    return taken


def drain(limit: int = 1000) -> int:
    """Hand out and run everything that waits, in this process; returns the number of jobs. For tests and tools."""
    done = 0
    for _ in range(limit):
        moved = pump()
        queues = [Queue(name, connection=connection(), serializer=JSONSerializer) for name in (SHORT, LONG)]
        waiting = sum(len(queue) for queue in queues)
        if not moved and not waiting:
            return done
        for queue in queues:
            while (
                rq_job := queue.dequeue_any([queue], timeout=None, connection=connection(), serializer=JSONSerializer)
            ) is not None:
                perform(**rq_job[0].kwargs)
                rq_job[0].delete()
                done += 1
    raise RuntimeError(f"work still waits after {limit} rounds")


def figures() -> dict[str, Any]:
    """Length of each queue, and how many jobs run and failed. Raises RedisError where the server is away."""
    result = {}
    for name in (SHORT, LONG):
        queue = Queue(name, connection=connection(), serializer=JSONSerializer)
        result[name] = {
            "waiting": len(queue),
            "running": len(StartedJobRegistry(queue=queue, serializer=JSONSerializer)),
            "failed": len(FailedJobRegistry(queue=queue, serializer=JSONSerializer)),
        }
    return result


def answers() -> bool:
    """Does the queue's server answer?"""
    try:
        return bool(connection().ping())
    except RedisError:
        return False


class ShortWorker(SimpleWorker):
    """Runs jobs in its own process; a job without news for its time limit and `grace` seconds belongs to nobody."""

    grace = 10

    def get_heartbeat_ttl(self, job: RqJob, working_time: float = 0.0) -> int:
        return int(job.timeout or _RETRY_AFTER[-1]) + self.grace


class LongWorker(Worker):
    """Forks a process for each job and keeps its heart beating."""

    grace = 10

    def get_heartbeat_ttl(self, job: RqJob, working_time: float = 0.0) -> int:
        return int(self.job_monitoring_interval) + self.grace


@click.command("worker")
@click.option("--queue", "queues", multiple=True, type=click.Choice([SHORT, LONG]), help="Default: both.")
@click.option("--burst", is_flag=True, help="Stop when the queues are empty.")
@click.option(
    "--maintenance", default=5, show_default=True, help="Seconds between two looks for jobs of killed workers."
)
@click.option(
    "--grace", default=10, show_default=True, help="Seconds without news after which a job is taken up again."
)
@with_appcontext
def worker_command(queues: tuple[str, ...], burst: bool, maintenance: int, grace: int) -> None:
    """Run background jobs."""
    wanted = queues or (SHORT, LONG)
    kind: type[ShortWorker] | type[LongWorker] = ShortWorker if wanted == (SHORT,) else LongWorker
    db.engine.dispose()  # a forked job must not share the parent's connections
    runner = kind(
        [Queue(name, connection=connection(), serializer=JSONSerializer) for name in wanted],
        connection=connection(),
        serializer=JSONSerializer,
        worker_ttl=30,
        maintenance_interval=maintenance,
        job_monitoring_interval=5,
        log_job_description=False,
    )
    runner.grace = grace
    runner.work(burst=burst, with_scheduler=not burst, logging_level="WARNING")


@click.command("dispatcher")
@with_appcontext
def dispatcher_command() -> None:
    """Hand events to the queue and start periodic work; any number may run."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_dispatcher(current_app._get_current_object(), stop)  # type: ignore[attr-defined]


def run_dispatcher(app: Flask, stop: threading.Event) -> None:
    """Dispatch and tick until `stop`; a database or queue that is away is waited for."""
    wait, last_tick = _POLL, 0.0
    seen: dict[str, int] = {}
    while not stop.is_set():
        try:
            with app.app_context():
                moved = pump()
                if time.monotonic() - last_tick >= 1:
                    tick(seen)
                    last_tick = time.monotonic()
            wait = (0.0 if moved == outbox.BATCH else _POLL) if moved else min(_IDLE_POLL, max(wait, _POLL) * 1.5)
        except (OperationalError, RedisConnectionError, RedisError) as failure:
            wait = min(_BACK_OFF, max(wait, _POLL) * 2)
            log.warning("dispatcher waits", seconds=wait, error=repr(failure))
        stop.wait(wait)


def periodic() -> list[dict[str, Any]]:
    """The table of periodic work with the last slot taken."""
    rows = db.session.execute(select(PeriodicSlot.name, func.max(PeriodicSlot.at)).group_by(PeriodicSlot.name))
    last = dict(rows.all())
    return [
        {"name": r.name, "every_seconds": r.every, "last_at": last.get(r.name)}
        for r in _jobs.values()
        if r.every is not None
    ]
