"""Payments as each party sees them: the provider's fee and ids are the operator's alone."""

import re

from marshmallow import ValidationError, fields

from marketplace.kernel.fields import MoneyField, PageArgs, StrictSchema, Text
from settlements.gateway.port import PaymentState as ProviderState
from settlements.payments.states import PaymentState

_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_CARD_NUMBER = re.compile(r"\d{12,}")


def is_token(value: str) -> None:
    """A provider's name for a payment method; whatever could be a card number is refused, and never repeated."""
    if _CARD_NUMBER.search(re.sub(r"[\s._-]", "", value)):
        raise ValidationError("This could be a card number. Send the token that the provider's form returned.")
    if not _TOKEN.fullmatch(value):
        raise ValidationError("The token of a payment method, as the provider's form returned it.")


class PayIn(StrictSchema):
    payment_method = Text(
        required=True, max_length=100, validate=is_token, metadata={"description": "The provider's token, pm_..."}
    )


class PaymentArgs(PageArgs):
    trouble = fields.Boolean(load_default=None, metadata={"description": "Only what a person has to look at."})


class PaymentOut(StrictSchema):
    """`next`: `requires_action` (confirm with `client_secret` in the browser) or `processing`, while it is open."""

    id = fields.UUID()
    order_id = fields.UUID()
    order_number = fields.String()
    state = fields.Enum(PaymentState, by_value=True)
    amount = MoneyField()
    requested_at = fields.DateTime()
    captured_at = fields.DateTime(allow_none=True)
    failure_code = fields.String(allow_none=True)
    failure_message = fields.String(allow_none=True)
    next = fields.Enum(ProviderState, by_value=True, allow_none=True)
    client_secret = fields.String()


class PaymentForOperatorOut(PaymentOut):
    """A payment; all but what PaymentOut holds is shown to the operator alone."""

    company_id = fields.UUID()
    attempt = fields.Integer()
    provider_id = fields.String(allow_none=True)
    charge_id = fields.String(allow_none=True)
    balance_transaction_id = fields.String(allow_none=True)
    captured_minor = fields.Integer()
    fee_minor = fields.Integer(allow_none=True)
    net_minor = fields.Integer(allow_none=True)
    trouble = fields.String(allow_none=True)


class PaymentsOut(StrictSchema):
    """The newest first."""

    items = fields.List(fields.Nested(PaymentForOperatorOut))
