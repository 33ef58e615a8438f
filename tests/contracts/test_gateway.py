"""Every request of the adapter is well formed, and what the published description refuses, the sandbox refuses too."""

import pytest

from settlements.gateway.port import PaymentGateway, PaymentResult, RefundRequest, RefundResult
from settlements.gateway.sandbox import launcher
from settlements.gateway.sandbox.app import ROUTES
from settlements.gateway.stripe_gateway import StripeGateway
from tests.settlements.gateway.servers import (  # noqa: F401
    NO_REDIRECTS,
    _sandbox,
    _shared_sandbox,
    _stripe_mock_url,
    ask,
    gateway_at,
    order_payment,
)

SERVERS = ["sandbox", pytest.param("stripe-mock", marks=pytest.mark.stripe_mock)]


@pytest.fixture(params=SERVERS)
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sandbox":
        return request.getfixturevalue("sandbox").url
    return request.getfixturevalue("stripe_mock_url")


@pytest.fixture
def gateway(url: str) -> StripeGateway:
    return gateway_at(url)


def test_the_adapter_is_a_payment_gateway(gateway: PaymentGateway) -> None:
    wanted = {name for name in vars(PaymentGateway) if not name.startswith("_")}

    assert wanted == {name for name in vars(type(gateway)) if not name.startswith("_")}


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
    status, body = ask(url, verb, path.replace("<id>", "xx_1"), {"bogus_parameter": "1"})

    assert status == 400
    assert body["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("header", ["", "Bearer pk_test_123", "Bearer nonsense"])
def test_nobody_asks_without_a_secret_key(url: str, header: str) -> None:
    status, body = ask(url, "POST", "/v1/payment_intents", PAY, Authorization=header)

    assert status == 401
    assert body["error"]["type"] == "invalid_request_error"
