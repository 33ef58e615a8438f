"""A dispute takes its money and a fee once, hears evidence until it is due, and gives back only when it is won."""

from datetime import UTC, datetime

import pytest

from settlements.gateway.connect import DisputeState, EvidenceRequest
from settlements.gateway.port import EventKind, RefundRequest, Rejected
from settlements.gateway.sandbox.launcher import Running
from settlements.gateway.stripe_gateway import StripeGateway
from tests.settlements.gateway.servers import Receiver, order_payment, wait_until

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PDF = b"%PDF-1.7 proof of delivery"
CARD_NET = 12_000 - 205


@pytest.fixture
def dispute(gateway: StripeGateway, sandbox: Running) -> str:
    """120.00 charged back, fee 20.00."""
    return sandbox.script(dispute={"charge": gateway.take_payment(order_payment()).charge_id})["dispute"]


def ours(gateway: StripeGateway) -> int:
    return gateway.balance().total_minor("EUR")


def test_opened_it_takes_amount_and_fee_in_one_movement(gateway: StripeGateway, dispute: str) -> None:
    seen = gateway.dispute_by_id(dispute)

    assert (seen.state, seen.amount_minor, seen.currency) == (DisputeState.NEEDS_RESPONSE, 12_000, "EUR")
    assert seen.due_by > datetime.now(UTC)
    (taken,) = seen.movements
    assert (taken.kind, taken.amount_minor, taken.fee_minor, taken.net_minor) == ("adjustment", -12_000, 2_000, -14_000)
    assert taken.source_id == dispute
    assert ours(gateway) == CARD_NET - 14_000
    assert [row.provider_id for row in gateway.disputes(LONG_AGO)] == [dispute]
    with pytest.raises(Rejected) as refusal:
        gateway.refund(RefundRequest(key="refund:1:1", payment_id=seen.payment_id, amount_minor=1, currency="EUR"))
    assert refusal.value.code == "charge_disputed"


def test_evidence_is_kept_then_handed_over_once(gateway: StripeGateway, sandbox: Running, dispute: str) -> None:
    file_id = gateway.upload_evidence("file:1", "delivery.pdf", "application/pdf", PDF)
    assert gateway.upload_evidence("file:1", "delivery.pdf", "application/pdf", PDF) == file_id
    texts = {"uncategorized_text": "It was delivered.", "shipping_tracking_number": "00340434"}

    kept = gateway.submit_evidence(EvidenceRequest(key="evidence:1", dispute_id=dispute, texts=texts))
    handed = gateway.submit_evidence(
        EvidenceRequest(key="evidence:2", dispute_id=dispute, files={"shipping_documentation": file_id}, submit=True)
    )

    assert (kept.state, kept.has_evidence, kept.submissions) == (DisputeState.NEEDS_RESPONSE, True, 0)
    assert (handed.state, handed.submissions) == (DisputeState.UNDER_REVIEW, 1)
    with pytest.raises(Rejected) as refusal:
        gateway.submit_evidence(EvidenceRequest(key="evidence:3", dispute_id=dispute, texts=texts, submit=True))
    assert refusal.value.code == "dispute_not_open"


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [("a.pdf", "application/pdf", b"<html>"), ("a.svg", "image/svg+xml", b"<svg/>"), ("a.pdf", "application/pdf", b"")],
)
def test_files_that_no_bank_reads_are_refused(gateway: StripeGateway, name: str, kind: str, content: bytes) -> None:
    with pytest.raises(Rejected):
        gateway.upload_evidence("file:1", name, kind, content)


def test_evidence_comes_too_late(gateway: StripeGateway, sandbox: Running, dispute: str) -> None:
    sandbox.script(advance_s=10 * 86_400)

    with pytest.raises(Rejected) as refusal:
        gateway.submit_evidence(EvidenceRequest(key="evidence:1", dispute_id=dispute, texts={"receipt": ""}))
    assert refusal.value.code == "dispute_not_open"
    sandbox.script(decide_dispute={"dispute": dispute, "to": "lost"})
    assert gateway.dispute_by_id(dispute).state is DisputeState.LOST


