"""An order is paid once, booked with it, and told to its vendors; whatever fails leaves it payable."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import QueryCounter, transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.states import VendorOrderState
from settlements.gateway.port import PaymentState as ProviderState
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.payments import actions, jobs, queries
from settlements.payments.states import PaymentState
from tests.settlements.memory_gateway import MemoryGateway

A = AccountKind


def balances(order, vendors):
    """What the table of postings shows after an order was paid."""
    own = {kind.value: books.balance(kind, None, "EUR") for kind in A if kind.value.endswith(("deferred", "psp_fees"))}
    own["psp_clearing"] = books.balance(A.PSP_CLEARING, None, "EUR")
    own["vendor_pending"] = tuple(books.balance(A.VENDOR_PENDING, vendor.id, "EUR") for vendor in vendors)
    own["refunds_payable"] = books.balance(A.REFUNDS_PAYABLE, order.id, "EUR")
    return own


def parts(order):
    return {part.state for part in order_queries.parts_of(order.id)}


def test_paid_booked_and_told_to_the_vendors(placed, pay, cast, gateway):
    answer = pay(placed.order)
    assert answer.status_code == 201, answer.json
    assert answer.json["state"] == "captured"
    assert answer.json["amount"] == {"amount_minor": 43674, "currency": "EUR"}
    assert "fee_minor" not in answer.json
    assert "client_secret" not in answer.json
    assert order_queries.net_paid(placed.order.id) == 43674
    assert parts(placed.order) == {VendorOrderState.TO_CONFIRM}
    assert balances(placed.order, [cast.vendor_company, cast.rival_vendor_company]) == {
        "psp_clearing": 42994,
        "psp_fees": 680,
        "promo_deferred": 2236,
        "commission_deferred": -4719,
        "shipping_deferred": -1490,
        "tax_deferred": -298,
        "vendor_pending": (-24515, -14888),
        "refunds_payable": 0,
    }
    assert books.check_books() == []
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance_minor()


def test_the_same_key_answers_again_and_charges_once(placed, pay, gateway):
    first, second = pay(placed.order), pay(placed.order)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert gateway.calls == ["take_payment"]


def test_a_key_of_another_request_is_refused(placed, pay, gateway):
    pay(placed.order)
    answer = pay(placed.order, "pm_other")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/idempotency-key-reused")
    assert len(gateway.payments) == 1


def test_a_paid_order_is_not_paid_again(placed, pay, gateway):
    pay(placed.order)
    answer = pay(placed.order, key="key-2")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/nothing-to-pay")
    assert gateway.calls == ["take_payment"]


def test_a_declined_payment_takes_nothing_and_another_may_follow(placed, pay, gateway):
    answer = pay(placed.order, "pm_declined")
    assert answer.status_code == 409
    assert (answer.json["type"], answer.json["code"]) == ("/problems/payment-declined", "insufficient_funds")
    assert pay(placed.order, "pm_declined").json == answer.json
    assert order_queries.net_paid(placed.order.id) == 0
    assert parts(placed.order) == {VendorOrderState.PLACED}
    assert books.trial_balance() == []
    assert pay(placed.order, key="key-2").status_code == 201
    assert [row.state.value for row in queries.payments_of(SYSTEM, placed.order.id)] == ["captured", "failed"]


@pytest.mark.parametrize(("method", "status"), [("pm_unknown", 409), ("pm_declined", 409), ("pm_lost", 409)])
def test_refused_for_good(placed, pay, method, status):
    assert pay(placed.order, method).status_code == status
    (payment,) = queries.payments_of(SYSTEM, placed.order.id)
    assert payment.state is PaymentState.FAILED


def test_a_provider_that_asks_to_wait_took_nothing(placed, pay, gateway):
    gateway.faults.append(("take_payment", "later"))
    answer = pay(placed.order)
    assert (answer.status_code, answer.json["type"]) == (502, "/problems/provider-asks-to-wait")
    assert pay(placed.order, key="key-2").status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"payment_method": "4242424242424242"},
        {"payment_method": "4242 4242 4242 4242"},
        {"payment_method": "pm_4242-4242-4242-4242"},
        {"payment_method": "pm_card_visa", "amount_minor": 1},
        {"payment_method": "pm_card_visa", "card": {"number": "4242424242424242"}},
        {"payment_method": ""},
        {"payment_method": 7},
        {},
    ],
)
def test_neither_card_numbers_nor_amounts_are_taken(placed, client_as, cast, gateway, body, caplog):
    answer = client_as(cast.buyer).post(
        f"/v1/orders/{placed.order.id}/payments", json=body, headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 422
    assert "4242" not in answer.text + caplog.text
    assert gateway.calls == []
    assert queries.payments_of(SYSTEM, placed.order.id) == []


def test_without_a_key_nothing_happens(placed, client_as, cast, gateway):
    answer = client_as(cast.buyer).post(f"/v1/orders/{placed.order.id}/payments", json={"payment_method": "pm_x"})
    assert (answer.status_code, gateway.calls) == (422, [])


def test_without_a_provider_it_says_so(placed, pay, app):
    app.extensions["kontor_gateway"] = None
    answer = pay(placed.order)
    assert (answer.status_code, answer.json["type"]) == (502, "/problems/payments-not-configured")
    assert queries.payments_of(SYSTEM, placed.order.id) == []


def test_an_unanswered_payment_is_looked_up_and_recorded(placed, pay, gateway):
    gateway.faults.append(("take_payment", "unanswered"))
    answer = pay(placed.order)
    assert (answer.status_code, answer.json["state"], answer.json["next"]) == (202, "requested", None)
    assert order_queries.net_paid(placed.order.id) == 0
    blocked = pay(placed.order, key="key-2")
    assert (blocked.status_code, blocked.json["type"]) == (409, "/problems/payment-under-way")
    later(placed.order, jobs.ASK_AGAIN_AFTER)
    jobs.look_up_waiting()
    assert order_queries.net_paid(placed.order.id) == 43674
    assert pay(placed.order).json["state"] == "captured"
    assert gateway.calls.count("take_payment") == 1
    assert books.check_books() == []


def test_a_payment_that_never_reached_the_provider_fails_and_may_be_repeated(placed, pay, gateway):
    gateway.faults.append(("take_payment", "lost"))
    assert pay(placed.order).status_code == 202
    later(placed.order, jobs.ASK_AGAIN_AFTER)
    jobs.look_up_waiting()
    assert payment_of(placed.order).state is PaymentState.REQUESTED
    later(placed.order, jobs.NEVER_ASKED_AFTER)
    jobs.look_up_waiting()
    assert payment_of(placed.order).failure_code == "not_taken"
    assert pay(placed.order, key="key-2").status_code == 201


def test_a_provider_that_does_not_answer_for_one_holds_up_no_other(placed, pay, gateway):
    gateway.faults.append(("take_payment", "unanswered"))
    pay(placed.order)
    later(placed.order, jobs.ASK_AGAIN_AFTER)
    gateway.faults.append(("find_payment", "lost"))
    jobs.look_up_waiting()
    assert payment_of(placed.order).state is PaymentState.REQUESTED
    later(placed.order, jobs.ASK_AGAIN_AFTER)
    jobs.look_up_waiting()
    assert payment_of(placed.order).state is PaymentState.CAPTURED


def test_the_payer_confirms_with_the_secret(placed, pay, gateway, client_as, cast):
    answer = pay(placed.order, "pm_asks")
    assert (answer.status_code, answer.json["next"]) == (202, "requires_action")
    provider_id = payment_of(placed.order).provider_id
    assert answer.json["client_secret"] == f"{provider_id}_secret"
    assert pay(placed.order, "pm_asks").json["client_secret"] == f"{provider_id}_secret"
    gateway.authenticate(provider_id)
    looked = client_as(cast.buyer).post(f"/v1/payments/{answer.json['id']}/look-up")
    assert (looked.status_code, looked.json["state"]) == (200, "captured")
    assert books.check_books() == []


def test_a_payment_is_cancelled_so_that_another_can_be_made(placed, pay, gateway, client_as, cast):
    asked = pay(placed.order, "pm_asks").json
    cancelled = client_as(cast.buyer).post(f"/v1/payments/{asked['id']}/cancel")
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    assert client_as(cast.buyer).post(f"/v1/payments/{asked['id']}/cancel").status_code == 409
    assert pay(placed.order, key="key-2").status_code == 201


def test_cancelling_what_has_just_been_taken_records_it(placed, pay, gateway, client_as, cast):
    asked = pay(placed.order, "pm_asks").json
    gateway.before_call = lambda call: (
        call == "cancel_payment" and gateway.authenticate(payment_of(placed.order).provider_id)
    )
    answer = client_as(cast.buyer).post(f"/v1/payments/{asked['id']}/cancel")
    assert answer.json["state"] == "captured"
    assert order_queries.net_paid(placed.order.id) == 43674


def test_a_payer_who_has_gone_frees_the_order(placed, pay, gateway):
    pay(placed.order, "pm_asks")
    later(placed.order, jobs.GIVEN_UP_AFTER)
    jobs.look_up_waiting()
    payment = payment_of(placed.order)
    assert payment.state is PaymentState.EXPIRED
    assert gateway.payments[payment.provider_id].state is ProviderState.CANCELLED


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"captured_minor": 43673}, "asked for 436.74 EUR, taken 436.73 EUR"),
        ({"currency": "USD"}, "asked for EUR, taken in USD"),
        ({"net_minor": 1}, "taken 436.74 EUR, but net 0.01 EUR and fee 6.80 EUR"),
    ],
)
def test_other_money_than_was_asked_for_is_not_booked(placed, pay, gateway, client_as, cast, change, trouble):
    taken = MemoryGateway._captured

    def differently(payment):
        result = taken(gateway, payment)
        for name, value in change.items():
            object.__setattr__(result, name, value)
        return result

    gateway._captured = differently
    answer = pay(placed.order)
    assert (answer.status_code, answer.json["state"]) == (202, "requested")
    assert "trouble" not in answer.json
    assert order_queries.net_paid(placed.order.id) == 0
    assert books.trial_balance() == []
    listed = client_as(cast.operator).get("/v1/payments?trouble=true").json["items"]
    assert [row["trouble"] for row in listed] == [trouble]


def test_money_for_a_cancelled_order_goes_back(placed, pay, gateway, cast):
    gateway.faults.append(("take_payment", "unanswered"))
    pay(placed.order)
    with transaction():
        orders.cancel(cast.buyer, placed.order.id)
    later(placed.order, jobs.ASK_AGAIN_AFTER)
    jobs.look_up_waiting()
    assert payment_of(placed.order).state is PaymentState.CAPTURED
    assert parts(placed.order) == {VendorOrderState.CANCELLED}
    assert order_queries.net_paid(placed.order.id) == 0
    assert books.balance(A.REFUNDS_PAYABLE, placed.order.id, "EUR") == -43674
    assert books.balance(A.VENDOR_PENDING, cast.vendor_company.id, "EUR") == 0
    assert books.check_books() == []


def test_money_beyond_what_is_owed_by_then_goes_back(placed, pay, gateway, cast):
    gateway.faults.append(("take_payment", "unanswered"))
    pay(placed.order)
    with transaction():
        orders.cancel(cast.buyer, placed.order.id, [orders.Units(placed.lines["A1"], 4)])
    owed = order_queries.order(SYSTEM, placed.order.id).owed_minor
    later(placed.order, jobs.ASK_AGAIN_AFTER)
    jobs.look_up_waiting()
    assert order_queries.net_paid(placed.order.id) == owed
    assert books.balance(A.REFUNDS_PAYABLE, placed.order.id, "EUR") == owed - 43674
    assert books.check_books() == []


def test_a_recorded_result_changes_nothing_the_second_time(placed, pay, gateway):
    pay(placed.order)
    payment = payment_of(placed.order)
    before = books.trial_balance()
    with transaction():
        again = actions.record(payment.id, gateway.payments[payment.provider_id])
    assert again.state is PaymentState.CAPTURED
    assert books.trial_balance() == before


def test_statements_of_a_recorded_payment(placed, pay, gateway):
    with QueryCounter() as seen:
        pay(placed.order)
    sent = [statement for statement in seen.statements if not statement.startswith(("SAVEPOINT", "RELEASE"))]
    assert len(sent) <= 26, "\n".join(sent)


def payment_of(order):
    return queries.payments_of(SYSTEM, order.id)[0]


def later(order, span):
    """As if the payment had been asked for, and last looked at, so much longer ago."""
    payment = payment_of(order)
    payment.requested_at -= span + timedelta(seconds=1)
    payment.looked_at = clock.now() - span - timedelta(seconds=1)
    order_queries.db.session.flush()
