"""The demonstration is played by its own people: everything is done by somebody who may do it."""

from marketplace.companies import queries
from marketplace.kernel.access import Actor
from settlements.demo import cast


def person(email: str) -> Actor:
    """Who acts when this person does something for the company joined first."""
    found = queries.person_by_email(email)
    if found is None:
        raise queries.PersonNotFound
    company = queries.belongings(found.id)[0]
    return Actor(
        person_id=found.id,
        company_id=company.company_id,
        roles=frozenset(company.roles),
        may_sell=company.may_sell,
        name=found.name,
    )


def chief(key: str) -> Actor:
    """The first person of a company."""
    return person(cast.companies()[key].first.email)


def clerk(key: str) -> Actor:
    """The last person of a company: at a vendor's, who packs."""
    return person(cast.companies()[key].people[-1].email)
