"""What was paid too much goes back, booked with its cause, sent attempt by attempt until it arrives."""

from datetime import timedelta

import pytest

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import transaction
from marketplace.kernel.money import Money
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.pricing.facts import Order
from settlements.gateway.port import RefundState as ProviderState
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.refunds import actions, jobs, queries
from settlements.refunds.actions import KEY_LIVES
from settlements.refunds.states import REFUND_STATES, RefundState, RefundVerb
from tests.builders.settlements import a_line, a_promotion, place

A = AccountKind


@pytest.fixture
def paid(placed, pay):
    assert pay(placed.order).status_code == 201
    return placed


def cancel(paid, actor, **units):
    wanted = [orders.Units(paid.lines[name], quantity) for name, quantity in units.items()] or None
    with transaction():
        orders.cancel(actor, paid.order.id, wanted)
    return queries.refunds_of(SYSTEM, paid.order.id)


def owed(paid):
    return -books.balance(A.REFUNDS_PAYABLE, paid.order.id, "EUR")


def attempts(refund):
    return queries.attempts_of([refund.id])[refund.id]


def test_a_cancellation_before_payment_moves_no_money(placed, cast):
    assert cancel(placed, cast.buyer, A1=3) == []
    assert books.trial_balance() == []


def test_a_cancelled_part_is_booked_and_refunded(paid, cast, gateway):
    before = {kind: books.balance(kind, None, "EUR") for kind in A if kind.value.endswith("deferred")}
    (refund,) = cancel(paid, cast.buyer, A1=3)
    order = order_queries.order(SYSTEM, paid.order.id)
    assert refund.amount_minor == 43674 - order.owed_minor == owed(paid) == 4095
    assert refund.state is RefundState.REQUESTED
    assert order_queries.net_paid(order.id) == order.owed_minor
    after = {kind: books.balance(kind, None, "EUR") - before[kind] for kind in before}
    assert after == {
        A.PROMO_DEFERRED: -225,
        A.COMMISSION_DEFERRED: 432,
        A.SHIPPING_DEFERRED: 0,
        A.TAX_DEFERRED: 0,
    }
    assert books.balance(A.VENDOR_PENDING, cast.vendor_company.id, "EUR") == -24515 + 3888
    assert books.balance(A.VENDOR_PENDING, cast.rival_vendor_company.id, "EUR") == -14888
    jobs.send(refund.id)
    assert refund.state is RefundState.CONFIRMED
    assert owed(paid) == 0
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance_minor() == 42994 - 4095
    assert books.check_books() == []


def test_a_decline_by_one_vendor_leaves_the_other(paid, cast, gateway):
    part = paid.parts[cast.rival_vendor_company.id]
    with transaction():
        orders.cancel_part(cast.rival_vendor, part.id)
    (refund,) = queries.refunds_of(SYSTEM, paid.order.id)
    jobs.send(refund.id)
    assert books.balance(A.VENDOR_PENDING, cast.rival_vendor_company.id, "EUR") == 0
    assert books.balance(A.VENDOR_PENDING, cast.vendor_company.id, "EUR") == -24515
    assert books.check_books() == []


def test_everything_cancelled_in_steps_goes_back_to_the_cent(paid, cast, gateway):
    cancel(paid, cast.buyer, A1=3)
    cancel(paid, cast.buyer, A1=7, B1=2)
    refunds = cancel(paid, cast.buyer)
    for refund in refunds:
        jobs.send(refund.id)
    assert sum(refund.amount_minor for refund in refunds) == 43674
    balances = {row.kind.value: row.balance_minor for row in books.trial_balance() if row.balance_minor}
    assert balances == {"psp_clearing": -680, "psp_fees": 680}
    assert books.check_books() == []


def test_a_bounced_refund_is_owed_again_and_sent_again(paid, cast, gateway, client_as):
    (refund,) = cancel(paid, cast.buyer, B1=2)
    jobs.send(refund.id)
    gateway.bounce(attempts(refund)[0].provider_id)
    with transaction():
        actions.record(attempts(refund)[0].id, gateway.refunds[attempts(refund)[0].provider_id])
    assert refund.state is RefundState.BOUNCED
    assert owed(paid) == refund.amount_minor
    assert books.check_books() == []
    answer = client_as(cast.operator).post(f"/v1/refunds/{refund.id}/retry", headers={"Idempotency-Key": "r"})
    assert (answer.status_code, answer.json["state"]) == (200, "requested")
    jobs.send(refund.id)
    assert refund.state is RefundState.CONFIRMED
    assert [attempt.key for attempt in attempts(refund)] == [f"refund:{refund.id}:1", f"refund:{refund.id}:2"]
    assert owed(paid) == 0
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance_minor()
    assert books.check_books() == []


