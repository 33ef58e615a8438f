"""Accounts at the provider as vendor and operator read them."""

from marshmallow import fields

from marketplace.kernel.fields import PageArgs, StrictSchema, Text
from settlements.gateway.connect import Capability
from settlements.provider_accounts.states import AccountState


class AccountArgs(PageArgs):
    state = fields.Enum(AccountState, by_value=True, load_default=None)
    able = fields.Boolean(load_default=None, metadata={"description": "May it receive money and pay it out?"})


class PayoutAccountOut(StrictSchema):
    """`due`: what the provider wants to know now; `blocked_reason`: why the operator sends nothing."""

    id = fields.UUID()
    vendor_id = fields.UUID()
    state = fields.Enum(AccountState, by_value=True)
    country = fields.String()
    currency = fields.String()
    currencies = fields.List(fields.String())
    transfers = fields.Enum(Capability, by_value=True)
    payouts_enabled = fields.Boolean()
    details_submitted = fields.Boolean()
    due = fields.List(fields.String())
    past_due = fields.List(fields.String())
    pending_verification = fields.List(fields.String())
    due_by = fields.DateTime(allow_none=True)
    disabled_reason = fields.String(allow_none=True)
    blocked_reason = fields.String(allow_none=True)
    blocked_at = fields.DateTime(allow_none=True)
    requested_at = fields.DateTime()
    looked_at = fields.DateTime(allow_none=True)


class PayoutAccountForOperatorOut(PayoutAccountOut):
    """All but what PayoutAccountOut holds is shown to the operator alone."""

    provider_id = fields.String(allow_none=True)
    attempt = fields.Integer()
    trouble = fields.String(allow_none=True)


class AccountLinkOut(StrictSchema):
    """For one use by the vendor's own browser."""

    url = fields.String()
    expires_at = fields.DateTime()


class ReasonIn(StrictSchema):
    reason = Text(required=True, max_length=500)
