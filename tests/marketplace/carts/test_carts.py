"""Carts over HTTP: filled, priced, edited; everything that cannot be ordered is named by its pointer."""

import uuid
from decimal import Decimal

import pytest

from marketplace.carts.models import Cart, CartLine
from marketplace.carts.schemas import CartOut
from marketplace.catalogue.models import Offer
from marketplace.catalogue.states import OfferState
from marketplace.companies.models import Company
from marketplace.kernel.access import Role
from marketplace.kernel.db import QueryCounter, db, transaction
from tests.builders.catalogue import a_price_list, a_product, an_offer, set_price, terms_for
from tests.builders.companies import a_company, an_actor, an_address
from tests.builders.orders import EXAMPLE, a_cart, a_market
from tests.builders.rules import a_delivery_rate, a_promotion


@pytest.fixture
def buyer(client_as, market):
    return client_as(market.actor)


def lines(market, **quantities):
    return [{"offer_id": str(market.offers[name].id), "quantity": quantity} for name, quantity in quantities.items()]


def new_cart(buyer, market, **body):
    answer = buyer.post("/v1/carts", json={"delivery_address_id": str(market.address.id)} | body)
    assert answer.status_code == 201, answer.json
    return answer.json


def pointers(answer):
    return [(error["pointer"], error.get("reason")) for error in answer.json["errors"]]


def count(model):
    return db.session.query(model).count()


def test_a_cart_is_priced_as_the_example(buyer, market):
    cart = new_cart(buyer, market, lines=lines(market, **EXAMPLE))
    assert cart["totals"] == {
        "currency": "EUR",
        "goods_minor": 37269,
        "discount_minor": 3727,
        "delivery_minor": 2480,
        "tax_minor": 2400 + 1920 + 2836 + 198 + 298,
        "total_minor": 43674,
    }
    assert [line["buyer_owes_minor"] for line in cart["lines"]] == [13650, 10919, 16129]
    assert [line["tax"]["category"] for line in cart["lines"]] == ["S"] * 3
    assert [(v["goods_minor"], v["discount_minor"]) for v in cart["vendors"]] == [(22499, 2250), (14770, 1477)]
    assert [(d["name"], d["amount_minor"], d["free"]) for d in cart["deliveries"]] == [
        ("Parcel", 990, False),
        ("Carrier", 1490, False),
    ]
    assert [(p["name"], p["earned_step"]) for p in cart["promotions"]] == [("Ten percent", 0)]
    assert cart["changes"] == []
    assert cart["orderable"] is True


def test_the_answer_is_what_the_schema_says(buyer, market):
    cart = new_cart(buyer, market, lines=lines(market, **EXAMPLE))
    assert CartOut().validate(cart) == {}
    seen = buyer.get(f"/v1/carts/{cart['id']}")
    assert seen.json == cart
    assert seen.headers["ETag"] == f'"{cart["version"]}"'


def test_an_empty_cart_is_filled_line_by_line(buyer, market):
    cart = new_cart(buyer, market)
    assert cart["totals"]["total_minor"] == 0
    url = f"/v1/carts/{cart['id']}"
    buyer.post(f"{url}/lines", json={"lines": lines(market, A1=10)})
    cart = buyer.post(f"{url}/lines", json={"lines": lines(market, A2=3, B1=6)}).json
    line = cart["lines"][2]["id"]
    match = {"If-Match": f'"{cart["version"]}"'}
    cart = buyer.patch(f"{url}/lines/{line}", json={"quantity": 7}, headers=match).json
    assert cart["totals"]["total_minor"] == 43674
    stale = buyer.patch(f"{url}/lines/{line}", json={"quantity": 8}, headers=match)
    assert stale.status_code == 412
    assert buyer.patch(f"{url}/lines/{line}", json={"quantity": 8}).status_code == 428
    cart = buyer.delete(f"{url}/lines/{line}").json
    assert [line["sku"] for line in cart["lines"]] == ["A1", "A2"]
    assert buyer.delete(f"{url}/lines/{line}").status_code == 404


