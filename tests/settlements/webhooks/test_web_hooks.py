"""A web hook is a hint: verified, stored once, answered; the present state of its object decides, in any order."""

import json
import uuid

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

import wsgi
from marketplace.kernel import queue
from marketplace.kernel.access import ANONYMOUS, SYSTEM
from marketplace.kernel.db import QueryCounter, db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from settlements.gateway.connect import AccountRequest
from settlements.gateway.port import PaymentRequest, RefundRequest
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.payments import jobs as payment_jobs
from settlements.payments import queries as payment_queries
from settlements.payments.actions import reserve
from settlements.provider_accounts import actions as provider_account_actions
from settlements.provider_accounts import jobs as provider_account_jobs
from settlements.provider_accounts import queries as provider_account_queries
from settlements.refunds import jobs as refund_jobs
from settlements.refunds import queries as refund_queries
from settlements.webhooks import handlers
from settlements.webhooks.events import WebHookStored
from settlements.webhooks.models import WebHookEvent
from tests.builders.settlements import place_example_one
from tests.cast import make_cast
from tests.conftest import close
from tests.settlements.memory_gateway import SIGNATURE, MemoryGateway

A = AccountKind


@pytest.fixture(scope="module")
def hooked(make_database, make_settings):
    """An app with a web hook secret, on a database of this module."""
    app = wsgi.create_app(make_settings(make_database(), stripe_webhook_secret="whsec_test"), MemoryGateway())
    yield app
    close(app)


@pytest.fixture
def scene(hooked):
    """(app, cast, placed order, a new provider) with real commits."""
    hooked.extensions["kontor_gateway"] = gateway = MemoryGateway()
    with hooked.app_context():
        yield hooked, *order_of(hooked), gateway
        db.session.rollback()


def order_of(app):
    with transaction():
        db.session.execute(text("UPDATE company SET is_operator = false"))
        cast = make_cast()
        placed = place_example_one(cast.buyer, cast.vendor_company, cast.rival_vendor_company)
    app.extensions["kontor_actor_loader"] = lambda: ANONYMOUS
    return cast, placed


def tell(app, name, object_id, event_id=None, *, signature=SIGNATURE, account=None):
    event = {"id": event_id or f"evt_{uuid.uuid4().hex}", "name": name, "object_id": object_id, "account": account}
    headers = {"Stripe-Signature": signature} if signature is not None else {}
    return app.test_client().post("/webhooks/stripe", data=json.dumps(event), headers=headers)


def stored():
    rows = db.session.scalars(select(WebHookEvent).execution_options(populate_existing=True))
    return {row.object_id: (row.outcome, row.reason) for row in rows}


def count():
    return db.session.scalar(text("SELECT count(*) FROM webhook_event"))


def test_without_a_secret_the_door_does_not_exist(app):
    answer = app.test_client().post("/webhooks/stripe", data=b"{}")
    assert answer.status_code == 404


@pytest.mark.parametrize("signature", [None, "", "forged"])
def test_what_is_not_signed_is_refused_and_not_stored(scene, signature):
    app, *_ = scene
    before = count()
    answer = tell(app, "payment_intent.succeeded", "pi_1", signature=signature)
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/event-not-genuine")
    assert count() == before


def test_a_repeated_event_is_stored_once_and_answered_alike(scene):
    app, *_ = scene
    before = count()
    assert [tell(app, "balance.available", "b", "evt_same").status_code for _ in range(3)] == [200, 200, 200]
    assert count() == before + 1


def test_the_event_comes_before_our_own_answer(scene):
    app, cast, placed, gateway = scene
    gateway.faults.append(("take_payment", "unanswered"))
    with transaction():
        payment = reserve(cast.buyer, placed.order.id)
    payment_jobs.take(payment.id, "pm_card_visa")
    for name, object_id in gateway.events:
        tell(app, name, object_id)
    queue.drain()
    assert order_queries.net_paid(placed.order.id) == 43674
    assert gateway.calls.count("payment") == 1
    assert books.check_books() == []


def test_what_is_known_already_is_not_fetched(scene):
    app, cast, placed, gateway = scene
    with transaction():
        payment = reserve(cast.buyer, placed.order.id)
    payment_jobs.take(payment.id, "pm_card_visa")
    for name, object_id in gateway.events:
        tell(app, name, object_id)
    queue.drain()
    assert gateway.calls == ["take_payment"]
    assert set(stored()[object_id]) == {"handled", None}


