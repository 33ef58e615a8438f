"""Nothing more goes back than was taken, and a refund that fails later brings its money home."""

import pytest

from settlements.gateway import stripe_gateway
from settlements.gateway.port import Later, RefundRequest, RefundState, Rejected, Unknown
from settlements.gateway.sandbox.launcher import Running
from settlements.gateway.stripe_gateway import StripeGateway
from tests.settlements.gateway.servers import ask, gateway_at, order_payment, wait_until


def refund_of(payment_id: str, amount: int = 2_000, key: str = "refund:1:1") -> RefundRequest:
    return RefundRequest(key=key, payment_id=payment_id, amount_minor=amount, currency="EUR", metadata={"case": "R-1"})


@pytest.fixture
def paid(gateway: StripeGateway) -> str:
    return gateway.take_payment(order_payment()).provider_id


def balance_of(sandbox: Running) -> int:
    _, found = ask(sandbox.url, "GET", "/v1/balance", {})
    return sum(row["amount"] for row in found["available"] + found["pending"])


def test_a_refund_takes_its_amount_and_gives_no_fee_back(gateway: StripeGateway, sandbox: Running, paid: str) -> None:
    given = gateway.refund(refund_of(paid))

    assert (given.state, given.amount_minor, given.currency) == (RefundState.SUCCEEDED, 2_000, "EUR")
    assert given.payment_id == paid
    assert given.metadata == {"case": "R-1", "kontor_key": "refund:1:1"}
    assert given.balance_transaction_id.startswith("txn_")
    assert balance_of(sandbox) == 12_000 - 205 - 2_000


def test_the_same_key_gives_back_once(gateway: StripeGateway, sandbox: Running, paid: str) -> None:
    assert gateway.refund(refund_of(paid)) == gateway.refund(refund_of(paid))
    assert sandbox.state()["objects"]["refund"] == 1


def test_no_more_goes_back_than_was_taken(gateway: StripeGateway, sandbox: Running, paid: str) -> None:
    gateway.refund(refund_of(paid, 11_000, "refund:1:1"))

    with pytest.raises(Rejected, match="greater than unrefunded amount"):
        gateway.refund(refund_of(paid, 1_001, "refund:2:1"))
    gateway.refund(refund_of(paid, 1_000, "refund:3:1"))
    with pytest.raises(Rejected) as refusal:
        gateway.refund(refund_of(paid, 1, "refund:4:1"))

    assert refusal.value.code == "charge_already_refunded"
    assert balance_of(sandbox) == -205
    assert sandbox.state()["objects"]["refund"] == 2


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_or_less_is_refused(gateway: StripeGateway, paid: str, amount: int) -> None:
    with pytest.raises(Rejected) as refusal:
        gateway.refund(refund_of(paid, amount))

    assert refusal.value.code == "parameter_invalid_integer"


def test_a_refused_refund_stays_refused_under_its_key(gateway: StripeGateway, paid: str) -> None:
    for _ in range(2):
        with pytest.raises(Rejected, match="greater than"):
            gateway.refund(refund_of(paid, 12_001))


@pytest.mark.parametrize("method", ["pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_success_de"])
def test_a_payment_that_took_nothing_gives_nothing_back(gateway: StripeGateway, sandbox: Running, method: str) -> None:
    sandbox.script(later_s=60)
    unpaid = gateway.take_payment(order_payment(payment_method=method))

    with pytest.raises(Rejected) as refusal:
        gateway.refund(refund_of(unpaid.provider_id))

    assert refusal.value.code == "payment_intent_unexpected_state"
    assert "refund" not in sandbox.state()["objects"]


@pytest.mark.parametrize("scripted", [True, False])
def test_a_disputed_charge_gives_nothing_back(gateway: StripeGateway, sandbox: Running, scripted: bool) -> None:
    method = "pm_card_visa" if scripted else "pm_card_createDispute"
    taken = gateway.take_payment(order_payment(payment_method=method))
    if scripted:
        sandbox.script(dispute=taken.charge_id)

    with pytest.raises(Rejected) as refusal:
        gateway.refund(refund_of(taken.provider_id))

    assert refusal.value.code == "charge_disputed"


def test_a_pending_refund_succeeds_later(gateway: StripeGateway) -> None:
    taken = gateway.take_payment(order_payment(payment_method="pm_card_pendingRefund"))
    given = gateway.refund(refund_of(taken.provider_id))
    assert given.state is RefundState.PENDING

    wait_until(lambda: gateway.refund_by_id(given.provider_id).state is RefundState.SUCCEEDED)


