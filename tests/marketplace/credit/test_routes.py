"""Terms and limits over HTTP: granted by the operator, read by their buyer, refused to everybody else."""

from datetime import timedelta

import pytest

from marketplace.credit import queries
from marketplace.kernel.db import transaction
from tests.builders.credit import on_account
from tests.builders.orders import a_cart, the_example
from tests.cast import NAMES


@pytest.fixture
def account(cast):
    return on_account(cast.buyer_company, limit_minor=50_000)


def test_who_reads_a_credit_account(client_as, cast, account):
    seen = {}
    for name in NAMES:
        answer = client_as(getattr(cast, name)).get(f"/v1/credit-accounts/{account.id}")
        seen[name] = answer.status_code
    assert seen == {
        "buyer": 200, "colleague": 403, "rival_buyer": 404, "vendor": 403, "rival_vendor": 403, "operator": 200,
        "stranger": 401,
    }  # fmt: skip
    body = client_as(cast.buyer).get("/v1/credit-accounts").json["items"]
    assert [(row["limit_minor"], row["used_minor"], row["free_minor"], row["frozen_reason"]) for row in body] == [
        (50_000, 0, 50_000, "")
    ]
    assert client_as(cast.rival_buyer).get("/v1/credit-accounts").json["items"] == []


def test_the_operator_grants_changes_freezes_and_the_reasons_stay(client_as, cast):
    operator, company = client_as(cast.operator), str(cast.buyer_company.id)
    facts = {"company_id": company, "currency": "EUR", "limit_minor": 10_000, "reason": "Good references."}
    made = operator.post("/v1/credit-accounts", json=facts)
    assert made.status_code == 201
    assert operator.post("/v1/credit-accounts", json=facts).json["type"] == "/problems/credit-account-exists"
    url = f"/v1/credit-accounts/{made.json['id']}"
    wanted = {"limit_minor": 25_000, "reason": "Pays in time."}
    assert operator.patch(url, json=wanted).status_code == 428
    changed = operator.patch(url, json=wanted, headers={"If-Match": made.headers["ETag"]})
    assert (changed.status_code, changed.json["limit_minor"]) == (200, 25_000)
    assert operator.patch(url, json=wanted, headers={"If-Match": made.headers["ETag"]}).status_code == 412
    assert operator.post(f"{url}/freeze", json={"reason": "Two invoices are late."}).json["frozen_reason"] != ""
    assert operator.post(f"{url}/release", json={"reason": "Paid."}).json["frozen_at"] is None
    assert operator.post(f"{url}/release", json={"reason": "Paid."}).status_code == 409
    told = operator.get(f"{url}/changes").json["items"]
    assert [(row["kind"], row["limit_minor"], row["reason"]) for row in told] == [
        ("released", 25_000, "Paid."), ("frozen", 25_000, "Two invoices are late."),
        ("changed", 25_000, "Pays in time."), ("granted", 10_000, "Good references."),
    ]  # fmt: skip
    assert client_as(cast.buyer).get(f"{url}/changes").status_code == 403


def test_terms_are_added_never_edited(client_as, cast):
    operator, url = client_as(cast.operator), f"/v1/companies/{cast.buyer_company.id}/payment-terms"
    today = queries.today()
    terms = {"currency": "EUR", "valid_from": today.isoformat(), "kind": "net", "days": 30}
    assert operator.post(url, json=terms).status_code == 201
    assert operator.post(url, json=terms | {"days": 60}).json["type"] == "/problems/payment-terms-exist"
    yesterday = (today - timedelta(days=1)).isoformat()
    assert operator.post(url, json=terms | {"valid_from": yesterday}).status_code == 422
    assert operator.post(url, json=terms | {"days": 181}).status_code == 422
    assert client_as(cast.buyer).post(url, json=terms).status_code == 403
    assert [row["days"] for row in client_as(cast.buyer).get(url).json["items"]] == [30]
    assert client_as(cast.rival_buyer).get(url).json["items"] == []


def test_checking_out_on_terms(client_as, session):
    with transaction():
        market = the_example()
        on_account(market.buyer, limit_minor=50_000)
        carts = [a_cart(market, {"A1": 10, "A2": 3, "B1": 7}).cart.id for _ in range(2)]
    client = client_as(market.actor)

    def checkout(cart_id, key):
        body = {"payment": {"method": "terms"}}
        return client.post(f"/v1/carts/{cart_id}/checkout", json=body, headers={"Idempotency-Key": key})

    first = checkout(carts[0], "one")
    assert first.status_code == 201
    assert (first.json["state"], first.json["to_pay_minor"], first.json["pay_until"]) == ("on_terms", 43674, None)
    assert first.json["payment_terms"] == {"kind": "net", "days": 30, "text": "30 days net"}
    second = checkout(carts[1], "two")
    assert (second.status_code, second.json["type"]) == (409, "/problems/credit-limit-exceeded")
    assert second.json["free_minor"] == 50_000 - 43674
    paid = client.post(
        f"/v1/orders/{first.json['id']}/payments", json={"payment_method": "pm_card_visa"},
        headers={"Idempotency-Key": "pay"},
    )  # fmt: skip
    assert paid.status_code in {409, 502}
