"""The API and pages of search: narrowing, completions, comparison, the operator's rules with their preview, insight."""

import re
from html import unescape

import pytest

from marketplace.catalogue.events import OffersChanged
from marketplace.catalogue.models import OfferStock
from marketplace.kernel.db import QueryCounter, db
from search import handlers, insight, pages
from search.schemas import SearchPage
from tests.builders.catalogue import a_category, a_product, an_offer
from tests.pages import HTML, read, see
from tests.search.servers import index_products


@pytest.fixture
def goods(app, cast):
    app.extensions["kontor_search_notes"] = insight.Notes(app, after_s=None)  # without what other tests searched
    tools = a_category("Tools")
    made = [
        a_product("Angle grinder", created_by=cast.vendor_company, part_number="AG-125", category=tools,
                  attributes=[{"name": "Voltage", "value": "230 V"}, {"name": "Disc", "value": "125 mm"}]),
        a_product("Cordless spanner", created_by=cast.vendor_company, part_number="CS-18", category=tools,
                  attributes=[{"name": "Voltage", "value": "18 V"}]),
    ]  # fmt: skip
    for product, price in zip(made, ("89.5", "120"), strict=True):
        an_offer(cast.vendor_company, product, tiers={1: price, 10: "50"})
    index_products([p.id for p in made])
    return made


def test_a_search_is_narrowed_and_counted(client_as, cast, goods):
    client = client_as(cast.buyer)
    page = client.get(
        "/v1/search?facets=category&facets=vendor&facets=attributes&facets=price&facets=stock&facets=lead_time"
    ).json
    assert SearchPage().validate(page) == {}
    found = {f["attribute"] or f["name"]: {c["label"]: c["count"] for c in f["counts"]} for f in page["facets"]}
    assert found == {
        "category": {"Tools": 2}, "vendor": {"Vendor GmbH": 2}, "stock": {"in_stock": 2},
        "Voltage": {"230 V": 1, "18 V": 1}, "price": {"50-100": 1, "100-200": 1},
        "lead_time": {"3": 2, "7": 2, "14": 2, "30": 2},
    }  # fmt: skip
    for query, names in (
        ("attribute=Voltage=18 V", ["Cordless spanner"]),
        ("range=Voltage:100..", ["Angle grinder"]),
        ("range=Disc:12 cm..5 in", ["Angle grinder"]),
        ("price_max=100", ["Angle grinder"]),
        ("price_max=60", []),
        ("price_max=60&quantity=10&sort=name", ["Angle grinder", "Cordless spanner"]),
        ("sort=-price", ["Cordless spanner", "Angle grinder"]),
    ):
        answer = client.get(f"/v1/search?{query}")
        assert answer.status_code == 200, (query, answer.text)
        items = answer.json["items"]
        assert [hit["product"]["name"] for hit in items] == names, query
    twice = client.get("/v1/search?facets=vendor&facets=category&facets=vendor").json["facets"]
    assert [facet["name"] for facet in twice] == ["vendor", "category"]
    tenth = client.get("/v1/search?q=grinder&quantity=10&highlight=true").json["items"][0]
    assert tenth["offers"][0]["price"]["unit_price"] == "50.00"
    assert tenth["marked"]["name"] == [["Angle ", False], ["grinder", True]]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("sort=color", "/sort"), ("facets=" + "&facets=".join(["vendor"] * 1000), "/facets"),
        ("facets=secret", "/facets/0"),
        ("range=Length", "/range/0"), ("range=Length:a..b", "/range/0"), ("attribute=x", "/attribute/0"),
        ("&".join(f"attribute=a{n}=b" for n in range(1000)), "/attribute"), ("price_min=5&price_max=4", "/price_max"),
        ("quantity=0", "/quantity"), ("language=xx", "/language"), ("cursor=WyIxMDAwMDAwMDAwIl0", "/cursor"),
    ],
)  # fmt: skip
def test_bad_questions_are_refused_with_their_place(client_as, cast, goods, query, pointer):
    answer = client_as(cast.buyer).get(f"/v1/search?{query}")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_completions_of_products_categories_and_vendors(client_as, cast, goods):
    client = client_as(cast.buyer)
    assert [p["name"] for p in client.get("/v1/search/completions?q=cord").json["products"]] == ["Cordless spanner"]
    assert client.get("/v1/search/completions?q=too").json["categories"] == [{"path": "tools", "name": "Tools"}]
    assert client.get("/v1/search/completions?q=vend").json["vendors"][-1]["name"] == "Vendor GmbH"
    assert client.get("/v1/search/completions?q=%25").json == {"products": [], "categories": [], "vendors": []}


