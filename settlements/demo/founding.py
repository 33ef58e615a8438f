"""How the companies of the demonstration came to be: registered, joined by their people, reviewed where they sell."""

import uuid

from marketplace.companies import actions as companies
from marketplace.kernel.access import ANONYMOUS
from marketplace.rules import actions as rules
from settlements.demo import acting, cast
from settlements.demo.cast import PASSWORD, Member, Someone

OPEN_INVITATION = ("einkauf-azubi@hansen.example", "buyer.requester")


def found() -> None:
    """The operator first, who then lets the vendors in."""
    everyone = cast.companies()
    rules.install_defaults()
    for company in everyone.values():
        _register(company)
    for vendor in cast.of_side("vendor"):
        queries_id = acting.chief(vendor.key).company_id
        companies.allow_selling(acting.chief("kontor"), queries_id, True)
    for company in everyone.values():
        for newcomer in company.people[1:]:
            _join(company.first, newcomer)


def _register(company: Member) -> uuid.UUID:
    facts = {
        "name": company.name,
        "country": company.country,
        "vat_id": company.vat_id,
        "registration_number": company.registration_number,
        "email": company.email,
        "phone": company.phone,
        "person": {"name": company.first.name, "email": company.first.email, "password": PASSWORD},
    }
    if company.side == "operator":
        made = companies.found_operator(facts)
    else:
        made = companies.register_company(ANONYMOUS, facts)
    for place in filter(None, (company.address, company.second_address)):
        street, code, city = place
        address = {"recipient": company.name, "line1": street, "postal_code": code, "city": city}
        companies.add_address(acting.person(company.first.email), address | {"country": company.country})
    return made.id


def _join(first: Someone, newcomer: Someone) -> None:
    _, link = companies.invite(acting.person(first.email), newcomer.email, [newcomer.role])
    told = {"name": newcomer.name, "password": PASSWORD}
    companies.accept_invitation(ANONYMOUS, link.rpartition("/")[2], told)
