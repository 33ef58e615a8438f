"""Paying on a page: one payment for two clicks, a decline shown on the form, and no card number taken or repeated."""

from dataclasses import replace

import pytest

from settlements.payments.models import Payment
from tests.pages import HTML, read, see, send

CARD = "4242424242424242"


@pytest.fixture
def client(client_as, cast, app, monkeypatch):
    settings = app.extensions["kontor_settings"]
    monkeypatch.setitem(app.extensions, "kontor_settings", replace(settings, stripe_api_key="sk_test_pages"))
    return client_as(cast.buyer)


def test_two_clicks_pay_once(client, placed, session):
    path = f"/orders/{placed.order.id}/pay"
    form = next(form for form in see(client, path).forms if form.action == path)
    answers = [client.post(path, data=form.fields | {"payment_method": "pm_card_visa"}, headers=HTML) for _ in range(2)]
    assert {(a.status_code, a.headers["Location"]) for a in answers} == {(303, f"/orders/{placed.order.id}")}
    assert [row.state.value for row in session.query(Payment)] == ["captured"]
    assert client.get(path, headers=HTML).headers["Location"] == f"/orders/{placed.order.id}"


def test_a_declined_card_is_told_on_the_form_and_another_one_pays(client, placed, gateway, session):
    path = f"/orders/{placed.order.id}/pay"
    refused = send(client, path, path, payment_method="pm_declined")
    assert refused.status_code == 409
    assert "It was declined." in read(refused).text
    assert send(client, path, path, payment_method="pm_card_visa").status_code == 303
    assert [row.state.value for row in session.query(Payment).order_by(Payment.attempt)] == ["failed", "captured"]


@pytest.mark.parametrize("number", [CARD, "4242 4242 4242 4242"])
def test_a_card_number_is_refused_and_not_repeated(client, placed, session, number):
    refused = send(client, f"/orders/{placed.order.id}/pay", "/pay", payment_method=number)
    assert refused.status_code == 422
    assert number not in refused.text
    assert session.query(Payment).count() == 0


def test_who_may_pay(client, client_as, cast, placed):
    path = f"/orders/{placed.order.id}/pay"
    see(client_as(cast.colleague), path, 403)
    see(client_as(cast.rival_buyer), path, 404)
    see(client_as(cast.vendor), path, 403)
    assert "Payment method" in see(client, path).text


def test_test_methods_are_offered_with_a_test_key_only(client_as, cast, placed):
    assert "Payment method" not in see(client_as(cast.buyer), f"/orders/{placed.order.id}/pay").text
