"""Transfers with real commits: no connection is held during the call, many at once send once, a kill is repaired."""

import signal
import threading
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.kernel.errors import Conflict
from settlements.gateway.sandbox import launcher
from settlements.gateway.stripe_gateway import StripeGateway
from settlements.ledger import books
from settlements.transfers import actions, jobs
from settlements.transfers.actions import reversing
from settlements.transfers.queries import transfers
from settlements.transfers.states import ARRIVED
from tests import forks
from tests.builders.transfers import an_account, due, standing
from tests.cast import make_cast
from tests.conftest import close
from tests.settlements.memory_gateway import MemoryGateway

ROOT = Path(__file__).parents[3]


@pytest.fixture
def scene(own_app):
    """(app, vendor, memory gateway) with real commits; 1,000.00 are due."""
    own_app.extensions["kontor_gateway"] = gateway = MemoryGateway()
    with own_app.app_context():
        with transaction():
            cast = make_cast()
            an_account(gateway, cast.vendor_company)
            due(cast.vendor_company.id, 100000, gateway=gateway)
        yield own_app, cast.vendor_company.id, gateway
        db.session.rollback()


def at_once(app, work, count=8):
    """`work(number)` in so many threads; what each returned or refused."""
    answers = []

    def run(number):
        with app.app_context():
            try:
                answers.append(work(number))
            except Conflict as refusal:
                answers.append(type(refusal).__name__)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    return answers


def ask(vendor, amount_minor, cause="test:1"):
    with transaction():
        return [row.id for row in actions.request(vendor, "EUR", amount_minor, cause, SYSTEM)]


def test_no_connection_is_held_while_the_provider_is_asked(scene):
    _, vendor, gateway = scene
    (transfer_id,) = ask(vendor, 100)
    db.session.remove()
    held = []
    gateway.before_call = lambda call: held.append((call, db.engine.pool.checkedout()))
    gateway.faults.append(("transfer", "lost"))
    jobs.send(transfer_id)
    jobs.send(transfer_id)
    assert held == [("transfer", 0), ("find_transfer", 0), ("transfer", 0)]


@pytest.mark.processes
def test_eight_at_once_send_once(scene):
    app, vendor, gateway = scene
    (transfer_id,) = ask(vendor, 24515)
    at_once(app, lambda _: jobs.send(transfer_id))
    jobs.send(transfer_id)
    assert len(gateway.transfers) == 1
    assert transfers.transfer(SYSTEM, transfer_id).state in ARRIVED
    assert books.check_books() == []


@pytest.mark.processes
def test_eight_requests_at_once_never_pay_more_than_is_due(scene):
    app, vendor, _ = scene
    answers = at_once(app, lambda number: ask(vendor, 30000, f"test:{number}"))
    assert sum(isinstance(answer, list) for answer in answers) == 3
    assert answers.count("PayableTooLow") == 5
    assert standing(vendor) == {"payable": 10000, "in_transit": 90000}
    assert books.check_books() == []


@pytest.mark.processes
def test_reversals_at_once_never_take_more_than_the_transfer(scene):
    app, vendor, gateway = scene
    (transfer_id,) = ask(vendor, 50000)
    jobs.send(transfer_id)

    def take(_):
        with transaction():
            transfer = transfers.transfer(SYSTEM, transfer_id, locked=True)
            return reversing.request(transfer, 20000, "operator:test").id

    answers = at_once(app, take)
    assert answers.count("MoreThanTransferred") == 6
    at_once(app, lambda _: jobs.take_back_waiting())
    assert sorted(row.amount_minor for row in gateway.reversals.values()) == [20000, 20000]
    assert books.check_books() == []


_KILLED = """
import os, signal, sys, uuid
import wsgi
from marketplace.kernel.settings import Settings
from settlements.gateway.stripe_gateway import StripeGateway
from settlements.transfers import jobs

database, redis, base, key, kind, row_id = sys.argv[1:]

class Killed(StripeGateway):
    def transfer(self, request):
        super().transfer(request)
        os.kill(os.getpid(), signal.SIGKILL)
    def reverse_transfer(self, *asked):
        super().reverse_transfer(*asked)
        os.kill(os.getpid(), signal.SIGKILL)

gateway = (Killed if kind != "plain" else StripeGateway)(api_key=key, api_base=base)
settings = Settings(database_url=database, redis_url=redis, secret_key="only-for-tests", log_level="ERROR")
app = wsgi.create_app(settings, gateway)
with app.app_context():
    (jobs.take_back if kind == "reversal" else jobs.send)(uuid.UUID(row_id))
"""


@pytest.fixture
def real(own_database, servers, make_app, tmp_path):
    """(vendor, run) over the sandbox's process, with 500.00 due; `run(kind, id)` starts a process that does it."""
    sandbox = launcher.start(tmp_path, webhook_secret="whsec_test")
    gateway = StripeGateway(api_key=sandbox.api_key, api_base=sandbox.url)
    app = make_app(own_database, gateway)

    def run(kind, row_id):
        log = tmp_path / f"{uuid.uuid4()}.log"
        given = (own_database, servers[1], sandbox.url, sandbox.api_key, kind, str(row_id))
        return forks.fork(_KILLED, *given, log=log), log

    with app.app_context():
        with transaction():
            cast = make_cast()
            an_account(gateway, cast.vendor_company, sandbox=sandbox)
            due(cast.vendor_company.id, 50000)
        sandbox.script(topup={"amount": 50000, "currency": "eur"})
        yield cast.vendor_company.id, run, gateway
        db.session.rollback()
    sandbox.stop()
    close(app)


def ended(process):
    """(how it ended, what it said)"""
    running, log = process
    return running.wait(180), log.read_text()


def killed(process):
    assert ended(process) == (-signal.SIGKILL, "")


def age(table):
    with transaction():
        db.session.execute(text(f"UPDATE {table} SET next_at = next_at - :span"), {"span": timedelta(hours=1)})


@pytest.mark.processes
def test_killed_between_call_and_record(real):
    vendor, run, gateway = real
    (transfer_id,) = ask(vendor, 24515)
    killed(run("transfer", transfer_id))
    assert standing(vendor) == {"payable": 25485, "in_transit": 24515}
    age("transfer")
    jobs.send_waiting()
    transfer = transfers.transfer(SYSTEM, transfer_id)
    assert (transfer.state.value, transfer.attempts) == ("made", 1)
    assert gateway.balance().total_minor("EUR") == 50000 - 24515

    with transaction():
        reversal = reversing.request(transfers.transfer(SYSTEM, transfer_id, locked=True), 4515, "operator:test")
    killed(run("reversal", reversal.id))
    age("transfer_reversal")
    jobs.take_back_waiting()
    assert transfers.transfer(SYSTEM, transfer_id).reversed_minor == 4515
    assert gateway.balance().total_minor("EUR") == 30000
    assert books.check_books() == []


@pytest.mark.processes
def test_two_workers_send_one_transfer(real):
    vendor, run, gateway = real
    (transfer_id,) = ask(vendor, 24515)
    workers = [run("plain", transfer_id) for _ in range(2)]
    assert [ended(worker) for worker in workers] == [(0, ""), (0, "")]
    db.session.rollback()
    jobs.send(transfer_id)
    assert transfers.transfer(SYSTEM, transfer_id).state.value == "made"
    assert gateway.balance().total_minor("EUR") == 50000 - 24515
    assert books.check_books() == []
