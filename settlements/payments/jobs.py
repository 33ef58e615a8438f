"""Reserve, call, record: the provider is asked with no transaction open, and an unknown outcome is looked up."""

import uuid
from datetime import timedelta

import structlog

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import read_only_end, transaction
from marketplace.kernel.errors import Upstream
from marketplace.kernel.queue import each, job
from settlements.gateway.port import Later, PaymentRequest, PaymentResult, PaymentState, Rejected, Unknown
from settlements.gateway.provider import provider
from settlements.payments import actions, queries
from settlements.payments.models import Payment
from settlements.payments.refusals import PaymentNotOpen, ProviderAsksToWait
from settlements.payments.states import OPEN

log = structlog.get_logger("payments")
_BATCH = 100
ASK_AGAIN_AFTER = timedelta(seconds=60)
NEVER_ASKED_AFTER = timedelta(minutes=3)  # longer than any call lasts, and than the provider's index lags
GIVEN_UP_AFTER = timedelta(hours=1)  # a payer who has not confirmed by then has gone


def take(payment_id: uuid.UUID, payment_method: str) -> tuple[Payment, PaymentResult | None]:
    """Ask the provider for a reserved payment and record what came of it; no result: refused, or nobody knows yet.

    Raises PaymentsNotConfigured, ProviderAsksToWait.
    """
    payment = queries.as_reserved(payment_id)
    gateway = provider()
    request = PaymentRequest(
        key=payment.key,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        payment_method=payment_method,
        order_number=payment.order_number,
        transfer_group=str(payment.order_id),
        metadata={"payment_id": str(payment.id), "order_id": str(payment.order_id)},
    )
    read_only_end()
    try:
        result = gateway.take_payment(request)
    except Rejected as refusal:
        with transaction():
            return actions.fail(payment_id, refusal.code), None
    except Later as refusal:
        with transaction():
            actions.fail(payment_id, refusal.code)
        raise ProviderAsksToWait(payment_id=payment_id, code=refusal.code) from refusal
    except Unknown as doubt:
        log.warning("payment outcome unknown", payment_id=str(payment_id), code=doubt.code)
        return payment, None
    with transaction():
        return actions.record(payment_id, result), result


def look_up(payment_id: uuid.UUID) -> tuple[Payment, PaymentResult | None]:
    """Ask the provider what became of a payment and record it. Raises Rejected, Later, Unknown."""
    payment = queries.payment(SYSTEM, payment_id)
    if payment.state not in OPEN:
        return payment, None
    gateway = provider()
    provider_id, key, group = payment.provider_id, payment.key, str(payment.order_id)
    read_only_end()
    if provider_id is not None:
        result = gateway.payment(provider_id)
    else:
        found = gateway.find_payment(key, group)
        if found is None:
            return _not_found(payment_id), None
        result = found
    with transaction():
        return actions.record(payment_id, result), result


def give_up(payment_id: uuid.UUID, *, expired: bool = False) -> Payment:
    """Make sure that a payment never takes money, and record it; where it has, record that.

    Raises PaymentNotOpen, Later, Unknown.
    """
    payment, result = look_up(payment_id)
    if payment.state not in OPEN or result is None:
        if payment.state in OPEN or not expired:
            raise PaymentNotOpen
        return payment
    key = f"{payment.key}:cancel"
    read_only_end()
    try:
        ended = provider().cancel_payment(result.provider_id, key)
    except Rejected:
        return look_up(payment_id)[0]
    with transaction():
        return actions.record(payment_id, ended, expired=expired)


@job("payments.look_up", every=60, timeout=300, alone=True)
def look_up_waiting() -> None:
    """Look up the payments whose outcome is not known yet; give up those whose payer has gone."""
    with transaction():
        due = queries.waiting(clock.now() - ASK_AGAIN_AFTER, _BATCH)
    each(_settle, due)


def _settle(payment_id: uuid.UUID) -> None:
    try:
        payment, result = look_up(payment_id)
    except Upstream:
        with transaction():
            actions.looked(payment_id)  # its turn comes again after those of the others
        raise
    waits = result is not None and result.state is PaymentState.REQUIRES_ACTION
    if waits and payment.requested_at < clock.now() - GIVEN_UP_AFTER:
        give_up(payment_id, expired=True)


def _not_found(payment_id: uuid.UUID) -> Payment:
    with transaction():
        payment = actions.looked(payment_id)
        if payment.requested_at < clock.now() - NEVER_ASKED_AFTER:
            return actions.fail(payment_id, "not_taken")
        return payment
