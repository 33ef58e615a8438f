"""Paying with real commits: no connection is held during the call, eight at once charge once, a kill is repaired."""

import signal
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from marketplace.kernel import queue
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from settlements.gateway.sandbox import launcher
from settlements.gateway.stripe_gateway import StripeGateway
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.payments import jobs, queries
from settlements.refunds import queries as refund_queries
from tests import forks
from tests.builders.settlements import place_example_one
from tests.cast import make_cast
from tests.conftest import close
from tests.settlements.memory_gateway import MemoryGateway

A = AccountKind
ROOT = Path(__file__).parents[3]


@pytest.fixture
def scene(own_app):
    """(app, cast, placed order, memory gateway) with real commits."""
    own_app.extensions["kontor_gateway"] = gateway = MemoryGateway()
    with own_app.app_context():
        with transaction():
            cast = make_cast()
            placed = place_example_one(cast.buyer, cast.vendor_company, cast.rival_vendor_company)
        own_app.extensions["kontor_actor_loader"] = lambda: cast.buyer
        yield own_app, cast, placed, gateway


def ask(app, placed, key, method="pm_card_visa"):
    headers = {"Idempotency-Key": key}
    with app.app_context():
        client = app.test_client()
        return client.post(f"/v1/orders/{placed.order.id}/payments", json={"payment_method": method}, headers=headers)


def test_no_connection_is_held_while_the_provider_is_asked(scene):
    app, _, placed, gateway = scene
    db.session.remove()
    held = []
    gateway.before_call = lambda call: held.append((call, db.engine.pool.checkedout()))
    assert ask(app, placed, "k", "pm_asks").status_code == 202
    db.session.remove()
    jobs.give_up(queries.attempts(placed.order.id)[1].id)
    assert held == [("take_payment", 0), ("payment", 0), ("cancel_payment", 0)]


@pytest.mark.processes
@pytest.mark.parametrize("same_key", [True, False])
def test_eight_at_once_charge_once(scene, same_key):
    app, _, placed, gateway = scene
    db.session.remove()
    answers = []

    def work(number):
        answers.append(ask(app, placed, "k" if same_key else f"k{number}").status_code)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gateway.calls.count("take_payment") == 1
    assert 201 in answers
    assert set(answers) <= ({201, 202} if same_key else {201, 409})
    assert order_queries.net_paid(placed.order.id) == 43674
    assert books.check_books() == []


_KILLED = """
import os, signal, sys, uuid
import wsgi
from marketplace.kernel.settings import Settings
from settlements.gateway.stripe_gateway import StripeGateway
from settlements.payments import jobs as payments
from settlements.refunds import jobs as refunds

database, redis, base, key, kind, row_id = sys.argv[1:]

class Killed(StripeGateway):
    def take_payment(self, request):
        super().take_payment(request)
        os.kill(os.getpid(), signal.SIGKILL)
    def refund(self, request):
        super().refund(request)
        os.kill(os.getpid(), signal.SIGKILL)

settings = Settings(database_url=database, redis_url=redis, secret_key="only-for-tests", log_level="ERROR")
app = wsgi.create_app(settings, Killed(api_key=key, api_base=base))
with app.app_context():
    if kind == "payment":
        payments.take(uuid.UUID(row_id), "pm_card_visa")
    else:
        refunds.send(uuid.UUID(row_id))
"""


@pytest.fixture
def sandbox(tmp_path):
    running = launcher.start(tmp_path, webhook_secret="whsec_test")
    yield running
    running.stop()


def kill_between_call_and_record(database, redis, sandbox, kind, row_id, log):
    given = (database, redis, sandbox.url, sandbox.api_key, kind, str(row_id))
    assert forks.fork(_KILLED, *given, log=log).wait(60) == -signal.SIGKILL, log.read_text()


@pytest.mark.processes
def test_killed_between_call_and_record(own_database, servers, make_app, sandbox, tmp_path):
    gateway = StripeGateway(api_key=sandbox.api_key, api_base=sandbox.url)
    app = make_app(own_database, gateway)
    with app.app_context():
        with transaction():
            cast = make_cast()
            placed = place_example_one(cast.buyer, cast.vendor_company, cast.rival_vendor_company)
        with transaction():
            payment = jobs.actions.reserve(cast.buyer, placed.order.id)
        kill_between_call_and_record(own_database, servers[1], sandbox, "payment", payment.id, tmp_path / "log")
        age("payment", "looked_at")
        jobs.look_up_waiting()
        assert order_queries.net_paid(placed.order.id) == 43674
        assert queries.payment(SYSTEM, payment.id, locked=True).state.value == "captured"

        with transaction():
            orders.cancel(cast.buyer, placed.order.id)
        (refund,) = refund_queries.refunds_of(SYSTEM, placed.order.id)
        kill_between_call_and_record(own_database, servers[1], sandbox, "refund", refund.id, tmp_path / "log")
        queue.drain()
        assert refund_queries.refund(SYSTEM, refund.id, locked=True).state.value == "confirmed"
        assert [row.number for row in refund_queries.attempts_of([refund.id])[refund.id]] == [1]
        assert books.balance(A.REFUNDS_PAYABLE, placed.order.id, "EUR") == 0
        assert books.check_books() == []
        db.session.rollback()
    close(app)


def age(table, column):
    with transaction():
        db.session.execute(text(f"UPDATE {table} SET {column} = {column} - :span"), {"span": timedelta(minutes=5)})