def test_lists_show_the_companys_carts(buyer, client_as, market):
    cart = new_cart(buyer, market, lines=lines(market, A1=1), name="Monday")
    (listed,) = buyer.get("/v1/carts?state=open").json["items"]
    assert (listed["id"], listed["lines"], listed["name"]) == (cart["id"], 1, "Monday")
    assert buyer.get("/v1/carts?state=ordered").json["items"] == []
    with transaction():
        other = an_actor(a_company("Other"), Role.BUYER)
    assert client_as(other).get("/v1/carts").json["items"] == []
    assert client_as(other).get(f"/v1/carts/{cart['id']}").status_code == 404


def test_every_line_that_cannot_be_ordered_is_named(buyer, market):
    with transaction():
        a, b = market.vendors["A"], market.vendors["B"]
        market.offers |= {
            "paused": an_offer(a, state=OfferState.PAUSED),
            "priceless": an_offer(a, price=None),
            "dollars": an_offer(a, currency="USD"),
            "gross": an_offer(a, includes_tax=True),
            "packs": an_offer(b, pack_size=6),
            "many": an_offer(b, min_quantity=10),
        }
        silent = a_company("Silent", may_sell=False)
        market.offers["silent"] = an_offer(silent)
    wanted = lines(market, paused=1, priceless=1, dollars=1, gross=1, packs=7, many=9, silent=1, A1=1)
    wanted += [{"offer_id": str(uuid.uuid4()), "quantity": 1}]
    answer = buyer.post("/v1/carts", json={"lines": wanted})
    assert answer.status_code == 422
    assert pointers(answer) == [
        ("/lines/0/offer_id", "offer_not_on_sale"),
        ("/lines/1/offer_id", "no_price"),
        ("/lines/2/offer_id", "no_price"),
        ("/lines/3/offer_id", "no_price"),
        ("/lines/4/quantity", "off_pack_size"),
        ("/lines/5/quantity", "below_minimum"),
        ("/lines/6/offer_id", "vendor_not_selling"),
        ("/lines/8/offer_id", "offer_unknown"),
    ]
    assert (count(Cart), count(CartLine)) == (0, 0)


def test_the_same_offer_twice(buyer, market):
    twice = lines(market, A1=1) * 2
    answer = buyer.post("/v1/carts", json={"lines": twice})
    assert pointers(answer) == [("/lines/1/offer_id", "offer_twice")]
    cart = new_cart(buyer, market, lines=lines(market, A1=1))
    answer = buyer.post(f"/v1/carts/{cart['id']}/lines", json={"lines": lines(market, B1=1, A1=1)})
    assert pointers(answer) == [("/lines/1/offer_id", "offer_twice")]
    assert count(CartLine) == 1


def test_nobody_orders_from_himself(client_as, market):
    with transaction():
        own = an_actor(market.vendors["A"], Role.BUYER)
    answer = client_as(own).post("/v1/carts", json={"lines": lines(market, A1=1)})
    assert pointers(answer) == [("/lines/0/offer_id", "own_offer")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"lines": [{"offer_id": str(uuid.uuid4()), "quantity": 0}]}, "/lines/0/quantity"),
        ({"lines": [{"offer_id": str(uuid.uuid4()), "quantity": -1}]}, "/lines/0/quantity"),
        ({"lines": [{"offer_id": str(uuid.uuid4()), "quantity": 1.5}]}, "/lines/0/quantity"),
        ({"lines": [{"offer_id": str(uuid.uuid4()), "quantity": "2"}]}, "/lines/0/quantity"),
        ({"lines": [{"offer_id": str(uuid.uuid4()), "quantity": True}]}, "/lines/0/quantity"),
        ({"lines": [{"offer_id": "x", "quantity": 1}]}, "/lines/0/offer_id"),
        ({"lines": [{"offer_id": str(uuid.uuid4()), "quantity": 1, "unit_price": "0.01"}]}, "/lines/0/unit_price"),
        ({"total_minor": 1}, "/total_minor"),
        ({"currency": "eur"}, "/currency"),
        ({"lines": [{"offer_id": str(uuid.uuid4()), "quantity": 1}] * 501}, "/lines"),
        ({"codes": ["NOPE"]}, "/codes/0"),
        ({"deliveries": {str(uuid.uuid4()): str(uuid.uuid4())}}, None),
    ],
)
def test_bodies_that_are_refused(buyer, body, pointer):
    answer = buyer.post("/v1/carts", json=body)
    assert answer.status_code == 422, answer.json
    found = [error["pointer"] for error in answer.json["errors"]]
    assert pointer is None or pointer in found
    assert count(Cart) == 0


