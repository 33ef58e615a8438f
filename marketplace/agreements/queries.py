"""Which price holds for whom: the one rule of lists, in SQL, for every caller; and what a vendor's terms take."""

import functools
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
from flask import current_app
from sqlalchemy import or_

from marketplace.agreements import listing
from marketplace.agreements.models import ListKind, Price, PriceList, PriceListCompany, VendorTerms
from marketplace.catalogue import queries as catalogue
from marketplace.catalogue.models import Document, Offer, Product
from marketplace.catalogue.queries import OfferUnknown
from marketplace.companies.models import Company
from marketplace.kernel import clock, reads
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict, NotFound
from marketplace.kernel.web import Page, cursor_values, make_cursor, paginate


class VendorHasNoTerms(Conflict):
    """Nothing was agreed with this vendor for the day, so nothing can be sold for him."""

    message = "No terms were agreed with this vendor for the day."


class PriceListUnknown(NotFound):
    """There is no such price list, or not for you."""


@dataclass(frozen=True, slots=True)
class OfferPrice:
    """The prices of one offer for one company: `tiers` are (from quantity, unit price), rising in quantity."""

    list_id: uuid.UUID
    kind: str
    list_name: str
    tiers: tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """The general commission rate, those of single categories by path, and what an order keeps of the settlement."""

    commission_rate: Decimal
    commission_by_category: Mapping[str, str]
    settlement: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ComparedProduct:
    """A product with what its vendors ask for it; `offers` as of OfferOut, the best price first."""

    product: Product
    category: str | None
    documents: list[Document]
    offers: list[dict[str, Any]]


def today() -> date:
    """The operator's calendar day."""
    return clock.business_day(clock.now(), current_app.extensions["kontor_settings"].time_zone)


def prices_for(
    company_id: uuid.UUID | None,
    offer_ids: Iterable[uuid.UUID],
    currency: str,
    *,
    includes_tax: bool = False,
    day: date | None = None,
) -> dict[uuid.UUID, OfferPrice]:
    """The prices of these offers for this company (None: what everyone pays), in one query; default day: today.

    Contract before company list before campaign before public list; the first that holds the offer wins. Lists of
    another currency or tax mode do not count. An offer without a price is absent from the answer.
    """
    wanted = list(dict.fromkeys(offer_ids))
    if not wanted:
        return {}
    values = {
        "offer_ids": reads.as_planned_for(wanted),
        "company_id": company_id,
        "currency": currency,
        "includes_tax": includes_tax,
        "day": day or today(),
    }
    return {
        offer_id: OfferPrice(list_id, kind, name, tuple(zip(quantities, unit_prices, strict=True)))
        for offer_id, list_id, kind, name, quantities, unit_prices in reads.fetch(_PRICES, values)
    }


def _driver_words(sql: str) -> str:
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", sql)


_PRICES = _driver_words(listing.PRICES)
_TERMS = """
    SELECT DISTINCT ON (t.vendor_id) t.vendor_id, t.commission_rate,
        coalesce((SELECT json_object_agg(c.path, own.value) FROM jsonb_each_text(t.commission_by_category) own
                  JOIN category c ON c.id = own.key::uuid), '{}'),
        json_build_object('terms_id', t.id, 'hold_days', t.hold_days, 'reserve_rate', t.reserve_rate::text,
                          'reserve_days', t.reserve_days, 'prefinanced', t.prefinanced)
    FROM vendor_terms t
    WHERE t.vendor_id = ANY(%(vendor_ids)s) AND t.valid_from <= %(day)s
        AND (t.valid_to IS NULL OR t.valid_to >= %(day)s)
    ORDER BY t.vendor_id, t.valid_from DESC
"""


@functools.lru_cache(512)
def _page_statement(limit: int, *conditions: str) -> str:
    """In the driver's own words: this is the hottest list of all, and compiling would cost it a tenth."""
    return _driver_words(listing.page_of_offers(limit, *conditions))


def unit_price(tiers: Sequence[tuple[int, Decimal]], quantity: int) -> Decimal:
    """The price of the last tier that the quantity reaches, the first one below all of them."""
    found = tiers[0][1]
    for from_quantity, price in tiers:
        if from_quantity > quantity:
            break
        found = price
    return found


