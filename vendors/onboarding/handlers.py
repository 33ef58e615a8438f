"""What decisions about vendors cause: letters to the applicant, and a search that shows the vendor's goods or not."""

from collections.abc import Sequence

from marketplace.catalogue.actions import search_changed
from marketplace.companies.events import SellingChanged
from marketplace.kernel.access import SYSTEM
from marketplace.notifications.actions import notify
from vendors.onboarding import queries
from vendors.onboarding.events import ApplicationDeclined, ApplicationQuestioned


def write_questions(events: Sequence[ApplicationQuestioned]) -> None:
    for event in events:
        row = queries.application(SYSTEM, event.application_id)
        source = f"application:{row.id}:questions:{event.number}"
        notify(row.company_id, "application_questions", source, {"note": row.note}, to=row.contact_email)


def write_declined(events: Sequence[ApplicationDeclined]) -> None:
    for event in events:
        row = queries.application(SYSTEM, event.application_id)
        source = f"application:{row.id}:declined"
        notify(row.company_id, "application_declined", source, {"note": row.note}, to=row.contact_email)


def refresh_search(events: Sequence[SellingChanged]) -> None:
    """Search shows every product that such a vendor offers differently from now on."""
    for company_id in {event.company_id for event in events}:
        for product_ids in queries.offered_products(company_id):
            search_changed(product_ids)
