"""A company applies, the operator decides; only an active vendor may sell, and everything has its line of history."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError

from marketplace.agreements.actions import agree_terms, public_list
from marketplace.agreements.queries import today
from marketplace.companies.actions import allow_selling
from marketplace.companies.queries import companies_by_id
from marketplace.companies.tax_ids import checked_vat_id
from marketplace.kernel import clock
from marketplace.kernel.access import Actor, Permission, check
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict, Forbidden, Invalid
from marketplace.kernel.history import lines_of, move
from marketplace.kernel.outbox import Event, publish
from vendors.onboarding import queries
from vendors.onboarding.events import (
    ApplicationDeclined,
    ApplicationQuestioned,
    ApplicationSubmitted,
    VendorApproved,
    VendorClosed,
    VendorReinstated,
    VendorSuspended,
)
from vendors.onboarding.models import Vendor, VendorApplication
from vendors.onboarding.states import ApplicationState, ApplicationVerb, VendorVerb

_EDITABLE = {ApplicationState.DRAFT, ApplicationState.QUESTIONS}


class ApplicationOpen(Conflict):
    """A company has one application at a time."""

    message = "Your company has an application that is not decided yet."


class AlreadyVendor(Conflict):
    """The company is, or was, a vendor."""

    message = "Your company is a vendor already; a suspended or closed one speaks to the operator."


class OperatorDoesNotApply(Forbidden):
    """The operator does not sell on his own marketplace."""

    message = "The operator's own company does not apply."


class ApplicationUnderReview(Conflict):
    """What the operator reviews stays as it is until he asks or decides."""

    message = "The application is under review or decided; it can be changed while it is a draft or has questions."


class ReasonMissing(Invalid):
    """The other side is told why."""

    message = "Say why, in words that the company will read."


def draft(actor: Actor, facts: Mapping[str, Any]) -> VendorApplication:
    """A new application of the actor's company. `facts`: legal_name, registration_number, vat_id, contact_email, and
    optionally website and goods. Raises ApplicationOpen, AlreadyVendor, OperatorDoesNotApply, VatIdWrong."""
    assert actor.company_id is not None
    company = companies_by_id([actor.company_id])[actor.company_id]
    if company.is_operator:
        raise OperatorDoesNotApply
    if queries.find_vendor(actor, company.id) is not None:
        raise AlreadyVendor
    if queries.open_application(company.id) is not None:
        raise ApplicationOpen
    vat_id, _ = checked_vat_id(facts["vat_id"], company.country)

    row = VendorApplication(**{**facts, "vat_id": vat_id}, company_id=company.id, created_by=actor.person_id)
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as failure:  # another of the company was faster
        raise ApplicationOpen from failure
    return row


def edit(actor: Actor, application_id: uuid.UUID, changes: Mapping[str, Any]) -> VendorApplication:
    """Change a draft, or answer questions. Raises ApplicationUnknown, ApplicationUnderReview, VatIdWrong."""
    row = queries.application(actor, application_id, lock=True)
    if row.state not in _EDITABLE:
        raise ApplicationUnderReview(state=row.state.value)
    if "vat_id" in changes:
        company = companies_by_id([row.company_id])[row.company_id]
        changes = {**changes, "vat_id": checked_vat_id(changes["vat_id"], company.country)[0]}

    for name, value in changes.items():
        setattr(row, name, value)
    db.session.flush()
    return row


def submit(actor: Actor, application_id: uuid.UUID) -> VendorApplication:
    """Hand it in, for the first time or with answers. Raises ApplicationUnknown, IllegalMove."""
    row = queries.application(actor, application_id, lock=True)
    move(row, ApplicationVerb.SUBMIT, actor)
    row.submitted_at = clock.now()
    db.session.flush()
    publish(ApplicationSubmitted(row.id))
    return row


def ask(actor: Actor, application_id: uuid.UUID, note: str) -> VendorApplication:
    """Ask the company; it answers by changing and submitting again. Raises ReasonMissing, IllegalMove."""
    row = _reviewed(actor, application_id, ApplicationVerb.ASK, note)
    number = sum(line.verb == ApplicationVerb.ASK for line in lines_of(row.__tablename__, row.id))
    publish(ApplicationQuestioned(row.id, number))
    return row


def decline(actor: Actor, application_id: uuid.UUID, note: str) -> VendorApplication:
    """Decline with a reason; the company may apply anew. Raises ReasonMissing, IllegalMove."""
    row = _reviewed(actor, application_id, ApplicationVerb.DECLINE, note)
    row.decided_at, row.decided_by = clock.now(), actor.person_id
    db.session.flush()
    publish(ApplicationDeclined(row.id))
    return row


def approve(actor: Actor, application_id: uuid.UUID, terms: Mapping[str, Any]) -> VendorApplication:
    """Make the company a vendor who may sell, with his terms from today and a public price list.

    `terms`: commission_rate (Decimal), and optionally commission_by_category {path: rate}, what else his terms say, and
    note. Raises ApplicationUnknown, IllegalMove, TermsExist; ValidationError with the pointer of each unknown category.
    """
    check(actor, Permission.APPLICATION_REVIEW)
    row = queries.application(actor, application_id, lock=True)
    move(row, ApplicationVerb.APPROVE, actor, note=terms.get("note", ""))
    row.note = terms.get("note", "")
    row.decided_at, row.decided_by = clock.now(), actor.person_id
    db.session.add(Vendor(id=row.company_id, application_id=row.id))
    db.session.flush()
    company = allow_selling(actor, row.company_id, allowed=True)
    agreed = {name: value for name, value in terms.items() if name != "note"}
    agree_terms(actor, company.id, {"valid_from": today(), "commission_by_category": {}} | agreed)
    public_list(company.id, company.currency)
    publish(VendorApproved(company.id))
    return row


def suspend(actor: Actor, vendor_id: uuid.UUID, note: str) -> Vendor:
    """He may not sell from now on: his offers leave every list. Raises VendorUnknown, ReasonMissing, IllegalMove."""
    return _moved(actor, vendor_id, VendorVerb.SUSPEND, note, VendorSuspended(vendor_id))


def reinstate(actor: Actor, vendor_id: uuid.UUID, note: str) -> Vendor:
    """He may sell again, with the offers he had. Raises VendorUnknown, ReasonMissing, IllegalMove."""
    return _moved(actor, vendor_id, VendorVerb.REINSTATE, note, VendorReinstated(vendor_id))


def close(actor: Actor, vendor_id: uuid.UUID, note: str) -> Vendor:
    """He sells no more; what he sold is still his to fulfil. Raises VendorUnknown, ReasonMissing, IllegalMove."""
    return _moved(actor, vendor_id, VendorVerb.CLOSE, note, VendorClosed(vendor_id))


def _reviewed(actor: Actor, application_id: uuid.UUID, verb: ApplicationVerb, note: str) -> VendorApplication:
    check(actor, Permission.APPLICATION_REVIEW)
    row = queries.application(actor, application_id, lock=True)
    if not note.strip():
        raise ReasonMissing(pointer="/note")

    move(row, verb, actor, note=note)
    row.note = note
    db.session.flush()
    return row


def _moved(actor: Actor, vendor_id: uuid.UUID, verb: VendorVerb, note: str, event: Event) -> Vendor:
    check(actor, Permission.APPLICATION_REVIEW)
    row = queries.vendor(actor, vendor_id, lock=True)
    if not note.strip():
        raise ReasonMissing(pointer="/note")

    move(row, verb, actor, note=note)
    row.note = note
    db.session.flush()
    allow_selling(actor, vendor_id, allowed=verb is VendorVerb.REINSTATE)
    publish(event)
    return row
