"""A refund is decided once with what causes it, and every attempt to send it is written before it is made."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, new_id
from marketplace.kernel.money import Money
from marketplace.orders import actions as orders
from marketplace.orders.models import Order
from settlements.gateway import port
from settlements.ledger import books
from settlements.ledger.postings import refunds as refund_postings
from settlements.payments import queries as payment_queries
from settlements.refunds import queries
from settlements.refunds.events import RefundRequested
from settlements.refunds.models import Refund, RefundAttempt
from settlements.refunds.refusals import RefundHasNoPayment, RefundNotBounced
from settlements.refunds.states import RefundState, RefundVerb

KEY_LIVES = timedelta(hours=23)  # the provider forgets keys after 24
ASK_AGAIN_AFTER = timedelta(minutes=1)
LOOK_AGAIN_AFTER = timedelta(hours=1)  # for what is pending at the provider, should its web hook be lost
CHARGE_DISPUTED = "charge_disputed"  # the provider's word for what a chargeback holds up
_WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720)]
_NO_PAYMENT = "no payment at the provider is left for it"
_TO_THE_BANK = "it was paid by bank transfer, and goes back by one"
_ENDED_BADLY = (port.RefundState.FAILED, port.RefundState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Sending:
    """An attempt to be made, or to be found out about where it may have been made before."""

    refund_id: uuid.UUID
    attempt_id: uuid.UUID
    key: str
    payment_id: str  # the provider's
    amount_minor: int
    currency: str
    maybe_made: bool
    provider_id: str | None = None


def request(order: Order, amount_minor: int, cause: str) -> list[Refund]:
    """Give back what was paid too much, of the newest payment first; net paid falls now. The order is locked."""
    refunds = []
    captured = payment_queries.captured_of(order.id)
    refunded = queries.refunded_of([payment.id for payment in captured])
    left = amount_minor
    for payment in captured:
        part = min(left, payment.captured_minor - payment.disputed_minor - refunded.get(payment.id, 0))
        if part > 0:
            refunds.append(_refund(order, payment.id, part, cause))
            left -= part
    if left:
        refunds.append(_refund(order, None, left, cause))
    db.session.flush()
    for refund in refunds:
        orders.record_refund(order.id, refund.amount_minor, f"refund:{refund.id}")
        outbox.publish(RefundRequested(refund_id=refund.id))
    return refunds


def cover(order_id: uuid.UUID, amount_minor: int, reference: str) -> list[Refund]:
    """Refunds that could not be sent, as far as a lost chargeback has paid them; its caller books that."""
    left, covered = amount_minor, []
    for refund in queries.stuck(order_id):
        if refund.amount_minor <= left:
            settle_by_chargeback(refund, reference)
            left -= refund.amount_minor
            covered.append(refund)
    return covered


def settle_by_chargeback(refund: Refund, reference: str) -> None:
    """The buyer has this money by his bank already."""
    history.move(refund, RefundVerb.GIVE_UP, SYSTEM, note=reference)
    refund.reference, refund.confirmed_at, refund.trouble = reference, clock.now(), None


def take_up(order_id: uuid.UUID) -> None:
    """A chargeback gave its money back: refunds that it held up are sent where a payment has enough again."""
    captured = payment_queries.captured_of(order_id)
    refunded = queries.refunded_of([payment.id for payment in captured])
    for refund in queries.stuck(order_id):
        if refund.state is RefundState.BOUNCED and refund.trouble == CHARGE_DISPUTED:
            retry(SYSTEM, refund.id)
        for payment in captured:
            free = payment.captured_minor - payment.disputed_minor - refunded.get(payment.id, 0)
            if refund.payment_id is None and refund.amount_minor <= free:
                refund.payment_id, refund.trouble, refund.next_at = payment.id, None, clock.now()
                refund.cause = f"{refund.cause}:held"  # another of the same cause may go back on the same payment
                refunded[payment.id] = refunded.get(payment.id, 0) + refund.amount_minor
                outbox.publish(RefundRequested(refund_id=refund.id))
    db.session.flush()


def _refund(order: Order, payment_id: uuid.UUID | None, amount_minor: int, cause: str) -> Refund:
    refund = Refund(
        id=new_id(),
        order_id=order.id,
        order_number=order.number,
        company_id=order.company_id,
        payment_id=payment_id,
        amount_minor=amount_minor,
        currency=order.currency,
        cause=cause,
        trouble=None if payment_id else _TO_THE_BANK if order.payment_terms else _NO_PAYMENT,
    )
    db.session.add(refund)
    return refund


def reserve(refund_id: uuid.UUID) -> Sending | None:
    """The attempt to make now, written down with its key; None where nothing is to be sent or asked."""
    refund = queries.refund(SYSTEM, refund_id, locked=True)
    if refund.payment_id is None:
        return None
    if refund.state is RefundState.REQUESTED:
        return _sending(refund, _new_attempt(refund), maybe_made=False)
    if refund.state is RefundState.SENT:
        refund.next_at = clock.now() + ASK_AGAIN_AFTER
        return _sending(refund, queries.attempts_of([refund.id])[refund.id][-1], maybe_made=True)
    return None


def reserve_anew(refund_id: uuid.UUID, attempt_id: uuid.UUID) -> Sending | None:
    """A looked up attempt never reached the provider: the same again, or a new one where its key is too old."""
    refund = queries.refund(SYSTEM, refund_id, locked=True)
    attempt = queries.attempt(attempt_id)
    if refund.state is not RefundState.SENT or attempt.number != refund.attempts or attempt.provider_id:
        return None
    if attempt.asked_at > clock.now() - KEY_LIVES:
        return _sending(refund, attempt, maybe_made=False)
    attempt.failure_code = "never_reached"
    history.move(refund, RefundVerb.RETRY, SYSTEM, note="never_reached")
    return _sending(refund, _new_attempt(refund), maybe_made=False)


def _new_attempt(refund: Refund) -> RefundAttempt:
    history.move(refund, RefundVerb.SEND, SYSTEM)
    refund.attempts += 1
    refund.next_at = clock.now() + ASK_AGAIN_AFTER
    attempt = RefundAttempt(
        id=new_id(), refund_id=refund.id, number=refund.attempts, key=f"refund:{refund.id}:{refund.attempts}"
    )
    db.session.add(attempt)
    db.session.flush()
    return attempt


def _sending(refund: Refund, attempt: RefundAttempt, *, maybe_made: bool) -> Sending:
    assert refund.payment_id is not None
    payment = payment_queries.payment(SYSTEM, refund.payment_id)
    assert payment.provider_id is not None
    return Sending(
        refund_id=refund.id,
        attempt_id=attempt.id,
        key=attempt.key,
        payment_id=payment.provider_id,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        maybe_made=maybe_made,
        provider_id=attempt.provider_id,
    )


def refused(attempt_id: uuid.UUID, code: str) -> Refund:
    """The provider will never make this attempt: nothing moved."""
    refund, attempt = _locked(attempt_id)
    attempt.failure_code = code
    if attempt.number == refund.attempts and refund.state is RefundState.SENT:
        history.move(refund, RefundVerb.BOUNCE, SYSTEM, note=code)
        refund.trouble = code
    return refund


def postponed(attempt_id: uuid.UUID, code: str) -> Refund:
    """The provider asks to wait: nothing moved, and a new attempt is made later."""
    refund, attempt = _locked(attempt_id)
    attempt.failure_code = code
    if attempt.number == refund.attempts and refund.state is RefundState.SENT:
        history.move(refund, RefundVerb.RETRY, SYSTEM, note=code)
        refund.next_at = clock.now() + _WAITS[min(refund.attempts, len(_WAITS)) - 1]
        refund.trouble = code
    return refund


def record(attempt_id: uuid.UUID, result: port.RefundResult) -> Refund:
    """What the provider says of an attempt now: books what left our balance and what came back to it, each once.

    Saying it twice, late or in another order comes to the same. Another amount than was sent is kept as `trouble`.
    """
    refund, attempt = _locked(attempt_id)
    refund.next_at = clock.now() + LOOK_AGAIN_AFTER
    if (result.amount_minor, result.currency) != (refund.amount_minor, refund.currency):
        sent, made = Money(refund.amount_minor, refund.currency), Money(result.amount_minor, result.currency)
        refund.trouble = f"sent {sent.format()}, refunded {made.format()}"
        return refund
    if attempt.provider_id not in {None, result.provider_id}:
        refund.trouble = f"two refunds at the provider: {result.provider_id} as well"
        return refund
    attempt.provider_id = result.provider_id
    attempt.provider_state = result.state.value
    _book(refund, attempt, result)
    if attempt.number == refund.attempts:
        _follow(refund, attempt, result)
    return refund


def _book(refund: Refund, attempt: RefundAttempt, result: port.RefundResult) -> None:
    facts = (refund.order_id, refund.amount_minor, refund.currency)
    if result.balance_transaction_id and attempt.balance_transaction_id is None:
        attempt.balance_transaction_id = result.balance_transaction_id
        lines = refund_postings.refund_sent(*facts)
        books.post(f"psp:{result.balance_transaction_id}", "refund_sent", lines, order_id=refund.order_id)
    returned = result.failure_balance_transaction_id
    if returned and attempt.balance_transaction_id and attempt.failure_balance_transaction_id is None:
        attempt.failure_balance_transaction_id = returned
        lines = refund_postings.refund_bounced(*facts)
        books.post(f"psp:{returned}", "refund_bounced", lines, order_id=refund.order_id)


def _follow(refund: Refund, attempt: RefundAttempt, result: port.RefundResult) -> None:
    """Move the refund as its last attempt did; money that has not come back yet is waited for."""
    if result.state is port.RefundState.SUCCEEDED and attempt.balance_transaction_id:
        if refund.state is RefundState.SENT:
            history.move(refund, RefundVerb.CONFIRM, SYSTEM)
            refund.confirmed_at, refund.trouble = clock.now(), None
    elif result.state in _ENDED_BADLY and refund.state in {RefundState.SENT, RefundState.CONFIRMED}:
        if attempt.balance_transaction_id and not attempt.failure_balance_transaction_id:
            return
        attempt.failure_code = result.failure_reason or result.state.value
        history.move(refund, RefundVerb.BOUNCE, SYSTEM, note=attempt.failure_code)
        refund.confirmed_at, refund.trouble = None, attempt.failure_code


def retry(actor: Actor, refund_id: uuid.UUID) -> Refund:
    """Send a refund that bounced again. Raises RefundUnknown, RefundNotBounced, RefundHasNoPayment."""
    refund = queries.refund(actor, refund_id, locked=True)
    if refund.payment_id is None:
        raise RefundHasNoPayment
    if refund.state is not RefundState.BOUNCED:
        raise RefundNotBounced(state=refund.state.value)
    history.move(refund, RefundVerb.RETRY, actor)
    refund.next_at = clock.now()
    outbox.publish(RefundRequested(refund_id=refund.id))
    return refund


def send_by_bank(actor: Actor, refund_id: uuid.UUID, reference: str) -> Refund:
    """The operator has sent the money by bank transfer instead. Raises RefundUnknown, IllegalMove."""
    refund = queries.refund(actor, refund_id, locked=True)
    history.move(refund, RefundVerb.GIVE_UP, actor, note=reference)
    refund.reference, refund.confirmed_at = reference, clock.now()
    lines = refund_postings.refund_by_bank(refund.order_id, refund.amount_minor, refund.currency)
    books.post(f"refund:{refund.id}:bank", "refund_by_bank", lines, order_id=refund.order_id)
    return refund


def _locked(attempt_id: uuid.UUID) -> tuple[Refund, RefundAttempt]:
    refund = queries.refund(SYSTEM, queries.attempt(attempt_id).refund_id, locked=True)
    return refund, queries.attempt(attempt_id)
