"""Orders over HTTP: each party its own view, nobody another's numbers, refusals that change nothing."""

import json
import uuid

import pytest

from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import QueryCounter, db, transaction
from marketplace.orders import queries
from marketplace.orders.models import Order, VendorOrder
from marketplace.orders.schemas import HistoryOut, OrderForOperatorOut, OrderOut, VendorOrderOut
from tests.builders.companies import a_company, an_actor
from tests.builders.orders import EXAMPLE, a_confirmed_order, a_paid_order, an_order, part_of
from tests.cast import Cast

SECRET = ("payable_minor", "commission_minor", "commission_rate", "vendor_discount_minor", "valuation", "steps")


@pytest.fixture
def whole(market):
    with transaction():
        return a_paid_order(market, EXAMPLE)


@pytest.fixture
def people(market):
    """The cast, gathered around the example's market."""
    with transaction():
        rival = a_company("Rival", "FR")
        return Cast(
            buyer=market.actor,
            colleague=an_actor(market.buyer, Role.REQUESTER),
            rival_buyer=an_actor(rival, Role.BUYER, Role.ADMINISTRATOR),
            vendor=market.vendor_actor("A"),
            rival_vendor=market.vendor_actor("B"),
            operator=an_actor(market.operator, Role.OPERATOR),
            stranger=type(SYSTEM)(),
            buyer_company=market.buyer,
            rival_buyer_company=rival,
            vendor_company=market.vendors["A"],
            rival_vendor_company=market.vendors["B"],
            operator_company=market.operator,
        )


def part_id(whole, people):
    return part_of(whole, people.vendor_company).id


EXPECTED = {
    # route: buyer, colleague, rival buyer, vendor (whose part it is), rival vendor, operator, stranger
    ("GET", "/v1/orders/{order}"): (200, 200, 404, 403, 403, 200, 401),
    ("GET", "/v1/orders/{order}/history"): (200, 200, 404, 403, 403, 200, 401),
    ("POST", "/v1/orders/{order}/cancel"): (200, 403, 404, 403, 403, 200, 401),
    ("GET", "/v1/vendor-orders/{part}"): (403, 403, 403, 200, 404, 200, 401),
    ("POST", "/v1/vendor-orders/{part}/confirm"): (403, 403, 403, 200, 404, 200, 401),
    ("POST", "/v1/vendor-orders/{part}/cancel"): (403, 403, 403, 200, 404, 200, 401),
}
TRIES = [
    (method, url, who, status)
    for (method, url), row in EXPECTED.items()
    for who, status in zip(
        ("buyer", "colleague", "rival_buyer", "vendor", "rival_vendor", "operator", "stranger"), row, strict=True
    )
]


@pytest.mark.parametrize(("method", "url", "who", "status"), TRIES)
def test_each_of_the_cast_tries_each_endpoint(client_as, people, whole, method, url, who, status):
    before = states(whole)
    address = url.format(order=whole.order.id, part=part_id(whole, people))
    body = {"json": {}} if url.endswith("cancel") else {}
    client = client_as(getattr(people, who))
    answer = client.open(address, method=method, headers={"Idempotency-Key": "k"}, **body)
    assert answer.status_code == status, answer.json
    if status >= 400:
        assert states(whole) == before


def states(whole):
    db.session.expire_all()
    return [part.state for part in queries.parts_of(whole.order.id)], len(queries.steps_of(whole.order.id))


@pytest.mark.parametrize("who", ["buyer", "colleague"])
def test_a_buyer_sees_no_vendors_share(client_as, people, whole, who):
    client = client_as(getattr(people, who))
    body = client.get(f"/v1/orders/{whole.order.id}").json
    assert OrderOut().validate(body) == {}
    history = client.get(f"/v1/orders/{whole.order.id}/history").json
    assert HistoryOut().validate(history) == {}
    listed = client.get("/v1/orders").json
    for text in map(json.dumps, (body, history, listed)):
        assert not [name for name in SECRET if f'"{name}"' in text]


def test_a_vendor_sees_his_own_lines_and_sums_only(client_as, people, whole):
    body = client_as(people.vendor).get(f"/v1/vendor-orders/{part_id(whole, people)}").json
    assert VendorOrderOut().validate(body) == {}
    assert [line["sku"] for line in body["lines"]] == ["A1", "A2"]
    assert (body["goods_minor"], body["payable_minor"], body["commission_minor"]) == (22499, 24515, 2592)
    assert body["delivery_address"]["city"] == "Hamburg"
    text = json.dumps(body)
    assert "B1" not in text
    assert str(people.rival_vendor_company.id) not in text
    assert not [
        name for name in ("total_minor", "owed_minor", "buyer_owes_minor", "market_discount_minor") if name in text
    ]
    assert not [number for number in (43674, 14888, 2127, 750, 600) if f": {number}," in text]


def test_a_vendor_sees_the_address_once_it_is_paid(client_as, people, market):
    with transaction():
        whole = an_order(market, {"A1": 1})
    body = client_as(people.vendor).get(f"/v1/vendor-orders/{whole.parts[0].id}").json
    assert (body["state"], body["delivery_address"]) == ("placed", None)


