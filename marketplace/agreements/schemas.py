"""What crosses the API about prices, price lists, terms, and offers with prices in them."""

from marshmallow import Schema, fields, validate

from marketplace.catalogue.schemas import DocumentOut, ProductOut
from marketplace.kernel.fields import Currency, PageArgs, Rate


class OfferFilter(PageArgs):
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=200))
    vendor = fields.UUID()
    category = fields.String(validate=validate.Length(max=500), metadata={"description": "A path; all below it count."})
    currency = Currency(metadata={"description": "Default: the company's own."})


class CurrencyFilter(Schema):
    currency = Currency(load_default=None, metadata={"description": "Default: the company's own."})


class TierOut(Schema):
    from_quantity = fields.Integer(required=True)
    unit_price = Rate(required=True)


class OfferPriceSourceOut(Schema):
    """The list that the price comes from."""

    kind = fields.String(required=True)
    list_id = fields.UUID(required=True)
    name = fields.String(required=True)


class OfferPriceOut(Schema):
    """This company's price: of one unit at `least_quantity`, and by quantity."""

    unit_price = Rate(required=True)
    currency = fields.String(required=True)
    tiers = fields.List(fields.Nested(TierOut), required=True)
    source = fields.Nested(OfferPriceSourceOut, required=True)


class OfferProductOut(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    manufacturer = fields.String(required=True)
    part_number = fields.String(required=True)
    ean = fields.String(required=True, allow_none=True)


class OfferVendorOut(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)


class OfferOut(Schema):
    """An offer as a buyer sees it."""

    id = fields.UUID(required=True)
    sku = fields.String(required=True)
    product = fields.Nested(OfferProductOut, required=True)
    vendor = fields.Nested(OfferVendorOut, required=True)
    category = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True)
    pack_size = fields.Integer(required=True, strict=True)
    min_quantity = fields.Integer(required=True, strict=True)
    least_quantity = fields.Integer(required=True, strict=True)
    lead_time_days = fields.Integer(required=True, strict=True)
    available = fields.Integer(required=True, strict=True)
    price = fields.Nested(OfferPriceOut, required=True, allow_none=True)


class ComparedProductOut(Schema):
    """A product with its documents and what its vendors ask for it, the best price first."""

    product = fields.Nested(ProductOut)
    category = fields.String(allow_none=True)
    documents = fields.List(fields.Nested(DocumentOut))
    offers = fields.List(fields.Nested(OfferOut))
