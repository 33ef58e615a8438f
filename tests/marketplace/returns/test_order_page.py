"""The order page shows each party its own numbers and no more; what is cancelled there is cancelled once."""

import pytest

from marketplace.kernel.access import Role
from marketplace.kernel.db import transaction
from marketplace.orders.models import OrderLine, OrderMoney
from tests.builders.catalogue import an_offer
from tests.builders.companies import a_company, an_actor
from tests.builders.orders import a_confirmed_order, a_market, a_paid_order, line_named
from tests.pages import read, see, send

HOSTILE = "<script>alert(1)</script> {{7*7}}"


@pytest.fixture
def market(session):
    with transaction():
        market = a_market(commission="0.137")
        for name, vendor in market.vendors.items():
            market.offers[name] = an_offer(vendor, price="10.00", sku=name)
    return market


@pytest.fixture
def order(market):
    with transaction():
        return a_paid_order(market, {"A": 10, "B": 5}, reference=HOSTILE)


@pytest.mark.parametrize(
    ("side", "role", "status"),
    [
        ("buyer", Role.BUYER, 200),
        ("buyer", Role.REQUESTER, 200),
        ("rival", Role.BUYER, 404),
        ("A", Role.VENDOR_MANAGER, 403),
        ("operator", Role.OPERATOR, 200),
    ],
)
def test_who_sees_an_order(client_as, market, order, session, side, role, status):
    companies = {"buyer": market.buyer, "operator": market.operator, "rival": a_company("Rival"), **market.vendors}
    actor = an_actor(companies[side], role)
    session.commit()
    text = see(client_as(actor), f"/orders/{order.order.id}", status).text
    assert ("The vendor gets" in text) is (role is Role.OPERATOR)
    assert ("13.70 EUR" in text) is (role is Role.OPERATOR)


def test_names_are_text_and_never_code(client_as, market, order):
    client = client_as(market.actor)
    for path in (f"/orders/{order.order.id}", "/orders"):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert HOSTILE in read(answer).text
        assert "<script>alert" not in answer.text
    vendor = client_as(market.vendor_actor("A"))
    assert HOSTILE in see(vendor, f"/desk/orders/{order.parts[0].id}").text


def test_units_are_cancelled_and_what_was_paid_is_given_back(client_as, market, order, session):
    client, path = client_as(market.actor), f"/orders/{order.order.id}"
    line = line_named(order, "A")
    answer = send(client, path, path, reason="Too many", **{f"cancel-{line.id}": "4"})
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    assert session.query(OrderLine).filter_by(id=line.id).one().cancelled_quantity == 4
    assert [row.amount_minor for row in session.query(OrderMoney).filter_by(kind="refunded")] == [-4760]  # 40.00 * 1.19
    text = see(client, path).text
    assert "4 cancelled" in text
    assert "Too many" in text


@pytest.mark.parametrize(("units", "status"), [("11", 409), ("x", 422), ("", 422), ("0", 422)])
def test_units_that_cannot_be_cancelled_change_nothing(client_as, market, order, session, units, status):
    client, path = client_as(market.actor), f"/orders/{order.order.id}"
    line = line_named(order, "A")
    answer = send(client, path, path, reason="Typed before", **{f"cancel-{line.id}": units})
    assert answer.status_code == status
    kept = next(form for form in read(answer).forms if "reason" in form.fields).fields
    assert (kept["reason"], kept[f"cancel-{line.id}"]) == ("Typed before", units)
    assert session.query(OrderMoney).filter_by(kind="refunded").count() == 0
    assert session.query(OrderLine).filter_by(id=line.id).one().cancelled_quantity == 0


def test_the_same_form_twice_cancels_once(client_as, market, order, session):
    client, path = client_as(market.actor), f"/orders/{order.order.id}"
    line = line_named(order, "A")
    form = next(form for form in see(client, path).forms if form.action == path)
    filled = form.fields | {f"cancel-{line.id}": "4"}
    assert {client.post(path, data=filled).status_code for _ in range(2)} == {303}
    assert session.query(OrderLine).filter_by(id=line.id).one().cancelled_quantity == 4


def test_a_parcel_is_seen_by_its_buyer(client_as, market, session):
    with transaction():
        order = a_confirmed_order(market, {"A": 10})
    desk = f"/desk/orders/{order.parts[0].id}"
    vendor = client_as(market.vendor_actor("A"))
    session.commit()
    line = order.lines[0]
    shipped = send(vendor, desk, "/ship", carrier="Hanse Paket", tracking_number="HP 0012", **{f"ship-{line.id}": "6"})
    assert shipped.status_code == 303
    text = see(client_as(market.actor), f"/orders/{order.order.id}").text
    assert "HP 0012" in text
    assert "6 shipped" in text
    assert "part shipped" in text
