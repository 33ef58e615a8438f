"""What crosses the API about feeds."""

from flask_smorest.fields import Upload
from marshmallow import Schema, fields, validate

from marketplace.kernel.fields import Currency, PageArgs, StrictSchema
from vendors.feeds.files import ENCODINGS
from vendors.feeds.json_lines import MAPPINGS
from vendors.feeds.states import FeedState


class FeedFile(StrictSchema):
    file = Upload(required=True, metadata={"description": "CSV, XLSX or BMEcat; see the template for the columns."})


class FeedOptions(Schema):
    """How the file is to be read."""

    encoding = fields.String(load_default="utf-8", validate=validate.OneOf(ENCODINGS))
    decimal_mark = fields.String(load_default=".", validate=validate.OneOf([".", ","]))
    mapping = fields.String(
        load_default=None,
        validate=validate.OneOf(sorted(MAPPINGS)),
        metadata={"description": "Of a file of JSON objects, one a line: how their fields are read."},
    )
    currency = Currency(load_default=None, metadata={"description": "Of rows that name none; default: the company's."})


class FeedFilter(PageArgs):
    state = fields.Enum(FeedState, by_value=True)


class FeedOut(Schema):
    id = fields.UUID()
    filename = fields.String()
    format = fields.String()
    state = fields.Enum(FeedState, by_value=True)
    currency = fields.String()
    size_bytes = fields.Integer()
    sha256 = fields.String()
    rows_total = fields.Integer(metadata={"description": "Rows below the header; 0 until a workbook is opened."})
    rows_done = fields.Integer(metadata={"description": "Rows that are settled; a run that broke off goes on here."})
    rows_created = fields.Integer()
    rows_changed = fields.Integer()
    rows_unchanged = fields.Integer()
    rows_bad = fields.Integer()
    warnings = fields.List(fields.String())
    error = fields.String()
    created_at = fields.AwareDateTime()
    started_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)


class FeedReportLineOut(Schema):
    row = fields.Integer(attribute="row_number", metadata={"description": "As a spreadsheet counts: the header is 1."})
    column = fields.String()
    sku = fields.String()
    message = fields.String()
