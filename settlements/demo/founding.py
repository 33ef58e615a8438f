"""How the companies of the demonstration came to be: registered, joined by their people, reviewed where they sell."""

import uuid
from datetime import timedelta
from decimal import Decimal

from marketplace.agreements import queries as agreed
from marketplace.companies import actions as companies
from marketplace.kernel import clock
from marketplace.kernel.access import ANONYMOUS
from marketplace.rules import actions as rules
from settlements.demo import acting, cast, shelves
from settlements.demo.cast import PASSWORD, Member, Someone
from vendors.onboarding import actions as onboarding

_APPLIED = timedelta(days=2)  # ago: those who wait for the operator


def found() -> None:
    """The operator with his categories first, who then lets the vendors in."""
    everyone = list(cast.companies().values())
    rules.install_defaults()
    for company in everyone:
        _register(company)
    shelves.plant(acting.chief("kontor"))
    for vendor in cast.of_side("vendor"):
        _let_in(vendor)
    for applicant in cast.of_side("applicant"):
        with clock.moved(-_APPLIED):
            _wait(applicant)
    for company in everyone:
        for newcomer in company.people[1:]:
            _join(company.first, newcomer)


def _let_in(vendor: Member) -> None:
    """He is settled on the weekday of the loading: so the books are the same on whichever day that is."""
    with clock.moved(timedelta()):
        weekday = agreed.today().isoweekday()
    rates = {path: Decimal(rate) for path, rate in vendor.commission_by_category.items()}
    terms = {"commission_rate": Decimal(vendor.commission), "commission_by_category": rates, "cycle_day": weekday}
    onboarding.approve(acting.chief("kontor"), _apply(vendor), terms)


def _wait(applicant: Member) -> None:
    application_id = _apply(applicant)
    if applicant.question:
        onboarding.ask(acting.chief("kontor"), application_id, applicant.question)


def _apply(company: Member) -> uuid.UUID:
    actor = acting.chief(company.key)
    facts = {
        "legal_name": company.name,
        "registration_number": company.registration_number,
        "vat_id": company.vat_id,
        "contact_email": company.email,
        "website": company.website,
        "goods": company.goods,
    }
    return onboarding.submit(actor, onboarding.draft(actor, facts).id).id


def _register(company: Member) -> None:
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
        companies.found_operator(facts)
    else:
        companies.register_company(ANONYMOUS, facts)
    for place in filter(None, (company.address, company.second_address)):
        street, code, city = place
        address = {"recipient": company.name, "line1": street, "postal_code": code, "city": city}
        companies.add_address(acting.person(company.first.email), address | {"country": company.country})


def _join(first: Someone, newcomer: Someone) -> None:
    _, link = companies.invite(acting.person(first.email), newcomer.email, [newcomer.role])
    told = {"name": newcomer.name, "password": PASSWORD}
    companies.accept_invitation(ANONYMOUS, link.rpartition("/")[2], told)
