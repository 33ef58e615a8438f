"""The shapes in which replacements cross the API."""

from marshmallow import fields

from marketplace.kernel.fields import Quantity, StrictSchema, Text
from marketplace.returns.states import ReplacementState


class ReplacementIn(StrictSchema):
    """`quantity` absent: all that is still to be shipped."""

    carrier = Text(required=True, max_length=80)
    tracking_number = Text(max_length=80, allow_empty=True, load_default="")
    quantity = Quantity()


class SentOut(StrictSchema):
    id = fields.UUID()
    quantity = fields.Integer()
    state = fields.Enum(ReplacementState, by_value=True)
    carrier = fields.String()
    tracking_number = fields.String()
    shipped_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True, metadata={"description": "Delivered, or known to be lost."})


class ReplacementOut(SentOut):
    line_id = fields.UUID()


class ReplacedLineOut(StrictSchema):
    """A line of an order of which a return case replaces units."""

    case_id = fields.UUID()
    case_number = fields.String()
    vendor_order_id = fields.UUID()
    line_id = fields.UUID(metadata={"description": "The order's line."})
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    to_replace = fields.Integer(metadata={"description": "Units whose replacement is still to be shipped."})
    ship_by = fields.AwareDateTime(allow_none=True, metadata={"description": "After it the buyer gets money instead."})
    sent = fields.List(fields.Nested(SentOut))


class ReplacedLinesOut(StrictSchema):
    items = fields.List(fields.Nested(ReplacedLineOut))
