"""A stored mapping as it crosses the API: what is kept has passed here, so that a run never meets a mapping it cannot
read by."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.kernel.fields import StrictSchema, Text
from vendors.feeds.columns import COLUMNS
from vendors.feeds.rows import parsers_of

FORMATS = ("table", "jsonl")
TAKEN = tuple(name for name in COLUMNS if not name.startswith(("price", "attr:")))  # by which a field may be taken
JOINED = ("sku", "name", "description", "manufacturer", "part_number")  # of several fields, one behind the other
CONSTANT = tuple(name for name in TAKEN if name not in {"sku", "name", "ean", "part_number"})
MOST_FIELDS, MOST_TIERS, MOST_NAMED = 5, 20, 200
_PARSERS = {name: parser for name, parser in parsers_of({}).items() if name != "category"}
_UNIT = validate.Regexp(r"\A[^\[\]]*\Z", error="Without square brackets.")


def _field(**kwargs: Any) -> Text:
    return Text(max_length=120, **kwargs)


def _taken(column: str) -> fields.List:
    several = column in JOINED
    length = validate.Length(
        min=1,
        max=MOST_FIELDS if several else 1,
        error="Name one to five fields." if several else "Takes one field: two would make no number.",
    )
    return fields.List(_field(), required=column in {"sku", "name"}, validate=length)


class _Columns(StrictSchema):
    """What each column takes: the fields named, one behind the other. Numbers take one."""


MappedColumns = _Columns.from_dict({name: _taken(name) for name in TAKEN}, name="MappedColumns")
MappedConstants = StrictSchema.from_dict({name: Text(max_length=500) for name in CONSTANT}, name="MappedConstants")


class MappedPrice(StrictSchema):
    """The field of the price. With `from` and `amount` it holds steps (JSON): objects with these two fields."""

    field = _field(required=True)
    minor_digits = fields.Integer(strict=True, validate=validate.Range(min=0, max=6))
    from_ = _field(data_key="from", attribute="from")
    amount = _field()

    @validates_schema
    def _both(self, data: Mapping[str, Any], **_: Any) -> None:
        if ("from" in data) != ("amount" in data):
            missing = "amount" if "from" in data else "from"
            raise ValidationError("Steps need both the quantity and its price.", missing)


class MappedTier(StrictSchema):
    from_quantity = fields.Integer(required=True, strict=True, validate=validate.Range(min=2, max=10**9))
    field = _field(required=True)


class MappedAttribute(StrictSchema):
    field = _field(required=True)
    name = Text(max_length=100, validate=_UNIT)
    unit = Text(max_length=40, validate=_UNIT)


class MappedAttributes(StrictSchema):
    """Attributes are fields whose names begin with one of `prefixes`, those of the object in `field` (JSON), and the
    `fields` named."""

    prefixes = fields.List(_field(), validate=validate.Length(max=20))
    field = _field()
    fields_ = fields.List(
        fields.Nested(MappedAttribute), data_key="fields", attribute="fields", validate=validate.Length(max=MOST_NAMED)
    )


class FeedMappingEdit(StrictSchema):
    name = Text(max_length=80)
    format = fields.String(
        validate=validate.OneOf(FORMATS), metadata={"description": "`table`: CSV and XLSX; `jsonl`: JSON lines."}
    )
    note = Text(max_length=500, allow_empty=True)
    columns = fields.Nested(MappedColumns)
    price = fields.Nested(MappedPrice)
    tiers = fields.List(fields.Nested(MappedTier), validate=validate.Length(max=MOST_TIERS))
    attributes = fields.Nested(MappedAttributes)
    constants = fields.Nested(MappedConstants, metadata={"description": "Where a row says nothing."})
    left_out = fields.List(
        _field(),
        validate=validate.Length(max=MOST_NAMED),
        metadata={"description": "Fields of no use, which no warning names."},
    )


class FeedMappingIn(FeedMappingEdit):
    """A whole mapping; loads into `name`, `format`, `note` and the rest."""

    name = Text(max_length=80, required=True)
    format = fields.String(required=True, validate=validate.OneOf(FORMATS))
    columns = fields.Nested(MappedColumns, required=True)
    price = fields.Nested(MappedPrice, required=True)

    @validates_schema(skip_on_field_errors=True)
    def _fits(self, data: Mapping[str, Any], **_: Any) -> None:
        wrong: dict[Any, Any] = {}
        steps, tiers = "from" in data["price"], data.get("tiers", [])
        if data["format"] == "table":
            if steps:
                wrong["price"] = {"from": ["Only JSON lines have prices by steps in one field; use tiers."]}
            if "field" in data.get("attributes", {}):
                wrong["attributes"] = {"field": ["Only JSON lines have an object of attributes."]}
        if steps and tiers:
            wrong["tiers"] = ["The price is by steps already: two sources for a tier."]
        seen: set[int] = set()
        for at, tier in enumerate(tiers):
            if tier["from_quantity"] in seen:
                wrong.setdefault("tiers", {})[at] = {"from_quantity": ["Two sources for the price of this quantity."]}
            seen.add(tier["from_quantity"])
        constants = {name: said for name, text in data.get("constants", {}).items() if (said := _wrong(name, text))}
        if constants:
            wrong["constants"] = constants
        if wrong:
            raise ValidationError(wrong)


def _wrong(name: str, text: str) -> list[str]:
    """Why a row could not hold this text; whether a category is there, the database tells."""
    if name not in _PARSERS:
        return []
    try:
        _PARSERS[name](text)
    except ValueError as failure:
        return [str(failure)]
    return []


class FeedMappingOut(Schema):
    id = fields.UUID()
    version = fields.Integer()
    name = fields.String()
    format = fields.String()
    note = fields.String()
    shared = fields.Boolean(metadata={"description": "Everybody's, kept by the operator; copy it to change it."})
    columns = fields.Nested(MappedColumns, attribute="content.columns")
    price = fields.Nested(MappedPrice, attribute="content.price")
    tiers = fields.List(fields.Nested(MappedTier), attribute="content.tiers")
    attributes = fields.Nested(MappedAttributes, attribute="content.attributes")
    constants = fields.Nested(MappedConstants, attribute="content.constants")
    left_out = fields.List(fields.String(), attribute="content.left_out")
    updated_at = fields.AwareDateTime()


class FeedMappingCopy(StrictSchema):
    name = Text(required=True, max_length=80)
