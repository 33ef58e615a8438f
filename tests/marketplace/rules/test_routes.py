"""Each party makes its own promotions and delivery rates; the operator taxes and return policies."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import func, select

from marketplace.kernel import clock
from marketplace.pricing.policy import B2B
from marketplace.pricing.wire import policy_to_json
from marketplace.rules.models import DeliveryRate, Promotion, ReturnPolicy, TaxRate
from tests.builders import catalogue, rules

PROMOTION = {"name": "Spring", "currency": "EUR", "steps": [{"from_minor": 0, "rate": "0.10"}]}
RATE = {"name": "Parcel", "currency": "EUR", "price_minor": 990, "free_from_minor": 50_000, "countries": ["DE"]}
EVERYONE = ("buyer", "colleague", "rival_buyer", "vendor", "rival_vendor", "operator", "stranger")


def sent(client, method, path, body=None, **headers):
    answer = client.open(path, method=method, json=body or {}, headers=headers)
    return answer.status_code, orjson.loads(answer.data)


def later(**delta):
    return (clock.now() + timedelta(**delta)).isoformat()


def count(session, model):
    return session.scalar(select(func.count()).select_from(model))


def test_an_operators_promotion_has_any_funding_and_scope(client_as, cast, session):
    offer = catalogue.an_offer(cast.vendor_company)
    catalogue.a_category("Bolts", slug="bolts")
    scope = {"vendors": [str(cast.vendor_company.id)], "categories": ["bolts"], "offers": [str(offer.id)]}
    steps = [{"from_minor": 10_000, "amount_minor": 500}, {"from_minor": 20_000, "amount_minor": 1_500}]
    body = PROMOTION | {"code": " spring ", "steps": steps, "vendor_share": "0.4", "scope": scope}
    status, made = sent(client_as(cast.operator), "POST", "/v1/promotions", body)
    assert status == 201
    assert made["vendor_id"] is None
    assert (made["code"], made["steps"], made["vendor_share"], made["scope"]) == ("SPRING", steps, "0.40", scope)
    rules.default_rules()
    assert [row.name for row in rules.in_force(moment=clock.now(), codes=["Spring"]).promotions] == ["Spring"]


def test_a_vendors_promotion_is_his_own_to_pay(client_as, cast, session):
    status, made = sent(client_as(cast.vendor), "POST", "/v1/promotions", PROMOTION)
    assert (status, made["vendor_id"], made["vendor_share"]) == (201, str(cast.vendor_company.id), "1.00")


def test_an_operators_promotion_is_paid_by_the_marketplace_unless_said_otherwise(client_as, cast, session):
    assert sent(client_as(cast.operator), "POST", "/v1/promotions", PROMOTION)[1]["vendor_share"] == "0.00"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"steps": []}, "/steps"),
        ({"steps": [{"from_minor": 0}]}, "/steps/0"),
        ({"steps": [{"from_minor": 0, "rate": "0.1", "amount_minor": 5}]}, "/steps/0"),
        ({"steps": [{"from_minor": 0, "rate": "1.1"}]}, "/steps/0/rate"),
        ({"steps": [{"from_minor": 0, "amount_minor": -5}]}, "/steps/0/amount_minor"),
        ({"steps": [{"from_minor": 5, "rate": "0.1"}, {"from_minor": 5, "rate": "0.2"}]}, "/steps"),
        ({"steps": [{"from_minor": 0, "rate": "0.2"}, {"from_minor": 5, "rate": "0.1"}]}, "/steps"),
        ({"steps": [{"from_minor": 0, "rate": "0.2"}, {"from_minor": 5, "amount_minor": 9}]}, "/steps"),
        ({"vendor_share": "1.5"}, "/vendor_share"),
        ({"vendor_share": "0.5"}, "/vendor_share"),
        ({"currency": "euro"}, "/currency"),
        ({"starts_at": "2020-01-01T00:00:00Z"}, "/starts_at"),
        ({"starts_at": "2090-01-02T00:00:00Z", "ends_at": "2090-01-01T00:00:00Z"}, "/ends_at"),
        ({"scope": {"categories": ["nails"]}}, "/scope/categories/0"),
        ({"scope": {"offers": ["00000000-0000-7000-8000-000000000000"]}}, "/scope/offers/0"),
        ({"vendor_id": None}, "/vendor_id"),
    ],
)
def test_what_is_wrong_in_a_vendors_promotion_is_named(client_as, cast, session, changes, pointer):
    status, problem = sent(client_as(cast.vendor), "POST", "/v1/promotions", PROMOTION | changes)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert count(session, Promotion) == 0


def test_a_vendor_names_no_other_vendor_and_no_offer_of_another(client_as, cast, session):
    client, foreign = client_as(cast.vendor), catalogue.an_offer(cast.rival_vendor_company)
    for scope, pointer in (
        ({"vendors": [str(cast.rival_vendor_company.id)]}, "/scope/vendors"),
        ({"offers": [str(foreign.id)]}, "/scope/offers/0"),
    ):
        status, problem = sent(client, "POST", "/v1/promotions", PROMOTION | {"scope": scope})
        assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert count(session, Promotion) == 0


def test_a_code_is_taken_whatever_its_case(client_as, cast, session):
    client = client_as(cast.vendor)
    assert sent(client, "POST", "/v1/promotions", PROMOTION | {"code": "spring"})[0] == 201
    status, problem = sent(client, "POST", "/v1/promotions", PROMOTION | {"code": "SPRING"})
    assert (status, problem["title"], count(session, Promotion)) == (409, "Promotion code taken", 1)


def test_a_promotion_is_edited_until_it_starts(client_as, cast, session):
    client = client_as(cast.vendor)
    made = client.post("/v1/promotions", json=PROMOTION | {"starts_at": later(days=2)})
    one, etag = f"/v1/promotions/{orjson.loads(made.data)['id']}", made.headers["ETag"]
    status, edited = sent(client, "PATCH", one, {"name": "Summer"}, **{"If-Match": etag})
    assert (status, edited["name"], edited["steps"]) == (200, "Summer", PROMOTION["steps"])
    assert sent(client, "PATCH", one, {"name": "Autumn"}, **{"If-Match": etag})[0] == 412
    assert sent(client, "PATCH", one, {"name": "Autumn"})[0] == 428


def test_a_running_promotion_is_ended_not_edited(client_as, cast, session):
    row = rules.a_promotion(cast.vendor_company, starts_at=datetime(2025, 1, 1, tzinfo=UTC))
    client, one = client_as(cast.vendor), f"/v1/promotions/{row.id}"
    status, problem = sent(client, "PATCH", one, {"name": "Other"}, **{"If-Match": '"1"'})
    assert (status, problem["title"], row.name) == (409, "Promotion has started", "Ten percent")
    assert sent(client, "POST", f"{one}/end")[0] == 200
    rules.default_rules()
    assert list(rules.in_force(moment=clock.now()).promotions) == []
    assert sent(client, "POST", f"{one}/end")[1]["title"] == "Promotion is over"


def test_a_promotion_that_never_starts(client_as, cast, session):
    row = rules.a_promotion(cast.vendor_company, starts_at=clock.now() + timedelta(days=2))
    sent(client_as(cast.vendor), "POST", f"/v1/promotions/{row.id}/end")
    rules.default_rules()
    assert list(rules.in_force(moment=row.starts_at).promotions) == []


@pytest.mark.parametrize(
    ("who", "reads", "ends"),
    [
        ("vendor", 200, 200),
        ("operator", 200, 200),
        ("rival_vendor", 404, 404),
        ("buyer", 404, 403),
        ("colleague", 404, 403),
        ("rival_buyer", 404, 403),
        ("stranger", 401, 401),
    ],
)
def test_who_reads_and_ends_a_promotion(client_as, cast, session, who, reads, ends):
    row = rules.a_promotion(cast.vendor_company)
    client, one = client_as(getattr(cast, who)), f"/v1/promotions/{row.id}"
    assert client.get(one).status_code == reads
    assert sent(client, "POST", f"{one}/end")[0] == ends
    assert (row.ends_at is None) == (ends != 200)


def test_a_tax_rate_is_added_with_its_day(client_as, cast, session):
    rules.default_rules()
    client, body = client_as(cast.operator), {"country": "DE", "category": "standard", "rate": "0.16"}
    status, made = sent(client, "POST", "/v1/tax-rates", body | {"valid_from": "2090-07-01"})
    assert (status, made["rate"], made["valid_from"]) == (201, "0.16", "2090-07-01")
    assert sent(client, "POST", "/v1/tax-rates", body | {"valid_from": "2090-07-01"})[0] == 409
    status, problem = sent(client, "POST", "/v1/tax-rates", body | {"valid_from": "2025-07-01"})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/valid_from")
    first = {"country": "JP", "category": "standard", "rate": "0.1", "valid_from": "2025-01-01"}
    assert sent(client, "POST", "/v1/tax-rates", first)[0] == 201
    found = orjson.loads(client.get("/v1/tax-rates?country=DE").data)["items"]
    assert [(row["category"], row["rate"]) for row in found] == [
        ("reduced", "0.07"),
        ("standard", "0.19"),
        ("standard", "0.16"),
    ]


@pytest.mark.parametrize("who", [name for name in EVERYONE if name != "operator"])
@pytest.mark.parametrize("path", ["/v1/tax-rates", "/v1/return-policies"])
def test_only_the_operator_sets_taxes_and_policies(client_as, cast, session, who, path):
    assert sent(client_as(getattr(cast, who)), "POST", path)[0] == (401 if who == "stranger" else 403)
    assert count(session, TaxRate) == count(session, ReturnPolicy) == 0


@pytest.mark.parametrize("who", ["vendor", "operator"])
def test_a_delivery_rate_belongs_to_who_made_it(client_as, cast, session, who):
    client = client_as(getattr(cast, who))
    made = client.post("/v1/delivery-rates", json=RATE)
    rate = orjson.loads(made.data)
    assert (made.status_code, rate["vendor_id"]) == (201, str(cast.vendor_company.id) if who == "vendor" else None)
    one, etag = f"/v1/delivery-rates/{rate['id']}", made.headers["ETag"]
    status, edited = sent(client, "PATCH", one, {"price_minor": 0, "active": False}, **{"If-Match": etag})
    assert (status, edited["price_minor"], edited["active"]) == (200, 0, False)
    assert client_as(cast.buyer).get(one).status_code == 404
    rules.default_rules()
    assert list(rules.in_force(vendor_ids=[cast.vendor_company.id]).deliveries) == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"price_minor": -1}, "/price_minor"),
        ({"price_minor": 9.5}, "/price_minor"),
        ({"free_basis": "weekday"}, "/free_basis"),
        ({"countries": ["Germany"]}, "/countries/0"),
        ({"tax_category": "none"}, "/tax_category"),
    ],
)
def test_what_is_wrong_in_a_delivery_rate_is_named(client_as, cast, session, changes, pointer):
    status, problem = sent(client_as(cast.vendor), "POST", "/v1/delivery-rates", RATE | changes)
    assert (status, problem["errors"][0]["pointer"], count(session, DeliveryRate)) == (422, pointer, 0)


@pytest.mark.parametrize(("who", "status"), [("rival_vendor", 403), ("buyer", 403), ("stranger", 401)])
def test_nobody_else_edits_a_delivery_rate(client_as, cast, session, who, status):
    row = rules.a_delivery_rate(cast.vendor_company)
    client = client_as(getattr(cast, who))
    found = sent(client, "PATCH", f"/v1/delivery-rates/{row.id}", {"price_minor": 0}, **{"If-Match": '"1"'})
    assert (found[0], row.price_minor) == (status, 990)


def test_a_new_return_policy_is_the_next_version(client_as, cast, session):
    rules.default_rules()
    content = policy_to_json(B2B) | {"restocking_cap_minor": 2_500}
    body = {"profile": "b2b", "content": content}
    status, made = sent(client_as(cast.operator), "POST", "/v1/return-policies", body)
    assert (status, made["number"]) == (201, 2)
    found = rules.in_force()
    assert (found.policy_version, orjson.loads(found.policy)) == ("b2b/2", content)
    assert rules.in_force(profile="consumer").policy_version == "consumer/1"
    found = orjson.loads(client_as(cast.buyer).get("/v1/return-policies?profile=b2b").data)["items"]
    assert [row["number"] for row in found] == [2, 1]
    assert client_as(cast.vendor).get(f"/v1/return-policies/{made['id']}").status_code == 200


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"discount": "generous"}, "/content/discount"),
        ({"commission_fee_rate": 0.2}, "/content/commission_fee_rate"),
        ({"protected_faults": []}, "/content"),
        ({"extra": 1}, "/content/extra"),
    ],
)
def test_a_policy_the_formula_does_not_know_is_refused(client_as, cast, session, changes, pointer):
    body = {"profile": "b2b", "content": policy_to_json(B2B) | changes}
    status, problem = sent(client_as(cast.operator), "POST", "/v1/return-policies", body)
    assert (status, problem["errors"][0]["pointer"], count(session, ReturnPolicy)) == (422, pointer, 0)
