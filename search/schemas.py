"""What crosses the API of search."""

from marshmallow import Schema, fields, validate

from marketplace.agreements.schemas import OfferOut, OfferProductOut
from marketplace.kernel.fields import Currency, PageArgs, Text


class SearchArgs(PageArgs):
    q = Text(load_default="", max_length=300, allow_empty=True, metadata={"description": "Words, or a part number."})
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))
    category = Text(max_length=500, metadata={"description": "A path; all below it count."})
    vendor = fields.UUID()
    currency = Currency(metadata={"description": "Default: the company's own."})


class HitOut(Schema):
    """A product with its live offers, this company's best price first."""

    product = fields.Nested(OfferProductOut, required=True)
    category = fields.String(required=True, allow_none=True)
    offers = fields.List(fields.Nested(OfferOut), required=True)


class SearchPage(Schema):
    items = fields.List(fields.Nested(HitOut), required=True)
    total = fields.Integer(required=True)
    next = fields.String(required=True, allow_none=True)
