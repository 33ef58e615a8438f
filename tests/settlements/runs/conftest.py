"""A marketplace of which statements are made: two vendors in Austria with terms, and orders that fell due."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.db import transaction
from settlements.earnings import jobs as earning_jobs
from settlements.payments import jobs as payment_jobs
from settlements.payments.actions import reserve
from settlements.runs import actions, jobs
from tests.builders.catalogue import terms_for
from tests.builders.rules import default_rules
from tests.builders.settlements import deliver, place_example_one


@pytest.fixture
def vendors(session, cast):
    """Vendor A with 12 percent commission, B with 15, where the standard rate is 20 percent."""
    default_rules()
    cast.operator_company.country = "AT"
    for company in (cast.vendor_company, cast.rival_vendor_company):
        company.country = "AT"
        terms_for(company, minimum_payout={"EUR": 2500})
    session.commit()
    return cast.vendor_company, cast.rival_vendor_company


@pytest.fixture
def due(vendors, cast, gateway):
    """`due(days_ago)`: example 1 was paid and delivered so many days ago, and has fallen due since, if these are more
    than three."""

    def make(days_ago=4):
        with clock.moved(timedelta(days=-days_ago)):
            with transaction():
                placed = place_example_one(cast.buyer, *vendors)
                payment = reserve(cast.buyer, placed.order.id)
            payment_jobs.take(payment.id, "pm_card_visa")
            with transaction():
                deliver(placed)
        earning_jobs.fall_due()
        return placed

    return make


@pytest.fixture
def settle(vendors):
    """`settle(actor)`: a run of all vendors up to now, closed; returns its statements by vendor."""

    def run(actor, **asked):
        with transaction():
            opened = actions.open_now(actor, **asked)
        jobs.perform(str(opened.id))
        return opened

    return run
