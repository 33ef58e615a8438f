"""Categories, products and a vendor's own offers over HTTP: who may, and that a refusal changes nothing."""

import pytest

from marketplace.agreements import queries as agreements
from marketplace.catalogue import categories
from marketplace.catalogue.keys import compact_ean, normalise
from marketplace.catalogue.models import Category, Offer, OfferStock, Product
from marketplace.catalogue.states import OfferState
from marketplace.kernel.db import db, transaction
from marketplace.kernel.history import lines_of
from tests.builders.catalogue import a_category, a_product, an_offer, terms_for
from tests.cast import NAMES


def statuses(client_as, cast, ask):
    return {name: ask(client_as(actor)).status_code for name, actor in cast.everyone.items()}


def only(*allowed, status, refused=403):
    answers = {name: status if name in allowed else refused for name in NAMES}
    return answers | {"stranger": 401}


@pytest.mark.parametrize(
    ("text", "key"),
    [("DIN-912 M8", "din912m8"), ("ＡＢ－１", "ab1"), ("Größe 5/6", "grösse56"), ("--", ""), ("", "")],  # noqa: RUF001
)
def test_keys_drop_what_people_write_differently(text, key):
    assert normalise(text) == key


@pytest.mark.parametrize(
    ("text", "ean"),
    [("4006381333931", "4006381333931"), ("400-6381 333931", "4006381333931"), ("036000291452", "0036000291452"),
     ("4006381333932", None), ("12", None), ("", None), ("４００６３８１３３３９３１", "4006381333931")],  # noqa: RUF001
)  # fmt: skip
def test_eans_are_checked(text, ean):
    assert compact_ean(text) == ean


def test_only_the_operator_edits_categories(client_as, cast):
    answers = statuses(client_as, cast, lambda c: c.post("/v1/categories", json={"slug": "saws", "name": "Saws"}))
    assert answers == only("operator", status=201)
    assert [c.path for c in db.session.query(Category)] == ["saws"]


def test_a_move_takes_everything_below_along(client_as, cast):
    tools = a_category("Tools")
    saws = a_category("Saws", parent=tools)
    hand = a_category("Hand", parent=saws)
    near = a_category("Saws-extra", parent=tools)
    product = a_product(created_by=cast.vendor_company, category=hand)
    shop = a_category("Shop")
    client = client_as(cast.operator)
    below = client.patch(f"/v1/categories/{saws.id}", json={"parent_id": str(hand.id)})
    assert (below.status_code, below.json["errors"][0]["pointer"]) == (422, "/parent_id")
    moved = client.patch(f"/v1/categories/{saws.id}", json={"parent_id": str(shop.id), "slug": "cutters"})
    assert moved.json["path"] == "shop/cutters"
    db.session.expire_all()
    assert (hand.path, near.path) == ("shop/cutters/hand", "tools/saws-extra")
    assert product.search_version == 2
    assert [c["path"] for c in client.get("/v1/categories").json["items"]] == [
        "shop", "shop/cutters", "shop/cutters/hand", "tools", "tools/saws-extra",
    ]  # fmt: skip


