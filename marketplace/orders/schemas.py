"""The shapes in which orders cross the API, one view per party."""

from marshmallow import fields, validate

from marketplace.kernel.fields import Currency, PageArgs, Quantity, StrictSchema, Text
from marketplace.kernel.fields import Minor as MinorIn
from marketplace.kernel.web import page_of
from marketplace.orders.states import OrderState, VendorOrderState

MAX_LINES = 500


class Minor(fields.Integer):
    """A sum in minor units of the currency beside it."""


class UnitsIn(StrictSchema):
    line_id = fields.UUID(required=True)
    quantity = Quantity(required=True)


class CancelIn(StrictSchema):
    """`lines` absent: everything that has not shipped."""

    lines = fields.List(
        fields.Nested(UnitsIn), load_default=None, allow_none=True, validate=validate.Length(min=1, max=MAX_LINES)
    )
    reason = Text(max_length=500, allow_empty=True, load_default="")


class OrderArgs(PageArgs):
    state = fields.Enum(OrderState, by_value=True, load_default=None)


class VendorOrderArgs(PageArgs):
    state = fields.Enum(VendorOrderState, by_value=True, load_default=None)
    late = fields.Boolean(load_default=None, metadata={"description": "Not confirmed in time."})


class AddressOut(StrictSchema):
    recipient = fields.String()
    line1 = fields.String()
    line2 = fields.String()
    postal_code = fields.String()
    city = fields.String()
    region = fields.String()
    country = fields.String()
    phone = fields.String()


class TaxOut(StrictSchema):
    """Who supplies what from where to where, and the category (EN 16931) and rate that follow."""

    supplier_country = fields.String()
    supplier_vat_id = fields.String(allow_none=True)
    ship_from = fields.String()
    ship_to = fields.String()
    buyer_vat_id = fields.String(allow_none=True)
    buyer_vat_checked_at = fields.String(allow_none=True)
    buyer_vat_valid = fields.Boolean()
    category = fields.String()
    rate = fields.String()
    reason = fields.String()


class PartInListOut(StrictSchema):
    id = fields.UUID()
    number = fields.String()
    vendor_id = fields.UUID()
    vendor_name = fields.String()
    state = fields.Enum(VendorOrderState, by_value=True)


class PaymentTermsOnOrderOut(StrictSchema):
    """When the invoices of an order on account are due, as agreed when it was placed."""

    kind = fields.String()
    days = fields.Integer()
    text = fields.String()


class OrderSummaryOut(StrictSchema):
    id = fields.UUID()
    number = fields.String()
    company_id = fields.UUID()
    company_name = fields.String()
    state = fields.Enum(OrderState, by_value=True)
    reference = fields.String()
    placed_at = fields.AwareDateTime()
    pay_until = fields.AwareDateTime(allow_none=True)
    payment_terms = fields.Nested(
        PaymentTermsOnOrderOut, allow_none=True, metadata={"description": "On account; null: paid in advance."}
    )
    currency = Currency()
    total_minor = Minor()
    owed_minor = Minor()
    net_paid_minor = Minor()
    to_pay_minor = Minor()
    vendor_orders = fields.List(fields.Nested(PartInListOut))


class LineOut(StrictSchema):
    id = fields.UUID()
    offer_id = fields.UUID()
    product_id = fields.UUID()
    position = fields.Integer()
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    quantity = fields.Integer()
    cancelled_quantity = fields.Integer()
    shipped_quantity = fields.Integer()
    returned_quantity = fields.Integer(metadata={"description": "Coming back, or back already."})
    short_quantity = fields.Integer(metadata={"description": "Paid late, and the stock was gone: the vendor decides."})
    unit_price = fields.String()
    gross_minor = Minor()
    tax_minor = Minor()
    tax = fields.Nested(TaxOut)


class PriceSourceOut(StrictSchema):
    """The price list that the unit price came from."""

    list_id = fields.UUID()
    kind = fields.String()
    name = fields.String()


class BuyerLineOut(LineOut):
    price_source = fields.Nested(PriceSourceOut)
    discount_minor = Minor()
    buyer_owes_minor = Minor()


