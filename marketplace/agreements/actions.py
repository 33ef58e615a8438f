"""A vendor's lists say who pays what, terms what the marketplace takes; terms are added, never edited."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified

from marketplace.agreements import queries
from marketplace.agreements.models import RANK, ListKind, Price, PriceList, PriceListCompany, VendorTerms
from marketplace.catalogue.actions import OnlyVendorsOffer, search_changed
from marketplace.catalogue.queries import categories_by_path
from marketplace.companies.queries import CompanyNotFound
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor, Side
from marketplace.kernel.db import advisory_lock, db
from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.fields import plain_decimal


class PublicListExists(Conflict):
    """A vendor says once per currency and tax mode what everyone pays."""

    message = "You already have a public list in this currency and tax mode."


class ListIsForEveryone(Conflict):
    """Public and campaign lists name no companies."""

    message = "A public or campaign list is for everyone; only contract and company lists name companies."


class DatesOutOfOrder(Invalid):
    """The last day lies before the first, or a public list was given dates."""


class TermsBackDated(Invalid):
    """What was agreed for days gone by stays as it was."""

    message = "Terms begin today or later."


class TermsExist(Conflict):
    """Terms are never edited."""

    message = "Terms that begin on this day exist; terms are not changed, new ones begin on another day."


class TermsOverlap(Conflict):
    """Terms with a last day stand alone: no others begin within them."""


def create_list(actor: Actor, facts: Mapping[str, Any]) -> PriceList:
    """`facts`: kind (ListKind), name, currency, includes_tax, valid_from, valid_to. Raises PublicListExists."""
    if not actor.acts_as(Side.VENDOR) or actor.company_id is None:
        raise OnlyVendorsOffer
    kind: ListKind = facts["kind"]
    row = PriceList(**{**facts, "kind": kind.value}, vendor_id=actor.company_id, rank=RANK[kind])
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as failure:
        raise PublicListExists(pointer="/currency") from failure
    return row


def public_list(vendor_id: uuid.UUID, currency: str, *, includes_tax: bool = False) -> PriceList:
    """The vendor's public list in this currency, made where it is missing. For feeds and the demonstration."""
    found = queries.public_list(vendor_id, currency, includes_tax=includes_tax)
    if found is not None:
        return found
    row = PriceList(
        vendor_id=vendor_id,
        kind=ListKind.PUBLIC.value,
        rank=RANK[ListKind.PUBLIC],
        name=f"Public {currency}",
        currency=currency,
        includes_tax=includes_tax,
    )
    db.session.add(row)
    db.session.flush()
    return row


def edit_list(actor: Actor, list_id: uuid.UUID, changes: Mapping[str, Any]) -> PriceList:
    """Rename a list or set its days. Raises PriceListUnknown, DatesOutOfOrder."""
    row = queries.price_list(actor, list_id)
    starts, ends = (changes.get(name, getattr(row, name)) for name in ("valid_from", "valid_to"))
    if starts and ends and ends < starts:
        raise DatesOutOfOrder("The last day lies before the first.", pointer="/valid_to")
    if row.kind == ListKind.PUBLIC and (starts or ends):
        raise DatesOutOfOrder("A public list has no dates; a campaign has.", pointer="/valid_from")

    for name, value in changes.items():
        setattr(row, name, value)
    db.session.flush()
    search_changed(queries.products_in_list(row.id))
    return row


def remove_list(actor: Actor, list_id: uuid.UUID) -> None:
    """Take a list with all its prices away; orders keep the prices they were placed at. Raises PriceListUnknown."""
    row = queries.price_list(actor, list_id, lock=True)
    changed = queries.products_in_list(row.id)

    db.session.execute(delete(Price).where(Price.price_list_id == row.id))
    db.session.execute(delete(PriceListCompany).where(PriceListCompany.price_list_id == row.id))
    db.session.delete(row)
    db.session.flush()
    search_changed(changed)


