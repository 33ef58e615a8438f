"""Work shared out among forks: in order, on connections of their own, and nobody is left behind."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from sqlalchemy import text

from marketplace.kernel import reads
from marketplace.kernel.db import db, transaction
from marketplace.kernel.errors import Conflict
from marketplace.kernel.forks import shared_out

ROOT = Path(__file__).resolve().parents[3]
BACKEND = "SELECT pg_backend_pid()"
STARTER = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from flask import Flask
from marketplace.kernel.db import db
from marketplace.kernel.forks import shared_out
app = Flask("starter")
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
db.init_app(app)
with app.app_context():
    for pid in shared_out(lambda number: os.getpid() if number < 2 else time.sleep(60), iter(range(9)), 2):
        print(pid, flush=True)
"""


class TooHot(Conflict):
    """It is too hot."""


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_results_come_in_order_from_connections_of_the_forks(own_app):
    def work(number):
        time.sleep(0.02 * (number % 3))
        ((backend,),) = reads.fetch(BACKEND, {})
        return number * number, os.getpid(), backend

    with own_app.app_context(), db.engine.connect() as connection:
        own = connection.scalar(text(BACKEND))
        found = list(shared_out(work, iter(range(12)), 3))
        assert connection.scalar(text(BACKEND)) == own
    assert [square for square, _, _ in found] == [n * n for n in range(12)]
    pids = {pid for _, pid, _ in found}
    assert os.getpid() not in pids
    assert len(pids) == len({(pid, backend) for _, pid, backend in found})
    assert own not in {backend for _, _, backend in found}


def test_work_that_needs_no_app_is_shared_out_without_one():
    assert list(shared_out(lambda piece: 2 * piece, range(5), 2)) == [0, 2, 4, 6, 8]


def test_pieces_are_taken_as_they_are_needed(own_app):
    taken = []

    def pieces():
        for number in range(100):
            taken.append(number)
            yield number

    with own_app.app_context():
        results = shared_out(lambda number: number, pieces(), 2)
        assert next(results) == 0
        assert len(taken) == 5
        results.close()


def test_a_refusal_is_raised_with_its_facts_and_lets_the_others_go(own_app):
    def work(number):
        if number == 2:
            raise TooHot(pointer="/oven", degrees=300)
        return os.getpid()

    pids: set[int] = set()
    with own_app.app_context(), pytest.raises(TooHot) as refused:
        pids.update(shared_out(work, iter(range(1000)), 2))
    assert (refused.value.pointer, refused.value.facts) == ("/oven", {"degrees": 300})
    assert not any(map(lives, pids))


def test_a_fork_that_is_killed_is_noticed(own_app):
    def work(number):
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with own_app.app_context(), pytest.raises(BrokenProcessPool):
        list(shared_out(work, iter(range(100)), 2))


def test_forks_are_refused_inside_a_transaction(own_app):
    with own_app.app_context(), transaction(), pytest.raises(RuntimeError, match="not committed"):
        list(shared_out(str, iter([1]), 1))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells a fork that its parent was killed")
def test_no_fork_outlives_a_parent_that_was_killed():
    with subprocess.Popen([sys.executable, "-c", STARTER, str(ROOT)], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pids = [int(starter.stdout.readline()) for _ in range(2)]
        starter.kill()
    until = time.monotonic() + 10
    while any(map(lives, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(lives, pids))