def test_what_names_a_category_by_its_path_follows_a_move(client_as, cast):
    tools = a_category("Tools")
    saws, near, shop = a_category("Saws", parent=tools), a_category("Saws-extra", parent=tools), a_category("Shop")
    hand, client = a_category("Hand", parent=saws), client_as(cast.operator)
    steps = [{"from_minor": 0, "rate": "0.1"}]
    scope = {"categories": [near.path, hand.path, saws.path]}
    promotion = {"name": "Saws", "currency": "EUR", "steps": steps, "scope": scope}
    promotion = client.post("/v1/promotions", json=promotion, headers={"Idempotency-Key": "p"}).json
    boost = {"kind": "boost", "words": ["cut"], "category_path": hand.path}
    boost = client.post("/v1/search/rules", json=boost, headers={"Idempotency-Key": "b"}).json
    mapping = {"name": "M", "format": "table", "columns": {"sku": ["a"], "name": ["b"]}, "price": {"field": "c"}}
    mapping = client.post("/v1/feed-mappings", json=mapping | {"constants": {"category": saws.path}}).json
    with transaction():
        terms_for(cast.vendor_company, "0.10", by_category={"tools": "0.08", "tools/saws": "0.05"})

    def rate(path):
        terms = agreements.terms_on(agreements.today(), [cast.vendor_company.id])[cast.vendor_company.id]
        return str(agreements.rate_for(terms, path))

    assert (rate("tools/saws/hand"), rate("shop")) == ("0.05", "0.100000")
    client.patch(f"/v1/categories/{saws.id}", json={"parent_id": str(shop.id), "slug": "cutters"})
    moved = client.get(f"/v1/promotions/{promotion['id']}")
    assert moved.json["scope"] == {"categories": ["tools/saws-extra", "shop/cutters/hand", "shop/cutters"]}
    assert moved.headers["ETag"] == '"2"'
    assert client.get(f"/v1/search/rules/{boost['id']}").json["category_path"] == "shop/cutters/hand"
    assert client.get(f"/v1/feed-mappings/{mapping['id']}").json["constants"] == {"category": "shop/cutters"}
    assert (rate("shop/cutters/hand"), rate("tools/saws-extra"), rate("shop")) == ("0.05", "0.08", "0.100000")
    terms = client.get(f"/v1/vendors/{cast.vendor_company.id}/terms").json["items"][0]
    assert terms["commission_by_category"] == {"shop/cutters": "0.05", "tools": "0.08"}
    page = client.get(f"/vendors/{cast.vendor_company.id}/terms", headers={"Accept": "text/html"})
    assert "shop/cutters" in page.text


def test_a_category_in_use_stays_and_a_slug_is_taken_once(client_as, cast):
    tools = a_category("Tools")
    a_product(created_by=cast.vendor_company, category=tools)
    client = client_as(cast.operator)
    assert client.delete(f"/v1/categories/{tools.id}").status_code == 409
    assert client.post("/v1/categories", json={"slug": "tools", "name": "Again"}).status_code == 409
    empty = a_category("Empty")
    assert client.delete(f"/v1/categories/{empty.id}").status_code == 204
    assert [c.path for c in db.session.query(Category)] == ["tools"]


def test_vendors_meet_on_one_product(client_as, cast):
    facts = {"name": "Screw", "manufacturer": "Nordwerk", "part_number": "NW-1 A", "ean": "4006381333931"}
    first = client_as(cast.vendor).post("/v1/products", json=facts)
    assert first.status_code == 201
    for same in ({"ean": "4006381333931"}, {"manufacturer": "NORDWERK", "part_number": "nw1a"}):
        again = client_as(cast.rival_vendor).post("/v1/products", json={"name": "Other", **same})
        assert (again.status_code, again.json["product_id"]) == (409, first.json["id"])
    assert db.session.query(Product).count() == 1
    found = client_as(cast.rival_vendor).get("/v1/products?manufacturer=nordwerk&part_number=NW1-A").json["items"]
    assert [p["id"] for p in found] == [first.json["id"]]


def test_products_are_brought_by_managers_and_the_operator(client_as, cast):
    answers = statuses(client_as, cast, lambda c: c.post("/v1/products", json={"name": "Thing"}))
    assert answers == only("vendor", "rival_vendor", "operator", status=201)
    assert db.session.query(Product).count() == 3


def test_a_shared_product_is_no_longer_one_vendors_to_change(client_as, cast):
    product = a_product(created_by=cast.vendor_company)
    url, tag = f"/v1/products/{product.id}", {"If-Match": '"1"'}
    assert client_as(cast.rival_vendor).patch(url, json={"name": "X"}, headers=tag).status_code == 403
    assert client_as(cast.vendor).patch(url, json={"name": "X"}).status_code == 428
    edited = client_as(cast.vendor).patch(url, json={"name": "Better"}, headers=tag)
    assert (edited.status_code, edited.headers["ETag"]) == (200, '"2"')
    assert client_as(cast.vendor).patch(url, json={"name": "X"}, headers=tag).status_code == 412
    an_offer(cast.rival_vendor_company, product)
    assert client_as(cast.vendor).patch(url, json={"name": "X"}, headers={"If-Match": "*"}).status_code == 403
    assert db.session.get(Product, product.id).name == "Better"
    assert client_as(cast.operator).patch(url, json={"name": "Best"}, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"name": "A", "ean": "4006381333932"}, "/ean"),
        ({"name": "A", "attributes": [{"name": "x"}]}, "/attributes/0/value"),
        ({"name": "A", "search_version": 9}, "/search_version"),
        ({"name": ""}, "/name"),
        ({"name": "A\x00"}, "/name"),
        ({}, "/name"),
    ],
)
def test_wrong_products_are_named_by_field(client_as, cast, facts, pointer):
    answer = client_as(cast.vendor).post("/v1/products", json=facts)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert db.session.query(Product).count() == 0


