"""Invoices over the API: all of an invoice is meant for both of its parties, and nobody else knows that it exists."""

from marshmallow import fields

from marketplace.kernel.fields import PageArgs, Rate, StrictSchema, Text
from settlements.invoices.states import InvoiceKind, InvoiceState


class InvoiceArgs(PageArgs):
    kind = fields.Enum(InvoiceKind, by_value=True, load_default=None)
    state = fields.Enum(InvoiceState, by_value=True, load_default=None)
    number = Text(load_default=None, max_length=40)


class InvoicePlaceOut(StrictSchema):
    recipient = fields.String()
    line1 = fields.String()
    line2 = fields.String()
    postal_code = fields.String()
    city = fields.String()
    region = fields.String()
    country = fields.String()


class InvoicePartyOut(StrictSchema):
    """A party as it was when the invoice was issued."""

    id = fields.UUID()
    name = fields.String()
    vat_id = fields.String(allow_none=True)
    registration_number = fields.String()
    email = fields.String()
    phone = fields.String()
    address = fields.Nested(InvoicePlaceOut)


class InvoiceLineOut(StrictSchema):
    """net_minor = list_minor - allowance_minor; list_minor is quantity * unit_price / per. Without tax."""

    position = fields.Integer()
    kind = fields.String()
    order_line_id = fields.UUID(allow_none=True)
    text = fields.String()
    sku = fields.String()
    unit = fields.String()
    quantity = fields.Integer()
    unit_price = Rate()
    per = fields.Integer()
    list_minor = fields.Integer()
    allowance_minor = fields.Integer()
    net_minor = fields.Integer()
    tax_minor = fields.Integer()
    category = fields.String(metadata={"description": "EN 16931: S, Z, E, AE, K, G, O."})
    rate = Rate()


class InvoiceTaxOut(StrictSchema):
    category = fields.String()
    rate = fields.String()
    net_minor = fields.Integer()
    tax_minor = fields.Integer()
    reason = fields.String()
    code = fields.String(metadata={"description": "VATEX: why no tax is charged, where there is a code for it."})


class InvoiceSummaryOut(StrictSchema):
    """An invoice in a list. Sums are in the sense of its kind: those of a credit note are given back.

    gross = net + tax = market (paid by the marketplace) + paid (by the buyer before) + payable (was left).
    """

    id = fields.UUID()
    number = fields.String()
    kind = fields.Enum(InvoiceKind, by_value=True)
    state = fields.Enum(InvoiceState, by_value=True)
    issued_on = fields.Date()
    due_on = fields.Date(allow_none=True)
    issuer_id = fields.UUID()
    issuer_name = fields.String()
    company_id = fields.UUID(allow_none=True)
    vendor_id = fields.UUID(allow_none=True)
    recipient_name = fields.String()
    order_id = fields.UUID(allow_none=True)
    order_number = fields.String()
    vendor_order_id = fields.UUID(allow_none=True)
    statement_id = fields.UUID(allow_none=True)
    corrects_id = fields.UUID(allow_none=True)
    currency = fields.String()
    net_minor = fields.Integer()
    tax_minor = fields.Integer()
    gross_minor = fields.Integer()
    market_minor = fields.Integer()
    paid_minor = fields.Integer()
    payable_minor = fields.Integer()
    open_minor = fields.Integer()


class InvoiceOut(InvoiceSummaryOut):
    seller = fields.Nested(InvoicePartyOut)
    buyer = fields.Nested(InvoicePartyOut)
    delivered_to = fields.Nested(InvoicePlaceOut, allow_none=True)
    reference = fields.String()
    supplied_on = fields.Date(allow_none=True)
    period_from = fields.Date(allow_none=True)
    period_to = fields.Date(allow_none=True)
    terms = fields.String()
    note = fields.String()
    breakdown = fields.List(fields.Nested(InvoiceTaxOut))
    lines = fields.List(fields.Nested(InvoiceLineOut))


class InvoicesOut(StrictSchema):
    """As they were issued."""

    items = fields.List(fields.Nested(InvoiceSummaryOut))


class NotInvoicedOut(StrictSchema):
    """A vendor order that has left and cannot be invoiced yet."""

    vendor_order_id = fields.UUID()
    number = fields.String()
    order_id = fields.UUID()
    vendor_id = fields.UUID()
    vendor_name = fields.String()
    shipped_at = fields.DateTime(allow_none=True)
    reason = fields.String()
