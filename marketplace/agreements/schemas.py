"""What crosses the API about prices, price lists, terms, and offers with prices in them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.agreements.models import Cycle, ListKind
from marketplace.catalogue.schemas import DocumentOut, ProductOut
from marketplace.kernel.fields import Currency, Minor, PageArgs, Quantity, Rate, StrictSchema, Text

MAX_PRICES = 1000


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


class ReadyOffers(fields.List):
    """Offers as a statement gave them: dumped as they are."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


class ComparedProductOut(Schema):
    """A product with its documents and what its vendors ask for it, the best price first."""

    product = fields.Nested(ProductOut)
    category = fields.String(allow_none=True)
    documents = fields.List(fields.Nested(DocumentOut))
    offers = ReadyOffers(fields.Nested(OfferOut))


def _dates_in_order(data: Mapping[str, Any]) -> None:
    starts, ends = data.get("valid_from"), data.get("valid_to")
    if starts and ends and ends < starts:
        raise ValidationError("The last day lies before the first.", "valid_to")


class PriceListEdit(StrictSchema):
    name = Text()
    valid_from = fields.Date(allow_none=True)
    valid_to = fields.Date(allow_none=True, metadata={"description": "The last day."})

    @validates_schema
    def check_dates(self, data, **_):
        _dates_in_order(data)


class PriceListIn(PriceListEdit):
    kind = fields.Enum(ListKind, by_value=True, required=True)
    name = Text(required=True)
    currency = Currency(required=True)
    includes_tax = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @validates_schema
    def check_public(self, data, **_):
        if data.get("kind") == ListKind.PUBLIC and (data.get("valid_from") or data.get("valid_to")):
            raise ValidationError("A public list has no dates; a campaign has.", "valid_from")


class PriceListOut(Schema):
    id = fields.UUID()
    vendor_id = fields.UUID()
    kind = fields.String()
    name = fields.String()
    currency = fields.String()
    includes_tax = fields.Boolean()
    valid_from = fields.Date(allow_none=True)
    valid_to = fields.Date(allow_none=True)
    created_at = fields.AwareDateTime()


class ListCompaniesIn(StrictSchema):
    company_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(max=1000))


class ListCompaniesOut(Schema):
    company_ids = fields.List(fields.UUID())


class TierIn(StrictSchema):
    from_quantity = Quantity(required=True)
    unit_price = Rate(required=True)


def _tiers_fit(tiers: Sequence[Mapping[str, Any]]) -> None:
    for before, after in pairwise(tiers):
        if after["from_quantity"] <= before["from_quantity"]:
            raise ValidationError("Quantities must rise from tier to tier.")
        if after["unit_price"] > before["unit_price"]:
            raise ValidationError("A larger quantity must not cost more a unit.")


class OfferTiersIn(StrictSchema):
    offer_id = fields.UUID(required=True)
    tiers = fields.List(fields.Nested(TierIn), required=True, validate=[validate.Length(max=50), _tiers_fit])


class PricesIn(StrictSchema):
    """Each row sets all prices of one offer in the list; a row without tiers takes the offer out of it."""

    prices = fields.List(fields.Nested(OfferTiersIn), required=True, validate=validate.Length(min=1, max=MAX_PRICES))

    @validates_schema
    def check_rows(self, data, **_):
        seen: set[Any] = set()
        twice = {}
        for number, row in enumerate(data.get("prices", ())):
            if row["offer_id"] in seen:
                twice[number] = {"offer_id": ["This offer stands in an earlier row too."]}
            seen.add(row["offer_id"])
        if twice:
            raise ValidationError({"prices": twice})


class PriceRowOut(Schema):
    offer_id = fields.UUID()
    from_quantity = fields.Integer()
    unit_price = Rate()


MAX_DAYS = 365


class ByCurrency(fields.Dict):
    """{currency: sum in minor units}."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=Currency(), values=Minor(), validate=validate.Length(max=50), **kwargs)


class TermsIn(StrictSchema):
    """What was agreed from a day on: the commission, and how the vendor is settled."""

    valid_from = fields.Date(required=True)
    valid_to = fields.Date(load_default=None, allow_none=True, metadata={"description": "The last day; null: open."})
    commission_rate = Rate(required=True, high="1")
    commission_by_category = fields.Dict(
        keys=fields.String(), values=Rate(high="1"), load_default=dict, validate=validate.Length(max=500)
    )
    cycle = fields.String(load_default=Cycle.WEEKLY.value, validate=validate.OneOf([cycle.value for cycle in Cycle]))
    cycle_day = fields.Integer(
        load_default=1,
        strict=True,
        validate=validate.Range(min=1, max=7),
        metadata={"description": "Of the week, 1 is Monday; for weekly cycles."},
    )
    minimum_payout = ByCurrency(load_default=dict, metadata={"description": "By currency; absent: 25 of its units."})
    hold_days = fields.Integer(
        load_default=3,
        strict=True,
        validate=validate.Range(min=0, max=MAX_DAYS),
        metadata={"description": "From delivery until what was earned is due: the return window."},
    )
    reserve_rate = Rate(load_default=Decimal("0.1"), high="1")
    reserve_days = fields.Integer(load_default=30, strict=True, validate=validate.Range(min=0, max=MAX_DAYS))
    reserve_minimum = ByCurrency(load_default=dict, metadata={"description": "Held back for good, by currency."})
    payout_currencies = fields.List(
        Currency(),
        load_default=list,
        validate=validate.Length(max=50),
        metadata={"description": "Empty: whatever the vendor sells in."},
    )
    prefinanced = fields.Boolean(
        load_default=False, metadata={"description": "On net terms the vendor need not wait until the buyer pays."}
    )


class TermsOut(Schema):
    id = fields.UUID()
    vendor_id = fields.UUID()
    valid_from = fields.Date()
    valid_to = fields.Date(allow_none=True)
    commission_rate = Rate()
    commission_by_category = fields.Dict(keys=fields.String(), values=fields.String())
    cycle = fields.String()
    cycle_day = fields.Integer()
    minimum_payout = fields.Dict(keys=fields.String(), values=fields.Integer())
    hold_days = fields.Integer()
    reserve_rate = Rate()
    reserve_days = fields.Integer()
    reserve_minimum = fields.Dict(keys=fields.String(), values=fields.Integer())
    payout_currencies = fields.List(fields.String())
    prefinanced = fields.Boolean()
    created_at = fields.AwareDateTime()