def test_the_old_attempt_says_nothing_about_the_new_one(paid, cast, gateway):
    (refund,) = cancel(paid, cast.buyer, B1=2)
    jobs.send(refund.id)
    first = attempts(refund)[0]
    gateway.bounce(first.provider_id)
    with transaction():
        actions.record(first.id, gateway.refunds[first.provider_id])
        actions.retry(cast.operator, refund.id)
    jobs.send(refund.id)
    with transaction():
        actions.record(first.id, gateway.refunds[first.provider_id])
    assert refund.state is RefundState.CONFIRMED
    assert books.check_books() == []


def test_what_cannot_be_sent_leaves_by_bank(paid, cast, gateway, client_as):
    (refund,) = cancel(paid, cast.buyer, B1=2)
    jobs.send(refund.id)
    gateway.bounce(attempts(refund)[0].provider_id)
    with transaction():
        actions.record(attempts(refund)[0].id, gateway.refunds[attempts(refund)[0].provider_id])
    operator = client_as(cast.operator)
    path, headers = f"/v1/refunds/{refund.id}/sent-by-bank", {"Idempotency-Key": "b"}
    assert operator.post(path, json={"reference": "SEPA 4711"}, headers=headers).json["state"] == "other_way"
    assert operator.post(path, json={"reference": "SEPA 4711"}, headers=headers).status_code == 200
    again = operator.post(path, json={"reference": "SEPA 4712"}, headers={"Idempotency-Key": "c"})
    assert again.status_code == 409
    assert (owed(paid), books.balance(A.BANK, None, "EUR")) == (0, -refund.amount_minor)
    assert books.check_books() == []


def test_an_unanswered_refund_is_looked_up_before_anything_else(paid, cast, gateway):
    (refund,) = cancel(paid, cast.buyer, B1=2)
    gateway.faults.append(("refund", "unanswered"))
    jobs.send(refund.id)
    assert (refund.state, owed(paid)) == (RefundState.SENT, refund.amount_minor)
    jobs.send(refund.id)
    assert (refund.state, owed(paid)) == (RefundState.CONFIRMED, 0)
    assert (gateway.calls.count("refund"), len(gateway.refunds)) == (1, 1)


def test_a_refund_that_got_lost_is_sent_with_the_same_key(paid, cast, gateway):
    (refund,) = cancel(paid, cast.buyer, B1=2)
    gateway.faults.append(("refund", "lost"))
    jobs.send(refund.id)
    jobs.send(refund.id)
    assert refund.state is RefundState.CONFIRMED
    assert len(attempts(refund)) == len(gateway.refunds) == 1


def test_after_a_day_the_key_is_new_but_only_after_a_look(paid, cast, gateway):
    (refund,) = cancel(paid, cast.buyer, B1=2)
    gateway.faults.append(("refund", "lost"))
    jobs.send(refund.id)
    attempts(refund)[0].asked_at -= KEY_LIVES
    order_queries.db.session.flush()
    jobs.send(refund.id)
    assert gateway.calls[-2:] == ["find_refund", "refund"]
    assert [attempt.number for attempt in attempts(refund)] == [1, 2]
    assert (refund.state, len(gateway.refunds)) == (RefundState.CONFIRMED, 1)


def test_a_provider_that_asks_to_wait_is_asked_anew_later(paid, cast, gateway):
    (refund,) = cancel(paid, cast.buyer, B1=2)
    gateway.faults.append(("refund", "later"))
    jobs.send(refund.id)
    assert (refund.state, refund.trouble) == (RefundState.REQUESTED, "rate_limit")
    jobs.send_waiting()
    assert gateway.calls.count("refund") == 1
    refund.next_at -= timedelta(minutes=2)
    order_queries.db.session.flush()
    jobs.send_waiting()
    assert refund.state is RefundState.CONFIRMED
    assert [attempt.number for attempt in attempts(refund)] == [1, 2]


