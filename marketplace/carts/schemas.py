"""The shapes in which carts cross the API; prices are never taken from the caller."""

from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.carts.actions import MAX_LINES
from marketplace.carts.states import CartState
from marketplace.kernel.fields import Currency, PageArgs, Quantity, StrictSchema, Text
from marketplace.kernel.fields import Minor as MinorIn
from marketplace.kernel.web import page_of
from marketplace.orders.schemas import Minor, PriceSourceOut, TaxOut

_SOME_LINES = validate.Length(min=1, max=MAX_LINES)


class WantedLineIn(StrictSchema):
    offer_id = fields.UUID(required=True)
    quantity = Quantity(required=True)


class CartEditIn(StrictSchema):
    """What is absent stays as it is; `deliveries` maps a vendor to the delivery rate chosen for his lines."""

    name = Text(max_length=100, allow_empty=True)
    reference = Text(max_length=100, allow_empty=True)
    delivery_address_id = fields.UUID(allow_none=True)
    billing_address_id = fields.UUID(allow_none=True)
    codes = fields.List(Text(max_length=50), validate=validate.Length(max=10))
    deliveries = fields.Dict(keys=fields.UUID(), values=fields.UUID(), validate=validate.Length(max=MAX_LINES))


class CartIn(CartEditIn):
    currency = Currency(load_default=None, allow_none=True)
    prices_include_tax = fields.Boolean(load_default=False)
    lines = fields.List(fields.Nested(WantedLineIn), load_default=list, validate=validate.Length(max=MAX_LINES))


class LinesIn(StrictSchema):
    lines = fields.List(fields.Nested(WantedLineIn), required=True, validate=_SOME_LINES)


class QuantityIn(StrictSchema):
    quantity = Quantity(required=True)


class QuickLineIn(StrictSchema):
    """Exactly one of `sku` (the vendor's number) and `part` (the manufacturer's part number, or an EAN)."""

    vendor_id = fields.UUID(load_default=None, allow_none=True)
    sku = Text(max_length=100, load_default="")
    part = Text(max_length=100, load_default="")
    quantity = Quantity(required=True)

    @validates_schema
    def one_number(self, data: dict[str, Any], **_: Any) -> None:
        if bool(data.get("sku")) == bool(data.get("part")):
            raise ValidationError("Give either sku or part.")


class QuickOrderIn(StrictSchema):
    lines = fields.List(fields.Nested(QuickLineIn), required=True, validate=_SOME_LINES)


class PayMethod(StrEnum):
    """How an order is paid: in advance, or on account by the invoices that follow."""

    NOW = "now"
    TERMS = "terms"


class PaymentChoiceIn(StrictSchema):
    method = fields.Enum(PayMethod, by_value=True, required=True)


class CheckoutIn(StrictSchema):
    """`expected_total_minor`: order only at this total. `accept_changes`: order whatever changed since it was seen.
    `payment`: `{"method": "terms"}` buys on account where the company has payment terms and credit; absent: `now`."""

    expected_total_minor = MinorIn(load_default=None, allow_none=True)
    accept_changes = fields.Boolean(load_default=False)
    payment = fields.Nested(PaymentChoiceIn, load_default=None, allow_none=True)


class CartArgs(PageArgs):
    state = fields.Enum(CartState, by_value=True, load_default=None)


class CartInListOut(StrictSchema):
    id = fields.UUID()
    name = fields.String()
    state = fields.Enum(CartState, by_value=True)
    currency = Currency()
    reference = fields.String()
    lines = fields.Integer()
    seen_total_minor = Minor(allow_none=True)
    order_id = fields.UUID(allow_none=True)
    created_at = fields.AwareDateTime()
    created_by = fields.UUID()


class CartTierOut(StrictSchema):
    from_quantity = fields.Integer()
    unit_price = fields.String()


