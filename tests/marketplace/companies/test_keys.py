"""API keys: shown once, stored as a hash, gone when revoked."""

from datetime import timedelta

import pytest
import time_machine

from marketplace.companies.credentials import token_hash
from marketplace.companies.models import ApiKey
from marketplace.kernel.access import Actor, Role
from marketplace.kernel.db import QueryCounter, db
from tests.builders.companies import a_membership, a_person, an_actor


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def key(client_as, acme, ada, app, browser):
    """A key of Ada's, as the API answered it. Made by a client that acts as her, read by one without an actor."""
    actor = Actor(person_id=ada.id, company_id=acme.id, roles=frozenset({Role.ADMINISTRATOR}))
    loader = app.extensions["kontor_actor_loader"]
    answer = client_as(actor).post("/v1/keys", json={"name": "ERP"})
    app.extensions["kontor_actor_loader"] = loader
    assert answer.status_code == 201
    return answer.json


def test_a_key_acts_as_its_person_in_its_company(key, browser, ada, acme):
    answer = browser.get("/v1/session", headers=bearer(key["secret"]))
    assert answer.status_code == 200
    assert answer.json["person"]["id"] == str(ada.id)
    assert answer.json["company_id"] == str(acme.id)
    assert answer.json["roles"] == ["buyer.administrator"]
    assert answer.json["csrf_token"] is None


def test_the_secret_is_answered_once_and_stored_as_a_hash(key, browser):
    listed = browser.get("/v1/keys", headers=bearer(key["secret"])).json["items"]
    assert [k["id"] for k in listed] == [key["id"]]
    assert "secret" not in listed[0]
    row = db.session.query(ApiKey).one()
    assert row.secret_hash == token_hash(key["secret"])
    assert key["secret"].startswith(row.prefix)
    assert len(row.prefix) < 16


def test_a_request_with_a_key_needs_no_form_token(key, browser):
    wanted = {"recipient": "Acme", "line1": "Kai 1", "postal_code": "20457", "city": "Hamburg", "country": "DE"}
    assert browser.post("/v1/addresses", json=wanted, headers=bearer(key["secret"])).status_code == 201


def test_a_revoked_key_is_refused_everywhere(key, browser):
    assert browser.delete(f"/v1/keys/{key['id']}", headers=bearer(key["secret"])).status_code == 204
    answer = browser.get("/v1/session", headers=bearer(key["secret"]))
    assert (answer.status_code, answer.json["title"]) == (401, "Key refused")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_wrong_key_is_not_nobody(browser, ada):
    for secret in ("kontor_guessed", "", "\xe4"):
        answer = browser.post("/v1/session", json={"email": ada.email, "password": "x"}, headers=bearer(secret))
        assert (answer.status_code, answer.json["title"]) == (401, "Key refused")


def test_a_wrong_key_beside_a_good_cookie_is_refused(sign_in, ada):
    assert sign_in(ada).get("/v1/session", headers=bearer("kontor_guessed")).status_code == 401


def test_a_key_ends_with_its_persons_membership(key, browser, ada, acme):
    a_membership(acme, a_person(), Role.ADMINISTRATOR)
    assert browser.delete(f"/v1/people/{ada.id}", headers=bearer(key["secret"])).status_code == 204
    assert browser.get("/v1/session", headers=bearer(key["secret"])).status_code == 401


def test_a_suspended_vendor_keeps_his_roles_but_may_not_sell(key, browser, ada, acme):
    a_membership(acme, ada, Role.VENDOR_MANAGER)
    acme.may_sell = True
    db.session.flush()
    before = browser.get("/v1/session", headers=bearer(key["secret"])).json
    acme.may_sell = False
    db.session.flush()
    after = browser.get("/v1/session", headers=bearer(key["secret"])).json
    assert before["roles"] == after["roles"] == ["buyer.administrator", "vendor.manager"]
    assert [before["companies"][0]["may_sell"], after["companies"][0]["may_sell"]] == [True, False]


def test_the_last_use_is_written_once_a_minute(key, browser):
    def last_use():
        return db.session.query(ApiKey.last_used_at).scalar()

    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        browser.get("/v1/session", headers=bearer(key["secret"]))
        first = last_use()
        clock.shift(59)
        with QueryCounter() as seen:
            browser.get("/v1/session", headers=bearer(key["secret"]))
        assert last_use() == first
        assert not any(s.startswith("UPDATE") for s in seen.statements)
        clock.shift(2)
        browser.get("/v1/session", headers=bearer(key["secret"]))
        assert last_use() - first == timedelta(seconds=61)


def test_a_key_makes_no_other_key(key, browser):
    answer = browser.post("/v1/keys", json={"name": "another"}, headers=bearer(key["secret"]))
    assert (answer.status_code, answer.json["title"]) == (403, "Key makes no keys")
    assert db.session.query(ApiKey).count() == 1


def test_a_buyer_sees_his_own_keys_an_administrator_all(client_as, cast):
    plain = an_actor(cast.buyer_company, Role.BUYER)
    mine = client_as(plain).post("/v1/keys", json={"name": "mine"}).json["id"]
    hers = client_as(cast.buyer).post("/v1/keys", json={"name": "hers"}).json["id"]
    assert [k["id"] for k in client_as(plain).get("/v1/keys").json["items"]] == [mine]
    assert {k["id"] for k in client_as(cast.buyer).get("/v1/keys").json["items"]} == {mine, hers}
    assert client_as(plain).delete(f"/v1/keys/{hers}").status_code == 404


@pytest.mark.parametrize(
    ("who", "status"), [("colleague", 403), ("rival_buyer", 404), ("vendor", 404), ("stranger", 401)]
)
def test_others_cannot_revoke_a_key(client_as, cast, who, status):
    key_id = client_as(cast.buyer).post("/v1/keys", json={"name": "ERP"}).json["id"]
    assert client_as(getattr(cast, who)).delete(f"/v1/keys/{key_id}").status_code == status
    assert db.session.query(ApiKey).one().revoked_at is None
