"""What crosses the API of search. Names of sorts and facets come from lists; how many of anything is bounded."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.agreements.schemas import ComparedProductOut, OfferOut, OfferProductOut, ReadyOffers
from marketplace.catalogue.schemas import ProductOut
from marketplace.kernel.fields import Currency, PageArgs, Quantity, Rate, StrictSchema, Text
from search import words
from search.documents import LANGUAGES
from search.engine import FacetName, Range, Sort
from search.states import ProposalState

MOST_FILTERS, MOST_COMPARED = 20, 6


class _Parted(Text):
    """Text that is taken apart: its length is that of the text."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)
        self.validators = []
        self.longest = max_length

    def _text(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > self.longest:
            raise ValidationError(f"Longer than {self.longest} characters.")
        return text


class AttributeField(_Parted):
    """`name=value`; once more with the same name: either value."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        name, parted, wanted = self._text(value, attr, data, **kwargs).partition("=")
        if not (name.strip() and parted and wanted.strip()):
            raise ValidationError("Write name=value.")
        return name.strip(), wanted.strip()


class RangeField(_Parted):
    """`name:from..to`, either may be empty: `Length:10 mm..2 in`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        name, _, bounds = self._text(value, attr, data, **kwargs).rpartition(":")
        low, parted, high = bounds.partition("..")
        if not (name and parted and (low.strip() or high.strip())):
            raise ValidationError("Write name:from..to; either may be left out, a unit may follow a number.")
        sides = [_bound(low), _bound(high)]
        return Range(name.strip(), *sides)


def _bound(text: str) -> Any:
    if not text.strip():
        return None
    number = words.magnitude(text)
    if number is None:
        raise ValidationError(f"'{text.strip()[:40]}' is not a number, or its unit is not known.")
    return number


class SearchArgs(PageArgs):
    q = Text(load_default="", max_length=300, allow_empty=True, metadata={"description": "Words, or a part number."})
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))
    category = Text(max_length=500, metadata={"description": "A path; all below it count."})
    vendor = fields.List(fields.UUID(), validate=validate.Length(max=MOST_FILTERS))
    attribute = fields.List(
        AttributeField(max_length=400),
        validate=validate.Length(max=MOST_FILTERS),
        metadata={"description": "name=value; the same name again: either value."},
    )
    range = fields.List(
        RangeField(max_length=300),
        validate=validate.Length(max=MOST_FILTERS),
        metadata={"description": "name:from..to of a number, with units: `Length:10 mm..2 in`."},
    )
    price_min = Rate(metadata={"description": "What this company pays for one."})
    price_max = Rate()
    in_stock = fields.Boolean()
    lead_time_days = fields.Integer(validate=validate.Range(min=0, max=3650))
    quantity = fields.Integer(
        validate=validate.Range(min=1, max=1_000_000_000),
        metadata={"description": "Prices are those of this many; default: of the least that may be ordered."},
    )
    sort = fields.Enum(Sort, by_value=True, load_default=Sort.RELEVANCE)
    facets = fields.List(
        fields.Enum(FacetName, by_value=True), load_default=list, validate=validate.Length(max=len(FacetName))
    )
    language = fields.String(load_default="en", validate=validate.OneOf(LANGUAGES))
    highlight = fields.Boolean(load_default=False)
    currency = Currency(metadata={"description": "Default: the company's own."})

    @validates_schema
    def check_price(self, data: Mapping[str, Any], **_: Any) -> None:
        low, high = data.get("price_min"), data.get("price_max")
        if low is not None and high is not None and low > high:
            raise ValidationError("Lies below price_min.", "price_max")


class HitOut(Schema):
    """A product with its live offers, this company's best price first."""

    product = fields.Nested(OfferProductOut, required=True)
    category = fields.String(required=True, allow_none=True)
    offers = fields.List(fields.Nested(OfferOut), required=True)
    marked = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.List(fields.Raw())),
        metadata={"description": "With `highlight`: texts in pieces, [piece, was it found]."},
    )


class CountOut(Schema):
    value = fields.String(required=True)
    label = fields.String(required=True)
    count = fields.Integer(required=True)
    depth = fields.Integer(metadata={"description": "Of a category: how deep it stands."})


class FacetOut(Schema):
    """How many products have each value; `attribute` names the attribute where `name` is `attribute`."""

    name = fields.String(required=True)
    attribute = fields.String(required=True, allow_none=True)
    counts = fields.List(fields.Nested(CountOut), required=True)


class SearchPage(Schema):
    items = fields.List(fields.Nested(HitOut), required=True)
    total = fields.Integer(required=True)
    next = fields.String(required=True, allow_none=True)
    meant = fields.String(
        required=True, allow_none=True, metadata={"description": "Searched instead: nothing was found as typed."}
    )
    facets = fields.List(fields.Nested(FacetOut), required=True)
    query_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "To say what was opened; of first pages with words."}
    )


class CompletionArgs(Schema):
    q = Text(required=True, max_length=100)
    language = fields.String(load_default="en", validate=validate.OneOf(LANGUAGES))
    limit = fields.Integer(load_default=8, validate=validate.Range(min=1, max=20))


class FoundNameOut(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)


class NamedPathOut(Schema):
    path = fields.String(required=True)
    name = fields.String(required=True)