def test_a_refund_that_fails_later_brings_the_money_home(gateway: StripeGateway, sandbox: Running) -> None:
    taken = gateway.take_payment(order_payment(payment_method="pm_card_refundFail"))
    given = gateway.refund(refund_of(taken.provider_id, 12_000))
    assert given.state is RefundState.SUCCEEDED

    wait_until(lambda: gateway.refund_by_id(given.provider_id).state is RefundState.FAILED)

    failed = gateway.refund_by_id(given.provider_id)
    assert failed.failure_reason == "expired_or_canceled_card"
    assert failed.failure_balance_transaction_id.startswith("txn_")
    assert balance_of(sandbox) == 11_795
    assert gateway.refund(refund_of(taken.provider_id, 12_000, "refund:1:2")).amount_minor == 12_000


@pytest.mark.parametrize(
    ("kind", "code"), [("insufficient_funds", "balance_insufficient"), ("rate_limit", "rate_limit")]
)
def test_asked_to_wait_nothing_went_back(
    gateway: StripeGateway, sandbox: Running, paid: str, kind: str, code: str
) -> None:
    sandbox.script(fault={"kind": kind, "path": "/v1/refunds"})

    with pytest.raises(Later) as refusal:
        gateway.refund(refund_of(paid))

    assert refusal.value.code == code
    assert gateway.find_refund("refund:1:1", paid) is None
    assert gateway.refund(refund_of(paid, key="refund:1:2")).state is RefundState.SUCCEEDED


def test_after_a_time_out_the_refund_is_found_by_its_key(sandbox: Running, gateway: StripeGateway, paid: str) -> None:
    sandbox.script(fault={"kind": "timeout", "path": "/v1/refunds", "effect": True, "seconds": 1})

    with pytest.raises(Unknown):
        gateway_at(sandbox.url, read_timeout_s=0.3).refund(refund_of(paid))

    assert gateway.find_refund("refund:1:1", paid).amount_minor == 2_000
    assert gateway.find_refund("refund:9:1", paid) is None


def test_a_key_still_in_use_is_unknown(gateway: StripeGateway, sandbox: Running, paid: str) -> None:
    sandbox.script(fault={"kind": "in_use", "path": "/v1/refunds"})

    with pytest.raises(Unknown) as refusal:
        gateway.refund(refund_of(paid))

    assert refusal.value.code == "idempotency_key_in_use"


def test_money_on_its_way_becomes_available_with_time(gateway: StripeGateway, sandbox: Running, paid: str) -> None:
    _, before = ask(sandbox.url, "GET", "/v1/balance", {})
    sandbox.script(advance_s=3 * 86_400)
    _, after = ask(sandbox.url, "GET", "/v1/balance", {})
    _, booked = ask(sandbox.url, "GET", "/v1/balance_transactions", {"type": "charge"})

    assert (before["available"][0]["amount"], before["pending"][0]["amount"]) == (0, 11_795)
    assert (after["available"][0]["amount"], after["pending"][0]["amount"]) == (11_795, 0)
    assert [(row["amount"], row["fee"], row["net"], row["status"]) for row in booked["data"]] == [
        (12_000, 205, 11_795, "available")
    ]


def test_a_long_list_is_read_page_by_page(gateway: StripeGateway, sandbox: Running, paid: str) -> None:
    for number in range(5):
        gateway.refund(refund_of(paid, 100 + number, f"refund:{number}:1"))

    _, first = ask(sandbox.url, "GET", "/v1/refunds", {"payment_intent": paid, "limit": "2"})
    after = {"payment_intent": paid, "limit": "3", "starting_after": first["data"][-1]["id"]}
    _, rest = ask(sandbox.url, "GET", "/v1/refunds", after)
    before = {"limit": "2", "ending_before": rest["data"][-1]["id"]}
    _, back = ask(sandbox.url, "GET", "/v1/refunds", before)

    assert [row["amount"] for row in first["data"]] == [104, 103]
    assert [row["amount"] for row in rest["data"]] == [102, 101, 100]
    assert [row["amount"] for row in back["data"]] == [102, 101]
    assert (first["has_more"], rest["has_more"], back["has_more"]) == (True, False, True)


def test_a_refund_is_found_behind_the_first_page(
    gateway: StripeGateway, paid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_gateway, "_PAGE", 2)
    for number in range(5):
        gateway.refund(refund_of(paid, 100 + number, f"refund:{number}:1"))

    assert gateway.find_refund("refund:0:1", paid).amount_minor == 100


@pytest.mark.parametrize("provider_id", ["", "../charges", "re_1?limit=1"])
def test_an_id_cannot_lead_elsewhere(gateway: StripeGateway, provider_id: str) -> None:
    with pytest.raises(Rejected) as refusal:
        gateway.refund_by_id(provider_id)

    assert refusal.value.code in {"resource_missing", "InvalidRequestError"}
