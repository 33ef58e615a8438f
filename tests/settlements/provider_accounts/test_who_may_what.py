"""Each of the cast asks for accounts: a vendor his own, the operator all; nobody else any."""

import pytest

from marketplace.kernel.db import transaction
from settlements.provider_accounts import actions, jobs, queries
from tests.cast import NAMES
from tests.pages import HTML, see, send

VENDORS = {"vendor": 200, "rival_vendor": 404, "operator": 200}
OWN = {"vendor": 200, "rival_vendor": 404}
OPERATOR = {"operator": 200}
CASES = [
    ("GET", "/v1/payout-accounts", {"vendor": 200, "rival_vendor": 200, "operator": 200}, None),
    ("POST", "/v1/payout-accounts", {"vendor": 201, "rival_vendor": 201}, None),
    ("GET", "{account}", VENDORS, None),
    ("POST", "{account}/link", OWN, None),
    ("POST", "{account}/look-up", VENDORS, None),
    ("POST", "{account}/ask-again", {"operator": 409}, None),
    ("POST", "{account}/block", OPERATOR, {"reason": "asked by the bank"}),
    ("POST", "{account}/unblock", {"operator": 409}, {"reason": "all is well"}),
]


@pytest.fixture
def account(session, cast, gateway):
    with transaction():
        row = actions.request(cast.vendor_company.id)
    jobs.open_account(row.id)
    gateway.onboard(row.provider_id)
    return jobs.look_at(row.id)


@pytest.mark.parametrize(("method", "path", "expected", "body"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_each_of_the_cast(account, client_as, cast, method, path, expected, body):
    for name in NAMES:
        client = client_as(cast.everyone[name])
        before = queries.account_of(cast.vendor_company.id).blocked_reason
        answer = client.open(path.format(account=f"/v1/payout-accounts/{account.id}"), method=method, json=body)
        assert answer.status_code == expected.get(name, 401 if name == "stranger" else 403), (name, answer.json)
        if answer.status_code >= 400:
            assert queries.account_of(cast.vendor_company.id).blocked_reason == before
        elif name != "operator":
            assert account.provider_id not in answer.text or path.endswith("/link")


def test_lists_by_what_they_may(account, client_as, cast):
    operator = client_as(cast.operator)
    assert [row["id"] for row in operator.get("/v1/payout-accounts?able=true").json["items"]] == [str(account.id)]
    assert operator.get("/v1/payout-accounts?able=false").json["items"] == []
    (own,) = client_as(cast.vendor).get("/v1/payout-accounts").json["items"]
    assert (own["transfers"], own["currencies"], own["due"]) == ("active", ["EUR"], [])
    assert client_as(cast.rival_vendor).get("/v1/payout-accounts").json["items"] == []


def test_a_block_without_a_reason_is_refused(account, client_as, cast):
    for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}):
        answer = client_as(cast.operator).post(f"/v1/payout-accounts/{account.id}/block", json=body)
        assert answer.status_code == 422, answer.json
    assert queries.account_of(cast.vendor_company.id).blocked_reason is None


def test_the_vendor_opens_and_completes_his_account_on_a_page(session, client_as, cast, gateway):
    client = client_as(cast.rival_vendor)
    path = "/vendor/payout-account"
    assert "Open the account" in see(client, path).text
    assert send(client, path, path).status_code == 303
    assert "is opening your account" in see(client, path).text
    row = queries.account_of(cast.rival_vendor_company.id)
    jobs.open_account(row.id)
    page = see(client, path)
    assert "needs from you" in page.text
    assert "tax id" in page.text
    shown = send(client, path, path)
    assert shown.status_code == 200
    assert "https://connect.example/setup/" in shown.text
    gateway.onboard(row.provider_id)
    assert send(client, path, f"{path}/look-up").status_code == 303
    assert "Everything is in place" in see(client, path).text


def test_the_operator_blocks_on_a_page(account, client_as, cast):
    client = client_as(cast.operator)
    path = "/operator/payout-accounts"
    assert "ready" in see(client, path).text
    assert send(client, path, f"{path}/{account.id}/block", reason="").status_code == 422
    assert send(client, path, f"{path}/{account.id}/block", reason="chargebacks").status_code == 303
    assert "blocked</span><small>chargebacks</small>" in client.get(path, headers=HTML).text  # a badge breaks no line
    assert "holds your money: chargebacks" in see(client_as(cast.vendor), "/vendor/payout-account").text
    assert send(client, path, f"{path}/{account.id}/unblock", reason="solved").status_code == 303
    see(client_as(cast.vendor), path, 403)
    assert client_as(cast.buyer).get("/vendor/payout-account", headers=HTML).status_code == 403
