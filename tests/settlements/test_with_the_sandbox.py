"""Paid, cancelled, refunded, bounced and sent again against the sandbox's process, by its own signed web hooks."""

import threading
import time

import pytest
from werkzeug.serving import make_server

import wsgi
from marketplace.kernel import queue
from marketplace.kernel.access import ANONYMOUS, SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from settlements.gateway.sandbox import launcher
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.payments import queries as payment_queries
from settlements.refunds import queries as refund_queries
from tests.builders.settlements import place_example_one
from tests.cast import make_cast
from tests.conftest import close

SECRET = "whsec_only_for_tests"
A = AccountKind


@pytest.fixture
def scene(own_database, make_settings, tmp_path):
    """(app, cast, placed order, the sandbox): web hooks come twice, late, and forged ones among them."""
    sandbox = launcher.start(tmp_path, webhook_secret=SECRET)
    configured = make_settings(
        own_database,
        stripe_api_key=sandbox.api_key,
        stripe_api_base=sandbox.url,
        stripe_webhook_secret=SECRET,
    )
    app = wsgi.create_app(configured)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    sandbox.script(
        webhooks={
            "url": f"http://127.0.0.1:{server.port}/webhooks/stripe",
            "copies": 2,
            "jitter_s": 0.1,
            "wrong_signature": True,
        }
    )
    with app.app_context():
        with transaction():
            cast = make_cast()
            placed = place_example_one(cast.buyer, cast.vendor_company, cast.rival_vendor_company)
        app.extensions["kontor_actor_loader"] = lambda: ANONYMOUS
        yield app, cast, placed, sandbox
        db.session.rollback()
    server.shutdown()
    thread.join()
    server.server_close()
    sandbox.stop()
    close(app)


def settled(sandbox, condition, seconds=20):
    """Run what waits until the condition holds, as web hooks come when they come."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        queue.drain()
        db.session.rollback()
        if condition():
            return
        time.sleep(0.05)
    troubles = [(row.state.value, row.trouble) for row in db.session.scalars(refund_queries.refunds(SYSTEM))]
    raise AssertionError(f"still {sandbox.state()} and {troubles} after {seconds} s")


def ask(app, cast, placed, method, key="k"):
    app.extensions["kontor_actor_loader"] = lambda: cast.buyer
    path, headers = f"/v1/orders/{placed.order.id}/payments", {"Idempotency-Key": key}
    answer = app.test_client().post(path, json={"payment_method": method}, headers=headers)
    app.extensions["kontor_actor_loader"] = lambda: ANONYMOUS
    return answer


@pytest.mark.processes
def test_a_whole_life_by_web_hooks(scene):
    app, cast, placed, sandbox = scene
    declined = ask(app, cast, placed, "pm_card_chargeDeclinedInsufficientFunds")
    assert (declined.status_code, declined.json["code"]) == (409, "insufficient_funds")
    asked = ask(app, cast, placed, "pm_card_authenticationRequired", "k2")
    assert (asked.status_code, asked.json["next"]) == (202, "requires_action")
    payment = payment_queries.payments_of(SYSTEM, placed.order.id)[0]
    sandbox.script(authenticate={"payment_intent": payment.provider_id})
    settled(sandbox, lambda: order_queries.net_paid(placed.order.id) == 43674)

    with transaction():
        orders.cancel(cast.buyer, placed.order.id, [orders.Units(placed.lines["A1"], 3)])
    (refund,) = refund_queries.refunds_of(SYSTEM, placed.order.id)
    settled(sandbox, lambda: state_of(refund) == "confirmed")
    assert books.balance(A.REFUNDS_PAYABLE, placed.order.id, "EUR") == 0

    sandbox.script(fail_refund=refund_queries.attempts_of([refund.id])[refund.id][0].provider_id)
    settled(sandbox, lambda: state_of(refund) == "bounced")
    assert books.balance(A.REFUNDS_PAYABLE, placed.order.id, "EUR") == -4095
    assert books.check_books() == []
    db.session.rollback()


@pytest.mark.processes
@pytest.mark.parametrize("effect", [True, False])
def test_an_answer_that_got_lost_is_made_good_by_web_hook_or_look(scene, effect):
    app, cast, placed, sandbox = scene
    sandbox.script(fault={"kind": "error", "path": "/v1/payment_intents", "method": "POST", "effect": effect})
    assert ask(app, cast, placed, "pm_card_visa").status_code == 202
    if effect:
        settled(sandbox, lambda: order_queries.net_paid(placed.order.id) == 43674)
    else:
        queue.drain()
        assert order_queries.net_paid(placed.order.id) == 0
    assert books.check_books() == []
    db.session.rollback()


def state_of(refund):
    return refund_queries.refund(SYSTEM, refund.id, locked=True).state.value