def test_a_batch_of_events_costs_the_same_few_statements(scene):
    app, cast, placed, gateway = scene
    with transaction():
        payment = reserve(cast.buyer, placed.order.id)
    payment_jobs.take(payment.id, "pm_card_visa")
    for _ in range(10):
        tell(app, *gateway.events[0])
    with transaction():
        db.session.execute(text("DELETE FROM outbox_delivery"))
        rows = list(db.session.scalars(select(WebHookEvent.id).where(WebHookEvent.outcome == "waiting")))
    with QueryCounter() as seen:
        handlers.look_into([WebHookStored(row_id) for row_id in rows])
    assert (len(rows), seen.count) == (10, 2)


@pytest.mark.parametrize(
    ("name", "object_id", "account", "verdict"),
    [
        ("customer.created", "cus_1", None, ("ignored", "nothing is done about events of this kind")),
        ("payment_intent.succeeded", "pi_none", None, ("kept", "the provider does not know it: resource_missing")),
        ("refund.updated", "re_none", None, ("kept", "the provider does not know it: resource_missing")),
        ("payment_intent.succeeded", "pi_theirs", "acct_1", ("kept", "it speaks of another account")),
        ("account.updated", "acct_none", "acct_none", ("kept", "the provider does not know it: resource_missing")),
        ("account.updated", "acct_2", "acct_3", ("kept", "it speaks of one account in the name of another")),
    ],
)
def test_what_does_not_concern_us_is_kept_with_its_reason(scene, name, object_id, account, verdict):
    app, *_ = scene
    before = books.trial_balance()
    tell(app, name, object_id, account=account)
    queue.drain()
    assert stored()[object_id] == verdict
    assert books.trial_balance() == before


def account_asked(vendor_id):
    with transaction():
        row = provider_account_actions.request(vendor_id)
    return provider_account_jobs.open_account(row.id)


def test_an_account_is_looked_at_whatever_the_order_of_its_events(scene):
    app, cast, _, gateway = scene
    row = account_asked(cast.vendor_company.id)
    for _ in range(3):
        gateway.restrict(row.provider_id)
        gateway.onboard(row.provider_id)
    for name, object_id in reversed(gateway.events):
        tell(app, name, object_id, account=object_id)
    queue.drain()
    row = provider_account_queries.account_of(cast.vendor_company.id)
    assert (row.transfers, row.payouts_enabled, row.currencies, row.due) == ("active", True, ["EUR"], [])
    assert stored()[row.provider_id] == ("handled", None)


def test_an_account_of_nobody_here_is_put_aside(scene):
    app, cast, _, gateway = scene
    facts = {"country": "DE", "email": "a@b.example", "company_name": "X", "currency": "EUR"}
    foreign = gateway.create_account(AccountRequest(key="x", **facts))
    stolen = gateway.create_account(AccountRequest(key="y", metadata={"account_id": str(uuid.uuid4())}, **facts))
    ours = account_asked(cast.vendor_company.id)
    second = gateway.create_account(AccountRequest(key="z", metadata={"account_id": str(ours.id)}, **facts))
    for account in (foreign, stolen, second):
        tell(app, "account.updated", account.provider_id, account=account.provider_id)
    queue.drain()
    assert stored()[foreign.provider_id] == ("kept", "it is no account of ours")
    assert stored()[stolen.provider_id] == ("kept", "it is no account of ours")
    assert stored()[second.provider_id] == ("kept", f"two accounts at the provider: {second.provider_id} as well")
    assert provider_account_queries.account_of(cast.vendor_company.id).provider_id == ours.provider_id


def test_a_chargeback_is_booked_once_whatever_the_order_of_its_events(scene):
    app, cast, placed, gateway = scene
    with transaction():
        payment = reserve(cast.buyer, placed.order.id)
    payment_jobs.take(payment.id, "pm_card_visa")
    (charge,) = (provider_id for provider_id in gateway.payments)
    gateway.events.clear()
    dispute = gateway.open_dispute(charge)
    gateway.decide_dispute(dispute.provider_id, won=True)
    foreign = gateway.open_dispute(gateway.take_payment(payment_request(placed)).provider_id)
    for name, object_id in [*reversed(gateway.events), *gateway.events]:
        tell(app, name, object_id)
    queue.drain()
    assert stored()[dispute.provider_id] == ("handled", None)
    assert stored()[foreign.provider_id] == ("kept", "it disputes no payment of ours")
    assert books.balance(A.DISPUTES_IN_PROCESS, placed.order.id, "EUR") == 0
    assert books.check_books() == []


