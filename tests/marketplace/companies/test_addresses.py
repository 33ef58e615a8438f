"""Addresses belong to their company; one is the default; none is ever removed."""

import pytest

from marketplace.companies import queries
from marketplace.companies.models import Address
from marketplace.kernel.db import db
from tests.builders.companies import an_address

WANTED = {"recipient": "Acme", "line1": "Kai 1", "postal_code": "20457", "city": "Hamburg", "country": "DE"}


def test_the_first_address_is_the_default_and_the_default_moves(client_as, cast):
    client = client_as(cast.buyer)
    first = client.post("/v1/addresses", json=WANTED).json
    second = client.post("/v1/addresses", json=WANTED | {"city": "Bremen"}).json
    assert [first["is_default"], second["is_default"]] == [True, False]
    moved = client.patch(f"/v1/addresses/{second['id']}", json={"is_default": True}, headers={"If-Match": '"1"'})
    assert moved.json["is_default"]
    listed = client.get("/v1/addresses").json["items"]
    assert {a["city"]: a["is_default"] for a in listed} == {"Bremen": True, "Hamburg": False}
    assert {a["city"]: a["version"] for a in listed} == {"Bremen": 2, "Hamburg": 2}
    assert str(queries.default_address(cast.buyer_company.id).id) == second["id"]


def test_an_edit_needs_the_version_that_was_read(client_as, cast):
    client = client_as(cast.buyer)
    url = f"/v1/addresses/{client.post('/v1/addresses', json=WANTED).json['id']}"
    assert client.patch(url, json={"city": "Kiel"}).status_code == 428
    assert client.patch(url, json={"city": "Kiel"}, headers={"If-Match": '"7"'}).status_code == 412
    assert client.get(url).json["city"] == "Hamburg"
    edited = client.patch(url, json={"city": "Kiel"}, headers={"If-Match": client.get(url).headers["ETag"]})
    assert (edited.status_code, edited.json["city"], edited.headers["ETag"]) == (200, "Kiel", '"2"')


def test_an_archived_address_leaves_the_list_and_stays_readable(client_as, cast):
    client = client_as(cast.buyer)
    url = f"/v1/addresses/{client.post('/v1/addresses', json=WANTED).json['id']}"
    assert client.delete(url).status_code == 428
    assert client.delete(url, headers={"If-Match": '"1"'}).status_code == 204
    assert client.get("/v1/addresses").json["items"] == []
    read = client.get(url).json
    assert read["archived_at"] is not None
    assert not read["is_default"]
    again = client.patch(url, json={"city": "Kiel"}, headers={"If-Match": "*"})
    assert (again.status_code, again.json["title"]) == (409, "Address archived")


@pytest.mark.parametrize(
    ("who", "read", "write"),
    [
        ("colleague", 200, 403),
        ("rival_buyer", 404, 404),
        ("vendor", 404, 404),
        ("rival_vendor", 404, 404),
        ("operator", 200, 403),
        ("stranger", 401, 401),
    ],
)
def test_foreign_addresses(client_as, cast, who, read, write):
    address = an_address(cast.buyer_company)
    client, url = client_as(getattr(cast, who)), f"/v1/addresses/{address.id}"
    assert client.get(url).status_code == read
    assert client.patch(url, json={"city": "Stolen"}, headers={"If-Match": "*"}).status_code == write
    assert client.delete(url, headers={"If-Match": "*"}).status_code == write
    kept = db.session.query(Address).one()
    assert (kept.city, kept.archived_at, kept.version) == ("Hamburg", None, 1)


def test_the_list_is_of_ones_own_company_for_the_operator_too(client_as, cast):
    an_address(cast.buyer_company)
    assert client_as(cast.operator).get("/v1/addresses").json["items"] == []


def test_an_address_is_made_for_ones_own_company_only(client_as, cast):
    body = WANTED | {"company_id": str(cast.rival_buyer_company.id)}
    answer = client_as(cast.buyer).post("/v1/addresses", json=body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/company_id")
    assert db.session.query(Address).count() == 0
