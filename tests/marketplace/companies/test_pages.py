"""The way in: who signs in goes on where he wanted to, and to no other site; a form without its token does nothing."""

import pytest

from marketplace.companies.credentials import hash_password
from marketplace.companies.models import Address
from marketplace.kernel.access import Role
from tests.builders.companies import a_company, a_membership, a_person
from tests.pages import HTML, read, see, send

PASSWORD = "open sesame, please"
FIRST_PAGES = {"buyer": "/offers", "colleague": "/offers", "vendor": "/desk/orders", "operator": "/orders"}


@pytest.fixture
def bea(session):
    """A buyer who can sign in."""
    person = a_person("Bea Buyer", email="bea@example.test", password_hash=hash_password(PASSWORD))
    a_membership(a_company("Hafenwerke"), person, Role.BUYER)
    session.commit()
    return person


@pytest.mark.parametrize(("who", "first"), FIRST_PAGES.items())
def test_the_start_page_leads_each_side_to_its_work(client_as, cast, who, first):
    answer = client_as(getattr(cast, who)).get("/", headers=HTML)
    assert (answer.status_code, answer.headers["Location"]) == (302, first)


def test_strangers_are_welcomed_and_told_what_this_is(client_as, cast):
    assert "every cent accounted for" in see(client_as(cast.stranger), "/").text


def test_who_signs_in_goes_on_where_he_wanted_to(app, bea):
    client = app.test_client()
    sent_away = client.get("/orders?state=paid", headers=HTML)
    assert (sent_away.status_code, sent_away.headers["Location"]) == (303, "/sign-in?next=/orders?state%3Dpaid")

    answer = send(client, sent_away.headers["Location"], "/sign-in", email="BEA@example.test", password=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/orders?state=paid")
    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("kontor="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Orders" in see(client, "/orders").text


def test_a_wrong_password_keeps_the_address_and_not_the_password(app, bea):
    answer = send(app.test_client(), "/sign-in", "/sign-in", email="bea@example.test", password="wrong-secret")
    assert answer.status_code == 401
    assert "The e-mail address or the password is wrong." in read(answer).text
    assert read(answer).forms[0].fields["email"] == "bea@example.test"
    assert "wrong-secret" not in answer.text
    assert not any(line.startswith("kontor=") for line in answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("away", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_nobody_is_led_to_another_site(app, bea, away):
    answer = send(app.test_client(), "/sign-in", "/sign-in", email="bea@example.test", password=PASSWORD, next=away)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_form_without_its_token_does_nothing(app, bea):
    answer = app.test_client().post("/sign-in", data={"email": "bea@example.test", "password": PASSWORD}, headers=HTML)
    assert answer.status_code == 403
    assert not any(line.startswith("kontor=") for line in answer.headers.getlist("Set-Cookie"))


def test_signing_out_ends_the_session(app, bea):
    client = app.test_client()
    send(client, "/sign-in", "/sign-in", email="bea@example.test", password=PASSWORD)
    assert send(client, "/orders", "/sign-out").headers["Location"] == "/"
    assert client.get("/orders", headers=HTML).headers["Location"] == "/sign-in?next=/orders"


def test_an_address_is_added_and_a_wrong_country_is_shown_on_the_form(client_as, cast, session):
    session.commit()
    client = client_as(cast.buyer)
    typed = {"recipient": "<b>Tor 3</b>", "line1": "Kai 1", "postal_code": "20457", "city": "Hamburg"}
    refused = send(client, "/addresses?back=/cart", "/addresses", **typed, country="XX")
    assert refused.status_code == 422
    assert "Country:" in read(refused).text
    assert read(refused).forms[-1].fields["recipient"] == "<b>Tor 3</b>"
    assert session.query(Address).count() == 0

    added = send(client, "/addresses?back=/cart", "/addresses", **typed, country="DE")
    assert (added.status_code, added.headers["Location"]) == (303, "/cart")
    assert "<b>Tor 3</b>" in see(client, "/addresses").text


def test_a_page_that_is_not_for_one_is_a_problem_in_words(client_as, cast):
    page = see(client_as(cast.vendor), "/cart", 403)
    assert "Your role does not include 'cart.use'." in page.text
