"""Register a company, read and edit its profile and its addresses."""

import uuid
from typing import Any

from flask import Response

from marketplace.companies import actions, queries, throttle
from marketplace.companies.models import Company
from marketplace.companies.schemas import (
    AddAddress,
    AddressPage,
    CompanyAddressOut,
    CompanyOut,
    CompanyPage,
    CompanyPublicOut,
    EditAddress,
    EditCompany,
    RegisterCompany,
)
from marketplace.kernel.access import Actor, Permission, current_actor, public, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, check_match, tagged

routes = api_blueprint("companies", "Companies, their profiles and addresses.")


@routes.post("/companies")
@public
@routes.arguments(RegisterCompany)
@routes.response(201, CompanyOut)
@routes.alt_response(409, schema=ProblemOut, description="The e-mail address is registered already.")
@routes.alt_response(429, schema=ProblemOut, description="Too many tries; Retry-After says when to try again.")
def register_company(wanted: dict[str, Any]) -> Response:
    """Register a company with its administrator: the person sent, or whoever is signed in."""
    throttle.registration_try()
    with transaction():
        company = actions.register_company(current_actor(), wanted)
    return tagged(CompanyOut().dump(company), company, 201)


@routes.get("/companies")
@requires(Permission.COMPANY_READ)
@routes.arguments(PageArgs, location="query")
@routes.response(200, CompanyPage)
def list_companies(args: dict[str, Any]) -> Page:
    """The companies that sell, and one's own; the operator sees all."""
    return queries.companies(current_actor(), args)


@routes.get("/companies/<uuid:company_id>")
@requires(Permission.COMPANY_READ)
@routes.response(200, CompanyOut)
@routes.alt_response(404, schema=ProblemOut)
def get_company(company_id: uuid.UUID) -> Response:
    """A company: the whole profile for its own people and the operator, name and country for others."""
    company = queries.company(current_actor(), company_id)
    return tagged(_view(current_actor(), company).dump(company), company)


@routes.get("/company")
@requires(Permission.COMPANY_READ)
@routes.response(200, CompanyOut)
def get_own_company() -> Response:
    """The company one acts for."""
    company = queries.own_company(current_actor())
    return tagged(CompanyOut().dump(company), company)


@routes.patch("/company")
@requires(Permission.COMPANY_EDIT)
@routes.arguments(EditCompany)
@routes.response(200, CompanyOut)
@routes.alt_response(412, schema=ProblemOut, description="It was changed since it was read.")
def edit_own_company(changes: dict[str, Any]) -> Response:
    """Edit the profile of the company one acts for; If-Match names the version that was read."""
    with transaction():
        company = queries.own_company(current_actor())
        check_match(company)
        actions.edit_company(company, changes)
    return tagged(CompanyOut().dump(company), company)


@routes.get("/addresses")
@requires(Permission.ADDRESS_READ)
@routes.arguments(PageArgs, location="query")
@routes.response(200, AddressPage)
def list_addresses(args: dict[str, Any]) -> Page:
    """The addresses in use of the company one acts for."""
    return queries.addresses(current_actor(), args)


@routes.post("/addresses")
@requires(Permission.ADDRESS_EDIT)
@routes.arguments(AddAddress)
@routes.response(201, CompanyAddressOut)
def add_address(wanted: dict[str, Any]) -> Response:
    """Add an address; the first one is the default."""
    with transaction():
        address = actions.add_address(current_actor(), wanted)
    return tagged(CompanyAddressOut().dump(address), address, 201)


@routes.get("/addresses/<uuid:address_id>")
@requires(Permission.ADDRESS_READ)
@routes.response(200, CompanyAddressOut)
@routes.alt_response(404, schema=ProblemOut)
def get_address(address_id: uuid.UUID) -> Response:
    """One address."""
    address = queries.address(current_actor(), address_id)
    return tagged(CompanyAddressOut().dump(address), address)


@routes.patch("/addresses/<uuid:address_id>")
@requires(Permission.ADDRESS_EDIT)
@routes.arguments(EditAddress)
@routes.response(200, CompanyAddressOut)
@routes.alt_response(404, schema=ProblemOut)
@routes.alt_response(412, schema=ProblemOut, description="It was changed since it was read.")
def edit_address(changes: dict[str, Any], address_id: uuid.UUID) -> Response:
    """Edit an address; If-Match names the version that was read. Orders keep the copy they were placed with."""
    with transaction():
        address = actions.address_to_edit(current_actor(), address_id)
        check_match(address)
        actions.edit_address(address, changes)
    return tagged(CompanyAddressOut().dump(address), address)


@routes.delete("/addresses/<uuid:address_id>")
@requires(Permission.ADDRESS_EDIT)
@routes.response(204)
@routes.alt_response(404, schema=ProblemOut)
@routes.alt_response(412, schema=ProblemOut, description="It was changed since it was read.")
def archive_address(address_id: uuid.UUID) -> None:
    """Take an address out of use; If-Match names the version that was read."""
    with transaction():
        address = actions.address_to_edit(current_actor(), address_id)
        check_match(address)
        actions.archive_address(address)


def _view(actor: Actor, company: Company) -> CompanyPublicOut:
    whole = actor.sees_all or actor.company_id == company.id
    return CompanyOut() if whole else CompanyPublicOut()
