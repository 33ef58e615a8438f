"""A payment in the shape of the party that reads it."""

from typing import Any

from marketplace.kernel.access import Actor
from marketplace.kernel.money import Money
from settlements.gateway.port import PaymentResult, PaymentState
from settlements.payments.models import Payment
from settlements.payments.states import OPEN

_OPERATORS = (
    "company_id",
    "attempt",
    "provider_id",
    "charge_id",
    "balance_transaction_id",
    "captured_minor",
    "fee_minor",
    "net_minor",
    "trouble",
)
_EVERYONES = (
    "id",
    "order_id",
    "order_number",
    "state",
    "requested_at",
    "captured_at",
    "failure_code",
    "failure_message",
)


def seen_by(actor: Actor, payment: Payment, result: PaymentResult | None = None) -> dict[str, Any]:
    """The fields that this actor may read; `result` is what the provider has just said, with the payer's secret."""
    names = _EVERYONES + (_OPERATORS if actor.sees_all else ())
    waits_for = PaymentState(payment.provider_state) if payment.provider_state and payment.state in OPEN else None
    amount = Money(payment.amount_minor, payment.currency)
    view = {name: getattr(payment, name) for name in names} | {"amount": amount, "next": waits_for}
    if result is not None and result.client_secret and payment.state in OPEN:
        view["client_secret"] = result.client_secret
    return view
