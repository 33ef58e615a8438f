"""Offers with a buyer's own prices, lists and terms over HTTP: exact answers, and nobody reads another's prices."""

from datetime import date, timedelta

import pytest

from marketplace.agreements import queries
from marketplace.agreements.models import Price, PriceList, VendorTerms
from marketplace.agreements.schemas import ComparedProductOut, OfferOut
from marketplace.catalogue.states import OfferState
from marketplace.kernel.db import QueryCounter, db
from marketplace.kernel.web import page_of
from tests.builders.catalogue import a_category, a_price_list, a_product, an_offer, public_list
from tests.cast import NAMES


@pytest.fixture
def offer(cast):
    product = a_product("Screw M8", created_by=cast.vendor_company, part_number="S-8", category=a_category("Screws"))
    return an_offer(
        cast.vendor_company, product, tiers={1: "0.05", 100: "0.0375"}, sku="V-8", stock=50, reserved=8, pack_size=50,
        min_quantity=80, lead_time_days=3,
    )  # fmt: skip


def test_the_list_says_exactly_this(client_as, cast, offer):
    page = client_as(cast.buyer).get("/v1/offers").json
    assert page_of(OfferOut)().validate(page) == {}
    assert page == {
        "next": None,
        "items": [
            {
                "id": str(offer.id), "sku": "V-8", "category": "screws", "unit": "piece", "pack_size": 50,
                "min_quantity": 80, "least_quantity": 100, "lead_time_days": 3, "available": 42,
                "product": {"id": str(offer.product_id), "name": "Screw M8", "manufacturer": "Nordwerk",
                            "part_number": "S-8", "ean": None},
                "vendor": {"id": str(cast.vendor_company.id), "name": "Vendor GmbH"},
                "price": {
                    "unit_price": "0.0375", "currency": "EUR",
                    "tiers": [{"from_quantity": 1, "unit_price": "0.05"},
                              {"from_quantity": 100, "unit_price": "0.0375"}],
                    "source": {"kind": "public", "list_id": str(public_list(cast.vendor_company).id),
                               "name": "public EUR"},
                },
            }
        ],
    }  # fmt: skip
    assert client_as(cast.buyer).get(f"/v1/offers/{offer.id}").json == page["items"][0]


def test_a_contract_price_is_seen_by_its_buyer_only(client_as, cast, offer):
    contract = a_price_list(cast.vendor_company, name="Frame 7", prices={offer: "0.01"}, companies=[cast.buyer_company])
    for name, actor in cast.everyone.items():
        if name == "stranger":
            continue
        text = client_as(actor).get("/v1/offers").text + client_as(actor).get(f"/v1/products/{offer.product_id}").text
        assert (str(contract.id) in text) == (name in {"buyer", "colleague"}), name
        assert ("Frame 7" in text) == (name in {"buyer", "colleague"}), name


def test_filters_and_pages(client_as, cast):
    tools = a_category("Tools")
    saws = a_category("Saws", parent=tools)
    mine = [an_offer(cast.vendor_company, a_product(created_by=cast.vendor_company, category=saws)) for _ in range(5)]
    other = an_offer(cast.rival_vendor_company, a_product(created_by=cast.vendor_company, category=a_category("Too")))
    dollars = an_offer(cast.rival_vendor_company, currency="USD", price="3")
    for state in (OfferState.DRAFT, OfferState.PAUSED, OfferState.ENDED):
        an_offer(cast.vendor_company, state=state)
    client = client_as(cast.buyer)

    def ids(query):
        return [item["id"] for item in client.get(f"/v1/offers?{query}").json["items"]]

    assert ids("") == [str(o.id) for o in [other, *reversed(mine)]]
    assert ids(f"vendor={cast.rival_vendor_company.id}") == [str(other.id)]
    assert ids("category=tools") == [str(o.id) for o in reversed(mine)]
    assert ids("currency=USD") == [str(dollars.id)]
    assert ids(f"category=tools&vendor={cast.rival_vendor_company.id}") == []
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/v1/offers?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert seen == ids("")


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=201", "vendor=x", "currency=eur"])
def test_wrong_questions_are_named(client_as, cast, query):
    assert client_as(cast.buyer).get(f"/v1/offers?{query}").status_code == 422


