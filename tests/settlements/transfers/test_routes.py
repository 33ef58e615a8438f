"""Every endpoint asked by each of the cast; a vendor sees his own, and never whose money it was."""

import uuid

import pytest

from marketplace.kernel.access import Role
from marketplace.kernel.db import db, transaction
from settlements.gateway.connect import PayoutRequest
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.transfers import actions, jobs
from settlements.transfers.actions import adjusting, payouts
from settlements.transfers.models import Adjustment, Transfer, TransferReversal, VendorDebt
from tests.builders.companies import an_actor
from tests.builders.transfers import due, taken_off
from tests.cast import NAMES

OPERATOR = {"operator": 200}
VENDORS = {"vendor": 200, "rival_vendor": 200, "operator": 200}
OWN = {"vendor": 200, "rival_vendor": 404, "operator": 200}
CASES = [
    ("GET", "/v1/transfers", VENDORS),
    ("GET", "{transfer}", OWN),
    ("POST", "{transfer}/look-up", OPERATOR),
    ("POST", "{transfer}/reversals", {"operator": 201}),
    ("GET", "/v1/payouts", VENDORS),
    ("GET", "{payout}", OWN),
    ("GET", "/v1/debts", VENDORS),
    ("POST", "{debt}/write-off", {"operator": 201}),
    ("GET", "/v1/adjustments", OPERATOR),
    ("POST", "/v1/adjustments", {"operator": 201}),
    ("POST", "{adjustment}/approve", OPERATOR),
    ("POST", "{adjustment}/decline", OPERATOR),
]


@pytest.fixture
def paths(cast, vendor, account, gateway):
    """A transfer paid out, a debt of 5.00 for which there is nothing to take, and a second operator's proposal."""
    with transaction():
        due(vendor, 30000, gateway=gateway)
        (transfer,) = actions.request(vendor, "EUR", 30000, "test:1", cast.operator)
    jobs.send(transfer.id)
    made = gateway.create_payout(PayoutRequest(key="k", account=account, amount_minor=30000, currency="EUR"))
    with transaction():
        payout = payouts.record(vendor, account, made)
        taken_off(vendor, 500)
    jobs.recover(vendor, "EUR")
    with transaction():
        second = an_actor(cast.operator_company, Role.OPERATOR)
        proposed = adjusting.propose(second, vendor, 700, "EUR", "a parcel lost by our carrier")
    return {
        "transfer": f"/v1/transfers/{transfer.id}",
        "payout": f"/v1/payouts/{payout.id}",
        "debt": f"/v1/debts/{db.session.query(VendorDebt).one().id}",
        "adjustment": f"/v1/adjustments/{proposed.id}",
    }


def body_of(path, vendor):
    return {
        "{transfer}/reversals": {"amount_minor": 100, "reason": "too much"},
        "{debt}/write-off": {"reason": "insolvent"},
        "/v1/adjustments": {"vendor_id": str(vendor), "amount_minor": -5, "currency": "EUR", "reason": "a fee"},
    }.get(path, {})


def snapshot():
    found = [
        (row.id, row.state) for model in (Transfer, TransferReversal, Adjustment) for row in db.session.query(model)
    ]
    return found, books.trial_balance()


