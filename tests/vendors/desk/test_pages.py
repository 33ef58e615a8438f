"""The desk: a vendor works on his own parts, sees nothing of other vendors, and can tell of a parcel twice."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.access import Role
from marketplace.kernel.db import transaction
from marketplace.orders.models import OrderLine, VendorOrder
from marketplace.shipments.models import Parcel
from tests.builders.catalogue import an_offer
from tests.builders.companies import an_actor
from tests.builders.orders import a_confirmed_order, a_market, a_paid_order, an_order
from tests.pages import read, see, send


@pytest.fixture
def market(session):
    with transaction():
        market = a_market()
        for name, vendor in market.vendors.items():
            market.offers[name] = an_offer(vendor, price="10.00", sku=name)
    return market


@pytest.fixture
def vendor(market, session):
    actor = market.vendor_actor("A")
    session.commit()
    return actor


def test_a_vendor_sees_his_part_and_no_other(client_as, market, vendor, session):
    with transaction():
        order = a_paid_order(market, {"A": 10, "B": 5})
    client = client_as(vendor)
    text = see(client, "/desk/orders").text
    assert order.parts[0].number in text
    assert order.parts[1].number not in text
    text = see(client, f"/desk/orders/{order.parts[0].id}").text
    assert "Vendor B" not in text
    assert "109.00 EUR" in text  # 100.00 + 19.00 tax - 10.00 commission
    see(client, f"/desk/orders/{order.parts[1].id}", 404)
    see(client_as(market.actor), "/desk/orders", 403)


def test_the_address_is_his_once_it_is_paid(client_as, market, vendor):
    with transaction():
        order = an_order(market, {"A": 1})
    assert "Kai 1" not in see(client_as(vendor), f"/desk/orders/{order.parts[0].id}").text


def test_a_late_confirmation_is_marked(client_as, market, vendor, session):
    with transaction():
        order = a_paid_order(market, {"A": 1})
        session.get(VendorOrder, order.parts[0].id).confirm_by = clock.now() - timedelta(minutes=1)
    client = client_as(vendor)
    assert order.parts[0].number in see(client, "/desk/orders?late=true").text
    assert " late " in see(client, f"/desk/orders/{order.parts[0].id}").text
    assert send(client, f"/desk/orders/{order.parts[0].id}", "/confirm").status_code == 303
    assert order.parts[0].number not in see(client, "/desk/orders?late=true").text


def test_declining_needs_a_reason_and_leaves_the_others(client_as, market, vendor, session):
    with transaction():
        order = a_paid_order(market, {"A": 10, "B": 5})
    client, path = client_as(vendor), f"/desk/orders/{order.parts[0].id}"
    refused = send(client, path, "/decline", everything="true")
    assert refused.status_code == 422
    assert "Reason:" in read(refused).text
    assert send(client, path, "/decline", everything="true", reason="Sold out").status_code == 303
    states = {part.number: part.state.value for part in session.query(VendorOrder)}
    assert states == {order.parts[0].number: "cancelled", order.parts[1].number: "to_confirm"}
    assert "Sold out" in see(client_as(market.actor), f"/orders/{order.order.id}").text


def test_a_clerk_ships_and_does_not_decline(client_as, market, session):
    with transaction():
        order = a_confirmed_order(market, {"A": 10})
        clerk = an_actor(market.vendors["A"], Role.VENDOR_CLERK)
    client, path = client_as(clerk), f"/desk/orders/{order.parts[0].id}"
    actions = [form.action for form in see(client, path).forms]
    assert any(action.endswith("/ship") for action in actions)
    assert not any(action.endswith("/decline") for action in actions)


def test_more_than_is_open_is_not_shipped(client_as, market, vendor, session):
    with transaction():
        order = a_confirmed_order(market, {"A": 10})
    path, line = f"/desk/orders/{order.parts[0].id}", order.lines[0]
    refused = send(client_as(vendor), path, "/ship", carrier="Hanse", **{f"ship-{line.id}": "11"})
    assert refused.status_code == 409
    assert next(form for form in read(refused).forms if "carrier" in form.fields).fields["carrier"] == "Hanse"
    assert session.query(Parcel).count() == 0


def test_a_parcel_is_packed_sent_and_delivered_and_told_twice(client_as, market, vendor, session):
    with transaction():
        order = a_confirmed_order(market, {"A": 10})
    client, path = client_as(vendor), f"/desk/orders/{order.parts[0].id}"
    assert send(client, path, "/ship", carrier="Hanse", announce_only="true").status_code == 303
    assert session.query(OrderLine).one().shipped_quantity == 0
    for verb in ("/depart", "/deliver"):
        form = next(form for form in see(client, path).forms if form.action.endswith(verb))
        assert {client.post(form.action, data=form.fields).status_code for _ in range(2)} == {303}
    assert session.query(Parcel).one().state.value == "delivered"
    assert session.query(VendorOrder).one().state.value == "delivered"