def test_a_foreign_address_is_not_found(buyer, market):
    with transaction():
        foreign = an_address(a_company("Other"))
    for name in ("delivery_address_id", "billing_address_id"):
        answer = buyer.post("/v1/carts", json={name: str(foreign.id)})
        assert (answer.status_code, pointers(answer)) == (404, [(f"/{name}", None)])
    cart = new_cart(buyer, market)
    match = {"If-Match": f'"{cart["version"]}"'}
    answer = buyer.patch(f"/v1/carts/{cart['id']}", json={"delivery_address_id": str(foreign.id)}, headers=match)
    assert answer.status_code == 404
    assert buyer.get(f"/v1/carts/{cart['id']}").json == cart


def test_editing_needs_the_version_that_was_read(buyer, market):
    cart = new_cart(buyer, market)
    url = f"/v1/carts/{cart['id']}"
    assert buyer.patch(url, json={"reference": "PO 7"}).status_code == 428
    edited = buyer.patch(url, json={"reference": "PO 7"}, headers={"If-Match": f'"{cart["version"]}"'})
    assert edited.json["reference"] == "PO 7"
    again = buyer.patch(url, json={"reference": "PO 8"}, headers={"If-Match": f'"{cart["version"]}"'})
    assert again.status_code == 412
    assert buyer.get(url).json["reference"] == "PO 7"


def test_a_discarded_cart_is_closed(buyer, market):
    cart = new_cart(buyer, market)
    assert buyer.delete(f"/v1/carts/{cart['id']}").status_code == 204
    answer = buyer.post(f"/v1/carts/{cart['id']}/lines", json={"lines": lines(market, A1=1)})
    assert (answer.status_code, answer.json["state"]) == (409, "discarded")


def test_contract_prices_and_tiers_are_used_and_named(buyer, market):
    with transaction():
        offer = market.offers["A1"]
        a_price_list(market.vendors["A"], name="Frame 7", companies=[market.buyer], prices={offer: {1: "12", 20: "9"}})
    cart = new_cart(buyer, market, lines=lines(market, A1=20))
    (line,) = cart["lines"]
    assert (line["unit_price"], line["gross_minor"]) == ("9.00", 18000)
    assert (line["price_source"]["kind"], line["price_source"]["name"]) == ("contract", "Frame 7")


def test_prices_below_a_cent(buyer, market):
    with transaction():
        market.offers["screw"] = an_offer(market.vendors["A"], price="0.0375", stock=10**6)
    (line,) = new_cart(buyer, market, lines=lines(market, screw=1001))["lines"]
    assert (line["unit_price"], line["gross_minor"]) == ("0.0375", 3754)


