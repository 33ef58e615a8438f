"""Runs, statements and balances over HTTP and as pages: who sees what, and exact answers."""

import csv
import io

import pytest

from marketplace.kernel.access import Role
from marketplace.kernel.db import db, transaction
from settlements.runs import jobs
from settlements.runs.models import Statement
from settlements.runs.sheets import sheet_of
from settlements.runs.states import StatementState
from settlements.transfers.actions import adjusting
from tests.builders.companies import an_actor
from tests.cast import NAMES
from tests.settlements.runs.test_runs import statement_of


@pytest.fixture
def ask(client_as):
    """`ask(actor, "post", path, json)`: the answer, with a key of its own."""
    keys = iter(range(1000))

    def send(actor, method, path, json=None):
        headers = {"Idempotency-Key": f"key-{next(keys)}"} if method == "post" else {}
        return getattr(client_as(actor), method)(path, headers=headers, **({"json": json} if json is not None else {}))

    return send


@pytest.fixture
def closed(due, vendors, cast, ask):
    """A run that the operator opened over the API, closed; and vendor A's statement."""
    due()
    made = ask(cast.operator, "post", "/v1/settlement-runs", {})
    assert (made.status_code, made.json["state"], made.json["statements"]) == (201, "open", 2)
    jobs.perform(made.json["id"])
    row = db.session.query(Statement).filter_by(vendor_id=vendors[0].id).one()
    return made.json["id"], row


def test_a_run_says_how_far_it_is(closed, ask, cast):
    run = ask(cast.operator, "get", f"/v1/settlement-runs/{closed[0]}").json
    assert {name: run[name] for name in ("state", "statements", "collected", "closed", "failed", "held", "paid")} == {
        "state": "closed",
        "statements": 2,
        "collected": 2,
        "closed": 2,
        "failed": 0,
        "held": 0,
        "paid": 0,
    }
    assert [row["id"] for row in ask(cast.operator, "get", "/v1/settlement-runs").json["items"]] == [closed[0]]
    assert ask(cast.operator, "post", f"/v1/settlement-runs/{closed[0]}/resume").status_code == 409


def test_a_statement_is_its_vendors_and_the_operators(closed, ask, cast):
    path = f"/v1/statements/{closed[1].id}"
    answers = {name: ask(actor, "get", path).status_code for name, actor in cast.everyone.items()}
    assert answers == dict.fromkeys(NAMES, 403) | {"vendor": 200, "rival_vendor": 404, "operator": 200, "stranger": 401}
    listed = ask(cast.vendor, "get", "/v1/statements").json["items"]
    assert [row["id"] for row in listed] == [str(closed[1].id)]
    for path in ("/v1/settlement-runs", f"/v1/settlement-runs/{closed[0]}"):
        assert ask(cast.vendor, "get", path).status_code == 403
    assert ask(cast.rival_vendor, "get", f"/v1/vendors/{closed[1].vendor_id}/balance").status_code == 404


def test_opening_and_lines_come_to_the_closing_account_by_account(closed, ask, cast):
    shown = ask(cast.vendor, "get", f"/v1/statements/{closed[1].id}").json
    assert (shown["opening_minor"], shown["lines_minor"], shown["closing_minor"]) == (0, 23997, 23997)
    payable, reserve = shown["accounts"]
    assert {row["line"]: row["amount_minor"] for row in payable["lines"]} == {
        "sale_of_goods": 21149,
        "marketplace_discount": 1350,
        "vendor_discount": -900,
        "vat_collected": 4518,
        "delivery": 990,
        "commission": -2592,
        "commission_vat": -518,
        "reserve_held": -2451,
    }
    assert (payable["closing_minor"], reserve["closing_minor"]) == (21546, 2451)
    for account in shown["accounts"]:
        lines = sum(row["amount_minor"] for row in account["lines"])
        assert account["opening_minor"] + lines == account["closing_minor"]


def test_lines_go_order_by_order_and_page_by_page_also_as_csv(closed, ask, cast):
    path, lines, cursor = f"/v1/statements/{closed[1].id}/lines", [], ""
    while cursor is not None:
        page = ask(cast.vendor, "get", f"{path}?limit=4" + (f"&cursor={cursor}" if cursor else "")).json
        lines += page["items"]
        cursor = page["next"]
    assert sum(row["amount_minor"] for row in lines) == 23997
    assert len(lines) == 9
    file = ask(cast.vendor, "get", f"{path}.csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [(row["vendor_order"] or None, row["line"], int(row["amount_minor"])) for row in rows] == [
        (row["vendor_order"], row["line"], row["amount_minor"]) for row in lines
    ]