def test_one_query_for_a_page_of_any_length(app, cast):
    for _ in range(12):
        an_offer(cast.vendor_company)
    for limit in (1, 12):
        with QueryCounter() as seen:
            queries.offers_page(cast.buyer, {"limit": limit})
        assert seen.count == 1


def test_a_suspended_vendors_offers_vanish(client_as, cast, offer):
    cast.vendor_company.may_sell = False
    db.session.flush()
    client = client_as(cast.buyer)
    assert client.get("/v1/offers").json["items"] == []
    assert client.get(f"/v1/offers/{offer.id}").status_code == 404
    assert client.get(f"/v1/products/{offer.product_id}").json["offers"] == []


def test_a_product_compares_its_offers(client_as, cast, offer):
    product = queries.catalogue.product(cast.buyer, offer.product_id)
    cheap = an_offer(cast.rival_vendor_company, product, price="0.02")
    dollars = an_offer(cast.rival_vendor_company, product, price="0.01", currency="USD")
    compared = client_as(cast.buyer).get(f"/v1/products/{product.id}")
    assert ComparedProductOut().validate(compared.json) == {}
    assert [o["id"] for o in compared.json["offers"]] == [str(o.id) for o in (cheap, offer, dollars)]
    assert compared.json["offers"][2]["price"] is None
    assert (compared.json["category"], compared.headers["ETag"]) == ("screws", '"1"')


def test_lists_are_kept_by_the_vendors_manager(client_as, cast):
    wanted = {"kind": "contract", "name": "Frame", "currency": "EUR"}
    answers = {n: client_as(a).post("/v1/price-lists", json=wanted).status_code for n, a in cast.everyone.items()}
    assert answers == dict.fromkeys(NAMES, 403) | {"vendor": 201, "rival_vendor": 201, "stranger": 401}
    own = client_as(cast.vendor).get("/v1/price-lists").json["items"]
    assert [row["vendor_id"] for row in own] == [str(cast.vendor_company.id)]
    assert client_as(cast.rival_vendor).get(f"/v1/price-lists/{own[0]['id']}").status_code == 404
    assert client_as(cast.rival_vendor).delete(f"/v1/price-lists/{own[0]['id']}").status_code == 404


def test_prices_are_set_in_bulk_or_not_at_all(client_as, cast, offer):
    foreign = an_offer(cast.rival_vendor_company)
    row = a_price_list(cast.vendor_company)
    url, tag = f"/v1/price-lists/{row.id}/prices", {"If-Match": '"1"'}
    good = {"offer_id": str(offer.id), "tiers": [{"from_quantity": 1, "unit_price": "2.5"}]}
    falling = {
        "offer_id": str(offer.id),
        "tiers": [{"from_quantity": 5, "unit_price": "1"}, {"from_quantity": 5, "unit_price": "1"}],
    }
    dearer = {
        "offer_id": str(offer.id),
        "tiers": [{"from_quantity": 1, "unit_price": "1"}, {"from_quantity": 5, "unit_price": "2"}],
    }
    client = client_as(cast.vendor)
    for rows, pointer in (
        ([good, {"offer_id": str(foreign.id), "tiers": []}], "/prices/1/offer_id"),
        ([falling], "/prices/0/tiers"),
        ([dearer], "/prices/0/tiers"),
        ([good, good], "/prices/1/offer_id"),
        ([good | {"tiers": [{"from_quantity": 0, "unit_price": "1"}]}], "/prices/0/tiers/0/from_quantity"),
        ([good | {"tiers": [{"from_quantity": 1, "unit_price": 1.5}]}], "/prices/0/tiers/0/unit_price"),
        ([good | {"tiers": [{"from_quantity": 1, "unit_price": "-1"}]}], "/prices/0/tiers/0/unit_price"),
        ([], "/prices"),
    ):
        answer = client.put(url, json={"prices": rows}, headers=tag)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert db.session.query(Price).filter_by(price_list_id=row.id).count() == 0
    assert client.put(url, json={"prices": [good]}).status_code == 428
    done = client.put(url, json={"prices": [good]}, headers=tag)
    assert (done.status_code, done.headers["ETag"]) == (200, '"2"')
    assert client.put(url, json={"prices": [good]}, headers=tag).status_code == 412
    assert client.get(url).json["items"] == [{"offer_id": str(offer.id), "from_quantity": 1, "unit_price": "2.50"}]
    client.put(url, json={"prices": [good | {"tiers": []}]}, headers={"If-Match": '"2"'})
    assert client.get(url).json["items"] == []


