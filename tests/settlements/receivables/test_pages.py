"""The pages of buying on account: the buyer's account, the operator's bank, open items and credit; acted on once."""

import io
import re

import pytest

from marketplace.credit import queries as credit
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from settlements.receivables import actions, queries
from settlements.receivables.models import BankMatch
from settlements.receivables.states import ReceivableState, TransferState
from tests.builders.companies import an_actor
from tests.builders.receivables import a_transfer, example_on_terms, invoiced, paid, transfer_of
from tests.pages import HTML, read, see, send


@pytest.fixture
def items(session, cast, gateway):
    with transaction():
        placed = example_on_terms(cast, limit_minor=100_000)
        invoiced(placed.order)
    return queries.of_order(placed.order.id)


def as_text(page):
    return re.sub(r"\s+", " ", page.text.replace("\xa0", " "))


def test_a_buyer_sees_his_credit_and_what_he_has_to_pay(client_as, cast, items):
    with transaction():
        paid(10_000, items[0].number)
    text = as_text(see(client_as(cast.buyer), "/account"))
    for expected in ("1,000.00 EUR", "336.74 EUR", "663.26 EUR", "30 days net", items[0].number, items[2].number):
        assert expected in text, expected
    assert as_text(see(client_as(cast.rival_buyer), "/account")).count(items[0].number) == 0
    see(client_as(cast.colleague), "/account", 403)


def test_the_order_says_that_it_is_on_account(client_as, cast, items):
    text = as_text(see(client_as(cast.buyer), f"/orders/{items[0].order_id}"))
    assert "Bought on account: 30 days net." in text
    assert "on account, waits for the vendor" in text
    answer = client_as(cast.buyer).post(
        f"/v1/orders/{items[0].order_id}/payments",
        json={"payment_method": "pm_card_visa"},
        headers={"Idempotency-Key": "x"},
    )
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/order-on-terms")


def test_the_operator_takes_in_a_file_and_assigns_by_hand(client_as, cast, items):
    client = client_as(cast.operator)
    token = see(client, "/operator/bank").forms[-1].fields["csrf_token"]
    csv = b"bank_id,booked_on,amount,currency,remitter_name\nB-1,2026-05-04,200.00,EUR,Buyer GmbH\n"
    sent = {"csrf_token": token, "file": (io.BytesIO(csv), "bank.csv")}
    answer = client.post("/operator/bank", data=sent, headers=HTML, content_type="multipart/form-data")
    assert answer.status_code == 303
    row = transfer_of("B-1")
    path = f"/operator/bank/{row.id}"
    with transaction():
        actions.match_by_reference(row.id)
    assert "names no invoice and no order" in as_text(see(client, path))
    refused = send(client, path, "/match", **{f"pay-{items[0].id}": "200.01"})
    assert refused.status_code == 409
    assert "Less than that is left" in as_text(read(refused))
    assert send(client, path, "/match", **{f"pay-{items[0].id}": "200,00"}).status_code == 303
    assert queries.transfer(SYSTEM, row.id).state is TransferState.ASSIGNED
    match = db.session.query(BankMatch).one()
    assert send(client, path, f"/matches/{match.id}", reason="The wrong one.").status_code == 303
    assert queries.transfer(SYSTEM, row.id).left_minor == 20_000
    assert send(client, path, "/send_back", reference="Statement 8").status_code == 303
    assert queries.transfer(SYSTEM, row.id).left_minor == 0
    see(client_as(cast.buyer), path, 403)


def test_a_file_that_cannot_be_read_says_where(client_as, cast, session):
    client = client_as(cast.operator)
    token = see(client, "/operator/bank").forms[-1].fields["csrf_token"]
    csv = b"bank_id,booked_on,amount,currency,remitter_name\nB-1,2026-05-04,0.001,EUR,Buyer\n"
    sent = {"csrf_token": token, "file": (io.BytesIO(csv), "bank.csv")}
    answer = client.post("/operator/bank", data=sent, headers=HTML, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "Line 2: EUR has 2 decimal digits." in as_text(read(answer))


def test_two_clicks_keep_the_money_once(client_as, cast, items):
    with transaction():
        row = a_transfer(5_000)
    client, path = client_as(cast.operator), f"/operator/bank/{row.id}"
    form = next(form for form in see(client, path).forms if form.action.endswith("/keep"))
    data = form.fields | {"company_id": str(cast.buyer_company.id)}
    assert [client.post(form.action, data=data, headers=HTML).status_code for _ in range(2)] == [303, 303]
    assert actions.credit_of(cast.buyer_company.id, "EUR") == 5_000
    item = f"/operator/receivables/{items[2].id}"
    assert send(client, item, "/set_off").status_code == 303
    assert queries.receivable(SYSTEM, items[2].id).open_minor == 0


def test_a_claim_is_given_up_on_two_pages_by_two_people(client_as, cast, items):
    first, second = client_as(cast.operator), client_as(an_actor(cast.operator_company, Role.OPERATOR))
    item = f"/operator/receivables/{items[2].id}"
    assert send(first, item, "/pause", reason="Under dispute.").status_code == 303
    assert "Under dispute." in as_text(see(first, item))
    assert send(first, item, "/resume").status_code == 303
    assert send(first, item, "/propose", reason="Cannot be found any more.").status_code == 303
    assert "Another person decides" in as_text(see(first, "/operator/receivables"))
    assert send(second, "/operator/receivables", "/approve").status_code == 303
    assert queries.receivable(SYSTEM, items[2].id).state is ReceivableState.WRITTEN_OFF
    text = as_text(see(first, "/operator/receivables"))
    assert (items[2].number in text, items[0].number in text) == (False, True)


def test_the_operator_grants_and_changes_credit(client_as, cast):
    client = client_as(cast.operator)
    wanted = {
        "company_id": str(cast.buyer_company.id),
        "limit": "250.00",
        "reason": "Known.",
        "kind": "net",
        "days": "14",
    }
    assert send(client, "/operator/credit", "/credit", **wanted).status_code == 303
    account = credit.account_of(cast.buyer_company.id, "EUR")
    assert (account.limit_minor, credit.terms_in_force(cast.buyer_company.id, "EUR").days) == (25_000, 14)
    path = f"/operator/credit/{account.id}"
    stale = next(form for form in see(client, path).forms if form.action.endswith("/limit"))
    assert send(client, path, "/limit", limit="300", reason="More.").status_code == 303
    refused = client.post(stale.action, data=stale.fields | {"limit": "1", "reason": "Late."}, headers=HTML)
    assert refused.status_code == 412
    assert send(client, path, "/freeze", reason="Two are late.").status_code == 303
    assert "Two are late." in as_text(see(client, path))
    assert send(client, path, "/release", reason="Paid.").status_code == 303
    db.session.expire_all()
    assert credit.account_of(cast.buyer_company.id, "EUR").limit_minor == 30_000
    see(client_as(cast.buyer), path, 403)