def test_documents_are_https_and_removed_by_who_added_them(client_as, cast):
    product = a_product(created_by=cast.vendor_company)
    url, sheet = f"/v1/products/{product.id}/documents", {"kind": "manual", "title": "Manual"}
    for bad in ("http://example.com/a.pdf", "javascript:alert(1)", "file:///etc/passwd"):
        assert client_as(cast.vendor).post(url, json=sheet | {"url": bad}).status_code == 422
    added = client_as(cast.vendor).post(url, json=sheet | {"url": "https://example.com/a.pdf"})
    assert added.status_code == 201
    document = f"/v1/documents/{added.json['id']}"
    assert client_as(cast.rival_vendor).delete(document).status_code == 403
    assert client_as(cast.vendor).delete(document).status_code == 204
    assert client_as(cast.vendor).delete(document).status_code == 404


def test_the_life_of_an_offer(client_as, cast):
    product = a_product(created_by=cast.vendor_company)
    client = client_as(cast.vendor)
    facts = {"product_id": str(product.id), "sku": "A-1", "pack_size": 5, "min_quantity": 10, "on_hand": 40}
    draft = client.post("/v1/vendor/offers", json=facts)
    assert (draft.status_code, draft.json["state"], draft.json["ship_from_country"]) == (201, "draft", "DE")
    assert draft.json["stock"] == {"on_hand": 40, "reserved": 0, "available": 40}
    assert client.post("/v1/vendor/offers", json=facts).status_code == 409
    url = f"/v1/vendor/offers/{draft.json['id']}"
    assert client_as(cast.rival_vendor).get(url).status_code == 404
    assert client.patch(url, json={"lead_time_days": 3}, headers={"If-Match": '"1"'}).json["lead_time_days"] == 3
    assert client.patch(url, json={"lead_time_days": 4}, headers={"If-Match": '"1"'}).status_code == 412
    for verb, state in (("publish", "live"), ("pause", "paused"), ("publish", "live"), ("end", "ended")):
        assert client.post(f"{url}/{verb}").json["state"] == state
    assert client.post(f"{url}/publish").status_code == 409
    assert client.put(f"{url}/stock", json={"on_hand": 1}).status_code == 409
    assert db.session.get(Product, product.id, populate_existing=True).search_version == 6


def test_what_was_ended_comes_back_by_its_sku_with_what_orders_hold(client_as, cast):
    offer = an_offer(cast.vendor_company, sku="A-1", stock=10, reserved=4, pack_size=5)
    other = a_product("Another", created_by=cast.vendor_company)
    client, url = client_as(cast.vendor), f"/v1/vendor/offers/{offer.id}"
    same = {"product_id": str(offer.product_id), "sku": "A-1"}
    assert client.post(f"{url}/end").json["state"] == "ended"

    back = client.post("/v1/vendor/offers", json=same | {"on_hand": 12, "lead_time_days": 9})
    assert (back.status_code, back.json["id"], back.json["state"]) == (201, str(offer.id), "draft")
    assert (back.json["stock"], back.json["pack_size"], back.json["lead_time_days"]) == (
        {"on_hand": 12, "reserved": 4, "available": 8}, 5, 9,
    )  # fmt: skip
    assert client.post("/v1/vendor/offers", json=same).status_code == 409
    assert client.post(f"{url}/publish").json["state"] == "live"
    assert [line.verb for line in lines_of("offer", offer.id)] == ["end", "relist", "publish"]
    assert client_as(cast.buyer).get(f"/v1/offers/{offer.id}").json["price"]["unit_price"] == "10.00"

    client.post(f"{url}/end")
    moved = client.post("/v1/vendor/offers", json=same | {"product_id": str(other.id)})
    assert (moved.status_code, moved.json["id"] != str(offer.id)) == (201, True)
    assert client.post("/v1/vendor/offers", json=same).json["type"] == "/problems/sku-taken"
    assert db.session.get(Offer, offer.id, populate_existing=True).state == OfferState.ENDED


