"""Companies with people in them, written as rows; actors as the app would load them."""

import itertools
import uuid

from marketplace.companies.models import Address, Company, Membership, Person
from marketplace.kernel.access import Actor, Role
from tests.builders.rows import kept, together

_number = itertools.count(1)


def a_company(name="Acme", country="DE", *, may_sell=False, is_operator=False, vat_id=None, currency="EUR", **others):
    return kept(
        Company(
            name=name,
            country=country,
            may_sell=may_sell,
            is_operator=is_operator,
            vat_id=vat_id,
            currency=currency,
            **others,
        )
    )


def a_person(name="Ada Example", email=None, password_hash=None, **others):
    address = email or f"person{next(_number)}-{uuid.uuid4().hex[:8]}@example.test"
    return kept(Person(name=name, email=address, password_hash=password_hash, **others))


@together()
def a_membership(company, person, *roles):
    for role in roles:
        kept(Membership(company_id=company.id, person_id=person.id, role=role.value))


@together()
def an_actor(company, *roles: Role, person=None) -> Actor:
    """A person with these roles in the company, as he acts; `an_actor(acme, Role.BUYER)`."""
    member = person or a_person()
    a_membership(company, member, *roles)
    return Actor(
        person_id=member.id,
        company_id=company.id,
        roles=frozenset(roles),
        may_sell=company.may_sell,
        name=member.name,
    )


def an_address(company, *, country=None, city="Hamburg", is_default=False, **others):
    values = {"recipient": company.name, "line1": "Kai 1", "postal_code": "20457"} | others
    return kept(
        Address(company_id=company.id, country=country or company.country, city=city, is_default=is_default, **values)
    )