def test_what_changed_since_it_was_seen_is_named_once(buyer, market):
    cart = new_cart(buyer, market, lines=lines(market, A1=10, A2=3, B1=7))
    with transaction():
        newer = a_price_list(market.vendors["A"], companies=[market.buyer])
        set_price(newer, market.offers["A1"], "13.00")
        db.session.get(Offer, market.offers["B1"].id).state = OfferState.PAUSED
    seen = buyer.get(f"/v1/carts/{cart['id']}").json
    named = [(c["kind"], c["pointer"], c.get("old"), c.get("new"), c.get("reason")) for c in seen["changes"]]
    assert named == [
        ("price_changed", "/lines/0", "12.50", "13.00", None),
        ("not_orderable", "/lines/2", None, None, "offer_not_on_sale"),
    ]
    assert seen["orderable"] is False
    assert [line["orderable"] for line in seen["lines"]] == [True, True, False]
    again = buyer.get(f"/v1/carts/{cart['id']}").json
    assert [c["kind"] for c in again["changes"]] == ["not_orderable"]
    assert again["version"] == cart["version"]


def test_stock_that_is_short_is_named(buyer, market):
    cart = new_cart(buyer, market, lines=lines(market, A1=101))
    (change,) = buyer.get(f"/v1/carts/{cart['id']}").json["changes"]
    assert (change["kind"], change["wanted"], change["available"]) == ("stock_low", 101, 100)


def test_a_suspended_vendor_is_named(buyer, market):
    cart = new_cart(buyer, market, lines=lines(market, A1=1))
    with transaction():
        db.session.get(Company, market.vendors["A"].id).may_sell = False
    (change,) = buyer.get(f"/v1/carts/{cart['id']}").json["changes"]
    assert change["reason"] == "vendor_not_selling"


def test_vendors_who_choose_the_operators_rate_share_one_delivery(buyer, market):
    rate = str(market.rates["operator"].id)
    chosen = {str(vendor.id): rate for vendor in market.vendors.values()}
    cart = new_cart(buyer, market, lines=lines(market, **EXAMPLE), deliveries=chosen)
    (delivery,) = cart["deliveries"]
    assert (delivery["amount_minor"], delivery["vendor_id"], len(delivery["line_ids"])) == (1490, None, 3)
    assert cart["totals"]["total_minor"] == 43674 - 990 - 198


def test_a_rate_of_another_vendor_is_refused(buyer, market):
    wrong = {str(market.vendors["B"].id): str(market.rates["A"].id)}
    answer = buyer.post("/v1/carts", json={"lines": lines(market, B1=1), "deliveries": wrong})
    assert pointers(answer) == [(f"/deliveries/{market.vendors['B'].id}", None)]


def test_a_rate_that_is_not_offered_any_more_is_named(buyer, market):
    with transaction():
        express = a_delivery_rate(market.vendors["A"], name="Express", price_minor=2990, position=200)
    chosen = {str(market.vendors["A"].id): str(express.id)}
    cart = new_cart(buyer, market, lines=lines(market, A1=1), deliveries=chosen)
    assert cart["deliveries"][0]["name"] == "Express"
    with transaction():
        express.active = False
    seen = buyer.get(f"/v1/carts/{cart['id']}").json
    assert [c["kind"] for c in seen["changes"]] == ["delivery_not_offered"]
    assert seen["deliveries"][0]["name"] == "Parcel"


def test_delivery_is_free_from_its_threshold(buyer, market):
    with transaction():
        market.rates["A"].free_from_minor = 20000
    below = new_cart(buyer, market, lines=lines(market, A1=15))
    above = new_cart(buyer, market, lines=lines(market, A1=16))
    assert [c["deliveries"][0]["amount_minor"] for c in (below, above)] == [990, 0]


def test_a_code_applies_and_is_named_when_it_is_over(buyer, market):
    with transaction():
        code = a_promotion(code="SPRING", name="Spring", position=200)
    cart = new_cart(buyer, market, lines=lines(market, A1=10), codes=["spring"])
    assert [p["code"] for p in cart["promotions"]] == [None, "SPRING"]
    with transaction():
        code.ends_at = code.starts_at
    seen = buyer.get(f"/v1/carts/{cart['id']}").json
    assert [(c["kind"], c["pointer"]) for c in seen["changes"]] == [("code_not_running", "/codes/0")]
    assert seen["totals"]["total_minor"] > cart["totals"]["total_minor"]