def test_money_of_somebody_else_on_our_balance_is_kept_not_booked(scene):
    app, _, placed, gateway = scene
    request = payment_request(placed, metadata={"payment_id": str(uuid.uuid4())})
    foreign = gateway.take_payment(request)
    refund = gateway.refund(RefundRequest(key="x", payment_id=foreign.provider_id, amount_minor=1, currency="EUR"))
    before = books.trial_balance()
    tell(app, "charge.succeeded", foreign.provider_id)
    tell(app, "refund.created", refund.provider_id)
    queue.drain()
    assert stored()[foreign.provider_id] == ("kept", "it is no payment of ours")
    assert stored()[refund.provider_id] == ("kept", "it is no refund of ours")
    assert books.trial_balance() == before


def test_a_payment_of_another_order_pays_neither(scene):
    """A genuine payment with our payment's id but another amount: replaying a cheap payment on a dear order."""
    app, cast, placed, gateway = scene
    with transaction():
        payment = reserve(cast.buyer, placed.order.id)
    request = payment_request(placed, amount_minor=100, metadata={"payment_id": str(payment.id)})
    cheap = gateway.take_payment(request)
    tell(app, "payment_intent.succeeded", cheap.provider_id)
    queue.drain()
    assert stored()[cheap.provider_id] == ("kept", "asked for 436.74 EUR, taken 1.00 EUR")
    assert order_queries.net_paid(placed.order.id) == 0


def test_a_provider_that_does_not_answer_is_asked_again(scene):
    app, cast, placed, gateway = scene
    gateway.faults += [("take_payment", "unanswered"), ("payment", "lost")]
    with transaction():
        payment = reserve(cast.buyer, placed.order.id)
    payment_jobs.take(payment.id, "pm_card_visa")
    tell(app, *gateway.events[0])
    row_id = db.session.scalar(select(WebHookEvent.id).where(WebHookEvent.outcome == "waiting"))
    with pytest.raises(Exception, match="did not answer clearly"):
        handlers.look_into([WebHookStored(row_id)])
    assert order_queries.net_paid(placed.order.id) == 0
    handlers.look_into([WebHookStored(row_id)])
    assert order_queries.net_paid(placed.order.id) == 43674
    queue.drain()


FLOW = (
    "charge.succeeded",
    "payment_intent.succeeded",
    "refund.created",
    "charge.refunded",
    "refund.failed",
    "payment_intent.succeeded",
    "refund.failed",
)


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(order=st.permutations(FLOW), when=st.lists(st.integers(0, 2), min_size=7, max_size=7))
def test_the_events_of_a_flow_end_alike_in_any_order(hooked, order, when):
    """Each event is told once the object exists, but possibly much later; the end is the same as without any."""
    hooked.extensions["kontor_gateway"] = gateway = MemoryGateway()
    with hooked.app_context():
        cast, placed = order_of(hooked)
        told = list(zip(order, when, strict=True))

        def tell_all(stage):
            objects = {"refund": next(reversed(gateway.refunds), None), "pi": next(iter(gateway.payments))}
            for name, at in told:
                object_id = objects["refund" if name.startswith("refund") else "pi"]
                if at <= stage and object_id:
                    tell(hooked, name, object_id)
            queue.drain()

        gateway.faults.append(("take_payment", "unanswered"))
        with transaction():
            payment = reserve(cast.buyer, placed.order.id)
        payment_jobs.take(payment.id, "pm_card_visa")
        tell_all(0)
        payment_jobs.look_up(payment.id)
        tell_all(1)
        with transaction():
            orders.cancel(cast.buyer, placed.order.id, [orders.Units(placed.lines["A1"], 3)])
        queue.drain()
        tell_all(1)
        gateway.bounce(next(iter(gateway.refunds)))
        tell_all(2)
        (refund,) = refund_queries.refunds_of(SYSTEM, placed.order.id)
        assert refund_queries.refund(SYSTEM, refund.id, locked=True).state.value in {"bounced", "confirmed"}
        tell(hooked, "refund.failed", next(iter(gateway.refunds)))
        queue.drain()
        assert refund_queries.refund(SYSTEM, refund.id, locked=True).state.value == "bounced"
        assert payment_queries.payment(SYSTEM, payment.id, locked=True).state.value == "captured"
        assert order_queries.net_paid(placed.order.id) == 43674 - 4095
        assert books.balance(A.REFUNDS_PAYABLE, placed.order.id, "EUR") == -4095
        assert books.check_books() == []
        refund_jobs.send(refund.id)
        assert books.balance(A.REFUNDS_PAYABLE, placed.order.id, "EUR") == -4095
        db.session.rollback()


def payment_request(placed, *, amount_minor=43674, metadata=None):
    return PaymentRequest(
        key=uuid.uuid4().hex,
        amount_minor=amount_minor,
        currency="EUR",
        payment_method="pm_card_visa",
        order_number="K-1",
        transfer_group="x",
        metadata=metadata or {},
    )
