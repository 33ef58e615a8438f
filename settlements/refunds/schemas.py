"""Refunds as each party sees them: attempts and the provider's ids are the operator's alone."""

from marshmallow import fields

from marketplace.kernel.fields import MoneyField, PageArgs, StrictSchema, Text
from settlements.refunds.states import RefundState


class RefundArgs(PageArgs):
    state = fields.Enum(RefundState, by_value=True, load_default=None)


class ByBankIn(StrictSchema):
    reference = Text(required=True, max_length=140, metadata={"description": "Of the bank transfer that was made."})


class AttemptOut(StrictSchema):
    number = fields.Integer()
    key = fields.String()
    asked_at = fields.DateTime()
    provider_id = fields.String(allow_none=True)
    provider_state = fields.String(allow_none=True)
    balance_transaction_id = fields.String(allow_none=True)
    failure_balance_transaction_id = fields.String(allow_none=True)
    failure_code = fields.String(allow_none=True)


class RefundOut(StrictSchema):
    id = fields.UUID()
    order_id = fields.UUID()
    order_number = fields.String()
    state = fields.Enum(RefundState, by_value=True)
    amount = MoneyField()
    requested_at = fields.DateTime()
    confirmed_at = fields.DateTime(allow_none=True)
    reference = fields.String(allow_none=True)


class RefundForOperatorOut(RefundOut):
    """A refund; all but what RefundOut holds is shown to the operator alone."""

    company_id = fields.UUID()
    payment_id = fields.UUID(allow_none=True)
    cause = fields.String()
    trouble = fields.String(allow_none=True)
    next_at = fields.DateTime()
    attempts = fields.List(fields.Nested(AttemptOut))


class RefundsOut(StrictSchema):
    """The newest first."""

    items = fields.List(fields.Nested(RefundForOperatorOut))
