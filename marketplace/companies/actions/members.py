"""How a person comes to exist and to belong to a company."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from marketplace.companies import queries
from marketplace.companies.credentials import check_password_rules, hash_password
from marketplace.companies.models import Company, Membership, Person
from marketplace.kernel.access import Role
from marketplace.kernel.db import db
from marketplace.kernel.errors import Invalid


class RoleDoesNotFit(Invalid):
    """The company does not act on the side of this role."""


def new_person(facts: Mapping[str, Any], password_pointer: str) -> Person:
    """A person with a password; `facts`: name, email, password. Raises PasswordTooWeak."""
    email = facts["email"].lower()
    check_password_rules(facts["password"], email, password_pointer)
    person = Person(email=email, name=facts["name"], password_hash=hash_password(facts["password"]))
    db.session.add(person)
    db.session.flush()
    return person


def check_roles_fit(company: Company, roles: Iterable[Role], pointer: str = "/roles") -> None:
    """Raises RoleDoesNotFit."""
    fitting = queries.roles_that_fit(company)
    for role in roles:
        if role not in fitting:
            raise RoleDoesNotFit(
                f"This company has no '{role.value}'.", pointer=pointer, fitting=sorted(r.value for r in fitting)
            )


def give_roles(company_id: uuid.UUID, person_id: uuid.UUID, roles: Iterable[Role]) -> None:
    """Add the roles that the person does not hold yet."""
    held = {row.role for row in queries.memberships(company_id, person_id)}
    for role in sorted(set(roles) - held):
        db.session.add(Membership(company_id=company_id, person_id=person_id, role=role))
    db.session.flush()
