"""Who forgot the password chooses another one by a letter; nobody learns who has an account."""

import re
from datetime import timedelta

import pytest

from marketplace.companies import actions
from marketplace.companies.credentials import letter_token, password_fits, token_hash
from marketplace.companies.models import PasswordReset, Person
from marketplace.kernel import clock, outbox
from marketplace.kernel.db import db, transaction
from tests.marketplace.companies.conftest import PASSWORD

ANOTHER = "quite another horse"


def ask(client, email):
    return client.post("/v1/password-resets", json={"email": email})


def use(client, token, password=ANOTHER):
    return client.post("/v1/password-resets/use", json={"token": token, "password": password})


@pytest.fixture
def token(browser, ada):
    """The token of Ada's letter."""
    assert ask(browser, ada.email).status_code == 202
    row = db.session.query(PasswordReset).one()
    assert row.token_hash == token_hash(letter_token("password", row.id))
    return letter_token("password", row.id)


def fits(ada, password):
    return password_fits(db.session.get(Person, ada.id).password_hash, password)


def test_the_new_password_signs_in_and_ends_every_session(browser, sign_in, ada, token):
    before = sign_in(ada)
    assert use(browser, token).status_code == 204
    assert (fits(ada, PASSWORD), fits(ada, ANOTHER)) == (False, True)
    assert before.get("/v1/session").status_code == 401


def test_it_works_once_and_ends_the_other_letters(browser, ada, token):
    ask(browser, ada.email)
    second = db.session.query(PasswordReset).order_by(PasswordReset.id.desc()).first()
    assert use(browser, token).status_code == 204
    assert use(browser, token, PASSWORD).status_code == 409
    assert use(browser, letter_token("password", second.id), PASSWORD).status_code == 409
    assert fits(ada, ANOTHER)


def test_it_works_for_an_hour(browser, ada, token):
    with clock.moved(timedelta(hours=1, seconds=1)):
        assert use(browser, token).status_code == 409
    assert fits(ada, PASSWORD)


def test_a_weak_password_is_named_and_leaves_the_link_open(browser, ada, token):
    answer = use(browser, token, "short")
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/password")
    assert use(browser, token).status_code == 204


def test_the_token_of_an_invitation_opens_no_password(browser, ada, token):
    row = db.session.query(PasswordReset).one()
    assert use(browser, letter_token("invitation", row.id)).status_code == 404
    assert fits(ada, PASSWORD)


def test_an_unknown_address_gets_the_same_answer_and_no_letter(browser, ada):
    answers = [ask(browser, email) for email in (ada.email, "nobody@example.test")]
    assert [(answer.status_code, answer.data) for answer in answers] == [(202, b""), (202, b"")]
    assert [row.person_id for row in db.session.query(PasswordReset)] == [ada.id]


def test_a_closed_account_gets_no_letter(browser, ada):
    ada.active = False
    assert ask(browser, ada.email).status_code == 202
    assert db.session.query(PasswordReset).count() == 0


def test_old_resets_are_forgotten(browser, ada, token):
    with clock.moved(timedelta(days=31)), transaction():
        assert actions.forget_old_resets() == 1
    assert use(browser, token).status_code == 404


def test_on_the_pages_from_the_form_to_signing_in(browser, ada):
    def send(path, **typed):
        form = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text).group(1)
        return browser.post(path, data={"csrf_token": form, **typed})

    assert "/forgotten" in browser.get("/sign-in").text
    assert send("/forgotten", email=ada.email.upper()).status_code == 303
    path = f"/new-password/{letter_token('password', db.session.query(PasswordReset).one().id)}"
    refused = send(path, password="short")
    assert refused.status_code == 422
    assert "12 to 200 characters" in refused.text
    assert send(path, password=ANOTHER).status_code == 303
    assert send("/sign-in", email=ada.email, password=ANOTHER).status_code == 303
    assert browser.get("/v1/session").json["person"]["name"] == "Ada"


def test_the_secret_is_in_no_table(browser, ada, token):
    stored = " ".join(str(event.payload) for event in db.session.query(outbox.OutboxEvent))
    assert token not in stored
