"""A vendor ships in parts; no unit leaves twice; with the last parcel his order is delivered, nobody else's."""

import uuid
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from marketplace.catalogue.models import OfferStock
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, transaction
from marketplace.kernel.states import IllegalMove, advance
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.queries import WholeOrder
from marketplace.orders.states import OrderState, VendorOrderState
from marketplace.shipments.states import PARCEL_STATES, ParcelState, ParcelVerb
from tests.builders.orders import Market, a_confirmed_order, a_paid_order, line_named, part_of, the_example
from tests.cast import NAMES, Cast

PARCEL = {"carrier": "Rhenus", "tracking_number": "RH 4711"}


@pytest.fixture
def market(session: object) -> Market:
    with transaction():
        return the_example()


@pytest.fixture
def whole(market: Market) -> WholeOrder:
    """Lines A1 (10), A2 (3) of vendor A and B1 (7) of vendor B, paid and confirmed."""
    with transaction():
        return a_confirmed_order(market, {"A1": 10, "A2": 3, "B1": 7})


@pytest.fixture
def vendor(market: Market) -> Actor:
    with transaction():
        return market.vendor_actor("A")


@pytest.fixture
def web(client_as: Callable[[Actor], FlaskClient], vendor: Actor) -> FlaskClient:
    return client_as(vendor)


def ship(web: FlaskClient, part_id: uuid.UUID, lines: dict[uuid.UUID, int] | None = None, **others: object):
    body = PARCEL | others
    if lines is not None:
        body["lines"] = [{"line_id": str(line), "quantity": quantity} for line, quantity in lines.items()]
    key = {"Idempotency-Key": str(uuid.uuid4())}
    return web.post(f"/v1/vendor-orders/{part_id}/parcels", json=body, headers=key)


def part_states(whole: WholeOrder) -> list[VendorOrderState]:
    return [part.state for part in order_queries.whole(SYSTEM, whole.order.id).parts]


def test_parts_leave_one_after_the_other(whole: WholeOrder, market: Market, web: FlaskClient) -> None:
    part, a1, a2 = part_of(whole, market.vendors["A"]), line_named(whole, "A1"), line_named(whole, "A2")
    first = ship(web, part.id, {a1.id: 4})
    assert (first.status_code, first.json["number"], first.json["state"]) == (201, 1, "in_transit")
    assert [(line["sku"], line["quantity"]) for line in first.json["lines"]] == [("A1", 4)]
    assert part_states(whole) == [VendorOrderState.PART_SHIPPED, VendorOrderState.CONFIRMED]
    rest = ship(web, part.id)
    assert [(line["sku"], line["quantity"]) for line in rest.json["lines"]] == [("A1", 6), ("A2", 3)]
    assert part_states(whole) == [VendorOrderState.SHIPPED, VendorOrderState.CONFIRMED]
    stock = db.session.get(OfferStock, a1.offer_id, populate_existing=True)
    assert (stock.on_hand, stock.reserved) == (90, 0)
    assert ship(web, part.id).status_code == 409
    assert a2.quantity == 3


def test_the_last_parcel_delivers_the_vendor_order(whole: WholeOrder, market: Market, web: FlaskClient) -> None:
    part = part_of(whole, market.vendors["A"])
    parcels = [ship(web, part.id, {line_named(whole, "A1").id: 10}).json, ship(web, part.id).json]
    assert web.post(f"/v1/parcels/{parcels[0]['id']}/deliver").json["state"] == "delivered"
    assert part_states(whole)[0] == VendorOrderState.SHIPPED
    for _ in range(2):  # the carrier may say it twice
        assert web.post(f"/v1/parcels/{parcels[1]['id']}/deliver").status_code == 200
    assert part_states(whole) == [VendorOrderState.DELIVERED, VendorOrderState.CONFIRMED]
    assert order_queries.whole(SYSTEM, whole.order.id).state == OrderState.IN_FULFILMENT


def test_a_lost_parcel_does_not_hold_up_the_end(whole: WholeOrder, market: Market, web: FlaskClient) -> None:
    part = part_of(whole, market.vendors["A"])
    parcels = [ship(web, part.id, {line_named(whole, "A1").id: 10}).json, ship(web, part.id).json]
    web.post(f"/v1/parcels/{parcels[0]['id']}/deliver")
    lost = web.post(f"/v1/parcels/{parcels[1]['id']}/lose", json={"note": "fell off the truck"})
    assert (lost.json["state"], part_states(whole)[0]) == ("lost", VendorOrderState.DELIVERED)


def test_cancelling_the_rest_ends_what_was_delivered(whole: WholeOrder, market: Market, web: FlaskClient) -> None:
    part = part_of(whole, market.vendors["A"])
    parcel = ship(web, part.id, {line_named(whole, "A1").id: 10}).json
    web.post(f"/v1/parcels/{parcel['id']}/deliver")
    with transaction():
        orders.cancel_part(SYSTEM, part.id, reason="out of stock")
    assert part_states(whole) == [VendorOrderState.DELIVERED, VendorOrderState.CONFIRMED]