@pytest.mark.parametrize(("method", "path", "expected"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_each_of_the_cast(paths, client_as, cast, vendor, method, path, expected):
    for name in NAMES:
        before = snapshot()
        answer = client_as(cast.everyone[name]).open(
            path.format(**paths),
            method=method,
            json=body_of(path, vendor) if method == "POST" else None,
            headers={"Idempotency-Key": f"k-{name}"},
        )
        wanted = expected.get(name, 401 if name == "stranger" else 403)
        assert answer.status_code == wanted, (name, answer.json)
        if answer.status_code >= 400:
            assert snapshot() == before
        elif name != "operator":
            for secret in ("charge_id", "payment_id", "attempts", "trouble", "acct_", "tr_", "payable_minor"):
                assert secret not in answer.text, (name, secret)
        if name == "rival_vendor" and answer.status_code == 200:
            assert answer.json["items"] == []


def test_what_each_sees_of_a_transfer(paths, client_as, cast):
    operators = client_as(cast.operator).get(paths["transfer"]).json
    assert operators["attempts"][0]["provider_id"].startswith("tr_")
    assert operators["payable_minor"] == 30000
    vendors = client_as(cast.vendor).get(paths["transfer"]).json
    assert vendors["amount"] == {"amount_minor": 30000, "currency": "EUR"}
    assert (vendors["state"], vendors["refused_because"]) == ("made", None)
    listed = client_as(cast.operator).get(f"/v1/transfers?state=made&vendor_id={cast.vendor_company.id}").json
    assert [row["id"] for row in listed["items"]] == [operators["id"]]
    assert client_as(cast.operator).get("/v1/transfers?state=refused").json["items"] == []


def test_a_debt_shows_what_is_left(paths, client_as, cast):
    (debt,) = client_as(cast.vendor).get("/v1/debts").json["items"]
    assert (debt["owed"], debt["state"]) == ({"amount_minor": 500, "currency": "EUR"}, "open")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"reason": ""}, "/reason"),
        ({"reason": "  "}, "/reason"),
        ({"reason": None}, "/reason"),
        ({"amount_minor": 0}, "/amount_minor"),
        ({"amount_minor": "5"}, "/amount_minor"),
        ({"amount_minor": 1.5}, "/amount_minor"),
        ({"amount_minor": 10**16}, "/amount_minor"),
        ({"currency": "eur"}, "/currency"),
        ({"vendor_id": "x"}, "/vendor_id"),
        ({"vendor_id": str(uuid.uuid4())}, "/vendor_id"),
    ],
)
def test_an_adjustment_that_is_refused_with_the_place(client_as, cast, vendor, change, pointer):
    body = {"vendor_id": str(vendor), "amount_minor": 100, "currency": "EUR", "reason": "because"} | change
    answer = client_as(cast.operator).post("/v1/adjustments", json=body, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert pointer in {error["pointer"] for error in answer.json["errors"]}
    assert db.session.query(Adjustment).count() == 0


def test_without_a_reason_nothing_is_proposed(client_as, cast, vendor):
    body = {"vendor_id": str(vendor), "amount_minor": 100, "currency": "EUR"}
    answer = client_as(cast.operator).post("/v1/adjustments", json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 422
    assert db.session.query(Adjustment).count() == 0


def test_without_a_second_person_nothing_is_booked(client_as, cast, vendor):
    operator = client_as(cast.operator)
    body = {"vendor_id": str(vendor), "amount_minor": 100, "currency": "EUR", "reason": "because"}
    made = operator.post("/v1/adjustments", json=body, headers={"Idempotency-Key": "k"}).json
    answer = operator.post(f"/v1/adjustments/{made['id']}/approve", headers={"Idempotency-Key": "a"})
    assert (answer.status_code, answer.json["type"]) == (403, "/problems/second-person-needed")
    assert books.trial_balance() == []


def test_the_same_key_proposes_and_books_once(client_as, cast, vendor):
    body = {"vendor_id": str(vendor), "amount_minor": 100, "currency": "EUR", "reason": "because"}
    operator = client_as(cast.operator)
    made = [operator.post("/v1/adjustments", json=body, headers={"Idempotency-Key": "k"}).json for _ in range(2)]
    assert made[0] == made[1]
    second = client_as(an_actor(cast.operator_company, Role.OPERATOR))
    path = f"/v1/adjustments/{made[0]['id']}/approve"
    answers = [second.post(path, headers={"Idempotency-Key": "a"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert second.post(path, headers={"Idempotency-Key": "b"}).status_code == 409
    assert len([row for row in books.trial_balance() if row.kind.value == "vendor_payable"]) == 1
    assert -books.balance(AccountKind.VENDOR_PAYABLE, vendor, "EUR") == 100


@pytest.mark.parametrize(("amount_minor", "status"), [(30000, 201), (30001, 409), (0, 422), (-1, 422)])
def test_taking_back_by_hand(paths, client_as, cast, amount_minor, status):
    body = {"amount_minor": amount_minor, "reason": "sent by mistake"}
    path = paths["transfer"] + "/reversals"
    answer = client_as(cast.operator).post(path, json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == status, answer.json
    assert db.session.query(TransferReversal).count() == (1 if status == 201 else 0)
    if status == 409:
        assert answer.json["left_minor"] == 30000
