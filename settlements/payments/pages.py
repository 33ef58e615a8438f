"""Paying an order as a page: what is chosen is the provider's name for a payment method; no card number comes here."""

import uuid
from dataclasses import dataclass

from flask import current_app, redirect, render_template, url_for
from werkzeug.wrappers import Response

from marketplace.kernel import forms, idempotency
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import Text
from marketplace.kernel.web import pages_blueprint
from marketplace.orders import queries as order_queries
from marketplace.orders import views as order_views
from settlements.gateway.provider import provider
from settlements.payments import actions, jobs, queries
from settlements.payments.models import Payment
from settlements.payments.refusals import PaymentDeclined
from settlements.payments.schemas import is_token
from settlements.payments.states import OPEN, PaymentState

routes = pages_blueprint("payments", __name__)


@dataclass(frozen=True, slots=True)
class TestMethod:
    """A payment method that the provider publishes for tests, and what it does."""

    token: str
    name: str
    outcome: str


TEST_METHODS = (
    TestMethod("pm_card_visa", "Visa, ending in 4242", "is paid at once"),
    TestMethod("pm_card_mastercard", "Mastercard, ending in 4444", "is paid at once"),
    TestMethod("pm_success_de", "SEPA direct debit", "is paid after a while"),
    TestMethod("pm_card_authenticationRequired", "Visa, ending in 3184", "waits for the payer's bank"),
    TestMethod("pm_card_chargeDeclinedInsufficientFunds", "Visa, ending in 9995", "is declined: insufficient funds"),
    TestMethod("pm_card_chargeDeclined", "Visa, ending in 0002", "is declined"),
)


class PayForm(forms.PageForm):
    payment_method = Text(required=True, max_length=100, validate=is_token)


@routes.get("/orders/<uuid:order_id>/pay")
@requires(Permission.ORDER_PAY)
def pay(order_id: uuid.UUID) -> Response | str:
    """What is left to pay, and how; an order that is paid leads to itself."""
    actor = current_actor()
    order = order_views.buyer_order(order_queries.whole(actor, order_id))
    payments = queries.payments_of(actor, order_id)
    under_way = next((payment for payment in payments if payment.state in OPEN), None)
    if not order["to_pay_minor"] and under_way is None:
        return redirect(_order(order_id), 303)
    return render_template(
        "payments/pay.html", order=order, payments=payments, under_way=under_way, methods=_methods_to_offer()
    )


@routes.post("/orders/<uuid:order_id>/pay")
@requires(Permission.ORDER_PAY)
@forms.refused_on(pay)
def pay_order(order_id: uuid.UUID) -> Response:
    """Pay what the order still owes, at once and in whole."""
    provider()
    wanted = forms.load(PayForm())
    payment_id, replayed = _reserved(order_id)
    payment, _ = jobs.look_up(payment_id) if replayed else jobs.take(payment_id, wanted["payment_method"])
    return _after(payment)


@routes.post("/orders/<uuid:order_id>/payments/<uuid:payment_id>/<any(look_up, give_up):verb>")
@requires(Permission.ORDER_PAY)
@forms.refused_on(pay)
def settle(order_id: uuid.UUID, payment_id: uuid.UUID, verb: str) -> Response:
    """Ask the provider what became of a payment, or give it up so that another can be made."""
    seen = queries.payment(current_actor(), payment_id)
    ended = jobs.give_up(seen.id) if verb == "give_up" else jobs.look_up(seen.id)[0]
    return _after(ended)


def _after(payment: Payment) -> Response:
    if payment.state is PaymentState.FAILED:
        raise PaymentDeclined(payment.failure_message or "", payment_id=payment.id, code=payment.failure_code)
    if payment.state is PaymentState.CAPTURED:
        return forms.done("Thank you. The payment has arrived, and the vendors can begin.", _order(payment.order_id))
    return redirect(url_for(".pay", order_id=payment.order_id), 303)


def _reserved(order_id: uuid.UUID) -> tuple[uuid.UUID, bool]:
    """The payment that this form's key asks for, and whether it was asked for before."""
    with transaction():
        answer, replayed = idempotency.once_for_form(lambda: str(actions.reserve(current_actor(), order_id).id))
    return uuid.UUID(answer), replayed


def _order(order_id: uuid.UUID) -> str:
    return url_for("order_pages.order", order_id=order_id)


def _methods_to_offer() -> tuple[TestMethod, ...]:
    """Test methods exist with a test key only: with a real one the provider refuses them."""
    is_test = current_app.extensions["kontor_settings"].stripe_api_key.startswith("sk_test_")
    return TEST_METHODS if is_test else ()
