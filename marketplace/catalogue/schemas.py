"""What crosses the API about categories, products and a vendor's own offers."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from marketplace.catalogue.keys import compact_ean
from marketplace.catalogue.states import OfferState
from marketplace.kernel.fields import Country, PageArgs, Quantity, Rate, StrictSchema, Text

DOCUMENT_KINDS = ("data_sheet", "safety_sheet", "manual", "certificate", "drawing")
TAX_CATEGORIES = ("standard", "reduced", "zero", "exempt")
_SLUG = validate.Regexp(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", error="Lower case letters and digits, joined by hyphens.")


class Ean(fields.String):
    """An EAN or GTIN; separators are dropped, the check digit must be right."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        number = compact_ean(super()._deserialize(value, attr, data, **kwargs)[:40])
        if number is None:
            raise ValidationError("Not an EAN: 8, 12, 13 or 14 digits with a right check digit.")
        return number


class CategoryIn(StrictSchema):
    parent_id = fields.UUID(load_default=None, allow_none=True)
    slug = Text(required=True, max_length=80, validate=_SLUG)
    name = Text(required=True)
    position = Quantity(load_default=0, minimum=0)


class CategoryEdit(StrictSchema):
    parent_id = fields.UUID(allow_none=True)
    slug = Text(max_length=80, validate=_SLUG)
    name = Text()
    position = Quantity(minimum=0)


class CategoryOut(Schema):
    id = fields.UUID()
    parent_id = fields.UUID(allow_none=True)
    slug = fields.String()
    name = fields.String()
    path = fields.String()
    position = fields.Integer()


class CategoryTree(Schema):
    """Every category before those below it."""

    items = fields.List(fields.Nested(CategoryOut))


class Attribute(StrictSchema):
    name = Text(required=True, max_length=120)
    value = Text(required=True, max_length=500)
    unit = Text(max_length=40)


class ProductEdit(StrictSchema):
    name = Text(max_length=300)
    description = Text(max_length=20_000, allow_empty=True)
    manufacturer = Text(allow_empty=True)
    part_number = Text(max_length=120, allow_empty=True)
    ean = Ean(allow_none=True)
    category_id = fields.UUID(allow_none=True)
    attributes = fields.List(fields.Nested(Attribute), validate=validate.Length(max=500))


class ProductIn(ProductEdit):
    name = Text(required=True, max_length=300)


class ProductOut(Schema):
    id = fields.UUID()
    name = fields.String()
    description = fields.String()
    manufacturer = fields.String()
    part_number = fields.String()
    ean = fields.String(allow_none=True)
    category_id = fields.UUID(allow_none=True)
    attributes = fields.List(fields.Dict())
    created_at = fields.AwareDateTime()


class ProductTextIn(StrictSchema):
    name = Text(required=True, max_length=300)
    description = Text(max_length=20_000, allow_empty=True)


class ProductTextOut(Schema):
    """Name and description in a language that is not the default."""

    language = fields.String()
    name = fields.String()
    description = fields.String()


class ProductTexts(Schema):
    items = fields.List(fields.Nested(ProductTextOut))


class ProductFilter(PageArgs):
    ean = Ean()
    manufacturer = fields.String(validate=validate.Length(max=200))
    part_number = fields.String(validate=validate.Length(max=120))
    category = fields.String(validate=validate.Length(max=500), metadata={"description": "A path; all below it count."})


class DocumentIn(StrictSchema):
    kind = fields.String(required=True, validate=validate.OneOf(DOCUMENT_KINDS))
    title = Text(required=True)
    url = fields.Url(required=True, schemes={"https"}, validate=validate.Length(max=2000))


class DocumentOut(Schema):
    id = fields.UUID()
    product_id = fields.UUID()
    vendor_id = fields.UUID()
    kind = fields.String()
    title = fields.String()
    url = fields.String()
    created_at = fields.AwareDateTime()


class OfferEdit(StrictSchema):
    sku = Text(max_length=120)
    unit = Text(max_length=40)
    pack_size = Quantity()
    min_quantity = Quantity()
    lead_time_days = fields.Integer(strict=True, validate=validate.Range(min=0, max=3650))
    tax_category = fields.String(validate=validate.OneOf(TAX_CATEGORIES))
    ship_from_country = Country()
    restocking_rate = Rate(high="1")


class OfferIn(OfferEdit):
    product_id = fields.UUID(required=True)
    sku = Text(required=True, max_length=120)
    on_hand = Quantity(minimum=0)


class StockIn(StrictSchema):
    on_hand = Quantity(required=True, minimum=0)


class OwnOfferFilter(PageArgs):
    state = fields.Enum(OfferState, by_value=True)
    sku = fields.String(validate=validate.Length(max=120))
    vendor = fields.UUID(metadata={"description": "For the operator."})


class StockOut(Schema):
    on_hand = fields.Integer()
    reserved = fields.Integer()
    available = fields.Function(lambda s: max(0, s.on_hand - s.reserved), metadata={"type": "integer"})


class OwnOfferOut(Schema):
    """An offer as its vendor and the operator see it."""

    id = fields.UUID(attribute="offer.id")
    vendor_id = fields.UUID(attribute="offer.vendor_id")
    product_id = fields.UUID(attribute="offer.product_id")
    product_name = fields.String(attribute="product.name")
    sku = fields.String(attribute="offer.sku")
    state = fields.Enum(OfferState, by_value=True, attribute="offer.state")
    unit = fields.String(attribute="offer.unit")
    pack_size = fields.Integer(attribute="offer.pack_size")
    min_quantity = fields.Integer(attribute="offer.min_quantity")
    lead_time_days = fields.Integer(attribute="offer.lead_time_days")
    tax_category = fields.String(attribute="offer.tax_category")
    ship_from_country = fields.String(attribute="offer.ship_from_country")
    restocking_rate = Rate(attribute="offer.restocking_rate")
    created_at = fields.AwareDateTime(attribute="offer.created_at")
    updated_at = fields.AwareDateTime(attribute="offer.updated_at")
    stock = fields.Nested(StockOut)
