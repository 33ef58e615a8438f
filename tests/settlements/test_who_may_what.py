"""Every endpoint of payments, refunds, books and events, asked by each of the cast; a refusal changes nothing."""

import uuid

import pytest
from sqlalchemy import text

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from settlements.ledger import books
from settlements.ledger.chart import AccountKind, account_id
from settlements.payments import queries as payment_queries
from settlements.refunds import actions, jobs, queries
from tests.cast import NAMES

OPERATOR = {"operator": 200}
BUYERS = {"buyer": 200, "colleague": 200, "operator": 200, "rival_buyer": 404}
PAYERS = {"buyer": 409, "operator": 409, "rival_buyer": 404}


@pytest.fixture
def paths(placed, pay, cast, gateway):
    """The paths of an order that was paid, and of which a refund bounced."""
    pay(placed.order)
    with transaction():
        orders.cancel(cast.buyer, placed.order.id, [orders.Units(placed.lines["A1"], 3)])
    (refund,) = queries.refunds_of(SYSTEM, placed.order.id)
    jobs.send(refund.id)
    attempt = queries.attempts_of([refund.id])[refund.id][0]
    gateway.bounce(attempt.provider_id)
    with transaction():
        actions.record(attempt.id, gateway.refunds[attempt.provider_id])
    (payment,) = payment_queries.payments_of(SYSTEM, placed.order.id)
    return {
        "order": f"/v1/orders/{placed.order.id}",
        "payment": f"/v1/payments/{payment.id}",
        "refund": f"/v1/refunds/{refund.id}",
        "account": f"/v1/books/accounts/{account_id(AccountKind.PSP_CLEARING, None, 'EUR')}",
    }


CASES = [
    ("GET", "{order}/payments", BUYERS),
    ("GET", "{order}/refunds", BUYERS),
    ("POST", "{order}/payments", PAYERS),
    ("GET", "/v1/payments", OPERATOR),
    ("GET", "{payment}", BUYERS),
    ("POST", "{payment}/look-up", {"buyer": 200, "operator": 200, "rival_buyer": 404}),
    ("POST", "{payment}/cancel", PAYERS),
    ("GET", "/v1/refunds", OPERATOR),
    ("POST", "{refund}/retry", OPERATOR),
    ("POST", "{refund}/sent-by-bank", OPERATOR),
    ("GET", "/v1/books/trial-balance", OPERATOR),
    ("GET", "/v1/books/accounts", OPERATOR),
    ("GET", "{account}", OPERATOR),
    ("GET", "/v1/books/journals", OPERATOR),
    ("GET", "/v1/provider-events", OPERATOR),
]
BODIES = {"{order}/payments": {"payment_method": "pm_card_visa"}, "{refund}/sent-by-bank": {"reference": "SEPA 1"}}


@pytest.mark.parametrize(("method", "path", "expected"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_each_of_the_cast(paths, client_as, cast, method, path, expected):
    for name in NAMES:
        before = snapshot()
        answer = client_as(cast.everyone[name]).open(
            path.format(**paths),
            method=method,
            json=BODIES.get(path, {}) if method == "POST" else None,
            headers={"Idempotency-Key": f"k-{name}"},
        )
        wanted = expected.get(name, 401 if name == "stranger" else 403)
        assert answer.status_code == wanted, (name, answer.json)
        if answer.status_code >= 400:
            assert snapshot() == before
        elif name in {"buyer", "colleague"}:
            assert told(answer.json) == [], name


def told(shown, key=""):
    """What of an answer is the marketplace's own affair: the fee, what is left without it, the provider's names."""
    if isinstance(shown, dict):
        return [secret for name, value in shown.items() for secret in told(value, name)]
    if isinstance(shown, list):
        return [secret for value in shown for secret in told(value, key)]
    own = any(word in key for word in ("fee", "trouble", "attempts")) or shown in (680, 42994)
    return [(key, shown)] if own or str(shown).startswith(("txn_", "pi_")) else []


def snapshot():
    refunds = {row.id: row.state for row in order_queries.db.session.scalars(queries.refunds(SYSTEM))}
    return refunds, books.trial_balance()


def test_the_operator_sees_fee_and_attempts(paths, client_as, cast):
    operator = client_as(cast.operator)
    (payment,) = operator.get(paths["order"] + "/payments").json["items"]
    assert (payment["fee_minor"], payment["net_minor"], payment["attempt"]) == (680, 42994, 1)
    (refund,) = operator.get("/v1/refunds?state=bounced").json["items"]
    assert [(row["number"], row["failure_code"]) for row in refund["attempts"]] == [(1, "lost_or_stolen_card")]
    assert operator.get("/v1/refunds?state=sent").json["items"] == []


def test_a_statement_page_by_page(paths, client_as, cast):
    operator = client_as(cast.operator)
    first = operator.get(paths["account"] + "?limit=2").json
    assert first["account"]["kind"] == "psp_clearing"
    assert first["balance_minor"] == 42994
    assert [row["amount_minor"] for row in first["items"]] == [4095, -4095]
    second = operator.get(paths["account"], query_string={"limit": 2, "cursor": first["next"]}).json
    assert [(row["amount_minor"], row["event"]) for row in second["items"]] == [(42994, "order_paid")]
    assert second["next"] is None
    assert operator.get(f"/v1/books/accounts/{uuid.uuid4()}").status_code == 404


def test_journals_of_an_order(paths, client_as, cast, placed):
    items = client_as(cast.operator).get(f"/v1/books/journals?order_id={placed.order.id}").json["items"]
    assert [row["event"] for row in items] == ["refund_bounced", "refund_sent", "order_step", "order_paid"]
    assert all(sum(line["amount_minor"] for line in row["lines"]) == 0 for row in items)
    assert len(items[-1]["lines"]) > 10


def test_the_trial_balance_over_the_api(paths, client_as, cast):
    rows = client_as(cast.operator).get("/v1/books/trial-balance").json["rows"]
    assert sum(row["balance_minor"] for row in rows) == 0
    assert {"kind": "psp_fees", "type": "expense", "balance_minor": 680}.items() <= next(
        row for row in rows if row["kind"] == "psp_fees"
    ).items()


def test_accounts_by_party(paths, client_as, cast):
    listed = client_as(cast.operator).get(f"/v1/books/accounts?party={cast.vendor_company.id}").json["items"]
    assert [(row["kind"], row["currency"]) for row in listed] == [("vendor_pending", "EUR")]


def test_the_command_proves_the_books(paths, app, session):
    done = app.test_cli_runner().invoke(args=["books", "check"])
    assert done.exit_code == 0, done.output
    assert "psp_fees" in done.output
    assert done.output.endswith("The books are right.\n")
    session.execute(text("UPDATE account SET balance_minor = balance_minor - 1 WHERE kind = 'vendor_pending'"))
    session.commit()
    failed = app.test_cli_runner().invoke(args=["books", "check"])
    assert failed.exit_code == 1
    assert failed.output.count("kept balance: vendor_pending") == 2
