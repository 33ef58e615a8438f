"""Paying an order over the API: one open payment at a time, asked for once per Idempotency-Key."""

import uuid
from collections.abc import Callable
from typing import Any

from marketplace.kernel import idempotency
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import new_id, transaction
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, page_of, paginate
from marketplace.orders import queries as order_queries
from settlements.gateway.provider import provider
from settlements.payments import actions, jobs, queries, views
from settlements.payments.models import Payment
from settlements.payments.refusals import PaymentDeclined
from settlements.payments.schemas import PayIn, PaymentArgs, PaymentForOperatorOut, PaymentsOut
from settlements.payments.states import OPEN, PaymentState

routes = api_blueprint("payments", "What orders were paid with.")


def _once_per_key(view: Callable[..., Any]) -> Callable[..., Any]:
    """Says that the view sees to its Idempotency-Key itself: its call to the provider is outside any transaction."""
    view.__idempotent__ = True  # type: ignore[attr-defined]
    return view


@routes.post("/orders/<uuid:order_id>/payments")
@requires(Permission.ORDER_PAY)
@routes.arguments(PayIn)
@routes.response(201, PaymentForOperatorOut)
@routes.alt_response(
    202, schema=PaymentForOperatorOut, description="The outcome is not known yet, or the payer must confirm."
)
@routes.alt_response(409, schema=ProblemOut, description="Declined; paid already; another payment is under way.")
@routes.alt_response(502, schema=ProblemOut, description="The provider asks to wait, or none is set up.")
@_once_per_key
def pay_order(wanted, order_id):
    """Pay what the order still owes, at once and in whole. Needs the header Idempotency-Key."""
    provider()
    payment_id, reserved = _reserved(order_id)
    payment, result = jobs.take(reserved.id, wanted["payment_method"]) if reserved else jobs.look_up(payment_id)
    if payment.state is PaymentState.FAILED:
        raise PaymentDeclined(payment.failure_message or "", payment_id=payment.id, code=payment.failure_code)
    return views.seen_by(current_actor(), payment, result), 202 if payment.state in OPEN else 201


@routes.get("/orders/<uuid:order_id>/payments")
@requires(Permission.ORDER_READ)
@routes.response(200, PaymentsOut)
def list_payments_of_order(order_id):
    """The payments of an order, the newest first."""
    actor = current_actor()
    order = order_queries.order(actor, order_id)
    return {"items": [views.seen_by(actor, payment) for payment in queries.payments_of(actor, order.id)]}


@routes.get("/payments")
@requires(Permission.BOOKS_READ)
@routes.arguments(PaymentArgs, location="query")
@routes.response(200, page_of(PaymentForOperatorOut))
def list_payments(args):
    """All payments, the newest first; `trouble`: those whose money was not booked, and why."""
    page = paginate(queries.payments(current_actor(), trouble=args["trouble"]), args, Payment.id)
    return Page([views.seen_by(current_actor(), payment) for payment in page.items], page.next)


@routes.get("/payments/<uuid:payment_id>")
@requires(Permission.ORDER_READ)
@routes.response(200, PaymentForOperatorOut)
def get_payment(payment_id):
    """One payment as it is known here."""
    return views.seen_by(current_actor(), queries.payment(current_actor(), payment_id))


@routes.post("/payments/<uuid:payment_id>/look-up")
@requires(Permission.ORDER_PAY)
@routes.response(200, PaymentForOperatorOut)
def look_payment_up(payment_id):
    """Ask the provider now what became of a payment, after its payer has confirmed it."""
    seen = queries.payment(current_actor(), payment_id)
    payment, result = jobs.look_up(seen.id)
    return views.seen_by(current_actor(), payment, result)


@routes.post("/payments/<uuid:payment_id>/cancel")
@requires(Permission.ORDER_PAY)
@routes.response(200, PaymentForOperatorOut)
@routes.alt_response(409, schema=ProblemOut, description="It has ended.")
def cancel_payment(payment_id):
    """Give an open payment up, so that another can be made. It never takes money afterwards."""
    seen = queries.payment(current_actor(), payment_id)
    return views.seen_by(current_actor(), jobs.give_up(seen.id))


def _reserved(order_id: uuid.UUID) -> tuple[uuid.UUID, Payment | None]:
    """The payment that this request's Idempotency-Key asks for; None beside its id: it was asked for before."""
    actor, route = current_actor(), idempotency.route_of_request()
    key, request_hash = idempotency.key_of_request(), idempotency.hash_of_request()
    payment_id = new_id()
    with transaction():
        answer, replayed = idempotency.claim(actor, route, key, request_hash, payment_id.bytes)
        reserved = None if replayed else actions.reserve(actor, order_id, payment_id)
    return uuid.UUID(bytes=answer), reserved
