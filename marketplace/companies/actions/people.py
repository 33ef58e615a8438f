"""Who belongs to a company and as what: somebody always remains who manages its people."""

import uuid
from collections.abc import Collection

from marketplace.companies import queries
from marketplace.companies.actions.members import check_roles_fit, give_roles
from marketplace.companies.actions.signing_in import end_sessions
from marketplace.companies.models import Company
from marketplace.companies.queries import MANAGING, Member
from marketplace.kernel import clock
from marketplace.kernel.access import Actor, Role
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict


class LastManager(Conflict):
    """Without this person's role nobody could manage the company's people."""

    message = "Nobody else manages the people of this company. Give somebody else the role first."


def change_roles(actor: Actor, person_id: uuid.UUID, roles: Collection[Role]) -> Member:
    """The person holds exactly these roles from now on; his sessions for the company end, but the actor's own.

    Raises PersonNotFound, RoleDoesNotFit, LastManager.
    """
    company = _own_company_locked(actor)
    member = queries.member(actor, person_id)
    check_roles_fit(company, set(roles) - set(member.roles))
    if not MANAGING & set(roles):
        _refuse_last_manager(company, person_id)

    for row in queries.memberships(company.id, person_id):
        if row.role not in roles:
            db.session.delete(row)
    db.session.flush()
    give_roles(company.id, person_id, roles)
    end_sessions(person_id, company.id, beside=actor.session_id)
    return queries.member(actor, person_id)


def remove_member(actor: Actor, person_id: uuid.UUID) -> None:
    """The person leaves the company; his sessions and keys for it end. Raises PersonNotFound, LastManager."""
    company = _own_company_locked(actor)
    queries.member(actor, person_id)
    _refuse_last_manager(company, person_id)

    for row in queries.memberships(company.id, person_id):
        db.session.delete(row)
    for key in queries.keys_of(person_id, company.id):
        key.revoked_at = clock.now()
    end_sessions(person_id, company.id)


def _own_company_locked(actor: Actor) -> Company:
    """Under its lock, so that two managers cannot remove each other at once."""
    if actor.company_id is None:
        raise queries.CompanyNotFound
    return queries.company_locked(actor.company_id)


def _refuse_last_manager(company: Company, person_id: uuid.UUID) -> None:
    managers = {m.person_id for m in queries.members(company.id) if MANAGING & set(m.roles)}
    if managers <= {person_id}:
        raise LastManager