def test_promotions_reach_their_scope_only(buyer, market):
    with transaction():
        own = a_promotion(market.vendors["B"], name="B's own", steps=[{"from_minor": 0, "amount_minor": 500}])
        a_promotion(name="Only A2", scope={"offers": [str(market.offers["A2"].id)]}, position=200)
        a_promotion(name="Elsewhere", scope={"categories": ["tools"]}, position=300)
    cart = new_cart(buyer, market, lines=lines(market, **EXAMPLE))
    assert {p["name"] for p in cart["promotions"]} == {"Ten percent", "B's own", "Only A2"}
    discounts = [line["discount_minor"] for line in cart["lines"]]
    assert discounts[0] == 1250
    assert own.vendor_share == Decimal(1)


def test_reverse_charge_is_frozen_with_its_reason(buyer, client_as, market):
    with transaction():
        french = a_company("Client SARL", "FR", vat_id="FR40303265045")
        actor, address = an_actor(french, Role.BUYER), an_address(french)
    answer = client_as(actor).post(
        "/v1/carts", json={"delivery_address_id": str(address.id), "lines": lines(market, A1=1)}
    )
    (line,) = answer.json["lines"]
    assert (line["tax"]["category"], line["tax_minor"]) == ("K", 0)
    assert "138" in line["tax"]["reason"]


def test_quick_order_by_number(buyer, market):
    with transaction():
        product = a_product(created_by=market.vendors["A"], part_number="DIN-912 M8")
        for name in ("A", "B"):
            market.offers[f"{name} screw"] = an_offer(market.vendors[name], product, sku=f"{name}-912")
    cart = new_cart(buyer, market)
    url = f"/v1/carts/{cart['id']}/quick-order"
    answer = buyer.post(
        url,
        json={
            "lines": [
                {"sku": "A1", "quantity": 2},
                {"part": "din 912m8", "quantity": 1},
                {"part": "XYZ", "quantity": 1},
            ]
        },
    )
    assert answer.status_code == 422
    assert pointers(answer) == [("/lines/1/part", "ambiguous"), ("/lines/2/part", "unknown")]
    assert {c["sku"] for c in answer.json["errors"][0]["candidates"]} == {"A-912", "B-912"}
    assert count(CartLine) == 0
    vendor = str(market.vendors["B"].id)
    wanted = [{"sku": "A1", "quantity": 2}, {"part": "din 912m8", "vendor_id": vendor, "quantity": 1}]
    filled = buyer.post(url, json={"lines": wanted}).json
    assert [(line["sku"], line["quantity"]) for line in filled["lines"]] == [("A1", 2), ("B-912", 1)]
    both = buyer.post(url, json={"lines": [{"sku": "A1", "part": "A1", "quantity": 2}]})
    assert both.status_code == 422


def test_the_number_of_queries_does_not_depend_on_the_number_of_lines(session):
    with transaction():
        market = a_market(vendors=("A", "B", "C"))
        for index in range(30):
            market.offers[str(index)] = an_offer(market.vendors["ABC"[index % 3]])
    counts = []
    for size in (3, 30):
        with transaction(), QueryCounter() as seen:
            a_cart(market, {str(index): 1 for index in range(size)})
        counts.append(len([s for s in seen.statements if "SAVEPOINT" not in s]))
    assert counts[0] == counts[1] <= 12


def test_a_sum_too_large_to_be_booked_is_refused(buyer, market):
    with transaction():
        vendor = a_company("Dear", "AT", may_sell=True)
        terms_for(vendor)
        market.offers["dear"] = an_offer(vendor, price="100000000.00")
    answer = buyer.post("/v1/carts", json={"lines": lines(market, dear=10**9)})
    assert (answer.status_code, answer.json["title"]) == (422, "Order cannot be valued")