class CartLineOut(StrictSchema):
    """The sums are absent where the line cannot be ordered; `changes` says why."""

    id = fields.UUID()
    offer_id = fields.UUID()
    product_id = fields.UUID()
    vendor_id = fields.UUID()
    vendor_name = fields.String()
    sku = fields.String()
    name = fields.String()
    unit = fields.String()
    pack_size = fields.Integer()
    min_quantity = fields.Integer()
    lead_time_days = fields.Integer()
    available = fields.Integer()
    quantity = fields.Integer()
    orderable = fields.Boolean()
    unit_price = fields.String()
    tiers = fields.List(fields.Nested(CartTierOut))
    price_source = fields.Nested(PriceSourceOut)
    gross_minor = Minor()
    discount_minor = Minor()
    tax_minor = Minor()
    buyer_owes_minor = Minor()
    tax = fields.Nested(TaxOut)


class DeliveryOptionOut(StrictSchema):
    rate_id = fields.UUID()
    name = fields.String()
    price_minor = Minor()
    free_from_minor = Minor(allow_none=True)
    free_basis = fields.String()
    by_operator = fields.Boolean()


class CartVendorOut(StrictSchema):
    vendor_id = fields.UUID()
    vendor_name = fields.String()
    goods_minor = Minor()
    discount_minor = Minor()
    tax_minor = Minor()
    buyer_owes_minor = Minor()
    chosen_rate_id = fields.UUID(allow_none=True)
    delivery_options = fields.List(fields.Nested(DeliveryOptionOut))


class CartDeliveryOut(StrictSchema):
    rate_id = fields.UUID()
    name = fields.String()
    vendor_id = fields.UUID(allow_none=True, metadata={"description": "null: sold by the operator"})
    line_ids = fields.List(fields.UUID())
    amount_minor = Minor()
    tax_minor = Minor()
    free = fields.Boolean()
    tax = fields.Nested(TaxOut)


class PromotionStepOut(StrictSchema):
    from_minor = Minor()
    rate = fields.String(allow_none=True)
    amount_minor = Minor(allow_none=True)


class CartPromotionOut(StrictSchema):
    id = fields.UUID()
    name = fields.String()
    code = fields.String(allow_none=True)
    earned_step = fields.Integer(allow_none=True)
    steps = fields.List(fields.Nested(PromotionStepOut))


class TotalsOut(StrictSchema):
    currency = Currency()
    goods_minor = Minor()
    discount_minor = Minor()
    delivery_minor = Minor()
    tax_minor = Minor()
    total_minor = Minor()


class ChangeOut(StrictSchema):
    """What changed since the cart was last seen, by `kind`: price_changed (old, new), stock_low (wanted, available),
    not_orderable (reason, detail), code_not_running (code), delivery_not_offered (rate_id)."""

    kind = fields.String()
    pointer = fields.String()
    line_id = fields.String()
    offer_id = fields.String()
    sku = fields.String(allow_none=True)
    old = fields.String()
    new = fields.String()
    wanted = fields.Integer()
    available = fields.Integer()
    reason = fields.String()
    detail = fields.String()
    code = fields.String()
    rate_id = fields.String()


class CartOut(StrictSchema):
    id = fields.UUID()
    name = fields.String()
    state = fields.Enum(CartState, by_value=True)
    version = fields.Integer()
    currency = Currency()
    prices_include_tax = fields.Boolean()
    reference = fields.String()
    codes = fields.List(fields.String())
    chosen_deliveries = fields.Dict(keys=fields.String(), values=fields.String())
    delivery_address_id = fields.UUID(allow_none=True)
    billing_address_id = fields.UUID(allow_none=True)
    order_id = fields.UUID(allow_none=True)
    created_at = fields.AwareDateTime()
    created_by = fields.UUID()
    lines = fields.List(fields.Nested(CartLineOut))
    vendors = fields.List(fields.Nested(CartVendorOut))
    deliveries = fields.List(fields.Nested(CartDeliveryOut))
    promotions = fields.List(fields.Nested(CartPromotionOut))
    totals = fields.Nested(TotalsOut)
    changes = fields.List(fields.Nested(ChangeOut))
    orderable = fields.Boolean()


CartPage = page_of(CartInListOut)