def test_what_was_booked_by_hand_stands_alone_with_its_reason(due, settle, vendors, ask, cast):
    due()
    second = an_actor(cast.operator_company, Role.OPERATOR)
    for amount, reason in ((-1500, "Wrecked in our hall"), (-200, "Labels of May"), (-300, "Labels of May")):
        with transaction():
            proposed = adjusting.propose(cast.operator, vendors[0].id, amount, "EUR", reason)
        with transaction():
            adjusting.approve(second, proposed.id)
    row = statement_of(settle(cast.operator), vendors[0])
    path = f"/v1/statements/{row.id}/lines"
    lines = [
        *ask(cast.vendor, "get", path).json["items"],
        *csv.DictReader(io.StringIO(ask(cast.vendor, "get", f"{path}.csv").text)),
    ]
    found = [(line["text"], int(line["amount_minor"])) for line in lines if line["line"] == "adjustment"]
    wanted = [
        ("Adjustment: Labels of May", -300),
        ("Adjustment: Labels of May", -200),
        ("Adjustment: Wrecked in our hall", -1500),
    ]
    assert sorted(found) == sorted(2 * wanted)
    accounts = ask(cast.vendor, "get", f"/v1/statements/{row.id}").json["accounts"]
    told = [
        (one["text"], one["amount_minor"], one["count"])
        for account in accounts
        for one in account["lines"]
        if one["line"] == "adjustment"
    ]
    assert told == [(text, amount, 1) for text, amount in reversed(wanted)]
    with transaction():
        sheet = sheet_of(row)
    assert [(one.text, one.amount_minor) for one in sheet.lines if one.kind == "adjustment"] == wanted[::-1]
    assert "Adjustment: Labels of May" in ask(cast.vendor, "get", f"/statements/{row.id}").text


def test_a_balance_and_what_is_not_due_yet(closed, due, ask, cast):
    due(2)
    vendor = cast.vendor_company.id
    (own,) = ask(cast.vendor, "get", f"/v1/vendors/{vendor}/balance").json["items"]
    assert own == {
        "currency": "EUR",
        "pending_minor": 0,
        "earned_minor": 24515,
        "payable_minor": 21546,
        "reserve_minor": 2451,
        "in_transit_minor": 0,
    }
    (waiting,) = ask(cast.vendor, "get", f"/v1/vendors/{vendor}/pending").json["items"]
    assert (waiting["why"], waiting["payable_minor"], waiting["due_at"] is not None) == ("return_window", 24515, True)


def test_what_is_held_is_not_paid_until_it_is_released(closed, ask, cast):
    path = f"/v1/statements/{closed[1].id}"
    assert ask(cast.vendor, "post", f"{path}/hold", {"reason": "No."}).status_code == 403
    assert ask(cast.operator, "post", f"{path}/hold", {}).status_code == 422
    held = ask(cast.operator, "post", f"{path}/hold", {"reason": "Please ring first."}).json
    assert (held["state"], held["reason"]) == ("held", "Please ring first.")
    assert ask(cast.operator, "post", f"{path}/release").json["state"] == "closed"
    assert closed[1].state is StatementState.CLOSED


def test_a_cut_off_is_refused_in_words(closed, ask, cast):
    early = ask(cast.operator, "post", "/v1/settlement-runs", {"cut_at": "2026-01-01T00:00:00Z"})
    assert (early.status_code, early.json["type"]) == (422, "/problems/cut-off-back-dated")
    late = ask(cast.operator, "post", "/v1/settlement-runs", {"cut_at": "2099-01-01T00:00:00Z"})
    assert (late.status_code, late.json["errors"][0]["pointer"]) == (422, "/cut_at")
    assert ask(cast.operator, "post", "/v1/settlement-runs", {}).status_code == 409


def test_pages_show_it(closed, due, ask, cast):
    due(2)
    statement = f"/statements/{closed[1].id}"
    for actor, path, words in (
        (cast.vendor, "/balance", ["Earned", "245.15", "may still report"]),
        (cast.vendor, "/statements", ["S-00000", "239.97", "215.46"]),
        (cast.vendor, statement, ["Goods sold", "211.49", "VAT on commission", "Lines as CSV", "Of no single order"]),
        (cast.vendor, f"/vendors/{closed[1].vendor_id}/terms", ["weekly", "10&nbsp;%"]),
        (cast.operator, "/settlement", ["out of turn", "Nothing is held."]),
        (cast.operator, statement, ["Do not pay it out for now"]),
        (cast.operator, f"/vendors/{closed[1].vendor_id}/balance", ["Balance of", "215.46", "may still report"]),
        (cast.operator, f"/vendors/{closed[1].vendor_id}/terms", ["Agree new terms"]),
    ):
        page = ask(actor, "get", path)
        assert page.status_code == 200, path
        for word in words:
            assert word in page.text, (path, word)
    number = ask(cast.vendor, "get", f"/v1{statement}/lines").json["items"][-1]["vendor_order"]
    assert ask(cast.vendor, "get", statement).text.count(f'<th colspan="4">{number}</th>') == 1
    assert ask(cast.rival_vendor, "get", statement).status_code == 404
    assert ask(cast.rival_vendor, "get", f"/vendors/{closed[1].vendor_id}/balance").status_code == 404


def test_a_statement_is_a_file_that_is_made_once(closed, ask, cast):
    path = f"/v1/statements/{closed[1].id}/document"
    first, second = (ask(cast.vendor, "get", path) for _ in range(2))
    assert first.status_code == 200
    assert first.data.startswith(b"%PDF")
    assert first.data == second.data
    assert ask(cast.rival_vendor, "get", path).status_code == 404
