"""Search over HTTP: this buyer's prices on the hits, bad questions, and the way from a change to the index."""

import pytest
from sqlalchemy import text

from marketplace.catalogue.models import Product
from marketplace.kernel import queue
from marketplace.kernel.db import QueryCounter, db, new_id, transaction
from search import queries, rules
from search.schemas import SearchPage
from tests.builders.catalogue import a_price_list, a_product, an_offer
from tests.cast import make_cast
from tests.search.servers import index_products


@pytest.fixture
def offer(cast):
    product = a_product("Angle grinder", created_by=cast.vendor_company, part_number="AG-125")
    made = an_offer(cast.vendor_company, product, price="89.5")
    index_products([product.id])
    return made


def test_hits_carry_the_buyers_own_price(client_as, cast, offer):
    dearer = an_offer(cast.rival_vendor_company, db.session.get(Product, offer.product_id), price="95")
    a_price_list(cast.rival_vendor_company, prices={dearer: {1: "80", 10: "75.5"}}, companies=[cast.buyer_company])
    page = client_as(cast.buyer).get("/v1/search?q=grinder").json
    assert SearchPage().validate(page) == {}
    (hit,) = page["items"]
    assert hit["product"]["part_number"] == "AG-125"
    assert [(o["vendor"]["name"], o["price"]["unit_price"]) for o in hit["offers"]] == [
        ("Rival Vendor BV", "80.00"),
        ("Vendor GmbH", "89.50"),
    ]
    rival = client_as(cast.rival_buyer).get("/v1/search?q=grinder").json["items"][0]["offers"]
    assert [o["price"]["unit_price"] for o in rival] == ["89.50", "95.00"]
    assert (page["total"], page["next"]) == (1, None)


def test_what_was_mistyped_is_told_with_what_is_shown_instead(client_as, cast, offer):
    page = client_as(cast.buyer).get("/v1/search?q=angel+grindr").json
    assert (page["meant"], page["total"]) == ("angle grinder", 1)
    shown = client_as(cast.buyer).get("/offers?q=angel+grindr", headers={"Accept": "text/html"}).text
    assert "Nothing was found for <b>angel grindr</b>. These are hits for <b>angle grinder</b>." in shown


def test_everyone_signed_in_may_search(client_as, cast, offer):
    statuses = {name: client_as(actor).get("/v1/search?q=ag125").status_code for name, actor in cast.everyone.items()}
    assert statuses.pop("stranger") == 401
    assert set(statuses.values()) == {200}


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("q=" + "x" * 10_000, 422, "/q"),
        ("q=%00", 422, "/q"),
        ("q=%FF%FE", 200, None),
        ("q=%27%3B+DROP+TABLE+offer", 200, None),
        ("q=", 200, None),
        ("category=%00", 422, "/category"),
        ("vendor=nobody", 422, "/vendor/0"),
        ("currency=euro", 422, "/currency"),
        ("limit=0", 422, "/limit"),
        ("limit=101", 422, "/limit"),
        ("cursor=nonsense", 422, "/cursor"),
        ("cursor=WyI5OTk5OTk5OTk5Il0", 422, "/cursor"),
        ("cursor=WyItNSJd", 200, None),
    ],
)
def test_bad_questions_get_a_clear_answer(client_as, cast, offer, query, status, pointer):
    answer = client_as(cast.buyer).get(f"/v1/search?{query}")
    assert answer.status_code == status, answer.text
    if pointer:
        assert answer.json["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "typed", ["x" * 10_000, "%00", "%FF%FE%00", "' OR 1=1 --", "*:* AND {", "%EE%80%80", "<script>bad</script>"]
)
def test_whatever_is_typed_at_pages_and_completions_is_answered_in_words(client_as, cast, offer, typed):
    client, html = client_as(cast.buyer), {"Accept": "text/html"}
    for address, headers in ((f"/offers?q={typed}", html), (f"/v1/search/completions?q={typed}", {})):
        answer = client.get(address, headers=headers)
        assert answer.status_code in {200, 422}, answer.text
        assert "Traceback" not in answer.text
        assert "<script>bad" not in answer.text


def test_the_number_of_queries_does_not_grow_with_the_hits(client_as, cast, monkeypatch):
    monkeypatch.setattr(rules, "REMEMBERED_S", 1e9)
    monkeypatch.setattr(queries, "HIDDEN_REMEMBERED_S", 1e9)
    client = client_as(cast.buyer)
    client.get("/v1/search?q=anything")  # what is remembered for a while

    def queries_for(count):
        products = [a_product(f"Gasket {n}", created_by=cast.vendor_company) for n in range(count)]
        for product in products:
            an_offer(cast.vendor_company, product)
        with QueryCounter() as indexed:
            index_products([p.id for p in products])
        with QueryCounter() as asked:
            assert len(client.get("/v1/search?q=gasket&limit=100").json["items"]) >= count
        return indexed.count, asked.count

    assert queries_for(2) == queries_for(30)


def test_what_was_ordered_with_a_product_is_looked_up_by_an_index(session):
    session.execute(text("SET LOCAL enable_seqscan = off"))
    asked = text("EXPLAIN " + queries._TOGETHER.replace("%(product)s", ":product").replace("%(limit)s", ":limit"))
    plan = session.execute(asked, {"product": new_id(), "limit": 8}).scalars().all()
    assert any("ix_order_line_product_id" in line for line in plan)


def test_a_published_offer_is_found_after_the_outbox_ran(own_app):
    with own_app.app_context():
        with transaction():
            cast = make_cast()
            product = a_product("Torque wrench", created_by=cast.vendor_company)
        own_app.extensions["kontor_actor_loader"] = lambda: cast.vendor
        client = own_app.test_client()
        draft = client.post("/v1/vendor/offers", json={"product_id": str(product.id), "sku": "TW-1", "on_hand": 5})
        assert draft.status_code == 201
        assert client.post(f"/v1/vendor/offers/{draft.json['id']}/publish").status_code == 200
        assert client.get("/v1/search?q=torque").json["total"] == 0
        queue.drain()
        assert client.get("/v1/search?q=torque").json["total"] == 1
        assert len(client.get("/v1/search/completions?q=torque").json["products"]) == 1
        assert client.post(f"/v1/vendor/offers/{draft.json['id']}/end").status_code == 200
        assert client.get("/v1/search?q=torque").json["total"] == 0
        assert client.get("/v1/search/completions?q=torque").json["products"] == []


def test_rebuilding_makes_the_same_index_again(own_app):
    with own_app.app_context():
        with transaction():
            cast = make_cast()
            for name in ("Chisel", "Mallet", "Rasp"):
                an_offer(cast.vendor_company, a_product(name, created_by=cast.vendor_company))
        result = own_app.test_cli_runner().invoke(args=["search", "rebuild"])
        assert result.output == "3 products indexed\n"
        own_app.extensions["kontor_actor_loader"] = lambda: cast.buyer
        assert own_app.test_client().get("/v1/search?q=mallet").json["total"] == 1
