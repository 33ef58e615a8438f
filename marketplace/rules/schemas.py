"""What crosses the API about promotions, tax rates, delivery rates and return policies."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.kernel.fields import Country, Currency, Minor, PageArgs, Quantity, Rate, StrictSchema, Text
from marketplace.rules.actions import PROFILES
from marketplace.rules.return_terms import USUAL, DeficitRule, Reason
from marketplace.rules.tax import TAX_CATEGORIES

_PROFILE = validate.OneOf(list(PROFILES))
_MANY = validate.Length(max=1000)


class Step(StrictSchema):
    """From this sum on: either a rate or an amount off."""

    from_minor = Minor(required=True)
    rate = Rate(high="1")
    amount_minor = Minor()

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if ("rate" in data) == ("amount_minor" in data):
            raise ValidationError("A step takes off either a rate or an amount.")


class Scope(StrictSchema):
    """What a promotion reaches; an empty one reaches everything."""

    vendors = fields.List(fields.UUID(), validate=_MANY)
    categories = fields.List(fields.String(validate=validate.Length(max=500)), validate=_MANY)
    offers = fields.List(fields.UUID(), validate=_MANY)


class PromotionEdit(StrictSchema):
    name = Text()
    code = Text(max_length=40, allow_none=True)
    currency = Currency()
    steps = fields.List(fields.Nested(Step), validate=validate.Length(min=1, max=20))
    vendor_share = Rate(high="1", metadata={"description": "What the vendors pay; the marketplace pays the rest."})
    scope = fields.Nested(Scope)
    position = Quantity(minimum=0)
    starts_at = fields.AwareDateTime(format="iso")
    ends_at = fields.AwareDateTime(format="iso", allow_none=True)


class PromotionIn(PromotionEdit):
    name = Text(required=True)
    currency = Currency(required=True)
    steps = fields.List(fields.Nested(Step), required=True, validate=validate.Length(min=1, max=20))


class PromotionOut(Schema):
    id = fields.UUID()
    vendor_id = fields.UUID(allow_none=True, metadata={"description": "Whose it is; null: the operator's."})
    name = fields.String()
    code = fields.String(allow_none=True)
    currency = fields.String()
    steps = fields.List(fields.Dict())
    vendor_share = Rate()
    scope = fields.Dict()
    position = fields.Integer()
    starts_at = fields.AwareDateTime()
    ends_at = fields.AwareDateTime(allow_none=True)


class TaxRateIn(StrictSchema):
    country = Country(required=True)
    category = fields.String(required=True, validate=validate.OneOf(["standard", "reduced"]))
    rate = Rate(required=True, high="1")
    valid_from = fields.Date(required=True)


class TaxRateFilter(PageArgs):
    country = Country()


class TaxRateOut(Schema):
    id = fields.UUID()
    country = fields.String()
    category = fields.String()
    rate = Rate()
    valid_from = fields.Date()


class DeliveryRateEdit(StrictSchema):
    name = Text()
    currency = Currency()
    price_minor = Minor()
    free_from_minor = Minor(allow_none=True)
    free_basis = fields.String(validate=validate.OneOf(["group", "order"]))
    tax_category = fields.String(validate=validate.OneOf(TAX_CATEGORIES))
    countries = fields.List(Country(), validate=validate.Length(max=300))
    active = fields.Boolean(truthy={True}, falsy={False})
    position = Quantity(minimum=0)


class DeliveryRateIn(DeliveryRateEdit):
    name = Text(required=True)
    currency = Currency(required=True)
    price_minor = Minor(required=True)


class DeliveryRateOut(Schema):
    id = fields.UUID()
    vendor_id = fields.UUID(allow_none=True, metadata={"description": "Who delivers; null: the operator."})
    name = fields.String()
    currency = fields.String()
    price_minor = fields.Integer()
    free_from_minor = fields.Integer(allow_none=True)
    free_basis = fields.String()
    tax_category = fields.String()
    countries = fields.List(fields.String())
    active = fields.Boolean()
    position = fields.Integer()


_DAYS = validate.Range(min=0, max=3650)
_STEP = validate.Range(min=1, max=90)


class WindowIn(StrictSchema):
    """How long after delivery goods may be returned for a reason; 0 days: never."""

    days = fields.Integer(required=True, strict=True, validate=_DAYS)
    working = fields.Boolean(required=True, truthy={True}, falsy={False})


class ReturnTermsIn(StrictSchema):
    """Time limits and deficits; what the formula does not look at."""

    windows = fields.Dict(
        keys=fields.String(validate=validate.OneOf([reason.value for reason in Reason])),
        values=fields.Nested(WindowIn),
        required=True,
        validate=validate.Length(equal=len(Reason), error="One window for each reason."),
    )
    discovery_days = fields.Integer(required=True, strict=True, validate=_STEP)
    answer_working_days = fields.Integer(required=True, strict=True, validate=_STEP)
    evidence_working_days = fields.Integer(required=True, strict=True, validate=_STEP)
    send_days = fields.Integer(required=True, strict=True, validate=_STEP)
    arrive_days = fields.Integer(
        load_default=USUAL["arrive_days"],
        strict=True,
        validate=_STEP,
        metadata={"description": "From the announcement of a parcel until it counts as arrived."},
    )
    inspect_working_days = fields.Integer(required=True, strict=True, validate=_STEP)
    replace_working_days = fields.Integer(
        load_default=USUAL["replace_working_days"],
        strict=True,
        validate=_STEP,
        metadata={"description": "To ship a replacement."},
    )
    settle_hours = fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=1000))
    appeal_days = fields.Integer(required=True, strict=True, validate=_STEP)
    remind_hours = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=1000))
    deficit_days = fields.Integer(
        load_default=USUAL["deficit_days"],
        strict=True,
        validate=_STEP,
        metadata={"description": "To pay what is asked for."},
    )
    deficit = fields.String(required=True, validate=validate.OneOf([rule.value for rule in DeficitRule]))
    waive_below_minor = fields.Dict(
        keys=Currency(),
        values=Minor(),
        required=True,
        validate=validate.Length(max=200),
        metadata={"description": "Per currency: up to this much a deficit may be let go."},
    )


class ReturnPolicyIn(StrictSchema):
    profile = fields.String(required=True, validate=_PROFILE)
    content = fields.Dict(
        required=True, metadata={"description": "The formula's terms, as the version before has them."}
    )
    terms = fields.Nested(ReturnTermsIn, metadata={"description": "Time limits and deficits; absent: as before."})
    note = Text(max_length=500, allow_empty=True, load_default="")


class ReturnPolicyFilter(PageArgs):
    profile = fields.String(validate=_PROFILE)


class ReturnPolicyOut(Schema):
    id = fields.UUID()
    profile = fields.String()
    number = fields.Integer()
    content = fields.Dict()
    terms = fields.Dict()
    note = fields.String()
    created_at = fields.AwareDateTime()
