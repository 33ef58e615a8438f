"""Web hooks are believed only with a signature, and come twice, late and out of order when the script says so."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable

import pytest
import stripe

from settlements.gateway.port import EventKind, EventNotGenuine, RefundRequest
from settlements.gateway.sandbox.launcher import Running
from settlements.gateway.stripe_gateway import StripeGateway
from tests.settlements.gateway.servers import SECRET, Receiver, ask, order_payment, wait_until

BODY = json.dumps(
    {
        "id": "evt_1",
        "object": "event",
        "created": 1_700_000_000,
        "type": "payment_intent.succeeded",
        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    }
).encode()


def signed(body: bytes, *, secret: str = SECRET, age_s: int = 0) -> str:
    at = int(time.time()) - age_s
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


@pytest.fixture
def hooked(sandbox: Running, receiver: Receiver) -> Running:
    """The sandbox, sending its web hooks to the receiver."""
    sandbox.script(webhooks={"url": receiver.url})
    return sandbox


def names(receiver: Receiver) -> list[str]:
    return [json.loads(body)["type"] for body, _ in receiver.got]


def test_every_web_hook_is_genuine_and_names_what_to_look_at(
    gateway: StripeGateway, hooked: Running, receiver: Receiver
) -> None:
    paid = gateway.take_payment(order_payment())
    request = RefundRequest(key="refund:1:1", payment_id=paid.provider_id, amount_minor=500, currency="EUR")
    given = gateway.refund(request)

    got = receiver.wait_for(4)

    events = [gateway.read_event(body, header) for body, header in got]
    assert {(event.name, event.kind, event.object_id) for event in events} == {
        ("charge.succeeded", EventKind.PAYMENT, paid.provider_id),
        ("payment_intent.succeeded", EventKind.PAYMENT, paid.provider_id),
        ("refund.created", EventKind.REFUND, given.provider_id),
        ("charge.refunded", EventKind.PAYMENT, paid.provider_id),
    }
    assert {event.account for event in events} == {None}
    assert all(stripe.Webhook.construct_event(body, header, SECRET).api_version for body, header in got)


def test_events_come_as_often_as_told(gateway: StripeGateway, hooked: Running, receiver: Receiver) -> None:
    hooked.script(webhooks={"copies": 3})

    gateway.take_payment(order_payment())

    wait_until(lambda: len(receiver.got) == 6 and hooked.state()["deliveries"] == 0)
    ids = [gateway.read_event(*hook).id for hook in receiver.got]
    assert sorted(ids.count(event_id) for event_id in set(ids)) == [3, 3]


def test_held_events_come_late_and_in_the_wrong_order(
    gateway: StripeGateway, hooked: Running, receiver: Receiver
) -> None:
    hooked.script(webhooks={"hold": True})
    paid = gateway.take_payment(order_payment())
    gateway.refund(RefundRequest(key="r:1", payment_id=paid.provider_id, amount_minor=500, currency="EUR"))
    assert (hooked.state()["deliveries"], receiver.got) == (4, [])

    hooked.script(release="reversed")

    receiver.wait_for(4)
    assert names(receiver) == ["charge.refunded", "refund.created", "payment_intent.succeeded", "charge.succeeded"]


def test_a_delayed_event_waits(gateway: StripeGateway, hooked: Running, receiver: Receiver) -> None:
    hooked.script(webhooks={"delay_s": 0.3, "events": ["payment_intent.succeeded"]})

    gateway.take_payment(order_payment())

    assert (hooked.state()["deliveries"], receiver.got) == (1, [])
    receiver.wait_for(1)
    assert names(receiver) == ["payment_intent.succeeded"]


@pytest.mark.parametrize("forgery", ["wrong_signature", "stale"])
def test_a_forged_or_stale_copy_is_told_from_the_genuine_one(
    gateway: StripeGateway, hooked: Running, receiver: Receiver, forgery: str
) -> None:
    hooked.script(webhooks={forgery: True, "events": ["payment_intent.succeeded"]})
    gateway.take_payment(order_payment())

    receiver.wait_for(2)

    genuine = []
    for body, header in receiver.got:
        try:
            genuine.append(gateway.read_event(body, header).id)
        except EventNotGenuine:
            continue
    assert len(genuine) == 1


def test_a_web_hook_is_sent_again_until_it_is_taken(
    gateway: StripeGateway, hooked: Running, receiver: Receiver
) -> None:
    hooked.script(webhooks={"events": ["payment_intent.succeeded"]})
    receiver.answers += [500, 503]
    gateway.take_payment(order_payment())
    undelivered = ask(hooked.url, "GET", "/v1/events", {"delivery_success": "false"})[1]["data"]

    receiver.wait_for(3)

    wait_until(lambda: hooked.state()["deliveries"] == 0)
    assert len({gateway.read_event(*hook).id for hook in receiver.got}) == 1
    assert [event["type"] for event in undelivered] == ["payment_intent.succeeded"]
    assert ask(hooked.url, "GET", "/v1/events", {"delivery_success": "false"})[1]["data"] == []


def test_what_happens_later_is_told_later(gateway: StripeGateway, hooked: Running, receiver: Receiver) -> None:
    paid = gateway.take_payment(order_payment(payment_method="pm_card_refundFail"))
    gateway.refund(RefundRequest(key="r:1", payment_id=paid.provider_id, amount_minor=500, currency="EUR"))

    receiver.wait_for(6)

    assert sorted(names(receiver))[-3:] == ["refund.created", "refund.failed", "refund.updated"]


def test_declines_and_cancellations_are_told(gateway: StripeGateway, hooked: Running, receiver: Receiver) -> None:
    gateway.take_payment(order_payment("p:1", payment_method="pm_card_chargeDeclined"))
    asked = gateway.take_payment(order_payment("p:2", payment_method="pm_card_authenticationRequired"))
    gateway.cancel_payment(asked.provider_id, "c:1")

    receiver.wait_for(2)

    assert sorted(names(receiver)) == ["payment_intent.canceled", "payment_intent.payment_failed"]


def test_a_genuine_body_is_read(gateway: StripeGateway) -> None:
    event = gateway.read_event(BODY, signed(BODY))

    assert (event.id, event.kind, event.object_id) == ("evt_1", EventKind.PAYMENT, "pi_1")
    assert event.created.isoformat() == "2023-11-14T22:13:20+00:00"
    assert event.raw["type"] == "payment_intent.succeeded"


NOT_GENUINE: dict[str, tuple[bytes, Callable[[], str | None]]] = {
    "no signature": (BODY, lambda: None),
    "an empty one": (BODY, lambda: ""),
    "a time only": (BODY, lambda: "t=1"),
    "a time in words": (BODY, lambda: "t=soon,v1=abc"),
    "nonsense": (BODY, lambda: "nonsense"),
    "another's secret": (BODY, lambda: signed(BODY, secret="whsec_of_another")),
    "an empty secret": (BODY, lambda: signed(BODY, secret="")),
    "too old": (BODY, lambda: signed(BODY, age_s=301)),
    "another body": (BODY + b" ", lambda: signed(BODY)),
    "no text": (b"\xff\xfe", lambda: signed(b"\xff\xfe")),
    "no JSON": (b"not json", lambda: signed(b"not json")),
    "a list": (b"[]", lambda: signed(b"[]")),
    "an empty object": (b"{}", lambda: signed(b"{}")),
    "data that is a number": (b'{"id": "evt_1", "data": 7}', lambda: signed(b'{"id": "evt_1", "data": 7}')),
}


@pytest.mark.parametrize("name", NOT_GENUINE)
def test_anything_else_is_not_genuine(gateway: StripeGateway, name: str) -> None:
    body, header = NOT_GENUINE[name]
    with pytest.raises(EventNotGenuine):
        gateway.read_event(body, header())


def test_without_a_secret_nothing_is_genuine(sandbox: Running) -> None:
    deaf = StripeGateway(api_key="sk_test_x", api_base=sandbox.url)

    with pytest.raises(EventNotGenuine):
        deaf.read_event(BODY, signed(BODY))


def test_the_sandbox_sends_nothing_unsigned(sandbox: Running) -> None:
    with pytest.raises(ValueError, match="need a secret"):
        sandbox.script(webhooks={"secret": ""})