def test_an_announced_parcel_holds_its_units_and_leaves_later(
    whole: WholeOrder, market: Market, web: FlaskClient
) -> None:
    part, a1 = part_of(whole, market.vendors["A"]), line_named(whole, "A1")
    packed = ship(web, part.id, {a1.id: 8}, announce_only=True).json
    assert (packed["state"], packed["shipped_at"], part_states(whole)[0]) == (
        "announced",
        None,
        VendorOrderState.CONFIRMED,
    )
    more = ship(web, part.id, {a1.id: 3})
    assert (more.status_code, more.json["type"], more.json["open"]) == (409, "/problems/more-than-open", 2)
    assert more.json["errors"][0]["pointer"] == "/lines/0/quantity"
    assert web.post(f"/v1/parcels/{packed['id']}/depart").json["state"] == "in_transit"
    assert part_states(whole)[0] == VendorOrderState.PART_SHIPPED


def test_refusals_write_nothing(whole: WholeOrder, market: Market, web: FlaskClient) -> None:
    part, a1, b1 = part_of(whole, market.vendors["A"]), line_named(whole, "A1"), line_named(whole, "B1")
    foreign = ship(web, part.id, {b1.id: 1})
    assert (foreign.status_code, foreign.json["errors"][0]["pointer"]) == (422, "/lines/0/line_id")
    assert ship(web, part.id, {a1.id: 0}).json["errors"][0]["pointer"] == "/lines/0/quantity"
    assert ship(web, part.id, carrier="").json["errors"][0]["pointer"] == "/carrier"
    assert ship(web, part.id, weight=3).json["errors"][0]["pointer"] == "/weight"
    twice = {"lines": [{"line_id": str(a1.id), "quantity": 1}] * 2}
    named_twice = web.post(
        f"/v1/vendor-orders/{part.id}/parcels", json=PARCEL | twice, headers={"Idempotency-Key": "twice"}
    )
    assert named_twice.json["errors"][0]["pointer"] == "/lines/1/line_id"
    assert web.get(f"/v1/vendor-orders/{part.id}/parcels").json == {"items": []}
    assert part_states(whole)[0] == VendorOrderState.CONFIRMED


def test_only_a_confirmed_part_ships(market: Market, web: FlaskClient) -> None:
    with transaction():
        paid = a_paid_order(market, {"A1": 1})
    refused = ship(web, paid.parts[0].id)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/not-ready-to-ship")


def test_a_repeated_request_ships_once(whole: WholeOrder, market: Market, web: FlaskClient) -> None:
    address = f"/v1/vendor-orders/{part_of(whole, market.vendors['A']).id}/parcels"
    answers = [web.post(address, json=PARCEL, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert len(web.get(address).json["items"]) == 1


def test_the_buyer_follows_all_parcels_a_vendor_his_own(
    whole: WholeOrder, market: Market, web: FlaskClient, client_as: Callable[[Actor], FlaskClient]
) -> None:
    ship(web, part_of(whole, market.vendors["A"]).id)
    with transaction():
        other = market.vendor_actor("B")
    ship(client_as(other), part_of(whole, market.vendors["B"]).id)
    seen = client_as(market.actor).get(f"/v1/orders/{whole.order.id}/parcels").json["items"]
    assert [parcel["tracking_number"] for parcel in seen] == ["RH 4711", "RH 4711"]
    assert (
        client_as(other).get(f"/v1/vendor-orders/{part_of(whole, market.vendors['A']).id}/parcels").status_code == 404
    )


@pytest.mark.parametrize("name", NAMES)
def test_strangers_to_the_order_reach_nothing(
    name: str,
    whole: WholeOrder,
    market: Market,
    web: FlaskClient,
    client_as: Callable[[Actor], FlaskClient],
    cast: Cast,
) -> None:
    part = part_of(whole, market.vendors["A"])
    parcel = ship(web, part.id).json
    client = client_as(cast.everyone[name])
    expected = {
        "buyer": (403, 403, 404),
        "colleague": (403, 403, 404),
        "rival_buyer": (403, 403, 404),
        "vendor": (404, 404, 403),
        "rival_vendor": (404, 404, 403),
        "operator": (201, 200, 200),
        "stranger": (401, 401, 401),
    }[name]
    if name == "operator":  # sees all: everything has left already, so nothing is open
        expected = (409, 200, 200)
    got = (
        ship(client, part.id).status_code,
        client.post(f"/v1/parcels/{parcel['id']}/deliver").status_code,
        client.get(f"/v1/orders/{whole.order.id}/parcels").status_code,
    )
    assert got == expected
    if name != "operator":
        assert part_states(whole)[0] == VendorOrderState.SHIPPED


@pytest.mark.parametrize("state", list(ParcelState))
@pytest.mark.parametrize("verb", list(ParcelVerb))
def test_every_pair_of_state_and_verb(state: ParcelState, verb: ParcelVerb) -> None:
    wanted = {
        "announced depart": "in_transit",
        "in_transit depart": "in_transit",
        "in_transit deliver": "delivered",
        "delivered deliver": "delivered",
        "in_transit assume_delivered": "delivered",
        "in_transit lose": "lost",
        "in_transit return_to_sender": "returned",
    }.get(f"{state} {verb}")
    if wanted is None:
        with pytest.raises(IllegalMove):
            advance(PARCEL_STATES, state, verb)
    else:
        assert advance(PARCEL_STATES, state, verb) == wanted
