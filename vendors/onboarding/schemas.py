"""What crosses the API about applications and vendors."""

from marshmallow import Schema, fields, validate

from marketplace.kernel.fields import PageArgs, Rate, StrictSchema, Text
from vendors.onboarding.states import ApplicationState, VendorState


class ApplicationEdit(StrictSchema):
    legal_name = Text()
    registration_number = Text(max_length=100)
    vat_id = Text(max_length=40)
    contact_email = fields.Email(validate=validate.Length(max=254))
    website = fields.Url(schemes={"http", "https"}, validate=validate.Length(max=500))
    goods = Text(max_length=2000, allow_empty=True)


class ApplicationIn(ApplicationEdit):
    legal_name = Text(required=True)
    registration_number = Text(required=True, max_length=100)
    vat_id = Text(required=True, max_length=40)
    contact_email = fields.Email(required=True, validate=validate.Length(max=254))


class ApplicationOut(Schema):
    id = fields.UUID()
    company_id = fields.UUID()
    state = fields.Enum(ApplicationState, by_value=True)
    legal_name = fields.String()
    registration_number = fields.String()
    vat_id = fields.String()
    contact_email = fields.String()
    website = fields.String()
    goods = fields.String()
    note = fields.String(metadata={"description": "The operator's last question, or his reason."})
    created_at = fields.AwareDateTime()
    submitted_at = fields.AwareDateTime(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)


class ApplicationFilter(PageArgs):
    state = fields.Enum(ApplicationState, by_value=True)


class Reason(StrictSchema):
    note = Text(required=True, max_length=2000)


class Approval(StrictSchema):
    commission_rate = Rate(required=True, high="1", metadata={"description": "A share of one: 0.08 is 8 percent."})
    commission_by_category = fields.Dict(
        keys=fields.String(validate=validate.Length(min=1, max=500)), values=Rate(high="1"), load_default=dict
    )
    note = Text(max_length=2000, allow_empty=True, load_default="")


class VendorOut(Schema):
    id = fields.UUID()
    name = fields.String()
    country = fields.String()
    state = fields.Enum(VendorState, by_value=True)
    note = fields.String()
    approved_at = fields.AwareDateTime()


class VendorFilter(PageArgs):
    state = fields.Enum(VendorState, by_value=True)


class OnboardingMoveOut(Schema):
    verb = fields.String()
    from_state = fields.String()
    to_state = fields.String()
    note = fields.String()
    at = fields.AwareDateTime()


class OnboardingHistoryOut(Schema):
    items = fields.List(fields.Nested(OnboardingMoveOut))
