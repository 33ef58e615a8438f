"""Applications and vendors, as each side may see them."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from marketplace.catalogue.models import Offer
from marketplace.companies.queries import companies_by_id
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.kernel.errors import NotFound
from marketplace.kernel.web import Page, paginate
from vendors.onboarding.models import Vendor, VendorApplication
from vendors.onboarding.states import ApplicationState, VendorState

_CHUNK = 1_000


class ApplicationUnknown(NotFound):
    """There is no such application."""

    message = "There is no such application."


class VendorUnknown(NotFound):
    """There is no such vendor."""

    message = "There is no such vendor."


@dataclass(frozen=True, slots=True)
class NamedVendor:
    """A vendor with the name and country of his company."""

    id: uuid.UUID
    name: str
    country: str
    state: VendorState
    note: str
    approved_at: datetime


def application(actor: Actor, application_id: uuid.UUID, *, lock: bool = False) -> VendorApplication:
    """Raises ApplicationUnknown."""
    statement = visible(actor, VendorApplication).where(VendorApplication.id == application_id)
    row = db.session.scalars(_locked(statement) if lock else statement).one_or_none()
    if row is None:
        raise ApplicationUnknown
    return row


def applications(actor: Actor, args: Mapping[str, Any]) -> Page:
    """Newest first; `args`: PageArgs and an optional state."""
    statement = visible(actor, VendorApplication)
    if args.get("state"):
        statement = statement.where(VendorApplication.state == args["state"])
    return paginate(statement, args, VendorApplication.id)


def open_application(company_id: uuid.UUID) -> VendorApplication | None:
    """The application of this company that is not decided yet."""
    return db.session.scalars(_open(company_id)).one_or_none()


def standing(company_id: uuid.UUID) -> tuple[bool, bool]:
    """Is the company a vendor, in whatever state; has it an application that is not decided yet?"""
    sold = visible(SYSTEM, Vendor).where(Vendor.id == company_id).exists()
    is_vendor, applied = db.session.execute(select(sold, _open(company_id).exists())).one()
    return is_vendor, applied


def vendor(actor: Actor, vendor_id: uuid.UUID, *, lock: bool = False) -> Vendor:
    """Raises VendorUnknown."""
    row = find_vendor(actor, vendor_id, lock=lock)
    if row is None:
        raise VendorUnknown
    return row


def find_vendor(actor: Actor, vendor_id: uuid.UUID, *, lock: bool = False) -> Vendor | None:
    statement = visible(actor, Vendor).where(Vendor.id == vendor_id)
    return db.session.scalars(_locked(statement) if lock else statement).one_or_none()


def vendors(actor: Actor, args: Mapping[str, Any]) -> Page:
    """NamedVendor by NamedVendor, newest first; `args`: PageArgs and an optional state."""
    statement = visible(actor, Vendor)
    if args.get("state"):
        statement = statement.where(Vendor.state == args["state"])
    page = paginate(statement, args, Vendor.id)
    return Page(named(page.items), page.next)


def named(rows: Any) -> list[NamedVendor]:
    """The vendors with the names of their companies, in one query more."""
    companies = companies_by_id([row.id for row in rows])
    return [
        NamedVendor(row.id, companies[row.id].name, companies[row.id].country, row.state, row.note, row.approved_at)
        for row in rows
    ]


def offered_products(vendor_id: uuid.UUID) -> Iterator[list[uuid.UUID]]:
    """The products that this vendor offers, some at a time."""
    after = uuid.UUID(int=0)
    while True:
        statement = (
            visible(SYSTEM, Offer)
            .with_only_columns(Offer.product_id)
            .where(Offer.vendor_id == vendor_id, Offer.product_id > after)
            .distinct()
            .order_by(Offer.product_id)
            .limit(_CHUNK)
        )
        found = list(db.session.scalars(statement))
        if not found:
            return
        yield found
        after = found[-1]


def _open(company_id: uuid.UUID) -> Select[VendorApplication]:
    undecided = (ApplicationState.DRAFT, ApplicationState.SUBMITTED, ApplicationState.QUESTIONS)
    return visible(SYSTEM, VendorApplication).where(
        VendorApplication.company_id == company_id, VendorApplication.state.in_(undecided)
    )


def _locked(statement: Select[Any]) -> Select[Any]:
    return statement.with_for_update().execution_options(populate_existing=True)
