"""Transfers, payouts and debts as each party sees them: the buyer's charge and attempts are the operator's."""

from marshmallow import ValidationError, fields, validate

from marketplace.kernel.fields import MAX_MINOR, Currency, Minor, MoneyField, PageArgs, StrictSchema, Text
from settlements.transfers.states import (
    AdjustmentKind,
    AdjustmentState,
    DebtState,
    PayoutState,
    ReversalState,
    TransferState,
)


def not_nothing(value: int) -> None:
    """Nothing is no amount to book."""
    if value == 0:
        raise ValidationError("Nothing is no amount to book.")


class Signed(fields.Integer):
    """Minor units; above zero in the vendor's favour."""

    def __init__(self, **kwargs: object) -> None:
        bounds = validate.Range(min=-MAX_MINOR, max=MAX_MINOR)
        super().__init__(strict=True, validate=[bounds, not_nothing], **kwargs)  # type: ignore[arg-type]

    def _deserialize(self, value, attr, data, **kwargs):
        if isinstance(value, bool | str):
            raise ValidationError("Not a valid integer.")
        return super()._deserialize(value, attr, data, **kwargs)


class TransferArgs(PageArgs):
    state = fields.Enum(TransferState, by_value=True, load_default=None)
    vendor_id = fields.UUID(load_default=None)
    cause = Text(load_default=None)


class PayoutArgs(PageArgs):
    state = fields.Enum(PayoutState, by_value=True, load_default=None)
    vendor_id = fields.UUID(load_default=None)


class DebtArgs(PageArgs):
    state = fields.Enum(DebtState, by_value=True, load_default=None)


class AdjustmentArgs(PageArgs):
    state = fields.Enum(AdjustmentState, by_value=True, load_default=None)
    vendor_id = fields.UUID(load_default=None)


class TransferAttemptOut(StrictSchema):
    number = fields.Integer()
    key = fields.String()
    account = fields.String()
    asked_at = fields.DateTime()
    provider_id = fields.String(allow_none=True)
    balance_transaction_id = fields.String(allow_none=True)
    failure_code = fields.String(allow_none=True)


class ReversalOut(StrictSchema):
    id = fields.UUID()
    amount = MoneyField()
    state = fields.Enum(ReversalState, by_value=True)
    cause = fields.String()
    reason = fields.String()
    requested_at = fields.DateTime()
    made_at = fields.DateTime(allow_none=True)


class TransferOut(StrictSchema):
    """`refused_because`: why it was not made; its amount is due as before."""

    id = fields.UUID()
    amount = MoneyField()
    reversed_minor = fields.Integer()
    state = fields.Enum(TransferState, by_value=True)
    cause = fields.String()
    requested_at = fields.DateTime()
    made_at = fields.DateTime(allow_none=True)
    refused_because = fields.String(allow_none=True)
    reversals = fields.List(fields.Nested(ReversalOut))


class TransferForOperatorOut(TransferOut):
    """A transfer; all but what TransferOut holds is shown to the operator alone."""

    vendor_id = fields.UUID()
    payment_id = fields.UUID(allow_none=True)
    charge_id = fields.String(allow_none=True)
    replaces_id = fields.UUID(allow_none=True)
    payable_minor = fields.Integer()
    trouble = fields.String(allow_none=True)
    next_at = fields.DateTime()
    attempts = fields.List(fields.Nested(TransferAttemptOut))


class ReverseIn(StrictSchema):
    amount_minor = Minor(required=True, minimum=1)
    reason = Text(required=True, max_length=500)


class PayoutOut(StrictSchema):
    id = fields.UUID()
    vendor_id = fields.UUID()
    amount = MoneyField()
    state = fields.Enum(PayoutState, by_value=True)
    arrives_on = fields.Date(allow_none=True)
    failure_code = fields.String(allow_none=True)
    seen_at = fields.DateTime()


class DebtOut(StrictSchema):
    """`owed`: what is left of it now."""

    id = fields.UUID()
    vendor_id = fields.UUID()
    owed = MoneyField()
    state = fields.Enum(DebtState, by_value=True)
    since = fields.DateTime()
    reminded_at = fields.DateTime(allow_none=True)
    closed_at = fields.DateTime(allow_none=True)


class WriteOffIn(StrictSchema):
    reason = Text(required=True, max_length=500)


class AdjustmentIn(StrictSchema):
    vendor_id = fields.UUID(required=True)
    amount_minor = Signed(required=True, metadata={"description": "Above zero the vendor gets it, below he pays it."})
    currency = Currency(required=True)
    reason = Text(required=True, max_length=500)


class DeclineIn(StrictSchema):
    note = Text(load_default="", max_length=500, allow_empty=True)


class AdjustmentOut(StrictSchema):
    """`amount_minor`: of a write-off, the debt that ends; else above zero in the vendor's favour."""

    id = fields.UUID()
    kind = fields.Enum(AdjustmentKind, by_value=True)
    vendor_id = fields.UUID()
    amount_minor = fields.Integer()
    currency = fields.String()
    reason = fields.String()
    debt_id = fields.UUID(allow_none=True)
    state = fields.Enum(AdjustmentState, by_value=True)
    proposed_by = fields.UUID()
    proposed_at = fields.DateTime()
    decided_by = fields.UUID(allow_none=True)
    decided_at = fields.DateTime(allow_none=True)
    note = fields.String()
