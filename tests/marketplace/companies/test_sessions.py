"""Signing in, acting for one company at a time, and signing out."""

import time_machine

from marketplace.companies import actions, credentials, queries
from marketplace.companies.credentials import hash_password, token_hash
from marketplace.companies.models import Person, Session
from marketplace.kernel.access import Role
from marketplace.kernel.db import QueryCounter, db
from tests.builders.companies import a_company, a_membership, a_person
from tests.marketplace.companies.conftest import PASSWORD


def cookie_of(answer):
    return next(h for h in answer.headers.getlist("Set-Cookie") if h.startswith("kontor="))


def sessions():
    return db.session.query(Session).order_by(Session.id).all()


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(browser, ada, acme):
    answer = browser.post("/v1/session", json={"email": ada.email.upper(), "password": PASSWORD})
    assert answer.status_code == 201
    cookie = cookie_of(answer)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie
    assert answer.json["company_id"] == str(acme.id)
    assert answer.json["roles"] == ["buyer.administrator"]
    assert "people.manage" in answer.json["permissions"]
    token = cookie.split("=", 1)[1].split(";")[0]
    assert [s.token_hash for s in sessions()] == [token_hash(token)]


def test_a_secure_site_names_its_cookie_so_that_no_other_host_can_set_it(app, session, ada, monkeypatch):
    settings = app.extensions["kontor_settings"]
    monkeypatch.setitem(app.extensions, "kontor_settings", _with(settings, secure_cookies=True))
    answer = app.test_client().post("/v1/session", json={"email": ada.email, "password": PASSWORD})
    cookie = answer.headers.getlist("Set-Cookie")
    assert any(c.startswith("__Host-kontor=") and "Secure" in c and "Path=/" in c for c in cookie)


def _with(settings, **changes):
    values = {name: getattr(settings, name) for name in settings.__dataclass_fields__}
    return type(settings)(**(values | changes))


