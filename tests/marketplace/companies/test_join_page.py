"""The link of an invitation leads to a page where the invited person joins and is signed in."""

import re

import pytest

from marketplace.companies import actions, queries
from marketplace.companies.credentials import hash_password
from marketplace.companies.models import Membership
from marketplace.kernel.access import Role
from marketplace.kernel.db import db, transaction
from tests.builders.companies import a_person
from tests.marketplace.companies.conftest import PASSWORD


@pytest.fixture
def path(cast):
    """The path of an invitation of `new@example.test` to be a requester of the buyer's company."""
    with transaction():
        _, link = actions.invite(cast.buyer, "new@example.test", [Role.REQUESTER])
    return link.removeprefix("http://127.0.0.1:8000")


def send(browser, path, **typed):
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text).group(1)
    return browser.post(path, data={"csrf_token": token, **typed})


def members_of(company):
    return db.session.query(Membership).filter_by(company_id=company.id).count()


def test_a_new_person_joins_and_is_signed_in(browser, path, cast):
    page = browser.get(path)
    assert page.status_code == 200
    assert "Join Buyer GmbH" in page.text
    assert send(browser, path, name="Neo", password=PASSWORD).status_code == 303
    answer = browser.get("/v1/session").json
    assert (answer["person"]["name"], answer["company_id"]) == ("Neo", str(cast.buyer_company.id))


def test_a_known_person_is_asked_for_the_password_only(browser, path, cast):
    a_person(email="new@example.test", password_hash=hash_password(PASSWORD))
    assert 'name="name"' not in browser.get(path).text
    before = members_of(cast.buyer_company)
    refused = send(browser, path, password="not the password")
    assert refused.status_code == 401
    assert "The e-mail address or the password is wrong." in refused.text
    assert members_of(cast.buyer_company) == before
    assert send(browser, path, password=PASSWORD).status_code == 303
    assert browser.get("/v1/session").json["company_id"] == str(cast.buyer_company.id)


def test_who_is_signed_in_joins_by_one_button_and_acts_for_the_new_company(sign_in, acme, ada, cast):
    with transaction():
        _, link = actions.invite(cast.buyer, ada.email, [Role.REQUESTER])
    path, browser = link.removeprefix("http://127.0.0.1:8000"), sign_in(ada)
    assert 'type="password"' not in browser.get(path).text
    assert send(browser, path).status_code == 303
    assert browser.get("/v1/session").json["company_id"] == str(cast.buyer_company.id)
    assert len(queries.belongings(ada.id)) == 2


def test_a_form_without_its_token_joins_nobody(browser, path, cast):
    before = members_of(cast.buyer_company)
    assert browser.post(path, data={"name": "Neo", "password": PASSWORD}).status_code == 403
    assert members_of(cast.buyer_company) == before


def test_an_unknown_link_is_a_page_that_says_so(browser, session):
    page = browser.get("/join/unknown", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "This invitation is not known" in page.text