class CompletionsOut(Schema):
    products = fields.List(fields.Nested(FoundNameOut), required=True)
    categories = fields.List(fields.Nested(NamedPathOut), required=True)
    vendors = fields.List(fields.Nested(FoundNameOut), required=True)


class RelatedArgs(Schema):
    limit = fields.Integer(load_default=8, validate=validate.Range(min=1, max=20))
    currency = Currency()


class RelatedOut(Schema):
    """Others like it, and what companies bought together with it."""

    alike = fields.List(fields.Nested(HitOut), required=True)
    bought_together = fields.List(fields.Nested(HitOut), required=True)


class DuplicateOut(FoundNameOut):
    score = fields.Float(required=True)


class DuplicatesOut(Schema):
    items = fields.List(fields.Nested(DuplicateOut), required=True)


class ProposalFilter(PageArgs):
    state = fields.Enum(ProposalState, by_value=True, load_default=ProposalState.OPEN)


class ProposedProductOut(Schema):
    """One of two products that may be one."""

    product = fields.Nested(ProductOut)
    version = fields.Integer(attribute="product.version", metadata={"description": "What `product_versions` names."})
    category = fields.String(allow_none=True)
    offers = ReadyOffers(fields.Nested(OfferOut))


class ProposalOut(Schema):
    """Two products that may be one: how likely from 0 to 1, why in words, and which is better kept."""

    id = fields.UUID(attribute="proposal.id")
    score = fields.Float(attribute="proposal.score")
    reasons = fields.List(fields.String(), attribute="proposal.reasons")
    state = fields.Enum(ProposalState, by_value=True, attribute="proposal.state")
    created_at = fields.AwareDateTime(attribute="proposal.created_at")
    version = fields.Integer(attribute="proposal.version", metadata={"description": "What If-Match names."})
    advised_survivor_id = fields.UUID(attribute="advised")
    products = fields.List(fields.Nested(ProposedProductOut), attribute="sides")


class VersionsIn(StrictSchema):
    """Who merges two products says which he compared: a merge is not undone."""

    product_versions = fields.Dict(
        keys=fields.UUID(),
        values=fields.Integer(strict=True),
        metadata={
            "description": "The `version` (a product's ETag) of each of the two products as they were compared, by id. "
            "May be left out where If-Match is `*`: whatever they are by now."
        },
    )


class AcceptIn(VersionsIn):
    survivor_id = fields.UUID(metadata={"description": "The product that stays; without it, the advised one."})


class RejectIn(StrictSchema):
    reason = Text(load_default="", max_length=500, allow_empty=True)


class MergeIn(VersionsIn):
    into = fields.UUID(required=True, metadata={"description": "The product that stays."})


class CompareArgs(Schema):
    product = fields.List(fields.UUID(), required=True, validate=validate.Length(min=2, max=MOST_COMPARED))
    currency = Currency()


class ComparedRowOut(Schema):
    """An attribute with its value of each product, in their order; null where it says nothing of it."""

    name = fields.String(required=True)
    values = fields.List(fields.String(allow_none=True), required=True)
    differs = fields.Boolean(required=True)


class ComparisonOut(Schema):
    products = fields.List(fields.Nested(ComparedProductOut), required=True)
    rows = fields.List(fields.Nested(ComparedRowOut), required=True)


class VisitIn(StrictSchema):
    query_id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)


class SearchRuleEdit(StrictSchema):
    words = fields.List(Text(max_length=100), validate=validate.Length(max=50))
    one_way = fields.Boolean(truthy={True}, falsy={False})
    category_path = Text(max_length=500, allow_empty=True)
    weight = fields.Float(validate=validate.Range(min=0.1, max=10))


class SearchRuleIn(SearchRuleEdit):
    kind = fields.String(required=True, validate=validate.OneOf(["synonym", "boost"]))


class SearchRuleOut(Schema):
    id = fields.UUID()
    kind = fields.String()
    words = fields.List(fields.String())
    one_way = fields.Boolean()
    category_path = fields.String()
    weight = fields.Float()
    updated_at = fields.AwareDateTime()


class SearchPreviewIn(SearchRuleIn):
    q = Text(required=True, max_length=300)
    category = Text(max_length=500)
    limit = Quantity(load_default=10)


class SearchPreviewOut(Schema):
    """The first hits without the rule and with it."""

    readings = fields.List(fields.String(), required=True)
    before = fields.List(fields.Nested(FoundNameOut), required=True)
    after = fields.List(fields.Nested(FoundNameOut), required=True)
    total_before = fields.Integer(required=True)
    total_after = fields.Integer(required=True)


class InsightArgs(Schema):
    days = fields.Integer(load_default=30, validate=validate.Range(min=1, max=90))
    empty = fields.Boolean(load_default=False, metadata={"description": "Only queries without result."})
    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=10_000))


class SearchedOut(Schema):
    words = fields.String()
    searches = fields.Integer()
    companies = fields.Integer()
    without_result = fields.Integer()
    found = fields.Float()
    clicks = fields.Integer()
    orders = fields.Integer()
    last_at = fields.AwareDateTime()


class InsightOut(Schema):
    items = fields.List(fields.Nested(SearchedOut), required=True)


class SearchIndexOut(Schema):
    """The index: which engine, what waits for it, and what it refused."""

    engine = fields.String(required=True)
    pending = fields.Integer(required=True)
    lag_seconds = fields.Float(required=True)
    refused = fields.Integer(required=True)
