"""A company registers with its administrator, or nothing of it is written."""

import pytest

from marketplace.companies import queries
from marketplace.companies.models import Company, Membership, Person
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db
from tests.builders.companies import a_company
from tests.marketplace.companies.conftest import PASSWORD


def registration(**changes):
    person = {"name": "Ada", "email": "Ada@Example.test", "password": PASSWORD}
    return {"name": "Acme GmbH", "country": "DE", "vat_id": "de 136,695 976", "person": person} | changes


def counts():
    return [db.session.query(model).count() for model in (Company, Person, Membership)]


def test_the_first_person_is_the_administrator(browser):
    answer = browser.post("/v1/companies", json=registration(email="info@acme.test"))
    assert answer.status_code == 201
    company = queries.company(SYSTEM, answer.json["id"])
    assert (company.name, company.vat_id, company.currency) == ("Acme GmbH", "DE136695976", "EUR")
    assert company.vat_checked_at is not None
    assert not company.may_sell
    (member,) = queries.members(company.id)
    assert (member.email, member.roles) == ("ada@example.test", (Role.ADMINISTRATOR,))
    signed = browser.post("/v1/session", json={"email": "ada@example.test", "password": PASSWORD})
    assert signed.json["company_id"] == answer.json["id"]


def test_a_signed_in_person_registers_another_company(client_as, cast):
    wanted = registration()
    del wanted["person"]
    answer = client_as(cast.buyer).post("/v1/companies", json=wanted)
    assert answer.status_code == 201
    assert [m.person_id for m in queries.members(answer.json["id"])] == [cast.buyer.person_id]


def test_a_stranger_says_who_he_is(browser):
    wanted = registration()
    del wanted["person"]
    answer = browser.post("/v1/companies", json=wanted)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/person")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"vat_id": "DE136695977"}, "/vat_id"),  # check digit
        ({"vat_id": "FR61954506077"}, "/vat_id"),  # of another country
        ({"country": "XX"}, "/country"),
        ({"country": "de"}, "/country"),
        ({"currency": "ABC"}, "/currency"),
        ({"name": " "}, "/name"),
        ({"may_sell": True}, "/may_sell"),
        ({"is_operator": True}, "/is_operator"),
        ({"person": {"name": "Ada", "email": "ada@example.test", "password": "short"}}, "/person/password"),
        ({"person": {"name": "Ada", "email": "ada@example.test", "password": "ADA@example.test"}}, "/person/password"),
        ({"person": {"name": "Ada", "email": "ada@example.test", "password": "aaaaaaaaaaaaaa"}}, "/person/password"),
        ({"person": {"name": "Ada", "email": "nonsense", "password": PASSWORD}}, "/person/email"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(browser, changes, pointer):
    before = counts()
    answer = browser.post("/v1/companies", json=registration(**changes))
    assert answer.status_code == 422
    assert [e["pointer"] for e in answer.json["errors"]] == [pointer]
    assert counts() == before


def test_an_address_registers_once(browser):
    assert browser.post("/v1/companies", json=registration()).status_code == 201
    before = counts()
    answer = browser.post("/v1/companies", json=registration(name="Again"))
    assert (answer.status_code, answer.json["title"]) == (409, "Email taken")
    assert counts() == before


def test_the_profile_is_edited_in_the_version_that_was_read(client_as, cast):
    client = client_as(cast.buyer)
    read = client.get("/v1/company")
    assert read.json["id"] == str(cast.buyer_company.id)
    assert client.patch("/v1/company", json={"name": "New"}).status_code == 428
    etag = {"If-Match": read.headers["ETag"]}
    edited = client.patch("/v1/company", json={"name": "New", "vat_id": "DE136695976"}, headers=etag)
    assert (edited.status_code, edited.json["name"], edited.json["vat_id"]) == (200, "New", "DE136695976")
    assert edited.headers["ETag"] != read.headers["ETag"]
    assert client.patch("/v1/company", json={"name": "Newer"}, headers=etag).status_code == 412
    assert client.get("/v1/company").json["name"] == "New"


def test_removing_the_vat_id_removes_its_check(client_as, cast):
    client = client_as(cast.buyer)
    for vat_id, checked in (("DE136695976", True), (None, False)):
        etag = {"If-Match": client.get("/v1/company").headers["ETag"]}
        answer = client.patch("/v1/company", json={"vat_id": vat_id}, headers=etag).json
        assert (answer["vat_id"], answer["vat_checked_at"] is not None) == (vat_id, checked)


@pytest.mark.parametrize(("who", "status"), [("colleague", 403), ("stranger", 401)])
def test_others_do_not_edit_the_profile(client_as, cast, who, status):
    answer = client_as(getattr(cast, who)).patch("/v1/company", json={"name": "X"}, headers={"If-Match": "*"})
    assert answer.status_code == status
    assert cast.buyer_company.name == "Buyer GmbH"


def test_each_party_has_its_own_view_of_a_company(client_as, cast):
    url = f"/v1/companies/{cast.vendor_company.id}"
    whole = set(client_as(cast.vendor).get(url).json)
    assert {"vat_id", "email", "phone"} <= whole
    assert set(client_as(cast.operator).get(url).json) == whole
    for who in ("buyer", "rival_vendor"):
        assert set(client_as(getattr(cast, who)).get(url).json) == {"id", "name", "country", "may_sell"}


def test_companies_that_do_not_sell_are_hidden_from_each_other(client_as, cast):
    url = f"/v1/companies/{cast.buyer_company.id}"
    seen = {name: client_as(actor).get(url).status_code for name, actor in cast.everyone.items()}
    assert seen == {
        "buyer": 200,
        "colleague": 200,
        "rival_buyer": 404,
        "vendor": 404,
        "rival_vendor": 404,
        "operator": 200,
        "stranger": 401,
    }


def test_the_list_holds_what_may_be_known(client_as, cast):
    listed = {c["name"] for c in client_as(cast.buyer).get("/v1/companies").json["items"]}
    assert listed == {"Buyer GmbH", "Vendor GmbH", "Rival Vendor BV"}
    assert len(client_as(cast.operator).get("/v1/companies").json["items"]) == 5


def test_selected_companies_come_by_one_query_each(session):
    pair = [a_company("A"), a_company("B")]
    found = queries.companies_by_id([c.id for c in pair])
    assert {c.id: c.name for c in found.values()} == {pair[0].id: "A", pair[1].id: "B"}
    assert queries.companies_by_id([]) == {}


def test_there_is_one_operator(cast):
    assert queries.operator_company().id == cast.operator_company.id
    assert [m.person_id for m in queries.members(cast.operator_company.id)] == [cast.operator.person_id]
