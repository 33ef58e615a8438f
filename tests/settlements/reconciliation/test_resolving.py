"""Nobody books without a reason, what costs money takes two people, and what differs again is open again."""

import uuid
from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from settlements.gateway.port import Unknown
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.ledger.postings import reconciliation as postings
from settlements.reconciliation import actions, jobs, queries
from settlements.reconciliation.kinds import Action
from settlements.reconciliation.recording import GRACE
from settlements.reconciliation.refusals import ActionDoesNotFit, NotWaitedFor, ReasonNeeded, SecondPersonNeeded
from tests.builders.companies import an_actor
from tests.cast import NAMES
from tests.pages import see, send
from tests.settlements.memory_gateway import MemoryGateway

A = AccountKind


@pytest.fixture
def gateway(app):
    """The provider in memory."""
    original = app.extensions["kontor_gateway"]
    app.extensions["kontor_gateway"] = memory = MemoryGateway()
    yield memory
    app.extensions["kontor_gateway"] = original


@pytest.fixture
def paid(placed, pay):
    assert pay(placed.order).status_code == 201
    return placed


def only():
    (row,) = db.session.scalars(queries.differences(SYSTEM, unresolved=True))
    return row


@pytest.fixture
def fee(paid, gateway, reconcile):
    """The provider took a fee of 6.50 of its own."""
    gateway.book_by_hand("stripe_fee", -650)
    reconcile()
    return only()


def test_what_is_young_is_not_reported_yet(paid, gateway, reconcile):
    gateway.book_by_hand("stripe_fee", -650)
    day = reconcile(timedelta(0))["EUR"]
    assert list(db.session.scalars(queries.differences(SYSTEM))) == []
    assert day.closed_at is None  # but the day stays open


@pytest.mark.parametrize(
    ("action", "reason", "refusal"),
    [
        (Action.BOOK_FEES, " ", ReasonNeeded),
        (Action.WAIT, "soon", NotWaitedFor),
        (Action.BOOK_BANK, "to the bank", ActionDoesNotFit),
        (Action.ROUND_OFF, "small", ActionDoesNotFit),
        (Action.BOOK_OWN, "alone", SecondPersonNeeded),
    ],
)
def test_what_does_not_fit_is_refused(fee, cast, action, reason, refusal):
    before = books.trial_balance()
    with transaction(), pytest.raises(refusal):
        actions.resolve(cast.operator, fee.id, action, reason)
    assert books.trial_balance() == before
    assert only().id == fee.id


def test_a_fee_is_booked_by_one_person_with_a_reason(fee, cast, reconcile, client_as):
    path, headers = f"/v1/reconciliation/differences/{fee.id}/resolve", {"Idempotency-Key": "k"}
    body = {"action": "book_fees", "reason": "Connect fee of October"}
    for _ in range(2):
        answer = client_as(cast.operator).post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json["state"]) == (200, "resolved")
    assert books.balance(A.PSP_FEES, None, "EUR") == 680 + 650
    row = queries.difference(SYSTEM, fee.id)
    assert (row.resolved_by, row.note) == (cast.operator.person_id, "Connect fee of October")
    assert reconcile()["EUR"].closed_at is not None


def test_looked_at_again_what_the_provider_does_not_know_still_differs(paid, gateway, cast, reconcile, client_as):
    with transaction():
        books.post("psp:txn_gone", "test", fee_lines(-250))
    reconcile()
    assert only().kind == "missing_at_provider"
    answer = client_as(cast.operator).post(f"/v1/reconciliation/differences/{only().id}/look-again")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/still-differs")
    assert only().state.value == "open"


