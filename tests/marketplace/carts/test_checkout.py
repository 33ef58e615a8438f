"""Checkout over HTTP: once, at the sum the buyer saw or confirmed, with its stock, or not at all."""

import pytest

from marketplace.carts import actions as carts
from marketplace.catalogue.models import Offer, OfferStock
from marketplace.catalogue.states import OfferState
from marketplace.kernel.access import Role
from marketplace.kernel.db import QueryCounter, db, transaction
from marketplace.orders.models import Order
from marketplace.orders.schemas import OrderOut
from tests.builders.catalogue import a_price_list, an_offer
from tests.builders.companies import an_actor
from tests.builders.orders import EXAMPLE, a_cart, a_market
from tests.builders.rules import a_promotion


@pytest.fixture
def buyer(client_as, market):
    return client_as(market.actor)


@pytest.fixture
def cart(market):
    with transaction():
        return a_cart(market, EXAMPLE, reference="PO 7").cart


def check_out(client, cart, key="one", **body):
    return client.post(f"/v1/carts/{cart.id}/checkout", json=body, headers={"Idempotency-Key": key})


def orders():
    return db.session.query(Order).count()


def cheaper(market, price="12.00"):
    with transaction():
        a_price_list(market.vendors["A"], companies=[market.buyer], prices={market.offers["A1"]: price})


def test_an_order_comes_out(buyer, cart, market):
    answer = check_out(buyer, cart)
    assert answer.status_code == 201
    body = answer.json
    assert body["number"].startswith("K-")
    assert [part["number"] for part in body["vendor_orders"]] == [f"{body['number']}-1", f"{body['number']}-2"]
    assert (body["state"], body["total_minor"], body["to_pay_minor"]) == ("awaiting_payment", 43674, 43674)
    assert (body["reference"], body["delivery_address"]["city"]) == ("PO 7", "Hamburg")
    assert body["policy_version"] == "b2b/1"
    assert OrderOut().validate(body) == {}
    seen = buyer.get(f"/v1/carts/{cart.id}").json
    assert (seen["state"], seen["order_id"]) == ("ordered", body["id"])
    assert buyer.get(f"/v1/orders/{body['id']}").json == body


def test_the_same_key_answers_again_and_another_is_refused(buyer, cart):
    first, again = check_out(buyer, cart), check_out(buyer, cart)
    assert (again.status_code, again.json, again.headers["Idempotency-Replayed"]) == (201, first.json, "true")
    other = check_out(buyer, cart, "two")
    assert (other.status_code, other.json["order_id"]) == (409, first.json["id"])
    assert orders() == 1


def test_without_a_key_nothing_is_ordered(buyer, cart):
    assert buyer.post(f"/v1/carts/{cart.id}/checkout", json={}).status_code == 422
    assert orders() == 0


def test_a_requester_fills_carts_and_orders_nothing(client_as, cart, market):
    with transaction():
        requester = an_actor(market.buyer, Role.REQUESTER)
    assert client_as(requester).get(f"/v1/carts/{cart.id}").status_code == 200
    assert check_out(client_as(requester), cart).status_code == 403
    assert orders() == 0


def test_a_changed_price_is_named_before_the_order(buyer, cart, market):
    cheaper(market)
    refused = check_out(buyer, cart)
    assert refused.status_code == 409
    (change,) = refused.json["errors"]
    assert (change["pointer"], change["old"], change["new"]) == ("/lines/0", "12.50", "12.00")
    assert (refused.json["seen_total_minor"], refused.json["total_minor"]) == (43674, 43128)
    assert orders() == 0
    buyer.get(f"/v1/carts/{cart.id}")
    assert check_out(buyer, cart).json["total_minor"] == 43128


def test_the_buyer_may_confirm_the_total_he_expects(buyer, cart, market):
    cheaper(market)
    assert check_out(buyer, cart, expected_total_minor=43674).status_code == 409
    assert check_out(buyer, cart, expected_total_minor=43674, accept_changes=True).status_code == 409
    assert check_out(buyer, cart, expected_total_minor=43128).status_code == 201


def test_the_buyer_may_accept_whatever_changed(buyer, cart, market):
    cheaper(market)
    assert check_out(buyer, cart, accept_changes=True).json["total_minor"] == 43128


def test_a_total_that_changed_without_a_line_is_refused_too(buyer, cart, market):
    with transaction():
        a_promotion(name="More", steps=[{"from_minor": 0, "amount_minor": 100}], position=200)
    refused = check_out(buyer, cart)
    assert (refused.status_code, refused.json.get("errors", [])) == (409, [])
    assert refused.json["total_minor"] != refused.json["seen_total_minor"] == 43674


def test_an_unexpected_total_is_refused_even_if_nothing_changed(buyer, cart):
    assert check_out(buyer, cart, expected_total_minor=1).status_code == 409
    assert orders() == 0


def test_an_offer_that_left_is_named(buyer, cart, market):
    with transaction():
        db.session.get(Offer, market.offers["B1"].id).state = OfferState.PAUSED
    refused = check_out(buyer, cart, accept_changes=True)
    assert refused.status_code == 409
    assert [(e["pointer"], e["reason"]) for e in refused.json["errors"]] == [("/lines/2/offer_id", "offer_not_on_sale")]
    assert orders() == 0


def test_stock_that_is_gone_is_named_line_by_line(buyer, cart, market):
    with transaction():
        for name, left in (("A1", 9), ("B1", 0)):
            db.session.get(OfferStock, market.offers[name].id).on_hand = left
    refused = check_out(buyer, cart)
    assert refused.status_code == 409
    named = [(e["pointer"], e["wanted"], e["available"]) for e in refused.json["errors"]]
    assert named == [("/lines/0", 10, 9), ("/lines/2", 7, 0)]
    assert orders() == 0
    assert db.session.get(OfferStock, market.offers["A2"].id, populate_existing=True).reserved == 0


def test_an_empty_cart_or_one_without_an_address(buyer, market):
    with transaction():
        empty, nowhere = a_cart(market, {}), a_cart(market, {"A1": 1}, delivery_address_id=None)
    assert check_out(buyer, empty.cart, "a").json["title"] == "Cart empty"
    assert check_out(buyer, nowhere.cart, "b").json["title"] == "Delivery address missing"


def test_prices_do_not_come_from_the_caller(buyer, cart):
    assert check_out(buyer, cart, total_minor=1).status_code == 422


def test_the_order_keeps_the_address_it_was_placed_with(buyer, cart, market):
    body = check_out(buyer, cart).json
    with transaction():
        market.address.city = "Bremen"
    assert buyer.get(f"/v1/orders/{body['id']}").json["delivery_address"]["city"] == "Hamburg"


def test_the_number_of_queries_does_not_depend_on_the_number_of_lines(session):
    with transaction():
        market = a_market(vendors=("A", "B", "C"))
        for index in range(30):
            market.offers[str(index)] = an_offer(market.vendors["ABC"[index % 3]])
        made = [a_cart(market, {str(index): 1 for index in range(size)}).cart for size in (3, 30)]
    counts = []
    for cart in made:
        db.session.expunge_all()
        with transaction(), QueryCounter() as seen:
            carts.checkout(market.actor, cart.id)
            db.session.flush()
        counts.append(len([s for s in seen.statements if "SAVEPOINT" not in s]))
    assert counts[0] == counts[1] <= 26
