"""The cart page: what is typed is kept, what is refused changes nothing, and two clicks make one order."""

from decimal import Decimal

import pytest

from marketplace.agreements.models import Price
from marketplace.carts.models import Cart, CartLine
from marketplace.kernel.access import Role
from marketplace.kernel.db import transaction
from marketplace.orders.models import Order
from tests.builders.catalogue import an_offer
from tests.builders.companies import a_company, an_actor, an_address
from tests.builders.orders import a_delivery_rate, a_market
from tests.pages import HTML, read, see, send


@pytest.fixture
def market(session):
    with transaction():
        market = a_market()
        for name, vendor in market.vendors.items():
            market.offers[name] = an_offer(vendor, price="10.00", sku=name, pack_size=5)
            a_delivery_rate(vendor, name="Parcel", price_minor=500)
        market.address.is_default = True
    return market


@pytest.fixture
def client(client_as, market):
    return client_as(market.actor)


def added(client, offer, quantity: object):
    token = next(iter(see(client, f"/products/{offer.product_id}").forms)).fields["csrf_token"]
    wanted = {"csrf_token": token, "offer_id": str(offer.id), "quantity": quantity, "back": "/offers"}
    return client.post("/cart/lines", data=wanted, headers=HTML)


def cart_at(client) -> str:
    page = see(client, "/cart")
    return next(form.action for form in page.forms if form.action.startswith("/cart/") and form.action != "/cart/lines")


def test_more_of_an_offer_is_one_line(client, market, session):
    assert added(client, market.offers["A"], 5).status_code == 303
    assert added(client, market.offers["A"], 10).status_code == 303
    assert [line.quantity for line in session.query(CartLine)] == [15]


@pytest.mark.parametrize(("quantity", "why"), [("7", "multiples of 5"), ("x", "Quantity:"), ("-5", "Quantity:")])
def test_a_quantity_that_does_not_fit_is_refused_where_it_can_be_mended(client, market, session, quantity, why):
    answer = added(client, market.offers["A"], quantity)
    assert answer.status_code == 422
    assert why in read(answer).text
    assert any(form.fields.get("quantity") == quantity for form in read(answer).forms)
    assert session.query(Cart).count() == 0


def test_all_of_the_page_is_taken_over_at_once(client, market, session):
    added(client, market.offers["A"], 5)
    added(client, market.offers["B"], 5)
    lines = {line.offer_id: line for line in session.query(CartLine)}
    answer = send(
        client,
        "/cart",
        cart_at(client),
        reference="PO-1",
        **{
            f"quantity-{lines[market.offers['A'].id].id}": "20",
            f"quantity-{lines[market.offers['B'].id].id}": "0",
        },
    )
    assert answer.status_code == 303
    assert [line.quantity for line in session.query(CartLine)] == [20]
    assert session.query(Cart).one().reference == "PO-1"


def test_one_wrong_field_refuses_the_page_and_keeps_what_was_typed(client, market, session):
    added(client, market.offers["A"], 5)
    line = session.query(CartLine).one()
    answer = send(client, "/cart", cart_at(client), reference="PO-1", **{f"quantity-{line.id}": "7"})
    assert answer.status_code == 422
    assert "Sold in multiples of 5." in read(answer).text
    typed = next(form for form in read(answer).forms if "reference" in form.fields).fields
    assert (typed["reference"], typed[f"quantity-{line.id}"]) == ("PO-1", "7")
    session.expire_all()
    assert (session.query(CartLine).one().quantity, session.query(Cart).one().reference) == (5, "")


def test_two_clicks_make_one_order(client, market, session):
    added(client, market.offers["A"], 5)
    address = cart_at(client)
    form = next(form for form in see(client, "/cart").forms if form.action == address)
    first = client.post(address + "/order", data=form.fields, headers=HTML)
    second = client.post(address + "/order", data=form.fields, headers=HTML)
    order = session.query(Order).one()
    assert first.headers["Location"] == f"/orders/{order.id}/pay"
    assert second.headers["Location"] == f"/orders/{order.id}"
    assert order.total_minor == 6545  # (50.00 + 5.00) * 1.19


def test_another_total_than_the_one_shown_is_never_ordered(client, market, session):
    added(client, market.offers["A"], 5)
    address = cart_at(client)
    form = next(form for form in see(client, "/cart").forms if form.action == address)
    with transaction():
        session.query(Price).filter_by(offer_id=market.offers["A"].id).update({"unit_price": Decimal("11.00")})
    answer = client.post(address + "/order", data=form.fields, headers=HTML)
    assert answer.status_code == 409
    text = read(answer).text
    assert "It costs something else than you saw" in text
    assert "the unit price was 10.00 and is 11.00." in text
    assert session.query(Order).count() == 0


def test_a_requester_fills_and_a_buyer_orders(client_as, market, session):
    requester = client_as(an_actor(market.buyer, Role.REQUESTER))
    added(requester, market.offers["A"], 5)
    address = cart_at(requester)
    assert "Your role does not include ordering" in see(requester, "/cart").text
    refused = send(requester, "/cart", address, to=address + "/order")
    assert refused.status_code == 403
    assert session.query(Order).count() == 0

    buyer = client_as(market.actor)
    assert address in client_as(market.actor).get("/cart", headers=HTML).text
    assert send(buyer, address, address, to=address + "/order").status_code == 303
    assert session.query(Order).count() == 1


def test_a_cart_of_another_company_is_not_found(client_as, client, market, session):
    added(client, market.offers["A"], 5)
    rival = an_actor(a_company("Rival"), Role.BUYER)
    session.commit()
    see(client_as(rival), cart_at(client), 404)


def test_a_company_without_an_address_is_sent_to_add_one(client_as, session):
    with transaction():
        market = a_market(vendors=("A",))
        market.offers["A"] = an_offer(market.vendors["A"], price="10.00")
        session.delete(market.address)
    client = client_as(market.actor)
    added(client, market.offers["A"], 1)
    address = cart_at(client)
    refused = send(client, "/cart", address, to=address + "/order")
    assert refused.status_code == 409
    assert "Choose a delivery address first." in read(refused).text
    with transaction():
        new = an_address(market.buyer)
    assert send(client, "/cart", address, to=address + "/order", delivery_address_id=str(new.id)).status_code == 303