def test_a_vendor_who_may_no_longer_sell_is_completed_no_longer(client_as, cast, goods):
    client = client_as(cast.buyer)
    assert [v["name"] for v in client.get("/v1/search/completions?q=rival").json["vendors"]] == ["Rival Vendor BV"]
    cast.rival_vendor_company.may_sell = False
    db.session.flush()
    assert client.get("/v1/search/completions?q=rival").json["vendors"] == []


def test_a_comparison_has_a_row_for_each_attribute(client_as, cast, goods):
    client = client_as(cast.buyer)
    ids = "&".join(f"product={p.id}" for p in goods)
    table = client.get(f"/v1/products/compare?{ids}").json
    assert table["rows"] == [
        {"name": "Voltage", "values": ["230 V", "18 V"], "differs": True},
        {"name": "Disc", "values": ["125 mm", None], "differs": True},
    ]
    assert client.get(f"/v1/products/compare?product={goods[0].id}").status_code == 422
    assert client.get("/v1/products/compare?" + "&".join([f"product={goods[0].id}"] * 7)).status_code == 422
    assert "Voltage" in client.get(f"/compare?{ids}", headers={"Accept": "text/html"}).text


def test_a_comparison_takes_as_many_statements_for_three_as_for_two(client_as, cast, goods):
    ids = [str(one.id) for one in (*goods, a_product("Drill", created_by=cast.vendor_company))]
    client, counts = client_as(cast.buyer), []
    for some in (ids[:2], ids):
        with QueryCounter() as seen:
            compared = client.get("/v1/products/compare?product=" + "&product=".join(some)).json
        assert [one["product"]["id"] for one in compared["products"]] == some
        counts.append(seen.count)
    assert counts[0] == counts[1]


def test_what_is_compared_shows_its_stock_and_goes_into_the_cart_of_who_may_buy(client_as, cast, goods):
    grinder, spanner = goods
    an_offer(cast.vendor_company, grinder, price="80", stock=0, sku="AWAY")
    nobodys = a_product("Drill", created_by=cast.vendor_company)
    buyer, shown = client_as(cast.buyer), []
    for some in ([grinder, spanner], [grinder, spanner, nobodys]):
        address = "/compare?product=" + "&product=".join(str(one.id) for one in some)
        with QueryCounter() as seen:
            page = see(buyer, address)
        shown.append(seen.count)
    assert shown[0] == shown[1]
    best = "Best price 80.00 EUR per piece Vendor GmbH 120.00 EUR per piece 50.00 EUR from 10 Vendor GmbH"
    stock = "Availability out of stock 2 days to ship 100 in stock 2 days to ship \N{EN DASH}"
    told = " ".join(page.text.split())
    assert f"{best} nobody offers it {stock} Add 89.50 EUR" in told
    # of the grinder the offer that is there, not the cheaper one that is not
    forms = [form for form in page.forms if form.action.endswith("/cart/lines")]
    assert [(form.fields["quantity"], form.fields["back"]) for form in forms] == [("1", address)] * 2
    assert len({form.fields["offer_id"] for form in forms}) == 2
    for other in (cast.vendor, cast.operator):
        page = see(client_as(other), address)
        assert ("120.00 EUR" in page.text, "Add to cart" in page.text) == (True, False)


def test_related_goods(client_as, cast, goods):
    related = client_as(cast.buyer).get(f"/v1/products/{goods[0].id}/related").json
    assert [hit["product"]["name"] for hit in related["alike"]] == ["Cordless spanner"]
    assert related["bought_together"] == []


