"""Disputes as the operator reads and answers them."""

from flask_smorest.fields import Upload
from marshmallow import fields, validate

from marketplace.kernel.fields import MoneyField, PageArgs, StrictSchema, Text
from settlements.disputes.evidence import FILES, LONGEST_TEXT, TEXTS
from settlements.gateway.connect import DisputeState


class DisputeArgs(PageArgs):
    state = fields.Enum(DisputeState, by_value=True, load_default=None)
    to_answer = fields.Boolean(load_default=False, metadata={"description": "Only those whose evidence is awaited."})


class MovementOut(StrictSchema):
    """A balance transaction: below zero taken, above zero given back."""

    id = fields.String()
    amount_minor = fields.Integer()
    fee_minor = fields.Integer()
    at = fields.DateTime()


class EvidenceFileOut(StrictSchema):
    id = fields.UUID()
    field = fields.String()
    name = fields.String()
    content_type = fields.String()
    size = fields.Integer()


class DisputeOut(StrictSchema):
    """`borne`: what each vendor bears of a lost one, by his id; what is missing there the marketplace bears."""

    id = fields.UUID()
    provider_id = fields.String()
    payment_id = fields.UUID()
    order_id = fields.UUID()
    order_number = fields.String()
    amount = MoneyField()
    reason = fields.String()
    state = fields.Enum(DisputeState, by_value=True)
    due_by = fields.DateTime(allow_none=True)
    opened_at = fields.DateTime()
    decided_at = fields.DateTime(allow_none=True)
    texts = fields.Dict(keys=fields.String(), values=fields.String())
    files = fields.List(fields.Nested(EvidenceFileOut))
    movements = fields.List(fields.Nested(MovementOut))
    submissions = fields.Integer()
    covered_minor = fields.Integer()
    borne = fields.Dict(keys=fields.String(), values=fields.Integer(), allow_none=True)
    trouble = fields.String(allow_none=True)


class EvidenceTextIn(StrictSchema):
    """An empty text takes back what was said under this name."""

    field = fields.String(required=True, validate=validate.OneOf(list(TEXTS)))
    text = Text(required=True, max_length=LONGEST_TEXT, allow_empty=True)


class EvidenceFieldArgs(StrictSchema):
    field = fields.String(required=True, validate=validate.OneOf(list(FILES)))


class EvidenceFileIn(StrictSchema):
    file = Upload(required=True, metadata={"description": "PDF, PNG or JPEG of up to 4.5 MB."})
