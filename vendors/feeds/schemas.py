"""What crosses the API about feeds."""

from flask_smorest.fields import Upload
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.kernel.fields import Currency, PageArgs, Rate, StrictSchema, Text
from vendors.feeds.files import ENCODINGS
from vendors.feeds.mapping_schemas import FORMATS, FeedMappingIn
from vendors.feeds.states import FeedState
from vendors.feeds.trying import MOST_ROWS

_ROWS = validate.Range(min=1, max=MOST_ROWS)


class FeedFile(StrictSchema):
    file = Upload(required=True, metadata={"description": "CSV, XLSX, BMEcat or JSON lines."})


class FeedOptions(Schema):
    """How the file is to be read."""

    encoding = fields.String(load_default="utf-8", validate=validate.OneOf(ENCODINGS))
    decimal_mark = fields.String(load_default=".", validate=validate.OneOf([".", ","]))
    mapping = Text(
        load_default=None,
        max_length=80,
        metadata={"description": "Id or name of a mapping: how the fields of the file are read. JSON lines need one."},
    )
    currency = Currency(load_default=None, metadata={"description": "Of rows that name none; default: the company's."})


class FeedTrialOptions(FeedOptions):
    rows = fields.Integer(load_default=10, validate=_ROWS)


class FeedMappingFilter(PageArgs):
    format = fields.String(validate=validate.OneOf(FORMATS))


class FeedTrialIn(StrictSchema):
    """A mapping (whole, or the id of a kept one), and rows: as text, or those of a feed that was uploaded."""

    mapping = fields.Nested(FeedMappingIn)
    mapping_id = fields.UUID()
    rows_text = Text(max_length=500_000)
    feed_id = fields.UUID()
    decimal_mark = fields.String(load_default=".", validate=validate.OneOf([".", ","]))
    rows = fields.Integer(load_default=10, strict=True, validate=_ROWS)

    @validates_schema
    def _one_of_each(self, data, **_):
        if ("rows_text" in data) == ("feed_id" in data):
            raise ValidationError("Send either rows_text or feed_id.", "rows_text")
        if "mapping" in data and "mapping_id" in data:
            raise ValidationError("Send either mapping or mapping_id.", "mapping_id")


class FeedFilter(PageArgs):
    state = fields.Enum(FeedState, by_value=True)


class KeptMappingOut(Schema):
    """The mapping by which the feed is read, as it was when the file came."""

    id = fields.UUID()
    name = fields.String()
    version = fields.Integer()


class FeedOut(Schema):
    id = fields.UUID()
    filename = fields.String()
    format = fields.String()
    state = fields.Enum(FeedState, by_value=True)
    currency = fields.String()
    mapping = fields.Nested(KeptMappingOut, allow_none=True)
    size_bytes = fields.Integer()
    sha256 = fields.String()
    rows_total = fields.Integer(metadata={"description": "Rows below the header; 0 until a workbook is opened."})
    rows_done = fields.Integer(metadata={"description": "Rows that are settled; a run that broke off goes on here."})
    rows_created = fields.Integer()
    rows_changed = fields.Integer()
    rows_ended = fields.Integer(metadata={"description": "Offers that the file ended: a BMEcat may."})
    rows_unchanged = fields.Integer()
    rows_bad = fields.Integer()
    rows_noted = fields.Integer(metadata={"description": "Rows taken, but not all they said; the report says what."})
    warnings = fields.List(fields.String(), attribute="all_warnings")
    error = fields.String()
    created_at = fields.AwareDateTime()
    started_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)


class FeedReportLineOut(Schema):
    row = fields.Integer(
        attribute="row_number",
        metadata={"description": "As a spreadsheet counts: the header is 1; of other files the line or product."},
    )
    column = fields.String()
    sku = fields.String()
    message = fields.String()
    taken = fields.Boolean(metadata={"description": "The row was taken all the same: this is a notice."})


class TriedTierOut(Schema):
    from_quantity = fields.Integer()
    unit_price = Rate()


class TriedAttributeOut(Schema):
    name = fields.String()
    value = fields.String()
    unit = fields.String()


class TriedProblemOut(Schema):
    column = fields.String()
    message = fields.String()


class TriedRowOut(Schema):
    row = fields.Integer()
    sku = fields.String()
    is_new = fields.Boolean(metadata={"description": "Nothing of yours has this SKU yet."})
    comes_back = fields.Boolean(metadata={"description": "You ended the offer of this SKU: it would be live again."})
    ends = fields.Boolean(metadata={"description": "It would end the offer of this SKU."})
    columns = fields.Dict(keys=fields.String(), values=fields.String())
    currency = fields.String(metadata={"description": "Of its prices."})
    tiers = fields.List(fields.Nested(TriedTierOut))
    attributes = fields.List(fields.Nested(TriedAttributeOut))
    problems = fields.List(fields.Nested(TriedProblemOut))
    notices = fields.List(
        fields.Nested(TriedProblemOut),
        metadata={"description": "What of the row would not be taken."},
    )


class FeedTrialOut(Schema):
    """What the first rows would become; nothing was written."""

    format = fields.String()
    fields_ = fields.List(fields.String(), attribute="fields", data_key="fields")
    rows = fields.List(fields.Nested(TriedRowOut))
    warnings = fields.List(fields.String())