def test_a_rule_is_looked_at_before_it_is_kept(client_as, cast, goods):
    client = client_as(cast.operator)
    rule = {"kind": "synonym", "words": ["wrench", "spanner"]}
    seen = client.post("/v1/search/rules/preview", json=rule | {"q": "wrench"}).json
    assert (seen["total_before"], seen["total_after"]) == (0, 1)
    assert client_as(cast.buyer).get("/v1/search?q=wrench").json["total"] == 0
    made = client.post("/v1/search/rules", json=rule)
    assert made.status_code == 201
    assert client_as(cast.buyer).get("/v1/search?q=wrench").json["total"] == 1
    address = f"/v1/search/rules/{made.json['id']}"
    assert client.patch(address, json={"words": ["wrench", "key"]}).status_code == 428
    changed = client.patch(address, json={"words": ["wrench", "key"]}, headers={"If-Match": made.headers["ETag"]})
    assert changed.status_code == 200
    assert client.delete(address).status_code == 204
    assert client_as(cast.buyer).get("/v1/search/rules").status_code == 403


def test_rules_that_say_nothing_are_refused(client_as, cast, goods):
    client = client_as(cast.operator)

    def add(**facts):
        answer = client.post("/v1/search/rules", json=facts)
        return answer.status_code, answer.json.get("type", "").rpartition("/")[2]

    assert add(kind="synonym", words=["Wrench", "wrench"]) == (422, "synonym-needs-two")
    assert add(kind="synonym") == (422, "synonym-needs-two")
    assert add(kind="boost", words=["x"]) == (422, "boost-needs-category")
    assert add(kind="boost", words=["x"], category_path="nowhere") == (422, "category-not-there")
    assert add(kind="synonym", words=["a", "b"], one_way=True)[0] == 201
    assert add(kind="synonym", words=["b", "c"], one_way=True)[0] == 201
    assert add(kind="synonym", words=["c", "a"], one_way=True) == (409, "synonyms-in-circle")


def test_the_same_rule_is_kept_once(client_as, cast, goods):
    client = client_as(cast.operator)
    for facts, others in (
        ({"kind": "synonym", "words": ["wrench", "spanner"]}, {"one_way": True}),
        ({"kind": "boost", "words": ["drill"], "category_path": "tools", "weight": 3}, {"weight": 2}),
    ):
        assert client.post("/v1/search/rules", json=facts).status_code == 201
        again = client.post("/v1/search/rules", json=facts | {"words": [w.upper() for w in facts["words"][::-1]]})
        assert (again.status_code, again.json["type"]) == (409, "/problems/rule-there-already")
        other = client.post("/v1/search/rules", json=facts | others)
        assert other.status_code == 201
        changed = client.patch(
            f"/v1/search/rules/{other.json['id']}",
            json={next(iter(others)): facts.get("weight", False)},
            headers={"If-Match": other.headers["ETag"]},
        )
        assert changed.status_code == 409
    looked = see(client, "/search/rules?q=drill&words=wrench,spanner")
    kept = next(form for form in looked.forms if {"words", "csrf_token"} <= form.fields.keys())
    twice = client.post(kept.action, data=kept.fields, headers=HTML)
    assert (twice.status_code, "There is such a rule already" in read(twice).text) == (409, True)


def test_a_rule_that_is_none_says_so_where_it_was_typed(client_as, cast, goods):
    client = client_as(cast.operator)
    assert client.post("/v1/search/rules", json={"kind": "synonym", "words": ["\u0301", "x"]}).status_code == 422
    for typed, said in (("one", "A synonym needs two words"), ("a," + "x" * 101, "Words 1: Length must be between")):
        page = client.get(f"/search/rules?q=drill&weight=3&words={typed}", headers=HTML)
        assert (page.status_code, said in page.text, f'value="{typed}"' in page.text) == (200, True, True)
    address = "/search/rules?q=drill&kind=boost&category_path=tools&weight=3&words=drill"
    kept = next(form for form in see(client, address).forms if {"words", "csrf_token"} <= form.fields.keys())
    refused = client.post(kept.action, data=kept.fields | {"category_path": "nowhere"}, headers=HTML)
    form = next(form for form in read(refused).forms if "words" in form.fields).fields
    assert (refused.status_code, form["kind"], form["words"], form["weight"]) == (422, "boost", "drill", "3.0")


