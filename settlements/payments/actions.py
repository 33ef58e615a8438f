"""A payment is written before it is asked for, and recorded, booked and told to the order as one fact."""

import uuid

from marketplace.kernel import clock, history, outbox, writes
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, new_id
from marketplace.kernel.money import Money
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.models import Order
from marketplace.pricing.answers import valuation_from_json
from settlements.gateway import port
from settlements.ledger import books
from settlements.ledger.postings import orders as order_postings
from settlements.ledger.postings.orders import Buyer, OrderFacts
from settlements.payments import queries
from settlements.payments.events import DeficitPaid, PaymentExceeded
from settlements.payments.models import Payment
from settlements.payments.refusals import NothingToPay, OrderOnTerms, PaymentUnderWay
from settlements.payments.states import OPEN, PaymentState, PaymentVerb

ORDER_PAID = "order_paid"  # the journal that brings an order into the books
PAYMENT_RECEIVED = "payment_received"  # every later one


def reserve(actor: Actor, order_id: uuid.UUID, payment_id: uuid.UUID | None = None) -> Payment:
    """Write down that what the order still owes is going to be asked for, and under which key.

    `payment_id`: its id, where the caller had to know it before. Raises OrderUnknown, OrderOnTerms, NothingToPay,
    PaymentUnderWay.
    """
    order = queries.order_to_pay(actor, order_id)
    if order.on_terms:
        raise OrderOnTerms
    standing = queries.standing(order.id)
    if standing.under_way is not None:
        raise PaymentUnderWay(payment_id=standing.under_way)
    amount_minor = order.owed_minor - standing.net_paid_minor
    if amount_minor <= 0:
        raise NothingToPay

    payment_id, attempt = payment_id or new_id(), standing.payments + 1
    payment = Payment(
        id=payment_id,
        order_id=order.id,
        order_number=order.number,
        company_id=order.company_id,
        person_id=actor.person_id,
        attempt=attempt,
        key=f"payment:{payment_id}:{attempt}",
        amount_minor=amount_minor,
        currency=order.currency,
    )
    writes.all_of_it([payment])
    return payment


def record(payment_id: uuid.UUID, result: port.PaymentResult, *, expired: bool = False) -> Payment:
    """What the provider says of a payment now. Saying it twice, late or in another order comes to the same.

    `expired`: it was we who gave the payment up. Money that is not what was asked for is kept as `trouble`, not booked.
    """
    order, payment = queries.locked(payment_id)
    payment.looked_at = clock.now()
    if payment.provider_id not in {None, result.provider_id}:
        payment.trouble = f"two payments at the provider: {result.provider_id} as well"
        return payment
    payment.provider_id = result.provider_id
    if payment.state is PaymentState.CAPTURED:
        return payment
    payment.provider_state = result.state.value
    if result.state is port.PaymentState.CAPTURED:
        _capture(order, payment, result)
    elif payment.state in OPEN and result.state is port.PaymentState.FAILED:
        _end(payment, PaymentVerb.FAIL, result.failure_code, result.failure_message)
    elif payment.state in OPEN and result.state is port.PaymentState.CANCELLED:
        _end(payment, PaymentVerb.EXPIRE if expired else PaymentVerb.CANCEL, result.failure_code, None)
    return payment


def fail(payment_id: uuid.UUID, code: str) -> Payment:
    """The provider refused the request itself, or never had it: nothing was taken."""
    payment = queries.payment(SYSTEM, payment_id, locked=True)
    if payment.state in OPEN:
        _end(payment, PaymentVerb.FAIL, code, None)
    return payment


def looked(payment_id: uuid.UUID) -> Payment:
    """The provider was asked and did not know yet; it is asked again later."""
    payment = queries.payment(SYSTEM, payment_id, locked=True)
    payment.looked_at = clock.now()
    return payment


def set_disputed(payment: Payment, disputed_minor: int) -> None:
    """So much of a payment, which the caller has locked, is held by chargebacks: it cannot be refunded as well."""
    payment.disputed_minor = disputed_minor
    db.session.flush()


def _end(payment: Payment, verb: PaymentVerb, code: str | None, message: str | None) -> None:
    history.move(payment, verb, SYSTEM, note=code or "")
    payment.failure_code, payment.failure_message = code, message


def _capture(order: Order, payment: Payment, result: port.PaymentResult) -> None:
    payment.trouble = _trouble(payment, result)
    if payment.trouble or result.balance_transaction_id is None:
        return  # what the provider has not booked yet is looked at again
    history.move(payment, PaymentVerb.CAPTURE, SYSTEM)
    payment.captured_minor = result.captured_minor
    payment.captured_at = clock.now()
    payment.charge_id = result.charge_id
    payment.balance_transaction_id = result.balance_transaction_id
    payment.fee_minor, payment.net_minor = result.fee_minor, result.net_minor
    payment.failure_code = payment.failure_message = None
    source = f"payment:{payment.id}"
    with db.session.no_autoflush:  # nothing below reads what is changed here: it is written at once
        recorded = orders.record_payment(
            SYSTEM, order.id, payment.captured_minor, payment.currency, source, locked=order
        )
        writes.all_of_it()
        _book(order, payment, recorded)
    if recorded.excess_minor:
        outbox.publish(PaymentExceeded(order_id=order.id, payment_id=payment.id, excess_minor=recorded.excess_minor))


def _trouble(payment: Payment, result: port.PaymentResult) -> str | None:
    if result.currency != payment.currency:
        return f"asked for {payment.currency}, taken in {result.currency}"
    asked, taken, net, fee = (
        Money(minor or 0, payment.currency).format()
        for minor in (payment.amount_minor, result.captured_minor, result.net_minor, result.fee_minor)
    )
    if result.captured_minor != payment.amount_minor:
        return f"asked for {asked}, taken {taken}"
    if result.balance_transaction_id and (result.net_minor or 0) + (result.fee_minor or 0) != result.captured_minor:
        return f"taken {taken}, but net {net} and fee {fee}"
    return None


def _book(order: Order, payment: Payment, recorded: orders.RecordedPayment) -> None:
    """The first payment brings the order into the books as it is valued now; later ones settle a deficit or exceed."""
    found = queries.to_book(order.id, ORDER_PAID)
    paid_before = recorded.net_paid_minor - payment.captured_minor
    deficit_before = max(0, recorded.owed_minor - paid_before) if found.booked else 0
    deficit_after = max(0, recorded.owed_minor - recorded.net_paid_minor)
    buyer = Buyer(deficit_minor=deficit_after - deficit_before, refund_minor=recorded.excess_minor)
    if deficit_after < deficit_before:
        # What was claimed of it is carried again by this, so that it is there to be paid.
        outbox.publish(DeficitPaid(order.id, payment.id, deficit_before - deficit_after))
    valuation = None if found.booked else valuation_from_json(found.valuation)
    facts = OrderFacts(order.id, order.currency, order.prices_include_tax, found.vendor_orders)
    lines = order_postings.order_paid(facts, None, valuation, buyer, payment.net_minor or 0, payment.fee_minor or 0)
    books.post(
        f"psp:{payment.balance_transaction_id}",
        PAYMENT_RECEIVED if found.booked else ORDER_PAID,
        lines,
        order_id=order.id,
        occurred_at=payment.captured_at,
    )


def facts_of(order: Order) -> OrderFacts:
    """What postings need to know of an order."""
    parts = {part.vendor_id: part.id for part in order_queries.parts_of(order.id)}
    return OrderFacts(order.id, order.currency, order.prices_include_tax, parts)
