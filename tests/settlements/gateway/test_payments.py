"""Money is taken at most once, and every outcome is told as what it is."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from settlements.gateway.port import Later, PaymentState, Rejected, Unknown
from settlements.gateway.sandbox.launcher import Running
from settlements.gateway.stripe_gateway import StripeGateway
from tests.settlements.gateway.servers import NO_REDIRECTS, ask, gateway_at, order_payment, wait_until


def test_a_captured_payment_tells_what_it_cost(gateway: StripeGateway) -> None:
    taken = gateway.take_payment(order_payment(metadata={"order_id": "o-1"}))

    assert taken.state is PaymentState.CAPTURED
    assert (taken.amount_minor, taken.captured_minor, taken.currency) == (12_000, 12_000, "EUR")
    assert (taken.fee_minor, taken.net_minor) == (205, 11_795)
    assert taken.charge_id.startswith("ch_")
    assert taken.balance_transaction_id.startswith("txn_")
    assert taken.metadata == {"order_id": "o-1", "order_number": "K-1001", "kontor_key": "payment:1:1"}


@pytest.mark.parametrize(("amount", "fee"), [(50, 26), (99, 26), (100, 27), (1_033, 40), (1_034, 41), (12_345, 210)])
def test_the_fee_is_rounded_half_up(gateway: StripeGateway, amount: int, fee: int) -> None:
    taken = gateway.take_payment(order_payment(amount_minor=amount))

    assert (taken.fee_minor, taken.net_minor) == (fee, amount - fee)


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("pm_card_chargeDeclined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error"),
    ],
)
def test_a_decline_is_a_result_with_its_code(gateway: StripeGateway, method: str, code: str) -> None:
    declined = gateway.take_payment(order_payment(payment_method=method))

    assert (declined.state, declined.failure_code, declined.captured_minor) == (PaymentState.FAILED, code, 0)
    assert declined.failure_message
    assert gateway.payment(declined.provider_id).state is PaymentState.FAILED


def test_a_decline_is_replayed_as_a_decline(gateway: StripeGateway, sandbox: Running) -> None:
    request = order_payment(payment_method="pm_card_chargeDeclined")

    assert gateway.take_payment(request) == gateway.take_payment(request)
    assert sandbox.state()["objects"]["payment_intent"] == 1


@pytest.mark.parametrize(("succeed", "state"), [(True, PaymentState.CAPTURED), (False, PaymentState.FAILED)])
def test_a_payer_who_must_confirm_decides(
    gateway: StripeGateway, sandbox: Running, succeed: bool, state: PaymentState
) -> None:
    asked = gateway.take_payment(order_payment(payment_method="pm_card_authenticationRequired"))
    assert (asked.state, asked.captured_minor) == (PaymentState.REQUIRES_ACTION, 0)
    assert asked.client_secret.startswith(asked.provider_id)

    sandbox.script(authenticate={"payment_intent": asked.provider_id, "succeed": succeed})

    assert gateway.payment(asked.provider_id).state is state


@pytest.mark.parametrize(
    ("method", "state", "code"),
    [
        ("pm_success_de", PaymentState.CAPTURED, None),
        ("pm_insufficientFunds_de", PaymentState.FAILED, "insufficient_funds"),
    ],
)
def test_a_debit_is_on_its_way_before_it_ends(
    gateway: StripeGateway, method: str, state: PaymentState, code: str | None
) -> None:
    begun = gateway.take_payment(order_payment(payment_method=method))
    assert (begun.state, begun.fee_minor) == (PaymentState.PROCESSING, None)

    wait_until(lambda: gateway.payment(begun.provider_id).state is not PaymentState.PROCESSING)

    ended = gateway.payment(begun.provider_id)
    assert (ended.state, ended.failure_code) == (state, code)
    assert ended.fee_minor == (205 if state is PaymentState.CAPTURED else None)


def test_a_cancelled_payment_can_never_take_money(gateway: StripeGateway, sandbox: Running) -> None:
    asked = gateway.take_payment(order_payment(payment_method="pm_card_authenticationRequired"))

    assert gateway.cancel_payment(asked.provider_id, "cancel:1").state is PaymentState.CANCELLED
    with pytest.raises(ValueError, match="status of canceled"):
        sandbox.script(authenticate={"payment_intent": asked.provider_id})


def test_a_captured_payment_cannot_be_cancelled(gateway: StripeGateway) -> None:
    taken = gateway.take_payment(order_payment())

    with pytest.raises(Rejected) as refusal:
        gateway.cancel_payment(taken.provider_id, "cancel:1")

    assert refusal.value.code == "payment_intent_unexpected_state"
    assert gateway.payment(taken.provider_id).state is PaymentState.CAPTURED


def test_the_same_key_takes_money_once_even_at_the_same_time(gateway: StripeGateway, sandbox: Running) -> None:
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: gateway.take_payment(order_payment()), range(12)))

    assert len({result.provider_id for result in results}) == 1
    assert sandbox.state()["objects"] == {
        "balance_transaction": 1,
        "charge": 1,
        "event": 2,
        "payment_intent": 1,
    }


def test_a_key_used_for_something_else_is_unknown_not_refused(gateway: StripeGateway, sandbox: Running) -> None:
    gateway.take_payment(order_payment())

    with pytest.raises(Unknown) as refusal:
        gateway.take_payment(order_payment(amount_minor=99_999))

    assert "same parameters" in refusal.value.text
    assert sandbox.state()["objects"]["charge"] == 1


def test_a_replayed_answer_says_so(sandbox: Running) -> None:
    fields = {"amount": "500", "currency": "eur"}

    first = ask(sandbox.url, "POST", "/v1/payment_intents", fields, Idempotency_Key="k1")
    again = ask(sandbox.url, "POST", "/v1/payment_intents", fields, Idempotency_Key="k1")
    elsewhere = ask(sandbox.url, "POST", "/v1/refunds", {"charge": "ch_1"}, Idempotency_Key="k1")

    assert first == again
    assert (elsewhere[0], elsewhere[1]["error"]["type"]) == (400, "idempotency_error")


def test_a_malformed_request_leaves_its_key_unused(sandbox: Running) -> None:
    bad = ask(sandbox.url, "POST", "/v1/payment_intents", {"amount": "x", "currency": "eur"}, Idempotency_Key="k1")
    good = ask(sandbox.url, "POST", "/v1/payment_intents", {"amount": "500", "currency": "eur"}, Idempotency_Key="k1")

    assert (bad[0], good[0]) == (400, 200)


@pytest.mark.parametrize("kind", ["rate_limit", "lock_timeout", "conflict"])
def test_asked_to_wait_nothing_moved(gateway: StripeGateway, sandbox: Running, kind: str) -> None:
    sandbox.script(fault={"kind": kind, "path": "/v1/payment_intents"})

    with pytest.raises(Later) as refusal:
        gateway.take_payment(order_payment())

    assert refusal.value.code == ("rate_limit" if kind == "rate_limit" else "lock_timeout")
    assert sandbox.state()["objects"] == {}
    assert gateway.take_payment(order_payment()).state is PaymentState.CAPTURED


def test_a_wrong_api_key_is_later_because_nothing_was_done(sandbox: Running) -> None:
    stranger = StripeGateway(api_key="pk_test_wrong", api_base=sandbox.url)

    with pytest.raises(Later):
        stranger.take_payment(order_payment())

    assert sandbox.state()["objects"] == {}


@pytest.mark.parametrize("effect", [True, False])
def test_an_error_of_the_server_is_unknown_and_looking_it_up_tells(
    gateway: StripeGateway, sandbox: Running, effect: bool
) -> None:
    sandbox.script(fault={"kind": "error", "path": "/v1/payment_intents", "effect": effect})

    for _ in range(2):  # the second time the stored answer is replayed
        with pytest.raises(Unknown):
            gateway.take_payment(order_payment())
    found = gateway.find_payment("payment:1:1", "order-1")

    assert (found.state if found else None) is (PaymentState.CAPTURED if effect else None)


@pytest.mark.parametrize("effect", [True, False])
def test_a_time_out_is_unknown_and_the_same_key_ends_it(sandbox: Running, effect: bool) -> None:
    hasty = gateway_at(sandbox.url, read_timeout_s=0.3)
    sandbox.script(fault={"kind": "timeout", "path": "/v1/payment_intents", "effect": effect, "seconds": 1})

    with pytest.raises(Unknown):
        hasty.take_payment(order_payment())
    assert (hasty.find_payment("payment:1:1", "order-1") is not None) is effect

    assert gateway_at(sandbox.url).take_payment(order_payment()).state is PaymentState.CAPTURED
    assert sandbox.state()["objects"]["charge"] == 1


def test_a_server_that_is_not_there_is_unknown() -> None:
    with pytest.raises(Unknown):
        gateway_at("http://127.0.0.1:9").take_payment(order_payment())


def test_a_payment_without_a_charge_is_found_by_its_key(gateway: StripeGateway) -> None:
    asked = gateway.take_payment(order_payment(payment_method="pm_card_threeDSecure2Required"))
    gateway.take_payment(order_payment("payment:1:2"))

    assert gateway.find_payment("payment:1:1", "order-1").provider_id == asked.provider_id
    assert gateway.find_payment("payment:1:3", "order-1") is None


def test_an_unknown_payment_is_refused(gateway: StripeGateway) -> None:
    with pytest.raises(Rejected) as refusal:
        gateway.payment("pi_of_nobody")

    assert refusal.value.code == "resource_missing"


def test_an_authorized_amount_is_captured_once_and_the_rest_let_go(sandbox: Running) -> None:
    fields = {"amount": "1000", "currency": "eur", "confirm": "true", "payment_method": "pm_card_visa"}
    _, held = ask(sandbox.url, "POST", "/v1/payment_intents", fields | NO_REDIRECTS | {"capture_method": "manual"})
    path = f"/v1/payment_intents/{held['id']}/capture"

    too_much = ask(sandbox.url, "POST", path, {"amount_to_capture": "1001"})
    _, captured = ask(sandbox.url, "POST", path, {"amount_to_capture": "600"})
    again = ask(sandbox.url, "POST", path, {"amount_to_capture": "100"})
    _, charge = ask(sandbox.url, "GET", f"/v1/charges/{captured['latest_charge']}", {})

    assert (held["status"], held["amount_capturable"], held["amount_received"]) == ("requires_capture", 1000, 0)
    assert (captured["status"], captured["amount_received"]) == ("succeeded", 600)
    assert (charge["amount_captured"], charge["amount_refunded"]) == (600, 400)
    assert (too_much[0], again[0]) == (400, 400)


def test_an_account_that_is_not_known_is_refused_and_a_known_one_has_its_own(sandbox: Running) -> None:
    fields = {"amount": "500", "currency": "eur"}
    stranger = ask(sandbox.url, "POST", "/v1/payment_intents", fields, Stripe_Account="acct_1")
    sandbox.script(account="acct_1")
    _, made = ask(sandbox.url, "POST", "/v1/payment_intents", fields, Stripe_Account="acct_1")
    path = f"/v1/payment_intents/{made['id']}"

    assert (stranger[0], stranger[1]["error"]["code"]) == (403, "account_invalid")
    assert ask(sandbox.url, "GET", path, {}, Stripe_Account="acct_1")[0] == 200
    assert ask(sandbox.url, "GET", path, {})[0] == 404


def test_an_api_key_and_a_secret_are_never_empty() -> None:
    with pytest.raises(ValueError, match="API key"):
        StripeGateway(api_key=" ")
    with pytest.raises(ValueError, match="secret"):
        StripeGateway(api_key="sk_test_x", webhook_secret="")
