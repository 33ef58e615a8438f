"""A parcel that nobody reports counts as delivered after its time, and says so, unless its buyer misses it."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import transaction
from marketplace.kernel.history import lines_of
from marketplace.orders.models import VendorOrder
from marketplace.returns import actions as returns
from marketplace.returns import queries as return_queries
from marketplace.returns.models import ReturnLine
from marketplace.returns.states import LineState
from marketplace.shipments import actions as shipments
from marketplace.shipments.models import Parcel
from tests.builders.catalogue import an_offer
from tests.builders.orders import a_confirmed_order, a_market
from tests.pages import see, send
from vendors.desk import jobs


@pytest.fixture
def market(session):
    with transaction():
        market = a_market()
        market.offers["A"] = an_offer(market.vendors["A"], price="10.00", sku="A")
    return market


@pytest.fixture
def whole(market):
    with transaction():
        return a_confirmed_order(market, {"A": 10})


def shipped(whole, tracking="", quantity=10):
    lines = [{"line_id": whole.lines[0].id, "quantity": quantity}]
    wanted = {"carrier": "Rhenus", "tracking_number": tracking, "lines": lines, "announce_only": False}
    with transaction():
        return shipments.ship(SYSTEM, whole.parts[0].id, wanted)


def missed(market, whole, quantity):
    line = {"line_id": whole.lines[0].id, "quantity": quantity, "reason": "not_received"}
    with transaction():
        case = returns.open_case(market.actor, whole.order.id, [line])
        return return_queries.lines_of(SYSTEM, case.id)[0]


def after(session, **time):
    """The parcel's and the vendor order's state once the job ran that much later."""
    with clock.moved(timedelta(**time)):
        jobs.assume_delivered()
    session.expire_all()
    parcel = session.query(Parcel).order_by(Parcel.number).first()
    return parcel.state.value, parcel.delivery_assumed, session.query(VendorOrder).one().state.value


@pytest.mark.parametrize(("tracking", "days"), [("", 14), ("RH 4711", 30)])
def test_time_answers_for_a_carrier_who_says_nothing(client_as, market, whole, session, tracking, days):
    parcel = shipped(whole, tracking)
    client = client_as(market.actor)
    (told,) = client.get(f"/v1/orders/{whole.order.id}/parcels").json["items"]
    assert told["counts_as_delivered_at"] == (parcel.shipped_at + timedelta(days=days)).isoformat()
    assert after(session, days=days, minutes=-1) == ("in_transit", False, "shipped")
    assert after(session, days=days, minutes=1) == ("delivered", True, "delivered")
    assert [line.note for line in lines_of("parcel", parcel.id)][1:] == [f"Nobody reported it within {days} days."]
    (told,) = client.get(f"/v1/orders/{whole.order.id}/parcels").json["items"]
    assert (told["delivery_assumed"], told["counts_as_delivered_at"]) == (True, None)
    text = see(client, f"/orders/{whole.order.id}").text
    assert "Counts as delivered since" in text
    assert f"Nobody reported it within {days} days." in text  # in what happened to the order
    assert "Delivered" not in text
    assert len(lines_of("vendor_order", whole.parts[0].id)) == 4
    after(session, days=days + 1)
    assert len(lines_of("vendor_order", whole.parts[0].id)) == 4


def test_what_its_vendor_reported_is_not_assumed(whole, session):
    parcel = shipped(whole)
    with transaction():
        shipments.deliver(SYSTEM, parcel.id)
    assert after(session, days=15) == ("delivered", False, "delivered")


def test_what_is_reported_after_its_time_was_reported(client_as, market, whole, session):
    parcel = shipped(whole)
    assert after(session, days=15) == ("delivered", True, "delivered")
    counted_at, page = session.get(Parcel, parcel.id).delivered_at, f"/desk/orders/{whole.parts[0].id}"
    vendor = client_as(market.vendor_actor("A"))
    assert send(vendor, page, f"{page}/parcels/{parcel.id}/deliver").status_code == 303
    assert after(session, days=15) == ("delivered", False, "delivered")
    assert session.get(Parcel, parcel.id).delivered_at == counted_at
    for text in (see(vendor, page).text, see(client_as(market.actor), f"/orders/{whole.order.id}").text):
        assert ("nobody reported it" in text, "It has arrived" in text) == (False, False)


def test_a_part_may_still_be_shipped_when_the_time_of_another_is_over(whole, session):
    shipped(whole, quantity=4)
    assert after(session, days=15) == ("delivered", True, "part_shipped")


def test_what_the_buyer_misses_waits_until_that_is_decided(market, whole, session):
    shipped(whole)
    line = missed(market, whole, 3)
    assert after(session, days=15) == ("in_transit", False, "shipped")
    with transaction():
        returns.withdraw(market.actor, line.case_id, line.id)
    assert after(session, days=15) == ("delivered", True, "delivered")


@pytest.mark.parametrize(("quantity", "expected"), [(10, "lost"), (3, "delivered")])
def test_what_was_settled_as_not_received_did_not_arrive(client_as, market, whole, session, quantity, expected):
    shipped(whole)
    line = missed(market, whole, quantity)
    with transaction():
        session.get(ReturnLine, line.id).state = LineState.SETTLED
    assert after(session, days=15) == (expected, expected == "delivered", "delivered")
    text = see(client_as(market.actor), f"/orders/{whole.order.id}").text
    assert ("No parcel of it has arrived." in text) is (expected == "lost")


def test_what_is_missed_while_the_job_runs_is_not_assumed(market, whole, session, monkeypatch):
    shipped(whole)
    locked = jobs.actions.orders.order

    def missed_before(actor, order_id, **options):
        monkeypatch.setattr(jobs.actions.orders, "order", locked)
        line = {"line_id": whole.lines[0].id, "quantity": 1, "reason": "not_received"}
        returns.open_case(market.actor, order_id, [line])
        return locked(actor, order_id, **options)

    monkeypatch.setattr(jobs.actions.orders, "order", missed_before)
    assert after(session, days=15) == ("in_transit", False, "shipped")
