"""Parcels as they cross the API; buyers and vendors see the same, as there is no money in them."""

from marshmallow import fields, validate

from marketplace.kernel.fields import Quantity, StrictSchema, Text


class ParcelLineIn(StrictSchema):
    line_id = fields.UUID(required=True)
    quantity = Quantity(required=True)


class ParcelIn(StrictSchema):
    """Units that leave together; without `lines` all that are open. `announce_only`: packed, not gone yet."""

    carrier = Text(required=True, max_length=80)
    tracking_number = Text(load_default="", max_length=80, allow_empty=True)
    lines = fields.List(
        fields.Nested(ParcelLineIn), load_default=None, allow_none=True, validate=validate.Length(min=1, max=500)
    )
    announce_only = fields.Boolean(load_default=False)


class ParcelLineOut(StrictSchema):
    line_id = fields.UUID()
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    quantity = fields.Integer()


class ParcelOut(StrictSchema):
    id = fields.UUID()
    order_id = fields.UUID()
    vendor_order_id = fields.UUID()
    number = fields.Integer()
    state = fields.String()
    carrier = fields.String()
    tracking_number = fields.String()
    created_at = fields.AwareDateTime()
    shipped_at = fields.AwareDateTime(allow_none=True)
    delivered_at = fields.AwareDateTime(allow_none=True)
    delivery_assumed = fields.Boolean(metadata={"description": "By time: nobody reported what became of it."})
    counts_as_delivered_at = fields.AwareDateTime(
        allow_none=True,
        metadata={"description": "Of a parcel under way: from then on, unless it is reported, or missed in a return."},
    )
    lines = fields.List(fields.Nested(ParcelLineOut))


class ParcelsOut(StrictSchema):
    items = fields.List(fields.Nested(ParcelOut))