def test_a_posting_that_costs_money_takes_two(fee, cast, client_as):
    other = an_actor(cast.operator_company, Role.OPERATOR)
    path = f"/v1/reconciliation/differences/{fee.id}"
    body = {"action": "book_own", "reason": "Goodwill", "account": "operator_loss"}
    first, second = client_as(cast.operator), client_as(other)
    assert first.post(f"{path}/propose", json=body | {"account": None}).status_code == 409
    assert first.post(f"{path}/propose", json=body | {"account": "vendor_payable"}).status_code == 422
    assert first.post(f"{path}/propose", json=body | {"reason": ""}).status_code == 422
    assert client_as(cast.operator).post(f"{path}/propose", json=body).json["state"] == "proposed"
    own = client_as(cast.operator).post(f"{path}/approve", headers={"Idempotency-Key": "a"})
    assert (own.status_code, own.json["type"]) == (403, "/problems/second-person-needed")
    assert books.balance(A.OPERATOR_LOSS, None, "EUR") == 0
    second = client_as(other)
    assert second.post(f"{path}/approve", headers={"Idempotency-Key": "b"}).json["state"] == "resolved"
    assert books.balance(A.OPERATOR_LOSS, None, "EUR") == 650
    assert books.check_books() == []


def test_a_proposal_may_be_withdrawn(fee, cast):
    with transaction():
        actions.propose(cast.operator, fee.id, Action.BOOK_OWN, "Goodwill", account=A.OPERATOR_LOSS)
    with transaction():
        row = actions.withdraw(cast.operator, fee.id)
    assert (row.state.value, row.proposed_by, row.account) == ("open", None, None)


def test_what_is_booked_meanwhile_resolves_itself(paid, gateway, cast, reconcile):
    payment = next(iter(gateway.payments))
    dispute = gateway.open_dispute(payment)
    reconcile()
    assert only().kind == "dispute_not_booked"
    jobs.dispute_jobs.look_at(dispute.provider_id)
    assert reconcile()["EUR"].closed_at is not None
    (row,) = db.session.scalars(queries.differences(SYSTEM))
    assert (row.state.value, row.note, row.resolved_by) == ("resolved", "it differs no more", None)


def test_a_cent_without_a_cause_is_rounded_off_and_more_is_not(paid, gateway, cast, reconcile):
    with clock.moved(-timedelta(days=30)):
        gateway.book_by_hand("adjustment", -1)  # long before what is looked at
    reconcile()
    row = only()
    assert (row.kind, row.difference_minor, row.suggestion) == ("balance_differs", -1, "round_off")
    assert row.reason == "the provider's balance is -0.01 EUR beyond the books, and no movement tells why"
    with transaction():
        actions.resolve(cast.operator, row.id, Action.ROUND_OFF, "exchange difference")
    assert books.balance(A.ROUNDING, None, "EUR") == 1
    assert reconcile()["EUR"].closed_at is not None
    with clock.moved(-timedelta(days=30)):
        gateway.book_by_hand("adjustment", -101)
    reconcile()
    assert (only().id, only().difference_minor, only().suggestion) == (row.id, -101, "wait")  # open again
    with transaction(), pytest.raises(ActionDoesNotFit):
        actions.resolve(cast.operator, row.id, Action.ROUND_OFF, "exchange difference")


def test_what_differs_again_is_open_again(fee, gateway, cast, reconcile):
    with transaction():
        actions.resolve(cast.operator, fee.id, Action.BOOK_FEES, "Connect fee")
    moved = gateway.movements[None][-1]
    gateway.movements[None][-1] = type(moved)(**{**vars(moved), "amount_minor": -700, "net_minor": -700})
    reconcile()
    row = only()
    assert (row.id, row.kind, row.difference_minor) == (fee.id, "amount_differs", -50)
    assert row.reason == "booked -6.50 EUR, moved -7.00 EUR"


def test_a_balance_that_never_stands_still_is_not_judged(paid, gateway, monkeypatch):
    original = gateway.balance

    def moving(account=None):
        gateway.book_by_hand("adjustment", 1)
        return original(account)

    monkeypatch.setattr(gateway, "balance", moving)
    with pytest.raises(Unknown):
        jobs.run()
    assert queries.latest_days(SYSTEM, 1) == []