def terms_on(day: date, vendor_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Terms]:
    """What each vendor's terms that are in force on the day take. Raises VendorHasNoTerms."""
    wanted = set(vendor_ids)
    rows = reads.fetch(_TERMS, {"vendor_ids": list(wanted), "day": day})
    found = {vendor_id: Terms(rate, by_category, settlement) for vendor_id, rate, by_category, settlement in rows}
    missing = sorted(wanted - found.keys())
    if missing:
        raise VendorHasNoTerms(vendor_id=str(missing[0]), day=day.isoformat())
    return found


def rate_for(terms: Terms, category_path: str | None) -> Decimal:
    """The rate of the longest category of the terms that is the path or lies above it, else the general one."""
    steps = category_path.split("/") if category_path else []
    for length in range(len(steps), 0, -1):
        rate = terms.commission_by_category.get("/".join(steps[:length]))
        if rate is not None:
            return Decimal(rate)
    return terms.commission_rate


def offers_page(actor: Actor, args: Mapping[str, Any]) -> bytes:
    """A page of live offers with this company's prices, newest first, as JSON of OfferPage.

    `args`: limit, and optionally cursor, vendor (id), category (a path, all below it counts), currency (default: the
    company's own). Offers without a price in the currency are left out. One query. Raises CursorUnknown.
    """
    values = _facts(actor, args)
    conditions = [name for name in ("vendor", "category") if args.get(name)]
    if args.get("cursor"):
        conditions.append("cursor")
        (values["cursor"],) = cursor_values(args["cursor"], [uuid.UUID])
    rows = reads.fetch(_page_statement(args["limit"], *conditions), values)
    shown = rows[: args["limit"]]
    following = make_cursor([shown[-1][0]]) if len(rows) > len(shown) else None
    return orjson.dumps({"items": [listing.OfferRow._make(row).as_json() for row in shown], "next": following})


def offer_for_buyer(actor: Actor, offer_id: uuid.UUID, currency: str | None = None) -> bytes:
    """A live offer with this company's price (null where it has none in the currency) as JSON of OfferOut.

    Raises OfferUnknown.
    """
    found = _offers_with(_facts(actor, {"currency": currency}) | {"offer": offer_id}, "offer")
    if not found:
        raise OfferUnknown
    return orjson.dumps(found[0].as_json())


def product_with_offers(actor: Actor, product_id: uuid.UUID, currency: str | None = None) -> ComparedProduct:
    """A product, its documents, and its live offers with this company's prices. Raises ProductUnknown."""
    return products_with_offers(actor, [product_id], currency)[0]


def products_with_offers(
    actor: Actor, product_ids: Sequence[uuid.UUID], currency: str | None = None
) -> list[ComparedProduct]:
    """The same of several, each once, in their order; as many statements as for one. Raises ProductUnknown."""
    found = catalogue.products_by_id(actor, product_ids)
    ids = [product.id for product in found]
    paths = catalogue.category_paths(product.category_id for product in found)
    documents = catalogue.documents_of_products(actor, ids)
    offers = offers_of_products(actor, ids, currency=currency)
    return [
        ComparedProduct(
            product,
            paths.get(product.category_id) if product.category_id else None,
            documents.get(product.id, []),
            offers.get(product.id, []),
        )
        for product in found
    ]


def offers_of_products(
    actor: Actor, product_ids: Sequence[uuid.UUID], *, currency: str | None = None
) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """The live offers of each product with this company's prices, the best price for the least quantity first, as of
    OfferOut (price null, and last, where there is none in the currency); a product without any is absent. One query.
    """
    if not product_ids:
        return {}
    values = _facts(actor, {"currency": currency}) | {"products": reads.as_planned_for(product_ids)}
    found: dict[uuid.UUID, list[dict[str, Any]]] = {}
    for row in _offers_with(values, "products"):
        found.setdefault(row.product_id, []).append(row.as_json())
    for offers in found.values():
        if len(offers) > 1:
            offers.sort(key=_best_price_first)
    return found


def _offers_with(values: Mapping[str, Any], *conditions: str) -> list[listing.OfferRow]:
    return [listing.OfferRow._make(row) for row in reads.fetch(_offers_statement(*conditions), values)]


def _best_price_first(offer: Mapping[str, Any]) -> tuple[Any, ...]:
    price = offer["price"]
    return (price is None, Decimal(price["unit_price"]) if price else 0, offer["id"])