def test_what_the_operator_ended_its_vendor_does_not_bring_back(client_as, cast):
    offer = an_offer(cast.vendor_company, sku="A-1")
    assert client_as(cast.operator).post(f"/v1/vendor/offers/{offer.id}/end").status_code == 200
    same = {"product_id": str(offer.product_id), "sku": "A-1"}
    refused = client_as(cast.vendor).post("/v1/vendor/offers", json=same)
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/ended-by-operator")
    assert db.session.get(Offer, offer.id, populate_existing=True).state == OfferState.ENDED


@pytest.mark.parametrize("verb", ["publish", "pause", "end"])
def test_nobody_moves_another_vendors_offer(client_as, cast, verb):
    offer = an_offer(cast.vendor_company)
    for name in ("buyer", "colleague", "rival_buyer", "rival_vendor"):
        answer = client_as(cast.everyone[name]).post(f"/v1/vendor/offers/{offer.id}/{verb}")
        assert answer.status_code == 403, name
    assert client_as(cast.stranger).post(f"/v1/vendor/offers/{offer.id}/{verb}").status_code == 401


def test_refused_moves_leave_the_offer_live(client_as, cast):
    offer = an_offer(cast.vendor_company)
    for actor in (cast.buyer, cast.rival_vendor, cast.stranger):
        client_as(actor).post(f"/v1/vendor/offers/{offer.id}/end")
        client_as(actor).put(f"/v1/vendor/offers/{offer.id}/stock", json={"on_hand": 0})
    assert db.session.get(Offer, offer.id, populate_existing=True).state == OfferState.LIVE
    assert db.session.get(OfferStock, offer.id, populate_existing=True).on_hand == 100


def test_who_may_not_sell_publishes_nothing(client_as, cast):
    offer = an_offer(cast.vendor_company, state=OfferState.DRAFT)
    cast.vendor_company.may_sell = False
    db.session.flush()
    answer = client_as(cast.vendor).post(f"/v1/vendor/offers/{offer.id}/publish")
    assert (answer.status_code, answer.json["type"]) == (403, "/problems/vendor-may-not-sell")
    assert db.session.get(Offer, offer.id).state == OfferState.DRAFT


def test_setting_stock_never_touches_what_orders_hold(client_as, cast):
    offer = an_offer(cast.vendor_company, stock=10, reserved=4)
    answer = client_as(cast.vendor).put(f"/v1/vendor/offers/{offer.id}/stock", json={"on_hand": 3})
    assert answer.json["stock"] == {"on_hand": 3, "reserved": 4, "available": 0}
    for bad in ({"on_hand": -1}, {"on_hand": 1.5}, {"on_hand": 5, "reserved": 0}, {"on_hand": "5"}):
        assert client_as(cast.vendor).put(f"/v1/vendor/offers/{offer.id}/stock", json=bad).status_code == 422


def test_a_vendor_lists_his_own_offers_only(client_as, cast):
    mine = an_offer(cast.vendor_company, state=OfferState.DRAFT)
    an_offer(cast.rival_vendor_company)
    assert [o["id"] for o in client_as(cast.vendor).get("/v1/vendor/offers").json["items"]] == [str(mine.id)]
    assert len(client_as(cast.operator).get("/v1/vendor/offers").json["items"]) == 2
    assert client_as(cast.vendor).get("/v1/vendor/offers?state=live").json["items"] == []


def test_the_tree_is_listed_by_position_then_name(app, session, cast):
    with transaction():
        for name, position in (("B", 2), ("C", 1), ("A", 2)):
            categories.create(cast.operator, {"slug": name.lower(), "name": name, "position": position})
    assert [c.name for c in categories.queries.categories(cast.buyer)] == ["C", "A", "B"]