def test_a_refund_that_the_provider_refuses_bounces_with_its_reason(paid, cast, gateway):
    (refund,) = cancel(paid, cast.buyer, B1=2)
    payment_id = next(iter(gateway.payments))
    object.__setattr__(gateway.payments[payment_id], "captured_minor", 1)
    jobs.send(refund.id)
    assert (refund.state, refund.trouble) == (RefundState.BOUNCED, "charge_already_refunded")
    assert owed(paid) == refund.amount_minor
    assert books.check_books() == []


def test_a_pending_refund_has_left_and_confirms_later(paid, cast, gateway):
    made = gateway._refund

    def pending(request):
        result = made(request)
        object.__setattr__(result, "state", ProviderState.PENDING)
        return result

    gateway._refund = pending
    (refund,) = cancel(paid, cast.buyer, B1=2)
    jobs.send(refund.id)
    assert (refund.state, owed(paid)) == (RefundState.SENT, 0)
    assert books.check_books() == []
    gateway.settle(attempts(refund)[0].provider_id)
    jobs.send(refund.id)
    assert refund.state is RefundState.CONFIRMED
    assert gateway.calls.count("refund") == 1


def test_another_amount_than_was_sent_is_not_booked(paid, cast, gateway):
    made = gateway._refund

    def differently(request):
        result = made(request)
        object.__setattr__(result, "amount_minor", request.amount_minor - 1)
        return result

    gateway._refund = differently
    (refund,) = cancel(paid, cast.buyer, B1=2)
    jobs.send(refund.id)
    amount = refund.amount_minor
    sent, made = Money(amount, "EUR").format(), Money(amount - 1, "EUR").format()
    assert refund.trouble == f"sent {sent}, refunded {made}"
    assert owed(paid) == amount


def test_money_without_a_payment_waits_for_another_way(placed, cast, gateway, client_as):
    with transaction():
        orders.record_payment(SYSTEM, placed.order.id, 43674, "EUR", "bank:1")
    (refund,) = cancel(placed, cast.buyer, B1=2)
    assert refund.payment_id is None
    jobs.send(refund.id)
    assert (refund.state, gateway.calls) == (RefundState.REQUESTED, [])
    answer = client_as(cast.operator).post(f"/v1/refunds/{refund.id}/retry", headers={"Idempotency-Key": "r"})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/refund-has-no-payment")
    assert {difference.what for difference in books.check_books()} == {"order's money", "refunds owed"}


def test_a_lost_discount_is_paid_afterwards_and_goes_back_first(cast, gateway, pay, session):
    vendor = cast.vendor_company
    lines = (a_line("A1", vendor.id, 1, "500.00"), a_line("A2", vendor.id, 1, "15.00"))
    wanted = Order("EUR", False, lines, (a_promotion("0.10", from_minor=51000),))
    with transaction():
        placed = place(cast.buyer, wanted, [vendor])
    pay(placed.order)
    assert cancel(placed, cast.buyer, A2=1) == []
    assert order_queries.net_paid(placed.order.id) == 56238
    assert books.balance(A.BUYER_CLAWBACK, placed.order.id, "EUR") == 60000 - 56238
    assert books.check_books() == []
    second = pay(placed.order, key="second")
    assert second.json["amount"]["amount_minor"] == 3762
    assert books.balance(A.BUYER_CLAWBACK, placed.order.id, "EUR") == 0
    newest, oldest = reversed(cancel(placed, cast.buyer))
    assert (newest.amount_minor, oldest.amount_minor) == (3762, 56238)
    assert str(newest.payment_id) == second.json["id"]
    for refund in (newest, oldest):
        jobs.send(refund.id)
    assert owed(placed) == 0
    assert books.check_books() == []


@pytest.mark.parametrize("state", list(RefundState))
@pytest.mark.parametrize("verb", list(RefundVerb))
def test_the_table(state, verb):
    allowed = {
        ("requested", "send"): "sent",
        ("requested", "give_up"): "other_way",
        ("sent", "confirm"): "confirmed",
        ("sent", "bounce"): "bounced",
        ("sent", "retry"): "requested",
        ("confirmed", "confirm"): "confirmed",
        ("confirmed", "bounce"): "bounced",
        ("bounced", "bounce"): "bounced",
        ("bounced", "retry"): "requested",
        ("bounced", "give_up"): "other_way",
    }
    assert REFUND_STATES.get((state, verb)) == allowed.get((state.value, verb.value))