def test_the_operator_sees_everything(client_as, people, whole):
    body = client_as(people.operator).get(f"/v1/orders/{whole.order.id}").json
    assert OrderForOperatorOut().validate(body) == {}
    assert [part["payable_minor"] for part in body["vendor_orders"]] == [24515, 14888]
    assert [line["commission_minor"] for line in body["vendor_orders"][0]["lines"]] == [1440, 1152]
    assert body["steps"][0]["valuation"]["market_discount_minor"] == 2236


def test_orders_are_listed_by_state_and_page(client_as, people, market, whole):
    with transaction():
        newer = an_order(market, {"A1": 1})
    client = client_as(people.buyer)
    assert [o["id"] for o in client.get("/v1/orders").json["items"]] == [str(newer.order.id), str(whole.order.id)]
    paid = client.get("/v1/orders?state=paid").json["items"]
    assert [(o["id"], o["state"], o["to_pay_minor"]) for o in paid] == [(str(whole.order.id), "paid", 0)]
    first = client.get("/v1/orders?limit=1").json
    second = client.get(f"/v1/orders?limit=1&cursor={first['next']}").json
    assert (second["items"][0]["id"], second["next"]) == (str(whole.order.id), None)
    assert client.get("/v1/orders?state=lost").status_code == 422
    assert client_as(people.rival_buyer).get("/v1/orders").json["items"] == []


def test_late_confirmations_are_found(client_as, people, market, whole):
    with transaction():
        part = part_of(whole, people.vendor_company)
        part.confirm_by = part.confirm_by.replace(year=2020)
    client = client_as(people.vendor)
    assert [p["id"] for p in client.get("/v1/vendor-orders?late=true").json["items"]] == [str(part.id)]
    assert client.get("/v1/vendor-orders?late=false").json["items"] == []
    assert client_as(people.rival_vendor).get("/v1/vendor-orders?late=true").json["items"] == []
    client.post(f"/v1/vendor-orders/{part.id}/confirm", headers={"Idempotency-Key": "c"})
    assert client.get("/v1/vendor-orders?late=true").json["items"] == []
    assert [p["id"] for p in client.get("/v1/vendor-orders?state=confirmed").json["items"]] == [str(part.id)]


def test_history_tells_steps_and_moves(client_as, people, market, whole):
    client_as(people.vendor).post(
        f"/v1/vendor-orders/{part_id(whole, people)}/cancel",
        json={"reason": "sold out"},
        headers={"Idempotency-Key": "c"},
    )
    items = client_as(people.buyer).get(f"/v1/orders/{whole.order.id}/history").json["items"]
    told = [item.get("cause") or f"{item['vendor_order'][-1]} {item['verb']}" for item in items]
    assert told[0] == "placed"
    assert sorted(told[1:]) == ["1 decline", "1 pay", "2 pay", "cancelled_by_vendor"]
    step = next(item for item in items if item.get("cause") == "cancelled_by_vendor")
    assert (step["refund_minor"], step["reason"]) == (13650 + 10919 + 1188, "sold out")


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"lines": []}, 422, "/lines"),
        ({"lines": [{"line_id": str(uuid.uuid4()), "quantity": 1}]}, 422, "/lines/0/line_id"),
        ({"lines": [{"line_id": "LINE", "quantity": 0}]}, 422, "/lines/0/quantity"),
        ({"lines": [{"line_id": "LINE", "quantity": 11}]}, 409, "/lines/0/quantity"),
        ({"lines": [{"line_id": "LINE", "quantity": 1, "refund_minor": 5}]}, 422, "/lines/0/refund_minor"),
        ({"fault": "vendor"}, 422, "/fault"),
    ],
)
def test_cancellations_that_are_refused(client_as, people, whole, body, status, pointer):
    text = json.dumps(body).replace("LINE", str(whole.lines[0].id))
    before = states(whole)
    answer = client_as(people.buyer).post(
        f"/v1/orders/{whole.order.id}/cancel",
        data=text,
        content_type="application/json",
        headers={"Idempotency-Key": "c"},
    )
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (status, pointer)
    assert states(whole) == before


def test_a_cancellation_happens_once_per_key(client_as, people, whole):
    client = client_as(people.buyer)
    body = {"lines": [{"line_id": str(whole.lines[0].id), "quantity": 3}]}
    address = f"/v1/orders/{whole.order.id}/cancel"
    answers = [client.post(address, json=body, headers={"Idempotency-Key": "c"}) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert (answers[0].json["owed_minor"], answers[0].json["net_paid_minor"]) == (43674 - 4095, 43674 - 4095)
    assert len(queries.steps_of(whole.order.id)) == 2


def test_lists_take_as_many_queries_for_ten_as_for_one(client_as, people, market):
    counts = []
    for _ in range(2):
        with transaction():
            for _ in range(3):
                a_confirmed_order(market, {"A1": 1, "B1": 1})
        db.session.expunge_all()
        with QueryCounter() as seen:
            assert client_as(people.operator).get("/v1/vendor-orders").status_code == 200
            assert client_as(people.operator).get("/v1/orders").status_code == 200
        counts.append(seen.count)
    assert counts[0] == counts[1]


def test_the_database_refuses_a_part_of_another_company(session, whole):
    """The second wall: a part cannot point at an order of another company."""
    part = whole.parts[0]
    other = a_company("Other")
    with pytest.raises(Exception, match="foreign key"), session.begin_nested():
        session.query(VendorOrder).filter_by(id=part.id).update({"company_id": other.id})
    assert session.query(Order).count() == 1
