"""Every request of the adapter is well formed, and what the published description refuses, the sandbox refuses too."""

from datetime import UTC, datetime, timedelta

import pytest

from settlements.gateway.connect import (
    AccountResult,
    Balance,
    BalanceTransaction,
    DisputeResult,
    EvidenceRequest,
    PayoutRequest,
    ReversalResult,
    TransferResult,
)
from settlements.gateway.port import PaymentGateway, PaymentResult, RefundRequest, RefundResult
from settlements.gateway.sandbox import launcher
from settlements.gateway.sandbox.app import ROUTES
from settlements.gateway.stripe_gateway import StripeGateway
from tests.settlements.gateway.servers import (  # noqa: F401
    NO_REDIRECTS,
    _sandbox,
    _shared_sandbox,
    _stripe_mock_url,
    account_request,
    ask,
    gateway_at,
    order_payment,
    transfer_of,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

SERVERS = ["sandbox", pytest.param("stripe-mock", marks=pytest.mark.stripe_mock)]


@pytest.fixture(params=SERVERS)
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sandbox":
        return request.getfixturevalue("sandbox").url
    return request.getfixturevalue("stripe_mock_url")


@pytest.fixture
def gateway(url: str) -> StripeGateway:
    return gateway_at(url)


@pytest.fixture
def receiving(gateway: StripeGateway, request: pytest.FixtureRequest) -> str:
    """An account that may receive money, and money to send."""
    made = gateway.create_account(account_request()).provider_id
    if "sandbox" in request.node.callspec.params.values():
        request.getfixturevalue("sandbox").script(account={"id": made, "onboard": True}, topup={"amount": 90_000})
    return made


def test_the_adapter_is_a_payment_gateway(gateway: PaymentGateway) -> None:
    wanted = {name for name in dir(PaymentGateway) if not name.startswith("_")}

    assert wanted == {name for name in dir(type(gateway)) if not name.startswith("_")}


def test_a_payment_is_taken_and_looked_at(gateway: PaymentGateway) -> None:
    taken = gateway.take_payment(order_payment(metadata={"order_id": "1"}, description="Screws"))
    seen = gateway.payment(taken.provider_id)

    assert isinstance(taken, PaymentResult)
    assert (taken.amount_minor, taken.currency) == (12_000, "EUR")
    assert seen.provider_id == taken.provider_id


def test_a_payment_is_looked_up_by_its_key(gateway: PaymentGateway) -> None:
    gateway.take_payment(order_payment("payment:7:1"))

    assert isinstance(gateway.find_payment("payment:7:1", "order-1"), PaymentResult)


def test_a_payment_is_cancelled(gateway: PaymentGateway) -> None:
    taken = gateway.take_payment(order_payment(payment_method="pm_card_authenticationRequired"))

    assert isinstance(gateway.cancel_payment(taken.provider_id, "cancel:1"), PaymentResult)


def test_money_is_given_back_and_looked_at(gateway: PaymentGateway) -> None:
    taken = gateway.take_payment(order_payment())
    request = RefundRequest(key="refund:1:1", payment_id=taken.provider_id, amount_minor=500, currency="EUR")

    given = gateway.refund(request)

    assert isinstance(given, RefundResult)
    assert given.amount_minor == 500
    assert gateway.refund_by_id(given.provider_id).provider_id == given.provider_id


def test_a_refund_is_looked_up_by_its_key(gateway: PaymentGateway, url: str) -> None:
    taken = gateway.take_payment(order_payment())
    request = RefundRequest(key="refund:1:1", payment_id=taken.provider_id, amount_minor=500, currency="EUR")
    gateway.refund(request)

    found = gateway.find_refund("refund:1:1", taken.provider_id)

    # stripe-mock keeps nothing, so it only proves that the question is well formed.
    assert found is None or found.metadata["kontor_key"] == "refund:1:1"


def test_accounts_are_made_looked_at_and_linked(gateway: PaymentGateway) -> None:
    made = gateway.create_account(account_request())

    assert isinstance(gateway.account(made.provider_id), AccountResult)
    link = gateway.account_link(
        made.provider_id, return_url="https://kontor.example/a", refresh_url="https://k.example"
    )
    assert link.url.startswith("http")
    found = gateway.find_account("account:1:1", LONG_AGO)
    assert found is None or found.metadata["kontor_key"] == "account:1:1"


def test_transfers_go_there_and_back(gateway: PaymentGateway, receiving: str) -> None:
    charge = gateway.take_payment(order_payment()).charge_id

    made = gateway.transfer(transfer_of(receiving, 500, source_charge_id=charge, description="Statement 1"))
    plain = gateway.transfer(transfer_of(receiving, 300, "transfer:2:1"))
    back = gateway.reverse_transfer("reversal:1:1", plain.provider_id, 100, {"debt": "1"})

    assert isinstance(made, TransferResult)
    assert isinstance(back, ReversalResult)
    assert gateway.transfer_by_id(made.provider_id).provider_id == made.provider_id
    assert gateway.find_transfer("transfer:1:1", "order-1") is None or made.amount_minor == 500
    gateway.find_reversal("reversal:1:1", plain.provider_id)


def test_balances_movements_and_payouts_are_read(gateway: PaymentGateway, receiving: str) -> None:
    gateway.transfer(transfer_of(receiving, 300))

    wanted = PayoutRequest(key="payout:1:1", account=receiving, amount_minor=100, currency="EUR", metadata={"a": "b"})
    made = gateway.create_payout(wanted)

    assert gateway.payout_by_id(made.provider_id, receiving).provider_id == made.provider_id
    gateway.find_payout("payout:1:1", receiving, LONG_AGO)
    gateway.find_payout("payout:1:1", None)
    assert isinstance(gateway.balance(), Balance)
    assert isinstance(gateway.balance(receiving), Balance)
    for account in (None, receiving):
        rows = list(gateway.balance_transactions(LONG_AGO, datetime.now(UTC) + timedelta(days=1), account))
        assert isinstance(rows[0], BalanceTransaction)
    ours = next(iter(gateway.balance_transactions(LONG_AGO, datetime.now(UTC) + timedelta(days=1))))
    assert gateway.balance_transaction(ours.id).kind


@pytest.fixture
def disputed(gateway: PaymentGateway, url: str, request: pytest.FixtureRequest) -> str:
    charge = gateway.take_payment(order_payment()).charge_id
    is_sandbox = "sandbox" in request.node.callspec.params.values()
    return request.getfixturevalue("sandbox").script(dispute=charge)["dispute"] if is_sandbox else "dp_1"


def test_disputes_are_answered(gateway: PaymentGateway, disputed: str) -> None:
    file_id = gateway.upload_evidence("file:1", "delivery.pdf", "application/pdf", b"%PDF-1.7")
    request = EvidenceRequest(
        key="evidence:1",
        dispute_id=disputed,
        texts={"uncategorized_text": "Delivered.", "shipping_tracking_number": "1", "shipping_date": "2026-11-01"},
        files={"shipping_documentation": file_id, "receipt": file_id, "uncategorized_file": file_id},
        submit=True,
    )

    assert isinstance(gateway.submit_evidence(request), DisputeResult)
    assert isinstance(gateway.dispute_by_id(disputed), DisputeResult)
    assert isinstance(next(iter(gateway.disputes(LONG_AGO))), DisputeResult)


def test_a_dispute_is_accepted(gateway: PaymentGateway, disputed: str) -> None:
    assert isinstance(gateway.accept_dispute(disputed, "accept:1"), DisputeResult)


PAY = {"amount": "500", "currency": "eur"}
REFUSED = {
    "an unknown parameter": ("POST", "/v1/payment_intents", PAY | {"bogus": "1"}),
    "an unknown parameter of old": ("POST", "/v1/payment_intents", PAY | {"source": "tok_visa"}),
    "a text amount": ("POST", "/v1/payment_intents", PAY | {"amount": "much"}),
    "a fraction of a cent": ("POST", "/v1/payment_intents", PAY | {"amount": "5.5"}),
    "an empty amount": ("POST", "/v1/payment_intents", PAY | {"amount": ""}),
    "a missing amount": ("POST", "/v1/payment_intents", {"currency": "eur"}),
    "a missing currency": ("POST", "/v1/payment_intents", {"amount": "500"}),
    "nothing at all": ("POST", "/v1/payment_intents", {}),
    "an unknown value": ("POST", "/v1/payment_intents", PAY | {"capture_method": "sometimes"}),
    "no boolean": ("POST", "/v1/payment_intents", PAY | {"confirm": "perhaps"}),
    "a hash too deep": ("POST", "/v1/payment_intents", PAY | {"metadata[a][b]": "1"}),
    "metadata that is no hash": ("POST", "/v1/payment_intents", PAY | {"metadata": "order"}),
    "a text where a list belongs": ("POST", "/v1/payment_intents", PAY | {"payment_method_types": "card"}),
    "a missing field inside": (
        "POST",
        "/v1/payment_intents",
        PAY | {"automatic_payment_methods[allow_redirects]": "never"},
    ),
    "an unknown value inside": (
        "POST",
        "/v1/payment_intents",
        PAY | NO_REDIRECTS | {"automatic_payment_methods[allow_redirects]": "rarely"},
    ),
    "transfer data without destination": ("POST", "/v1/payment_intents", PAY | {"transfer_data[amount]": "5"}),
    "an unknown reason of a refund": ("POST", "/v1/refunds", {"charge": "ch_1", "reason": "because"}),
    "a text amount of a refund": ("POST", "/v1/refunds", {"charge": "ch_1", "amount": "all"}),
    "an unknown parameter of a refund": ("POST", "/v1/refunds", {"charge": "ch_1", "order": "1"}),
    "no boolean in a refund": ("POST", "/v1/refunds", {"charge": "ch_1", "reverse_transfer": "maybe"}),
    "an unknown reason to cancel": (
        "POST",
        "/v1/payment_intents/pi_1/cancel",
        {"cancellation_reason": "mood"},
    ),
    "a text to capture": ("POST", "/v1/payment_intents/pi_1/capture", {"amount_to_capture": "all"}),
    "a search for nothing": ("GET", "/v1/payment_intents/search", {}),
    "a text limit": ("GET", "/v1/charges", {"limit": "many"}),
    "an unknown filter": ("GET", "/v1/refunds", {"status": "failed"}),
    "a text as time": ("GET", "/v1/refunds", {"created[gt]": "yesterday"}),
    "a transfer of a text": ("POST", "/v1/transfers", PAY | {"destination": "acct_1", "amount": "all"}),
    "a transfer to nowhere": ("POST", "/v1/transfers", PAY),
    "a transfer with what it does not know": ("POST", "/v1/transfers", PAY | {"destination": "acct_1", "fee": "1"}),
    "a reversal of a text": ("POST", "/v1/transfers/tr_1/reversals", {"amount": "all"}),
    "a reversal with what it does not know": ("POST", "/v1/transfers/tr_1/reversals", {"currency": "eur"}),
    "a payout of nothing": ("POST", "/v1/payouts", {"currency": "eur"}),
    "a payout by another way": ("POST", "/v1/payouts", PAY | {"method": "pigeon"}),
    "an account with an unknown controller": ("POST", "/v1/accounts", {"controller[losses][payments]": "nobody"}),
    "a capability that is no hash": ("POST", "/v1/accounts", {"capabilities[transfers]": "yes"}),
    "a link without an account": ("POST", "/v1/account_links", {"type": "account_onboarding"}),
    "a link of another kind": ("POST", "/v1/account_links", {"account": "acct_1", "type": "onboarding"}),
    "evidence that no bank knows": ("POST", "/v1/disputes/dp_1", {"evidence": "it was delivered"}),
    "no boolean in a dispute": ("POST", "/v1/disputes/dp_1", {"submit": "perhaps"}),
    "accepting with a reason": ("POST", "/v1/disputes/dp_1/close", {"reason": "tired"}),
    "a text limit of disputes": ("GET", "/v1/disputes", {"limit": "many"}),
    "an address that is not there": ("GET", "/v1/nonsense", {}),
    "a verb that is not there": ("DELETE", "/v1/payment_intents/pi_1", {}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_description_refuses_is_refused(url: str, case: str) -> None:
    verb, path, fields = REFUSED[case]

    status, body = ask(url, verb, path, fields)

    assert status in {400, 404}
    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["message"]


STRICTER = {
    "an unknown field inside": PAY | NO_REDIRECTS | {"automatic_payment_methods[bogus]": "1"},
    "a negative amount": PAY | {"amount": "-500"},
    "no amount": PAY | {"amount": "0"},
    "an amount below the smallest": PAY | {"amount": "49"},
    "an amount above the largest": PAY | {"amount": "100000000"},
    "an unknown currency": PAY | {"currency": "xyz"},
    "an unknown payment method": PAY | {"payment_method": "pm_card_of_nobody"},
    "a confirmation without a method": PAY | NO_REDIRECTS | {"confirm": "true"},
    "a redirect to nowhere": PAY | {"confirm": "true", "payment_method": "pm_card_visa"},
    "too much metadata": PAY | {f"metadata[{number}]": "x" for number in range(51)},
    "a metadata value too long": PAY | {"metadata[a]": "x" * 501},
    "an expansion of nothing": PAY | {"expand[0]": "nonsense"},
}


@pytest.mark.parametrize("case", STRICTER)
def test_the_sandbox_also_refuses_what_only_a_stateful_server_can(sandbox: launcher.Running, case: str) -> None:
    status, body = ask(sandbox.url, "POST", "/v1/payment_intents", STRICTER[case])

    assert status == 400
    assert body["error"]["type"] == "invalid_request_error"
    assert sandbox.state()["objects"] == {}


@pytest.mark.parametrize(("verb", "path"), [(verb, path) for verb, path, _, _ in ROUTES])
def test_no_address_takes_an_unknown_parameter(url: str, verb: str, path: str) -> None:
    status, body = ask(url, verb, path.replace("<id>", "xx_1").replace("<part>", "xx_2"), {"bogus_parameter": "1"})

    assert status == 400
    assert body["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("header", ["", "Bearer pk_test_123", "Bearer nonsense"])
def test_nobody_asks_without_a_secret_key(url: str, header: str) -> None:
    status, body = ask(url, "POST", "/v1/payment_intents", PAY, Authorization=header)

    assert status == 401
    assert body["error"]["type"] == "invalid_request_error"
