"""The shapes in which replacements cross the API."""

from marshmallow import fields

from marketplace.kernel.fields import Quantity, StrictSchema, Text
from marketplace.returns.states import ReplacementState


class ReplacementIn(StrictSchema):
    """`quantity` absent: all that is still to be shipped."""

    carrier = Text(required=True, max_length=80)
    tracking_number = Text(max_length=80, allow_empty=True, load_default="")
    quantity = Quantity()


class ReplacementOut(StrictSchema):
    id = fields.UUID()
    line_id = fields.UUID()
    quantity = fields.Integer()
    state = fields.Enum(ReplacementState, by_value=True)
    carrier = fields.String()
    tracking_number = fields.String()
    shipped_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True, metadata={"description": "Delivered, or known to be lost."})