def test_a_list_reaches_its_companies(client_as, cast, offer):
    row = a_price_list(cast.vendor_company, prices={offer: "1"})
    client, url = client_as(cast.vendor), f"/v1/price-lists/{row.id}/companies"
    unknown = client.put(url, json={"company_ids": [str(cast.buyer_company.id), str(offer.id)]})
    assert (unknown.status_code, unknown.json["errors"][0]["pointer"]) == (422, "/company_ids/1")
    assert client.get(url).json == {"company_ids": []}
    assert client.put(url, json={"company_ids": [str(cast.buyer_company.id)]}).status_code == 200
    assert client_as(cast.buyer).get(f"/v1/offers/{offer.id}").json["price"]["source"]["kind"] == "contract"
    everyone = public_list(cast.vendor_company)
    assert client.put(f"/v1/price-lists/{everyone.id}/companies", json={"company_ids": []}).status_code == 409
    assert client.delete(f"/v1/price-lists/{row.id}").status_code == 204
    assert client_as(cast.buyer).get(f"/v1/offers/{offer.id}").json["price"]["source"]["kind"] == "public"


def test_one_public_list_per_currency_and_dates_in_order(client_as, cast):
    client = client_as(cast.vendor)
    public = {"kind": "public", "name": "All", "currency": "EUR"}
    assert client.post("/v1/price-lists", json=public).status_code == 201
    assert client.post("/v1/price-lists", json=public).status_code == 409
    dated = {"kind": "campaign", "name": "May", "currency": "EUR", "valid_from": "2026-05-31", "valid_to": "2026-05-01"}
    assert client.post("/v1/price-lists", json=dated).status_code == 422
    assert (
        client.post("/v1/price-lists", json=public | {"currency": "USD", "valid_to": "2026-05-01"}).status_code == 422
    )
    assert db.session.query(PriceList).count() == 1


def test_terms_are_agreed_by_the_operator_ahead_and_never_changed(client_as, cast):
    url, today = f"/v1/vendors/{cast.vendor_company.id}/terms", queries.today()
    wanted = {"valid_from": today.isoformat(), "commission_rate": "0.12"}
    answers = {n: client_as(a).post(url, json=wanted).status_code for n, a in cast.everyone.items()}
    assert answers == dict.fromkeys(NAMES, 403) | {"operator": 201, "stranger": 401}
    client = client_as(cast.operator)
    assert client.post(url, json=wanted).status_code == 409
    yesterday = wanted | {"valid_from": (today - timedelta(1)).isoformat()}
    assert client.post(url, json=yesterday).status_code == 422
    later = wanted | {"valid_from": (today + timedelta(1)).isoformat()}
    assert client.post(url, json=later | {"commission_rate": "1.01"}).status_code == 422
    strange = client.post(url, json=later | {"commission_by_category": {"no/such": "0.1"}})
    assert (strange.status_code, strange.json["errors"][0]["pointer"]) == (422, "/commission_by_category/no~1such")
    a_category("Tools")
    assert client.post(url, json=later | {"commission_by_category": {"tools": "0.08"}}).status_code == 201
    assert db.session.query(VendorTerms).count() == 2
    read = client_as(cast.vendor).get(f"{url}?limit=1").json
    assert read["items"][0]["commission_by_category"] == {"tools": "0.08"}
    assert [t["commission_rate"] for t in client_as(cast.vendor).get(f"{url}?cursor={read['next']}").json["items"]] == [
        "0.12"
    ]
    assert client_as(cast.rival_vendor).get(url).json["items"] == []
    assert client_as(cast.buyer).get(url).status_code == 403
    assert queries.terms_on(date(today.year, today.month, today.day), [cast.vendor_company.id])