def test_what_came_after_the_look_is_no_difference_of_it(paid, gateway, reconcile, monkeypatch):
    """The market goes on: a fee is taken, and booked, between the look and its record."""
    original, looks = gateway.balance_transactions, []

    def moving_after(*span):
        rows = list(original(*span))
        looks.append(span)
        if len(looks) == 2:
            gateway.book_by_hand("stripe_fee", -650)
            with transaction():
                books.post(f"psp:{gateway.movements[None][-1].id}", "test", fee_lines(-650))
        return rows

    monkeypatch.setattr(gateway, "balance_transactions", moving_after)
    day = reconcile()["EUR"]
    assert list(db.session.scalars(queries.differences(SYSTEM))) == []
    assert (day.provider_minor, day.booked_minor, day.closed_at is not None) == (42994, 42994, True)
    day = reconcile()["EUR"]
    assert (day.provider_minor, day.booked_minor, day.closed_at is not None) == (42344, 42344, True)


def fee_lines(net_minor):
    return postings.settled({"EUR": postings.Lacking(net_minor, 0)}, A.PSP_FEES, None)


def test_nights_that_were_missed_are_made_up_for(paid, gateway, reconcile):
    reconcile()
    with clock.moved(timedelta(days=2)):
        gateway.book_by_hand("stripe_fee", -650)
    with clock.moved(timedelta(days=9)):
        jobs.run_nightly()
    assert (only().kind, only().difference_minor) == ("provider_fee", -650)


def test_the_nightly_job_and_the_command(fee, app, cast):
    jobs.run_nightly()
    assert queries.latest_days(SYSTEM, 1)[0].closed_at is None
    told = app.test_cli_runner().invoke(args=["reconcile", "--days", "2"])
    assert (told.exit_code, "1 open" in told.output) == (1, True)


CASES = [
    ("GET", "/v1/reconciliation/days", 200, None),
    ("POST", "/v1/reconciliation/runs", 200, {"days": 2}),
    ("GET", "/v1/reconciliation/differences?state=open&kind=provider_fee", 200, None),
    ("POST", "{row}/look-again", 409, None),
    ("POST", "{row}/propose", 200, {"action": "book_own", "reason": "so", "account": "bank"}),
    ("POST", "{row}/withdraw", 409, None),
    ("POST", "{row}/approve", 409, None),
    ("POST", "{row}/resolve", 200, {"action": "book_fees", "reason": "so"}),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_only_the_operator_reconciles(fee, client_as, cast, case):
    method, path, status, body = case
    for name in NAMES:
        url = path.format(row=f"/v1/reconciliation/differences/{fee.id}")
        headers = {"Idempotency-Key": f"k-{name}"}
        answer = client_as(cast.everyone[name]).open(url, method=method, json=body, headers=headers)
        assert answer.status_code == {"operator": status, "stranger": 401}.get(name, 403), (name, answer.json)
    if "{row}" in path:
        url = path.format(row=f"/v1/reconciliation/differences/{uuid.uuid4()}")
        answer = client_as(cast.operator).open(url, method=method, json=body, headers={"Idempotency-Key": "x"})
        assert answer.status_code == 404


def test_resolved_on_the_page(fee, client_as, cast, gateway, reconcile):
    client, path = client_as(cast.operator), "/operator/reconciliation"
    page = see(client, path).text
    assert "Provider fee" in page
    assert "Suggested: book fees" in page
    decide = f"{path}/{fee.id}/decide"
    assert send(client, path, decide, action="book_fees", reason="").status_code == 422
    assert send(client, path, decide, action="book_fees", reason="Connect fee").status_code == 303
    assert send(client, path, f"{path}/run").status_code == 303
    assert "Nothing differs." in see(client, path).text
    assert "Connect fee" in see(client, f"{path}?all=true").text
    see(client_as(cast.vendor), path, 403)
    assert timedelta(0) < GRACE