def test_an_unknown_address_and_a_wrong_password_get_one_answer_after_one_hash(browser, ada, monkeypatch):
    hashed = []
    real = credentials.password_fits
    monkeypatch.setattr(
        "marketplace.companies.actions.signing_in.password_fits", lambda h, p: hashed.append(h) or real(h, p)
    )
    wrong = browser.post("/v1/session", json={"email": ada.email, "password": "wrong"})
    unknown = browser.post("/v1/session", json={"email": "nobody@example.test", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.data == unknown.data
    assert len(hashed) == 2
    assert sessions() == []


def test_the_check_of_an_unknown_person_verifies_a_hash_of_the_same_cost(app, session, monkeypatch):
    seen = []
    hasher = credentials._hasher()
    monkeypatch.setattr(type(hasher), "verify", lambda self, h, p: seen.append(h) or False)
    assert credentials.password_fits(None, "whatever") is False
    assert [credentials.needs_rehash(h) for h in seen] == [False]


def test_a_closed_account_does_not_sign_in(browser, ada):
    ada.active = False
    assert browser.post("/v1/session", json={"email": ada.email, "password": PASSWORD}).status_code == 401
    assert sessions() == []


def test_a_person_without_a_company_is_told_so(browser, session):
    person = a_person(password_hash=hash_password(PASSWORD))
    answer = browser.post("/v1/session", json={"email": person.email, "password": PASSWORD})
    assert (answer.status_code, answer.json["title"]) == (403, "No company")


def test_signing_in_for_a_foreign_company_is_refused(browser, ada):
    other = a_company("Other")
    body = {"email": ada.email, "password": PASSWORD, "company_id": str(other.id)}
    answer = browser.post("/v1/session", json=body)
    assert (answer.status_code, answer.json["title"]) == (403, "Not a member")
    assert sessions() == []


def test_old_costs_are_replaced_at_the_next_sign_in(browser, ada, app, monkeypatch):
    before = ada.password_hash
    settings = app.extensions["kontor_settings"]
    monkeypatch.setitem(app.extensions, "kontor_settings", _with(settings, password_rounds=2))
    assert browser.post("/v1/session", json={"email": ada.email, "password": PASSWORD}).status_code == 201
    after = db.session.get(Person, ada.id).password_hash
    assert after != before
    assert "t=2" in after


def test_who_am_i_names_every_company_of_the_person(sign_in, ada, acme):
    other = a_company("Beta BV", "NL", may_sell=True)
    a_membership(other, ada, Role.VENDOR_CLERK, Role.REQUESTER)
    answer = sign_in(ada).get("/v1/session").json
    assert answer["person"] == {"id": str(ada.id), "name": "Ada", "email": ada.email}
    assert [(c["name"], c["roles"]) for c in answer["companies"]] == [
        ("Acme GmbH", ["buyer.administrator"]),
        ("Beta BV", ["buyer.requester", "vendor.clerk"]),
    ]


def test_switching_companies_renews_the_cookie_and_ends_the_old_one(sign_in, ada, app):
    other = a_company("Beta BV", "NL")
    a_membership(other, ada, Role.REQUESTER)
    browser = sign_in(ada)
    old = browser.get_cookie("kontor").value
    answer = browser.post("/v1/session/company", json={"company_id": str(other.id)}, headers=browser.protected)
    assert answer.status_code == 200
    assert answer.json["company_id"] == str(other.id)
    assert answer.json["roles"] == ["buyer.requester"]
    assert browser.get_cookie("kontor").value != old
    thief = app.test_client()
    thief.set_cookie("kontor", old)
    assert thief.get("/v1/session").status_code == 401
    assert browser.get("/v1/session").json["company_id"] == str(other.id)


def test_switching_to_a_foreign_company_changes_nothing(sign_in, ada, acme):
    browser = sign_in(ada)
    foreign = a_company("Foreign")
    answer = browser.post("/v1/session/company", json={"company_id": str(foreign.id)}, headers=browser.protected)
    assert answer.status_code == 403
    assert browser.get("/v1/session").json["company_id"] == str(acme.id)
    assert len(sessions()) == 1


def test_signing_out_ends_the_session_itself_not_only_the_cookie(sign_in, ada, app):
    browser = sign_in(ada)
    token = browser.get_cookie("kontor").value
    assert browser.delete("/v1/session", headers=browser.protected).status_code == 204
    assert browser.get_cookie("kontor") is None
    browser.set_cookie("kontor", token)
    assert browser.get("/v1/session").status_code == 401


def test_a_cookie_chosen_by_somebody_else_is_never_signed_in(browser, ada):
    browser.set_cookie("kontor", "chosen-by-a-thief")
    answer = browser.post("/v1/session", json={"email": ada.email, "password": PASSWORD})
    assert answer.status_code == 201
    assert browser.get_cookie("kontor").value != "chosen-by-a-thief"
    thief = browser.application.test_client()
    thief.set_cookie("kontor", "chosen-by-a-thief")
    assert thief.get("/v1/session").status_code == 401


def test_signing_in_again_replaces_the_session_and_the_form_token(sign_in, ada):
    browser = sign_in(ada)
    old = browser.get_cookie("kontor").value
    body = {"email": ada.email, "password": PASSWORD}
    answer = browser.post("/v1/session", json=body, headers=browser.protected)
    assert answer.status_code == 201
    assert queries.actor_of_session(token_hash(old)) is None
    assert browser.delete("/v1/session", headers=browser.protected).status_code == 403  # the old form token
    assert browser.delete("/v1/session", headers={"X-CSRFToken": answer.json["csrf_token"]}).status_code == 204


def test_what_a_cookie_authorises_needs_the_form_token(sign_in, ada):
    browser = sign_in(ada)
    for headers in ({}, {"X-CSRFToken": "guessed"}):
        answer = browser.post("/v1/addresses", json={}, headers=headers)
        assert (answer.status_code, answer.json["title"]) == (403, "Form token missing")
        assert browser.delete("/v1/session", headers=headers).status_code == 403
    assert browser.get("/v1/session").status_code == 200
    assert browser.post("/v1/addresses", json={}, headers=browser.protected).status_code == 422


def test_a_session_ends_by_itself(sign_in, ada):
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        browser = sign_in(ada)
        clock.shift(12 * 3600 - 1)
        assert browser.get("/v1/session").status_code == 200
        clock.shift(2)
        assert browser.get("/v1/session").status_code == 401


def test_the_actor_is_loaded_by_one_query(sign_in, ada):
    browser = sign_in(ada)
    token = browser.get_cookie("kontor").value
    with QueryCounter() as seen:
        actor = queries.actor_of_session(token_hash(token))
    assert seen.count == 1
    assert actor.roles == {Role.ADMINISTRATOR}
    assert actor.session_id == sessions()[0].id


def test_another_password_ends_every_session_but_begins_one(sign_in, ada):
    here, elsewhere = sign_in(ada), sign_in(ada)
    body = {"present": PASSWORD, "wanted": "another fine password"}
    assert here.post("/v1/session/password", json=body, headers=here.protected).status_code == 200
    assert elsewhere.get("/v1/session").status_code == 401
    assert here.get("/v1/session").status_code == 200
    assert credentials.password_fits(db.session.get(Person, ada.id).password_hash, "another fine password")


def test_a_wrong_or_weak_password_changes_nothing(sign_in, ada):
    before = ada.password_hash
    here, elsewhere = sign_in(ada), sign_in(ada)
    wrong = here.post(
        "/v1/session/password", json={"present": "no", "wanted": "another fine password"}, headers=here.protected
    )
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "/present")
    weak = here.post("/v1/session/password", json={"present": PASSWORD, "wanted": "short"}, headers=here.protected)
    assert (weak.status_code, weak.json["errors"][0]["pointer"]) == (422, "/wanted")
    assert elsewhere.get("/v1/session").status_code == 200
    assert db.session.get(Person, ada.id).password_hash == before


def test_spaces_around_and_the_spelling_of_accents_do_not_matter(app, session):
    stored = hash_password("crème brûlée rapide")
    assert credentials.password_fits(stored, " cre\u0300me bru\u0302le\u0301e rapide ")
    assert not credentials.password_fits(stored, "creme brulee rapide")


def test_sessions_that_ended_a_month_ago_are_forgotten(sign_in, ada):
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        sign_in(ada)
        clock.shift(30 * 86400)
        assert actions.forget_old_sessions() == 0
        clock.shift(86400)
        assert actions.forget_old_sessions() == 1
    assert sessions() == []
