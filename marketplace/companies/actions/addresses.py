"""A company's addresses: one may be the default; one that was used is archived, never removed."""

import uuid
from collections.abc import Mapping
from typing import Any

from marketplace.companies import queries
from marketplace.companies.models import Address
from marketplace.kernel import clock
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict, Forbidden


class AddressNotYours(Forbidden):
    """Only people of the company change its addresses."""


class AddressArchived(Conflict):
    """The address is no longer in use."""


def add_address(actor: Actor, facts: Mapping[str, Any]) -> Address:
    """A new address of the actor's company; the first one is its default. Raises CompanyNotFound."""
    company = queries.company_locked(_company_of(actor))
    address = Address(company_id=company.id, **facts)
    if queries.default_address(company.id) is None:
        address.is_default = True
    db.session.add(address)
    db.session.flush()
    _one_default(address)
    return address


def address_to_edit(actor: Actor, address_id: uuid.UUID) -> Address:
    """An address in use of the actor's own company. Raises AddressNotFound, AddressNotYours, AddressArchived."""
    address = queries.address(actor, address_id)
    if address.company_id != actor.company_id:
        raise AddressNotYours
    if address.archived_at is not None:
        raise AddressArchived
    return address


def edit_address(address: Address, changes: Mapping[str, Any]) -> Address:
    """Change an address that `address_to_edit` gave; orders keep their copy."""
    queries.company_locked(address.company_id)
    for name, value in changes.items():
        setattr(address, name, value)
    db.session.flush()
    _one_default(address)
    return address


def archive_address(address: Address) -> None:
    """Take an address that `address_to_edit` gave out of use."""
    address.archived_at = clock.now()
    address.is_default = False
    db.session.flush()


def _one_default(address: Address) -> None:
    if address.is_default:
        for other in queries.other_default_addresses(address.company_id, address.id):
            other.is_default = False
        db.session.flush()


def _company_of(actor: Actor) -> uuid.UUID:
    if actor.company_id is None:
        raise queries.CompanyNotFound
    return actor.company_id
