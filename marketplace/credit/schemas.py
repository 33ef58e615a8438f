"""What crosses the API about buying on account."""

from marshmallow import fields, validate

from marketplace.credit.terms import TermsKind
from marketplace.kernel.fields import Currency, Minor, PageArgs, StrictSchema, Text


class AccountArgs(PageArgs):
    company_id = fields.UUID(load_default=None)


class PaymentTermsIn(StrictSchema):
    currency = Currency(required=True)
    valid_from = fields.Date(required=True)
    kind = fields.Enum(TermsKind, by_value=True, required=True)
    days = fields.Integer(load_default=0, strict=True, validate=validate.Range(min=0, max=180))


class PaymentTermsOut(StrictSchema):
    id = fields.UUID()
    company_id = fields.UUID()
    currency = fields.String()
    valid_from = fields.Date()
    kind = fields.String()
    days = fields.Integer()
    created_at = fields.AwareDateTime()


class CreditAccountIn(StrictSchema):
    company_id = fields.UUID(required=True)
    currency = Currency(required=True)
    limit_minor = Minor(required=True)
    reason = Text(required=True, max_length=500)


class CreditLimitIn(StrictSchema):
    limit_minor = Minor(required=True)
    reason = Text(required=True, max_length=500)


class CreditReasonIn(StrictSchema):
    reason = Text(required=True, max_length=500)


class CreditAccountOut(StrictSchema):
    """How much may be owed, how much is, and what is left for new orders."""

    id = fields.UUID()
    company_id = fields.UUID()
    currency = fields.String()
    limit_minor = fields.Integer()
    used_minor = fields.Integer()
    free_minor = fields.Integer()
    frozen_at = fields.AwareDateTime(allow_none=True)
    frozen_reason = fields.String()
    created_at = fields.AwareDateTime()


class CreditChangeOut(StrictSchema):
    id = fields.UUID()
    kind = fields.String()
    limit_minor = fields.Integer()
    reason = fields.String()
    person_id = fields.UUID(allow_none=True)
    at = fields.AwareDateTime()
