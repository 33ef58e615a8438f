"""Rows of the catalogue and of what was agreed, with sensible defaults; added and flushed."""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from marketplace.agreements.models import RANK, ListKind, Price, PriceList, PriceListCompany, VendorTerms
from marketplace.catalogue.keys import normalise
from marketplace.catalogue.models import Category, Offer, OfferStock, Product
from marketplace.catalogue.queries import categories_by_path
from marketplace.catalogue.states import OfferState
from marketplace.kernel.db import db
from tests.builders.rows import kept, together

Tiers = Mapping[int, str] | Sequence[tuple[int, str]]
_numbers = itertools.count(1)


def a_category(name: str = "", *, parent: Category | None = None, slug: str = "") -> Category:
    """A category below `parent`; its slug is its name in lower case with hyphens."""
    name = name or f"Category {next(_numbers)}"
    slug = slug or name.lower().replace(" ", "-")
    path = f"{parent.path}/{slug}" if parent else slug
    return kept(Category(parent_id=parent.id if parent else None, slug=slug, name=name, path=path))


def a_product(
    name: str = "",
    *,
    created_by: Any,
    manufacturer: str = "Nordwerk",
    part_number: str = "",
    ean: str | None = None,
    category: Category | None = None,
    attributes: Sequence[Mapping[str, str]] = (),
    description: str = "",
) -> Product:
    """A product that the company `created_by` brought; its part number is new unless given."""
    number = next(_numbers)
    part_number = part_number or f"NW-{number:05}"
    return kept(
        Product(
            name=name or f"Product {number}",
            description=description,
            manufacturer=manufacturer,
            manufacturer_key=normalise(manufacturer),
            part_number=part_number,
            part_number_key=normalise(part_number),
            ean=ean,
            category_id=category.id if category else None,
            attributes=[dict(a) for a in attributes],
            created_by=created_by.id,
        )
    )


@together()
def an_offer(
    vendor: Any,
    product: Product | None = None,
    *,
    price: str | None = "10.00",
    tiers: Tiers | None = None,
    stock: int = 100,
    reserved: int = 0,
    currency: str = "EUR",
    includes_tax: bool = False,
    sku: str = "",
    state: OfferState = OfferState.LIVE,
    unit: str = "piece",
    pack_size: int = 1,
    min_quantity: int = 1,
    lead_time_days: int = 2,
    tax_category: str = "standard",
    ship_from_country: str = "",
    restocking_rate: str = "0",
) -> Offer:
    """The vendor's offer with its stock and a price in his public list: `price` from 1, or `tiers` {from: price}.

    `price=None` without tiers leaves it without a price.
    """
    product = product or a_product(created_by=vendor)
    offer = kept(
        Offer(
            vendor_id=vendor.id,
            product_id=product.id,
            sku=sku or f"SKU-{next(_numbers):05}",
            state=state,
            unit=unit,
            pack_size=pack_size,
            min_quantity=min_quantity,
            lead_time_days=lead_time_days,
            tax_category=tax_category,
            ship_from_country=ship_from_country or vendor.country,
            restocking_rate=Decimal(restocking_rate),
        )
    )
    kept(OfferStock(offer_id=offer.id, vendor_id=vendor.id, on_hand=stock, reserved=reserved))
    wanted = tiers if tiers is not None else ({1: price} if price is not None else {})
    if wanted:
        set_price(public_list(vendor, currency, includes_tax=includes_tax), offer, wanted)
    return offer


def public_list(vendor: Any, currency: str = "EUR", *, includes_tax: bool = False) -> PriceList:
    """The public list of the vendor in this currency and tax mode, made where it is missing."""
    of = {"vendor_id": vendor.id, "kind": ListKind.PUBLIC.value, "currency": currency, "includes_tax": includes_tax}
    for row in db.session.new:
        if isinstance(row, PriceList) and all(getattr(row, name) == value for name, value in of.items()):
            return row
    with db.session.no_autoflush:
        found = db.session.query(PriceList).filter_by(**of).one_or_none()
    return found or a_price_list(vendor, kind=ListKind.PUBLIC, currency=currency, includes_tax=includes_tax)


@together()
def a_price_list(
    vendor: Any,
    *,
    kind: ListKind = ListKind.CONTRACT,
    name: str = "",
    companies: Sequence[Any] = (),
    prices: Mapping[Offer, str | Tiers] | None = None,
    currency: str = "EUR",
    includes_tax: bool = False,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> PriceList:
    """A list of the vendor for `companies`, holding `prices`: {offer: "9.50"} or {offer: {1: "9.50", 10: "9.00"}}."""
    made = kept(
        PriceList(
            vendor_id=vendor.id,
            kind=kind.value,
            rank=RANK[kind],
            name=name or f"{kind.value} {currency}",
            currency=currency,
            includes_tax=includes_tax,
            valid_from=valid_from,
            valid_to=valid_to,
        )
    )
    for company in companies:
        kept(PriceListCompany(price_list_id=made.id, company_id=company.id, vendor_id=vendor.id))
    for offer, wanted in (prices or {}).items():
        set_price(made, offer, wanted)
    return made


@together()
def set_price(price_list: PriceList, offer: Offer, wanted: str | Tiers) -> None:
    """Put the price of an offer into a list: one from 1, or tiers {from quantity: unit price}."""
    pairs: Any = {1: wanted} if isinstance(wanted, str) else wanted
    for from_quantity, unit_price in pairs.items() if isinstance(pairs, Mapping) else pairs:
        kept(
            Price(
                offer_id=offer.id,
                price_list_id=price_list.id,
                from_quantity=from_quantity,
                vendor_id=offer.vendor_id,
                unit_price=Decimal(unit_price),
            )
        )


def terms_for(
    vendor: Any,
    rate: str = "0.10",
    *,
    valid_from: date = date(2020, 1, 1),
    by_category: Mapping[str, str] | None = None,
    created_by: uuid.UUID | None = None,
    **settlement: Any,
) -> VendorTerms:
    """What the marketplace takes from this vendor from a day on, and how he is settled."""
    rates = by_category or {}
    known = categories_by_path(rates) if rates else {}
    return kept(
        VendorTerms(
            vendor_id=vendor.id,
            valid_from=valid_from,
            commission_rate=Decimal(rate),
            commission_by_category={str(known[path].id): rate for path, rate in rates.items()},
            created_by=created_by,
            **settlement,
        )
    )