@functools.cache
def _offers_statement(*conditions: str) -> str:
    return _driver_words(listing.offers_with(*conditions))


def _facts(actor: Actor, args: Mapping[str, Any]) -> dict[str, Any]:
    asked = {name: args.get(name) for name in ("currency", "vendor", "category")}
    return asked | {"company_id": actor.company_id, "includes_tax": False, "day": today()}


def price_list(actor: Actor, list_id: uuid.UUID, *, lock: bool = False) -> PriceList:
    """A list of the actor's company (the operator: any). Raises PriceListUnknown."""
    statement = visible(actor, PriceList).where(PriceList.id == list_id)
    row = db.session.scalars(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise PriceListUnknown
    return row


def price_lists(actor: Actor, args: Mapping[str, Any]) -> Page:
    """The lists of the actor's company (the operator: all), newest first."""
    return paginate(visible(actor, PriceList), args, PriceList.id)


def public_list(vendor_id: uuid.UUID, currency: str, *, includes_tax: bool = False) -> PriceList | None:
    """What everyone pays this vendor in this currency."""
    statement = visible(SYSTEM, PriceList).where(
        PriceList.vendor_id == vendor_id,
        PriceList.kind == ListKind.PUBLIC.value,
        PriceList.currency == currency,
        PriceList.includes_tax == includes_tax,
    )
    return db.session.scalars(statement).one_or_none()


def companies_of(actor: Actor, list_id: uuid.UUID) -> list[PriceListCompany]:
    """For which companies a list is. Raises PriceListUnknown."""
    statement = visible(SYSTEM, PriceListCompany).where(PriceListCompany.price_list_id == price_list(actor, list_id).id)
    return list(db.session.scalars(statement.order_by(PriceListCompany.company_id)))


def known_companies(company_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the ids that are companies."""
    statement = visible(SYSTEM, Company).with_only_columns(Company.id).where(Company.id.in_(list(company_ids)))
    return set(db.session.scalars(statement))


def prices_in(actor: Actor, list_id: uuid.UUID, args: Mapping[str, Any]) -> Page:
    """The rows of a list, by offer and quantity. Raises PriceListUnknown."""
    statement = visible(actor, Price).where(Price.price_list_id == price_list(actor, list_id).id)
    return paginate(statement, args, Price.offer_id, Price.from_quantity, descending=False)


def products_of_offers(vendor_id: uuid.UUID, offer_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """The product of each of these offers of the vendor; another's are absent."""
    statement = visible(SYSTEM, Offer).with_only_columns(Offer.id, Offer.product_id)
    rows = db.session.execute(statement.where(Offer.vendor_id == vendor_id, Offer.id.in_(list(offer_ids))))
    return {row.id: row.product_id for row in rows}


def products_in_list(list_id: uuid.UUID) -> set[uuid.UUID]:
    """The products that a list holds prices of."""
    held = visible(SYSTEM, Price).with_only_columns(Price.offer_id).where(Price.price_list_id == list_id)
    return set(db.session.scalars(visible(SYSTEM, Offer).with_only_columns(Offer.product_id).where(Offer.id.in_(held))))


def terms_in_force(day: date, vendor_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, VendorTerms]:
    """The terms by which each of these vendors is settled on a day; who has none is absent."""
    statement = visible(SYSTEM, VendorTerms).where(
        VendorTerms.vendor_id.in_(list(vendor_ids)),
        VendorTerms.valid_from <= day,
        or_(VendorTerms.valid_to.is_(None), VendorTerms.valid_to >= day),
    )
    rows = db.session.scalars(statement.order_by(VendorTerms.valid_from))
    return {row.vendor_id: row for row in rows}


def all_terms_of(vendor_id: uuid.UUID) -> list[VendorTerms]:
    """Everything that was agreed with a vendor, the earliest first."""
    statement = visible(SYSTEM, VendorTerms).where(VendorTerms.vendor_id == vendor_id)
    return list(db.session.scalars(statement.order_by(VendorTerms.valid_from)))


def terms_of(actor: Actor, vendor_id: uuid.UUID, args: Mapping[str, Any]) -> Page:
    """A vendor's terms, the latest first; another's look as if there were none."""
    statement = visible(actor, VendorTerms).where(VendorTerms.vendor_id == vendor_id)
    return paginate(statement, args, VendorTerms.valid_from, VendorTerms.id)
