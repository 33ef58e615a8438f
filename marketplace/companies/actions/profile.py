"""A company registers with its first person, edits its profile, and may or may not sell."""

import uuid
from collections.abc import Mapping
from typing import Any

from marketplace.companies import queries
from marketplace.companies.actions.members import new_person
from marketplace.companies.events import CompanyRegistered, SellingChanged
from marketplace.companies.models import Company, Membership
from marketplace.companies.tax_ids import checked_vat_id
from marketplace.kernel import clock
from marketplace.kernel.access import ANONYMOUS, Actor, Permission, Role, Side, check
from marketplace.kernel.db import advisory_lock, db
from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.outbox import publish


class EmailTaken(Conflict):
    """Somebody registered with this e-mail address already."""

    message = "This e-mail address is registered already. Sign in, then register the company."


class PersonMissing(Invalid):
    """A company is registered by a person: signed in, or registering with it."""

    message = "Say who registers the company: name, email and password."


class OperatorExists(Conflict):
    """A marketplace has one operator."""

    message = "This marketplace has an operator already; ask to be invited."


def found_operator(wanted: Mapping[str, Any]) -> Company:
    """The company that runs the marketplace, with its first person; once in a database.

    `wanted` as of `register_company`, with a person. Raises OperatorExists and what `register_company` raises.
    """
    advisory_lock("operator")
    if queries.operator_exists():
        raise OperatorExists
    company = register_company(ANONYMOUS, wanted)

    company.is_operator = True
    for row in queries.memberships(company.id):
        row.role = Role.OPERATOR
    db.session.flush()
    return company


def register_company(actor: Actor, wanted: Mapping[str, Any]) -> Company:
    """A new company, whose first person is its administrator: the signed-in actor, or `wanted["person"]`, who is new.

    `wanted`: name, country, vat_id, registration_number, currency, email, phone; person: name, email, password.
    Raises PersonMissing, EmailTaken, PasswordTooWeak, VatIdWrong.
    """
    facts = {key: value for key, value in wanted.items() if key not in {"person", "vat_id"}}
    company = Company(**facts)
    _set_vat_id(company, wanted.get("vat_id"))
    person_id = actor.person_id
    if person_id is None:
        if wanted.get("person") is None:
            raise PersonMissing(pointer="/person")
        advisory_lock(f"person:{wanted['person']['email'].lower()}")
        if queries.person_by_email(wanted["person"]["email"]) is not None:
            raise EmailTaken(pointer="/person/email")
        person_id = new_person(wanted["person"], "/person/password").id

    db.session.add(company)
    db.session.flush()
    db.session.add(Membership(company_id=company.id, person_id=person_id, role=Role.ADMINISTRATOR))
    publish(CompanyRegistered(company.id, person_id))
    return company


def edit_company(company: Company, changes: Mapping[str, Any]) -> Company:
    """Change the profile of a company that the caller found and may edit. Raises VatIdWrong."""
    if "vat_id" in changes:
        _set_vat_id(company, changes["vat_id"])

    for name, value in changes.items():
        if name != "vat_id":
            setattr(company, name, value)
    db.session.flush()
    return company


def allow_selling(actor: Actor, company_id: uuid.UUID, allowed: bool) -> Company:
    """Let a company sell, or stop it; the first time its administrators become its vendor's managers.

    Twice the same changes nothing. Raises CompanyNotFound, NotAllowed.
    """
    check(actor, Permission.APPLICATION_REVIEW)
    company = queries.company_locked(company_id)
    if company.may_sell == allowed:
        return company

    company.may_sell = allowed
    if allowed:
        _appoint_managers(company)
    db.session.flush()
    publish(SellingChanged(company.id, allowed))
    return company


def _appoint_managers(company: Company) -> None:
    held = queries.memberships(company.id)
    if any(Role(row.role).side is Side.VENDOR for row in held):
        return
    for row in held:
        if row.role == Role.ADMINISTRATOR:
            db.session.add(Membership(company_id=company.id, person_id=row.person_id, role=Role.VENDOR_MANAGER))


def _set_vat_id(company: Company, text: str | None) -> None:
    if not text:
        company.vat_id = company.vat_checked_at = None
        return
    company.vat_id, verified = checked_vat_id(text, company.country)
    company.vat_checked_at = clock.now() if verified else None