def test_what_was_searched_opened_and_ordered_is_told(client_as, cast, goods):
    buyer = client_as(cast.buyer)
    page = buyer.get("/v1/search?q=grinder").json
    buyer.get("/v1/search?q=nothing+like+this")
    visit = {"query_id": page["query_id"], "product_id": str(goods[0].id)}
    assert buyer.post("/v1/search/visits", json=visit).status_code == 204
    insight.flush()
    told = {row["words"]: row for row in client_as(cast.operator).get("/v1/search/queries").json["items"]}
    assert (told["grinder"]["searches"], told["grinder"]["clicks"], told["grinder"]["orders"]) == (1, 1, 0)
    assert told["nothing like this"]["without_result"] == 1
    empty = client_as(cast.operator).get("/v1/search/queries?empty=true").json["items"]
    assert [row["words"] for row in empty] == ["nothing like this"]
    assert "nothing like this,1,1,1" in client_as(cast.operator).get("/v1/search/queries.csv").text
    assert buyer.get("/v1/search/queries").status_code == 403


def test_the_index_tells_what_waits(client_as, cast, goods):
    shown = client_as(cast.operator).get("/v1/search/index").json
    assert shown == {"engine": "postgres", "pending": 0, "lag_seconds": 0.0, "refused": 0}
    assert client_as(cast.operator).get("/v1/operations").json["rooms"]["search"]["pending"] == 0
    assert "kontor_search_lag_seconds 0.0" in client_as(cast.operator).get("/v1/metrics").text


def test_product_texts_in_other_languages(client_as, cast, goods):
    client = client_as(cast.vendor)
    text = {"name": "Meuleuse d'angle", "description": "Disque de 125 mm"}
    assert client.put(f"/v1/products/{goods[0].id}/texts/fr", json=text).status_code == 200
    index_products([goods[0].id])
    hit = client_as(cast.buyer).get("/v1/search?q=meuleuses&language=fr&highlight=true").json["items"][0]
    assert hit["product"]["name"] == "Meuleuse d'angle"
    assert hit["marked"]["name"] == [["Meuleuse", True], [" d'angle", False]]
    begun = client_as(cast.buyer).get("/v1/search/completions?q=meul&language=fr").json["products"]
    assert [product["name"] for product in begun] == ["Meuleuse d'angle"]
    assert client_as(cast.buyer).get("/v1/search?q=grinder&language=fr").json["total"] == 1


def test_a_text_is_changed_by_the_version_that_was_read(client_as, cast, goods):
    path = f"/v1/products/{goods[0].id}/texts/"

    def put(name, language="fr", actor=cast.vendor, **headers):
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        answer = client_as(actor).put(path + language, json={"name": name}, headers=named)
        return answer.status_code, answer.headers.get("ETag")

    assert client_as(cast.buyer).get(f"{path}fr").status_code == 404
    assert put("Meuleuse", If_Match='"1"') == (412, None)  # there is none of which that was read
    assert put("Meuleuse", If_None_Match="*") == (200, '"1"')
    assert [put("Scie")[0], put("Scie", If_None_Match="*")[0], put("Scie", If_Match='"2"')[0]] == [428, 412, 412]
    assert put("Scie", actor=cast.rival_vendor, If_Match='"1"') == (403, None)
    shown = client_as(cast.buyer).get(f"{path}fr")
    assert (shown.json["name"], shown.headers["ETag"]) == ("Meuleuse", '"1"')
    assert put("Meuleuse d'angle", If_Match=shown.headers["ETag"]) == (200, '"2"')
    assert put("Amoladora", language="es") == (200, '"1"')


