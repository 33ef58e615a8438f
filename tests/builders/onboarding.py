"""Applications and vendors, by the same actions as the API; needs an open transaction."""

from decimal import Decimal
from typing import Any

from marketplace.companies.models import Company
from marketplace.kernel.access import Actor, Role
from tests.builders.companies import an_actor
from vendors.onboarding import actions
from vendors.onboarding.models import VendorApplication

FACTS = {
    "legal_name": "Nordwerk GmbH",
    "registration_number": "HRB 12345",
    "vat_id": "DE136695976",
    "contact_email": "sales@nordwerk.example",
}


def an_application(
    company: Company, *, submitted: bool = True, actor: Actor | None = None, **facts: Any
) -> VendorApplication:
    """An application of the company, handed in unless `submitted` is False."""
    applicant = actor or an_actor(company, Role.ADMINISTRATOR)
    row = actions.draft(applicant, FACTS | facts)
    return actions.submit(applicant, row.id) if submitted else row


def an_approved_vendor(company: Company, operator: Actor, rate: str = "0.10") -> VendorApplication:
    """The company as an active vendor with his terms."""
    return actions.approve(operator, an_application(company).id, {"commission_rate": Decimal(rate)})
