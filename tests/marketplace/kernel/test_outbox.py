"""Events: written with their fact, handled at least once, their effect once, also when processes are killed."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from rq.timeouts import JobTimeoutException
from sqlalchemy import select, update

from marketplace.kernel import clock, local, outbox, queue
from marketplace.kernel.children import Fork
from marketplace.kernel.db import db, transaction
from marketplace.kernel.outbox import OutboxDelivery
from tests import forks
from tests.conftest import close
from tests.marketplace.kernel import probe
from tests.marketplace.kernel.probe import Rang, traces


@pytest.fixture
def bell(own_database: str, make_app: Callable[..., Flask], tmp_path: Path) -> Iterator[Flask]:
    """The probing app with a database and a queue of its own, in an app context."""
    server = local.start_valkey(tmp_path / "valkey")
    app = probe.listening(make_app(own_database, redis_url=server.url))
    with app.app_context():
        yield app
    close(app)
    server.stop()


def ring(*numbers: int) -> None:
    for number in numbers:
        with transaction():
            outbox.publish(Rang(number))


def test_inside_is_heard_in_the_same_transaction(bell: Flask) -> None:
    ring(1)
    assert (traces("inside"), traces("after")) == ([1], [])


def test_a_rollback_takes_the_event_along(bell: Flask) -> None:
    with transaction():
        outbox.publish(Rang(1))
        db.session.rollback()
    queue.drain()
    assert (traces("inside"), traces("after")) == ([], [])


def test_publishing_outside_a_transaction_is_a_defect(bell: Flask) -> None:
    with pytest.raises(RuntimeError):
        outbox.publish(Rang(1))


def test_a_batch_is_one_job(bell: Flask) -> None:
    ring(1, 2, 3)
    assert queue.pump() == 3
    assert queue.figures()["short"]["waiting"] == 1
    assert queue.drain() == 1
    assert traces("after") == [1, 2, 3]
    assert outbox.backlog() == {"waiting": 0, "under_way": 0, "oldest_seconds": 0.0}


def test_a_delivery_that_comes_twice_acts_once(bell: Flask) -> None:
    ring(1)
    queue.pump()
    delivery = db.session.scalars(select(OutboxDelivery)).one()
    for _ in range(2):
        outbox.deliver(delivery.handler, [delivery.event_id])
    assert traces("after") == [1]


def test_one_bad_event_holds_up_no_other(bell: Flask) -> None:
    ring(12, 13, 14)
    queue.pump()
    deliveries = db.session.scalars(select(OutboxDelivery).order_by(OutboxDelivery.event_id)).all()
    with pytest.raises(ValueError, match="unlucky"):
        outbox.deliver(deliveries[0].handler, [d.event_id for d in deliveries])
    assert traces("after") == [12, 14]
    db.session.expire_all()
    assert [(d.handled_at is not None, d.attempts) for d in deliveries] == [(True, 1), (False, 1), (True, 1)]
    assert deliveries[1].last_error == "ValueError('unlucky')"


def test_what_the_queue_lost_is_handed_out_again(bell: Flask) -> None:
    ring(1)
    queue.pump()
    queue.connection().flushall()
    queue.sweep()
    assert queue.drain() == 0
    with transaction():
        db.session.execute(update(OutboxDelivery).values(dispatched_at=clock.now() - 2 * outbox.UNHANDLED_AFTER))
    queue.sweep()
    assert queue.drain() == 1
    assert traces("after") == [1]


def test_a_periodic_slot_is_taken_once(bell: Flask) -> None:
    assert "outbox.prune" in queue.tick()
    assert "outbox.prune" not in queue.tick()


def test_a_job_that_is_alone_waits_once(bell: Flask) -> None:
    for _ in range(2):
        queue.enqueue("search.propose")
    assert queue.figures()["long"]["waiting"] == 1
    assert queue.drain() == 1
    queue.enqueue("search.propose")
    assert queue.figures()["long"]["waiting"] == 1


def test_a_job_that_is_alone_is_so_for_its_arguments(bell: Flask) -> None:
    runs = [str(uuid.uuid4()) for _ in range(2)]
    for run_id in (*runs, *runs):
        queue.enqueue("runs.perform", run_id=run_id)
    assert queue.figures()["long"]["waiting"] == 2


def test_work_that_may_outlast_its_period_is_alone(bell: Flask) -> None:
    """Else where one worker is slow its copies fill the queue, and all else waits behind them."""
    periodic = [one for one in queue._jobs.values() if one.every]
    assert len(periodic) > 20
    assert [one.name for one in periodic if one.timeout >= one.every and not one.alone] == []


def test_what_fails_of_one_stops_no_other_and_the_end_of_the_jobs_time_stops_all(bell: Flask) -> None:
    done = []

    def act(number: int) -> None:
        if number in {1, 3}:
            raise (ValueError if number == 1 else JobTimeoutException)(number)
        done.append(number)

    with pytest.raises(JobTimeoutException):
        queue.each(act, [1, 2, 3, 4])
    assert done == [2]
    with pytest.raises(JobTimeoutException):
        queue.apart(act, 3)  # type: ignore[arg-type]


def start(bell: Flask, *arguments: str) -> Fork:
    settings = bell.extensions["kontor_settings"]
    environment = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "LOG_LEVEL": "ERROR",
    }
    probing = ("flask", "--app", "tests.marketplace.kernel.probe")
    return forks.fork_module(*probing, *arguments, log=settings.var / "log", **environment)


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        db.session.rollback()
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.processes
def test_a_crash_between_commit_and_enqueue_loses_nothing(bell: Flask) -> None:
    child = os.fork()
    if child == 0:
        db.engine.dispose(close=False)
        with transaction():
            outbox.publish(Rang(7))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert queue.figures()["short"]["waiting"] == 0
    dispatcher, worker = start(bell, "dispatcher"), start(bell, "worker", "--queue", "short")
    try:
        assert eventually(lambda: traces("after") == [7])
    finally:
        for process in (dispatcher, worker):
            process.terminate()
            process.wait(10)


@pytest.mark.processes
def test_the_job_of_a_killed_worker_is_taken_up_again(bell: Flask) -> None:
    queue.enqueue("probe.slow", number=1, seconds=60)
    first = start(bell, "worker", "--queue", "short", "--grace", "1")
    assert eventually(lambda: traces("started") == [1])
    forks.kill(first)
    second = start(bell, "worker", "--queue", "short", "--grace", "1", "--maintenance", "1")
    try:
        assert eventually(lambda: traces("finished") == [1])
    finally:
        second.terminate()
        second.wait(10)