@pytest.mark.parametrize(("to", "balance"), [("won", CARD_NET - 2_000), ("lost", CARD_NET - 14_000)])
def test_only_winning_brings_the_amount_back(
    gateway: StripeGateway, sandbox: Running, dispute: str, to: str, balance: int
) -> None:
    sandbox.script(decide_dispute={"dispute": dispute, "to": to})

    seen = gateway.dispute_by_id(dispute)

    assert seen.state.value == to
    assert sum(row.net_minor for row in seen.movements) == balance - CARD_NET
    assert ours(gateway) == balance
    with pytest.raises(ValueError, match="cannot become"):
        sandbox.script(decide_dispute={"dispute": dispute, "to": "won"})


def test_accepting_loses_for_good(gateway: StripeGateway, sandbox: Running, dispute: str) -> None:
    assert gateway.accept_dispute(dispute, "accept:1").state is DisputeState.LOST
    assert gateway.accept_dispute(dispute, "accept:1").state is DisputeState.LOST  # the same answer again
    with pytest.raises(Rejected):
        gateway.accept_dispute(dispute, "accept:2")
    assert ours(gateway) == CARD_NET - 14_000


def test_an_enquiry_moves_no_money_until_it_becomes_a_chargeback(gateway: StripeGateway, sandbox: Running) -> None:
    paid = gateway.take_payment(order_payment())
    gateway.refund(RefundRequest(key="r:1", payment_id=paid.provider_id, amount_minor=2_000, currency="EUR"))
    opened = sandbox.script(dispute={"charge": paid.charge_id, "status": "warning_needs_response"})["dispute"]
    seen = gateway.dispute_by_id(opened)
    assert (seen.state, seen.amount_minor, seen.movements) == (DisputeState.WARNING_NEEDS_RESPONSE, 10_000, ())
    assert seen.charge_refundable
    gateway.refund(RefundRequest(key="r:2", payment_id=paid.provider_id, amount_minor=1_000, currency="EUR"))

    sandbox.script(decide_dispute={"dispute": opened, "to": "needs_response", "fee": 1_500})

    assert gateway.dispute_by_id(opened).state is DisputeState.NEEDS_RESPONSE
    assert ours(gateway) == CARD_NET - 3_000 - 11_500
    other = gateway.take_payment(order_payment("payment:2:1"))
    closed = sandbox.script(dispute={"charge": other.charge_id, "status": "warning_needs_response"})["dispute"]
    sandbox.script(decide_dispute={"dispute": closed, "to": "warning_closed"})
    assert gateway.dispute_by_id(closed).state is DisputeState.WARNING_CLOSED


def test_no_more_is_disputed_than_was_kept(gateway: StripeGateway, sandbox: Running) -> None:
    paid = gateway.take_payment(order_payment())
    gateway.refund(RefundRequest(key="r:1", payment_id=paid.provider_id, amount_minor=2_000, currency="EUR"))

    with pytest.raises(ValueError, match="10000 left"):
        sandbox.script(dispute={"charge": paid.charge_id, "amount": 10_001})


def test_web_hooks_tell_every_step(gateway: StripeGateway, sandbox: Running, receiver: Receiver) -> None:
    paid = gateway.take_payment(order_payment())
    sandbox.script(webhooks={"url": receiver.url, "hold": True})
    dispute = sandbox.script(dispute=paid.charge_id)["dispute"]
    sandbox.script(decide_dispute={"dispute": dispute, "to": "won"})
    sandbox.script(release="reversed")
    wait_until(lambda: len(receiver.got) >= 4)

    events = [gateway.read_event(body, header) for body, header in receiver.got]

    assert {(event.kind, event.object_id) for event in events} == {(EventKind.DISPUTE, dispute)}
    assert [event.name.removeprefix("charge.dispute.") for event in events] == [
        "closed", "funds_reinstated", "funds_withdrawn", "created",
    ]  # fmt: skip
    sandbox.script(webhooks={"url": None, "hold": False})