class DeliveryOut(StrictSchema):
    id = fields.UUID()
    vendor_id = fields.UUID(allow_none=True, metadata={"description": "null: sold by the operator"})
    name = fields.String()
    price_minor = Minor()
    free_from_minor = Minor(allow_none=True)
    amount_minor = Minor()
    tax_minor = Minor()
    tax = fields.Nested(TaxOut)


class BuyerPartOut(PartInListOut):
    goods_minor = Minor()
    buyer_owes_minor = Minor()
    confirm_by = fields.AwareDateTime(allow_none=True)
    confirmed_at = fields.AwareDateTime(allow_none=True)
    shipped_at = fields.AwareDateTime(allow_none=True)
    delivered_at = fields.AwareDateTime(allow_none=True)
    lines = fields.List(fields.Nested(BuyerLineOut))


class OrderOut(OrderSummaryOut):
    """The buyer's order: the sums as placed, what is owed now, what was paid."""

    placed_by = fields.UUID()
    prices_include_tax = fields.Boolean()
    goods_minor = Minor()
    discount_minor = Minor()
    delivery_minor = Minor()
    tax_minor = Minor()
    delivery_address = fields.Nested(AddressOut)
    billing_address = fields.Nested(AddressOut)
    policy_version = fields.String()
    vendor_orders = fields.List(fields.Nested(BuyerPartOut))
    deliveries = fields.List(fields.Nested(DeliveryOut))


class SharesOut(StrictSchema):
    vendor_discount_minor = Minor()
    commission_rate = fields.String()
    commission_minor = Minor()


class OperatorLineOut(BuyerLineOut, SharesOut):
    pass


class OperatorPartOut(BuyerPartOut):
    payable_minor = Minor()
    commission_minor = Minor()
    lines = fields.List(fields.Nested(OperatorLineOut))


class StepOut(StrictSchema):
    number = fields.Integer()
    cause = fields.String()
    reason = fields.String()
    at = fields.AwareDateTime()
    owed_minor = Minor()
    refund_minor = Minor()


class OperatorStepOut(StepOut):
    person_id = fields.UUID(allow_none=True)
    valuation = fields.Dict(keys=fields.String(), values=fields.Raw())


class OrderForOperatorOut(OrderOut):
    """The buyer's view with everyone's share, and each step with its valuation (the operator's alone)."""

    vendor_orders = fields.List(fields.Nested(OperatorPartOut))
    steps = fields.List(fields.Nested(OperatorStepOut))


class VendorLineOut(LineOut, SharesOut):
    pass


class VendorOrderOut(PartInListOut):
    """A vendor's part of an order; the address is shown once it is paid."""

    order_id = fields.UUID()
    company_id = fields.UUID()
    company_name = fields.String()
    reference = fields.String()
    placed_at = fields.AwareDateTime()
    confirm_by = fields.AwareDateTime(allow_none=True)
    confirmed_at = fields.AwareDateTime(allow_none=True)
    shipped_at = fields.AwareDateTime(allow_none=True)
    delivered_at = fields.AwareDateTime(allow_none=True)
    currency = Currency()
    goods_minor = Minor()
    payable_minor = Minor()
    commission_minor = Minor()
    delivery_address = fields.Nested(AddressOut, allow_none=True)
    lines = fields.List(fields.Nested(VendorLineOut))
    deliveries = fields.List(fields.Nested(DeliveryOut))


class HistoryEntryOut(StrictSchema):
    """A step of the formula (number, cause, owed, refund) or a move of a vendor order (verb, from, to)."""

    kind = fields.String(validate=validate.OneOf(["step", "move"]))
    at = fields.AwareDateTime()
    vendor_order = fields.String(allow_none=True)
    reason = fields.String()
    number = fields.Integer()
    cause = fields.String()
    owed_minor = MinorIn()
    refund_minor = MinorIn()
    verb = fields.String()
    from_state = fields.String()
    to_state = fields.String()


class HistoryOut(StrictSchema):
    items = fields.List(fields.Nested(HistoryEntryOut))


OrderPage = page_of(OrderSummaryOut)
VendorOrderPage = page_of(VendorOrderOut)
