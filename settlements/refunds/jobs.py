"""Reserve, call, record: a refund is sent with no transaction open; a crash anywhere is repaired by sending again."""

import uuid

import structlog

from marketplace.kernel import clock
from marketplace.kernel.db import transaction
from marketplace.kernel.queue import each, job
from settlements.gateway.port import Later, PaymentGateway, RefundRequest, RefundResult, Rejected, Unknown
from settlements.gateway.provider import provider
from settlements.refunds import actions, queries
from settlements.refunds.actions import Sending

log = structlog.get_logger("refunds")
_BATCH = 100


def send(refund_id: uuid.UUID) -> None:
    """Send a refund, or find out what became of it where that is not known; does nothing where nothing is open.

    Raises Later or Unknown only where the provider could not be asked what became of it.
    """
    gateway = provider()
    with transaction():
        sending = actions.reserve(refund_id)
    if sending is None:
        return
    if sending.maybe_made:
        found = _found(gateway, sending)
        if found is not None:
            with transaction():
                actions.record(sending.attempt_id, found)
            return
        with transaction():
            sending = actions.reserve_anew(refund_id, sending.attempt_id)
        if sending is None:
            return
    _make(gateway, sending)


def _found(gateway: PaymentGateway, sending: Sending) -> RefundResult | None:
    if sending.provider_id is not None:
        return gateway.refund_by_id(sending.provider_id)
    return gateway.find_refund(sending.key, sending.payment_id)


def _make(gateway: PaymentGateway, sending: Sending) -> None:
    wanted = RefundRequest(
        key=sending.key,
        payment_id=sending.payment_id,
        amount_minor=sending.amount_minor,
        currency=sending.currency,
        metadata={"refund_id": str(sending.refund_id), "attempt_id": str(sending.attempt_id)},
    )
    try:
        result = gateway.refund(wanted)
    except Rejected as refusal:
        with transaction():
            actions.refused(sending.attempt_id, refusal.code)
    except Later as refusal:
        with transaction():
            actions.postponed(sending.attempt_id, refusal.code)
    except Unknown as doubt:
        log.warning("refund outcome unknown", refund_id=str(sending.refund_id), code=doubt.code)
    else:
        with transaction():
            actions.record(sending.attempt_id, result)


@job("refunds.send", every=60, timeout=300, alone=True)
def send_waiting() -> None:
    """Send what waits for its turn, and look up what nobody knows the outcome of."""
    with transaction():
        due = queries.waiting(clock.now(), _BATCH)
    each(send, due)