def set_companies(actor: Actor, list_id: uuid.UUID, company_ids: Sequence[uuid.UUID]) -> list[PriceListCompany]:
    """Say for which companies a list is, and for no others. Raises PriceListUnknown, ListIsForEveryone; ValidationError
    with the pointer of each unknown company."""
    row = queries.price_list(actor, list_id, lock=True)
    if row.kind not in (ListKind.CONTRACT, ListKind.COMPANY):
        raise ListIsForEveryone
    known = queries.known_companies(company_ids)
    unknown = {n: ["There is no such company."] for n, c in enumerate(company_ids) if c not in known}
    if unknown:
        raise ValidationError({"company_ids": unknown})

    db.session.execute(delete(PriceListCompany).where(PriceListCompany.price_list_id == row.id))
    rows = [{"price_list_id": row.id, "company_id": c, "vendor_id": row.vendor_id} for c in sorted(known)]
    if rows:
        db.session.execute(insert(PriceListCompany), rows)
    return queries.companies_of(SYSTEM, row.id)


def set_prices(actor: Actor, list_id: uuid.UUID, prices: Sequence[Mapping[str, Any]]) -> PriceList:
    """Set all prices of some offers in a list: rows {offer_id, tiers: [{from_quantity, unit_price}]}.

    Tiers rise in quantity and not in price (the schema checks); no tiers take the offer out.

    Raises PriceListUnknown; ValidationError with the pointer of each row whose offer is not this vendor's.
    """
    row = queries.price_list(actor, list_id, lock=True)
    products = queries.products_of_offers(row.vendor_id, [p["offer_id"] for p in prices])
    missing = [number for number, price in enumerate(prices) if price["offer_id"] not in products]
    if missing:
        raise ValidationError({"prices": {n: {"offer_id": ["There is no such offer of yours."]} for n in missing}})

    db.session.execute(delete(Price).where(Price.price_list_id == row.id, Price.offer_id.in_(list(products))))
    rows = [
        {"offer_id": p["offer_id"], "price_list_id": row.id, "vendor_id": row.vendor_id, **tier}
        for p in prices
        for tier in p["tiers"]
    ]
    if rows:
        db.session.execute(insert(Price), rows)
    flag_modified(row, "name")  # prices carry no version of their own: the list's rises with them
    db.session.flush()
    search_changed(products.values())
    return row


def agree_terms(actor: Actor, vendor_id: uuid.UUID, facts: Mapping[str, Any]) -> VendorTerms:
    """New terms of a vendor from a day on. `facts`: valid_from, commission_rate, commission_by_category {path: rate},
    and of VendorTerms what is not to be as usual.

    Raises CompanyNotFound, TermsBackDated, DatesOutOfOrder, TermsExist, TermsOverlap; ValidationError with the pointer
    of each unknown category.
    """
    if vendor_id not in queries.known_companies([vendor_id]):
        raise CompanyNotFound
    advisory_lock(f"terms:{vendor_id}")  # two that are agreed at once see each other
    _check_days(vendor_id, facts["valid_from"], facts.get("valid_to"))
    rates = facts.get("commission_by_category", {})
    known = categories_by_path(rates)
    unknown = sorted(rates.keys() - known.keys())
    if unknown:
        raise ValidationError({"commission_by_category": {path: ["There is no such category."] for path in unknown}})

    by_category = {str(known[path].id): plain_decimal(rate) for path, rate in rates.items()}
    row = VendorTerms(
        **{**facts, "commission_by_category": by_category},
        vendor_id=vendor_id,
        created_by=actor.person_id,
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    return row


def _check_days(vendor_id: uuid.UUID, starts: date, ends: date | None) -> None:
    if starts < queries.today():
        raise TermsBackDated(pointer="/valid_from")
    if ends is not None and ends < starts:
        raise DatesOutOfOrder("The last day lies before the first.", pointer="/valid_to")
    for other in queries.all_terms_of(vendor_id):
        if other.valid_from == starts:
            raise TermsExist(pointer="/valid_from")
        if other.valid_to is not None and other.valid_from < starts <= other.valid_to:
            raise TermsOverlap(
                f"They begin within terms that hold from {other.valid_from} to {other.valid_to}.", pointer="/valid_from"
            )
        if ends is not None and starts < other.valid_from <= ends:
            raise TermsOverlap(f"They last into terms that begin on {other.valid_from}.", pointer="/valid_to")