def test_the_pages(client_as, cast, goods):
    buyer, html = client_as(cast.buyer), {"Accept": "text/html"}
    page = buyer.get("/offers?q=grinder&quantity=10&in_stock=true&sort=price", headers=html).text
    assert "Angle grinder" in page
    assert "125 mm" not in page or "Narrow these" in page
    assert "These are hits for" in buyer.get("/offers?q=cordles+spaner", headers=html).text
    page = buyer.get("/offers?limit=1&attribute=Voltage%3D230+V&attribute=Voltage%3D18+V", headers=html).text
    assert page.count('name="attribute"') == 2  # stays when it is sorted
    (onward,) = re.findall(r'href="([^"]*cursor=[^"]*)"', page)
    assert "Cordless spanner" in page + buyer.get(unescape(onward), headers=html).text
    assert onward.count("attribute=Voltage") == 2
    assert "Cordless spanner" in buyer.get(f"/products/{goods[0].id}/related", headers=html).text
    operator = client_as(cast.operator)
    page = operator.get("/search/rules?kind=synonym&words=wrench,spanner&q=wrench", headers=html).text
    assert "With it" in page
    assert "Cordless spanner" in page


@pytest.mark.parametrize("name", ["_anchor", "_method", "_scheme", "endpoint"])
def test_an_address_may_name_what_only_url_for_knows(client_as, cast, goods, name):
    page = client_as(cast.buyer).get(f"/offers?q=grinder&{name}=x", headers=HTML).text
    assert f'href="/offers?q=grinder&amp;{name}=x&amp;in_stock=true"' in page
    page = client_as(cast.buyer).get(f"/offers?limit=1&{name}=x", headers=HTML).text
    assert f'href="/offers?limit=1&amp;{name}=x&amp;cursor=' in page
    assert client_as(cast.buyer).get("/offers?category=%00").status_code == 422


def test_vendors_to_choose_from_are_those_who_sell(client_as, cast, goods, monkeypatch):
    monkeypatch.setattr(pages, "MAX_VENDORS", 1)
    for chosen, names in (
        ("", ["Rival Vendor BV"]),
        (f"?vendor={cast.vendor_company.id}", ["Rival Vendor BV", "Vendor GmbH"]),
    ):
        page = client_as(cast.operator).get(f"/offers{chosen}", headers=HTML).text
        shown = page.partition('name="vendor"')[2].partition("</select>")[0]
        assert re.findall(r">([^<]+)</option>", shown)[1:] == names


def test_of_a_product_that_is_found_for_an_offer_that_offer_is_shown_first(client_as, cast, goods):
    quick = an_offer(cast.rival_vendor_company, goods[0], price="120", lead_time_days=1)
    index_products([goods[0].id])
    client = client_as(cast.buyer)
    for asked, first in (("", "89.50"), ("&lead_time_days=1", "120.00"), ("&price_min=100", "120.00")):
        offers = client.get(f"/v1/search?q=grinder{asked}").json["items"][0]["offers"]
        assert (len(offers), offers[0]["price"]["unit_price"]) == (2, first), asked
    db.session.get(OfferStock, quick.id).on_hand = 0
    db.session.flush()
    offers = client.get("/v1/search?q=grinder&in_stock=true&quantity=10").json["items"][0]["offers"]
    assert [offer["available"] for offer in offers] == [100, 0]


def test_an_event_of_many_products_is_indexed_once(own_app):
    with own_app.app_context():
        handlers.index_changed([OffersChanged(()), OffersChanged(())])
        assert db.session is not None


def test_what_may_be_the_same_is_proposed_with_a_score(client_as, cast, goods):
    twice = a_product("Cordless spanner CS-18", created_by=cast.rival_vendor_company, manufacturer="")
    an_offer(cast.rival_vendor_company, twice)
    index_products([twice.id])
    operator = client_as(cast.operator)
    (proposed,) = operator.get(f"/v1/products/{twice.id}/duplicates").json["items"]
    assert (proposed["name"], proposed["score"] > 0.5) == ("Cordless spanner", True)
    assert operator.get(f"/v1/products/{goods[0].id}/duplicates").json["items"] == []
    assert client_as(cast.vendor).get(f"/v1/products/{twice.id}/duplicates").status_code == 403
