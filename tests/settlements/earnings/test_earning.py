"""A vendor's money is pending until delivery, earned while it may come back, then due less the reserve: each once."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.pricing.facts import Order
from marketplace.shipments import actions as shipments
from settlements.earnings import actions, jobs, queries
from settlements.earnings.models import Earning
from settlements.earnings.states import EarningState
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from tests.builders.settlements import a_line, deliver, place

A, S = AccountKind, EarningState


@pytest.fixture
def paid(placed, pay):
    assert pay(placed.order).status_code == 201
    return placed


@pytest.fixture
def delivered(paid):
    with transaction():
        deliver(paid)
    return paid


def held(company, *kinds):
    return [
        -books.balance(kind, company.id, "EUR")
        for kind in kinds or (A.VENDOR_PENDING, A.VENDOR_EARNED, A.VENDOR_PAYABLE, A.VENDOR_RESERVE)
    ]


def own(*kinds):
    return [-books.balance(kind, None, "EUR") for kind in kinds]


def later(job, **by):
    with clock.moved(timedelta(**by)):
        job()


def proven():
    assert [str(difference) for difference in books.check_books()] == []


def test_delivered_is_earned_part_by_part_and_the_operators_delivery_with_its_group(paid, cast):
    assert held(cast.vendor_company) == [24515, 0, 0, 0]
    with transaction():
        deliver(paid, cast.vendor_company)
    assert held(cast.vendor_company) == [0, 24515, 0, 0]
    assert held(cast.rival_vendor_company) == [14888, 0, 0, 0]
    assert own(A.COMMISSION_DEFERRED, A.COMMISSION_REVENUE) == [2127, 2592]
    assert own(A.SHIPPING_DEFERRED, A.SHIPPING_REVENUE, A.TAX_DEFERRED, A.TAX_PAYABLE) == [1490, 0, 298, 0]
    proven()
    with transaction():
        deliver(paid, cast.rival_vendor_company)
    assert held(cast.rival_vendor_company) == [0, 14888, 0, 0]
    assert own(A.COMMISSION_DEFERRED, A.COMMISSION_REVENUE, A.PROMO_DEFERRED, A.PROMO_EXPENSE) == [0, 4719, 0, -2236]
    assert own(A.SHIPPING_DEFERRED, A.SHIPPING_REVENUE, A.TAX_DEFERRED, A.TAX_PAYABLE) == [0, 1490, 0, 298]
    proven()


def test_due_after_the_return_window_with_a_tenth_held_back_for_thirty_days(delivered, cast):
    a, b = cast.vendor_company, cast.rival_vendor_company
    later(jobs.fall_due, days=2, hours=23)
    assert held(a) == [0, 24515, 0, 0]
    later(jobs.fall_due, days=3, minutes=1)
    assert held(a) == [0, 0, 22064, 2451]
    assert held(b) == [0, 0, 13400, 1488]
    proven()
    later(jobs.release_reserves, days=32)
    assert held(a, A.VENDOR_RESERVE) == [2451]
    later(jobs.release_reserves, days=34)
    assert held(a) == [0, 0, 24515, 0]
    proven()


def test_every_job_may_run_twice(delivered, cast):
    before = books.trial_balance()
    with transaction():
        actions.delivered(delivered.parts[cast.vendor_company.id].id)
    assert books.trial_balance() == before
    for job, days in ((jobs.fall_due, 4), (jobs.release_reserves, 40)):
        later(job, days=days)
        once = books.trial_balance()
        later(job, days=days)
        assert books.trial_balance() == once


def test_what_ships_without_tracking_is_earned_after_a_while(paid, cast):
    part = paid.parts[cast.vendor_company.id]
    with transaction():
        orders.confirm(SYSTEM, part.id)
        lines = order_queries.lines_of(paid.order.id, part.id)
        orders.units_shipped(SYSTEM, part, {line.id: line.quantity for line in lines})
    later(jobs.assume_delivered, days=13)
    assert held(cast.vendor_company) == [24515, 0, 0, 0]
    later(jobs.assume_delivered, days=15)
    assert held(cast.vendor_company) == [0, 24515, 0, 0]
    proven()


def test_a_part_that_cannot_be_earned_by_time_stops_no_other(paid, cast, monkeypatch):
    with transaction():
        for part in paid.parts.values():
            orders.confirm(SYSTEM, part.id)
            lines = order_queries.lines_of(paid.order.id, part.id)
            orders.units_shipped(SYSTEM, part, {line.id: line.quantity for line in lines})
    done, failed = actions.delivered, []

    def fails(vendor_order_id, at):
        if failed in ([], [vendor_order_id]):
            failed[:] = [vendor_order_id]
            raise RuntimeError("nobody thought of this")
        return done(vendor_order_id, at)

    monkeypatch.setattr(actions, "delivered", fails)
    monkeypatch.setattr(jobs, "_BATCH", 1)
    later(jobs.assume_delivered, days=15)
    assert [held(company)[1] > 0 for company in (cast.vendor_company, cast.rival_vendor_company)].count(True) == 1


def test_what_ships_in_a_parcel_is_earned_once_that_has_arrived(paid, cast):
    part = paid.parts[cast.vendor_company.id]
    with transaction():
        orders.confirm(SYSTEM, part.id)
        parcel = shipments.ship(
            SYSTEM, part.id, {"carrier": "", "tracking_number": "", "lines": None, "announce_only": False}
        )
    later(jobs.assume_delivered, days=15)
    assert held(cast.vendor_company) == [24515, 0, 0, 0]
    with transaction():
        shipments.assume_delivered(SYSTEM, parcel.id)
    assert held(cast.vendor_company) == [0, 24515, 0, 0]
    proven()


def test_a_cancelled_part_is_no_longer_waited_for(paid, cast):
    with transaction():
        deliver(paid, cast.vendor_company)
        orders.cancel_part(SYSTEM, paid.parts[cast.rival_vendor_company.id].id)
    assert held(cast.rival_vendor_company) == [0, 0, 0, 0]
    assert own(A.SHIPPING_DEFERRED, A.TAX_DEFERRED, A.COMMISSION_DEFERRED, A.PROMO_DEFERRED) == [0, 0, 0, 0]
    proven()


def test_a_part_that_is_cancelled_whole_has_no_stage(session, cast, gateway, pay):
    with transaction():
        wanted = Order("EUR", False, (a_line("A1", cast.vendor_company.id, 2, "10.00"),))
        placed = place(cast.buyer, wanted, [cast.vendor_company])
    assert pay(placed.order).status_code == 201
    with transaction():
        orders.cancel(cast.buyer, placed.order.id)
    assert held(cast.vendor_company) == [0, 0, 0, 0]
    assert session.get(Earning, placed.parts[cast.vendor_company.id].id) is None
    proven()


def test_on_net_terms_it_waits_for_the_buyer_as_well(paid, cast):
    part = paid.parts[cast.vendor_company.id]
    with transaction():
        row = actions.invoiced(part.id)
    assert (row.state, row.buyer_owes) == (S.INVOICED, True)
    with transaction():
        deliver(paid, cast.vendor_company)
    assert (row.state, row.delivered_at is not None) == (S.INVOICED, True)
    with clock.moved(timedelta(days=40)), transaction():
        actions.release(part.id)
    assert row.state is S.DUE
    assert held(cast.vendor_company) == [0, 0, 22064, 2451]


def test_a_financed_vendor_does_not_wait_for_the_buyer(paid, cast):
    part = paid.parts[cast.vendor_company.id]
    with transaction():
        part.settlement_terms = {**part.settlement_terms, "prefinanced": True}
        actions.invoiced(part.id)
        deliver(paid, cast.vendor_company)
    assert held(cast.vendor_company) == [0, 24515, 0, 0]


def test_a_debt_takes_from_the_reserve_and_the_rest_is_released(delivered, cast):
    later(jobs.fall_due, days=4)
    vendor = cast.vendor_company.id
    row = queries.earning(delivered.parts[vendor].id)
    with transaction():
        assert actions.use_reserve(vendor, "EUR", 2000) == 2000
        assert actions.use_reserve(vendor, "USD", 2000) == 0
    assert (row.reserve_minor, row.reserve_left_minor) == (2451, 451)
    later(jobs.release_reserves, days=40)
    assert held(cast.vendor_company, A.VENDOR_RESERVE) == [2000]  # what the debt took is booked by who took it


def test_the_books_tell_of_money_in_the_wrong_stage(delivered, session, cast):
    row = queries.earning(delivered.parts[cast.vendor_company.id].id)
    row.reserve_minor = row.reserve_left_minor = 7
    session.flush()
    session.execute(Earning.__table__.update().where(Earning.id == row.id).values(state="due"))
    whats = {difference.what for difference in books.check_books()}
    assert whats == {"money of a due order", "reserve held"}
