"""Statements by vendor and currency: opening + lines = closing = ledger, whatever is asked for twice or fails."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from settlements.ledger import books
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings.lines import Line
from settlements.runs import actions, jobs, queries
from settlements.runs.models import SettlementRun, Statement, StatementTotal
from settlements.runs.refusals import CutOffBackDated, CutOffInFuture, NothingToSettle
from settlements.runs.states import RunState, StatementState

A, K, S = AccountKind, PostingKind, StatementState


def proven():
    assert [str(difference) for difference in books.check_books()] == []


def statement_of(run, vendor):
    return db.session.scalars(queries.statements(SYSTEM, run_id=run.id, vendor_id=vendor.id)).one()


def totals(statement):
    rows = db.session.query(StatementTotal).filter_by(statement_id=statement.id)
    return {(row.account, row.kind, row.in_favour): row.amount_minor for row in rows}


def test_the_first_statements_of_example_one(due, settle, vendors, cast):
    due()
    run = settle(cast.operator)
    assert run.state is RunState.CLOSED
    a, b = (statement_of(run, vendor) for vendor in vendors)
    assert (a.state, a.sequence, a.opening_minor, a.lines_minor, a.closing_minor) == (S.CLOSED, 1, 0, 23997, 23997)
    assert (a.commission_minor, a.commission_tax_minor, a.payout_minor) == (2592, 518, 21546)
    assert (b.closing_minor, b.commission_tax_minor, b.payout_minor) == (12975 + 1488, 425, 12975)
    assert {a.number, b.number} == {"S-000001", "S-000002"}
    assert queries.closings_of([a.id])[a.id] == {"vendor_payable": 21546, "vendor_reserve": 2451}
    assert totals(a) == {
        ("vendor_payable", "goods", True): 21149,
        ("vendor_payable", "market_discount", True): 1350,
        ("vendor_payable", "vendor_discount", False): -900,
        ("vendor_payable", "tax", True): 4518,
        ("vendor_payable", "delivery", True): 990,
        ("vendor_payable", "commission", False): -2592,
        ("vendor_payable", "reserve_held", False): -2451,
        ("vendor_reserve", "reserve_held", True): 2451,
    }
    assert -books.balance(A.VENDOR_PAYABLE, vendors[0].id, "EUR") == 21546
    assert -books.balance(A.TAX_PAYABLE, None, "EUR") == 298 + 943
    proven()


def test_what_is_booked_after_the_cut_is_in_the_next_statement(due, settle, vendors, cast):
    due()
    cut_at = clock.now()
    due()
    first = settle(cast.operator, cut_at=cut_at)
    second = settle(cast.operator)
    a1, a2 = (statement_of(run, vendors[0]) for run in (first, second))
    assert (a2.sequence, a2.opening_minor, a2.lines_minor) == (2, a1.closing_minor, 23997)
    assert a2.payout_minor == 2 * 21546
    assert a1.state is S.CARRIED
    proven()


def test_a_run_does_not_repeat_itself(due, settle, vendors, cast):
    due()
    run = settle(cast.operator)
    before = books.trial_balance()
    jobs.perform(str(run.id))
    assert books.trial_balance() == before
    with pytest.raises(NothingToSettle), transaction():
        actions.open_now(cast.operator)
    proven()


def test_cut_offs_follow_each_other(due, settle, vendors, cast):
    due()
    run = settle(cast.operator)
    with pytest.raises(CutOffBackDated), transaction():
        actions.open_now(cast.operator, run.cut_at - timedelta(seconds=1))
    with pytest.raises(CutOffInFuture), transaction():
        actions.open_now(cast.operator, clock.now() + timedelta(hours=1))


def test_a_closed_statement_never_changes(due, settle, vendors, cast, session):
    due()
    settle(cast.operator)
    for change in (
        "UPDATE statement SET closing_minor = closing_minor + 1, lines_minor = lines_minor + 1",
        "UPDATE statement SET number = 'X'",
        "DELETE FROM statement",
        "UPDATE statement_account SET upto = upto + 1",
        "UPDATE statement_total SET amount_minor = 0",
        "DELETE FROM statement_account",
    ):
        with pytest.raises(IntegrityError, match=r"is closed|append-only"), session.begin_nested():
            session.execute(text(change))
    session.execute(text("UPDATE statement SET state = 'held', reason = 'Why not.'"))


def test_one_vendors_failure_stops_no_other_and_is_tried_again(due, settle, vendors, cast, monkeypatch):
    due()
    spoilt, real = vendors[0].id, actions.closing.invoices.issue_commissions

    def refuse(requests):
        if any(request.vendor_id == spoilt for request in requests):
            raise ValueError("no such street")
        return real(requests)

    monkeypatch.setattr(actions.closing.invoices, "issue_commissions", refuse)
    run = settle(cast.operator)
    a, b = (statement_of(run, vendor) for vendor in vendors)
    assert (a.state, a.reason) == (S.DRAFT, "ValueError: no such street")
    assert b.state is S.CLOSED
    assert run.state is RunState.COLLECTED
    assert queries.unfinished(clock.now() + timedelta(days=1)) == []
    monkeypatch.undo()
    with transaction():
        assert actions.retry(run) == 1
    jobs.perform(str(run.id))
    assert (a.state, a.reason, run.state) == (S.CLOSED, None, RunState.CLOSED)
    proven()


def test_debt_is_carried_and_netted_and_small_sums_wait(due, settle, vendors, cast):
    due()
    owe(vendors[0], 30000)
    owe(vendors[1], 12975 - 2400)
    run = settle(cast.operator)
    a, b = (statement_of(run, vendor) for vendor in vendors)
    assert (a.payout_minor, a.carried_because, a.closing_minor) == (0, "debt", 23997 - 30000)
    assert (b.payout_minor, b.carried_because) == (0, "below_minimum")
    due()
    run = settle(cast.operator)
    a, b = (statement_of(run, vendor) for vendor in vendors)
    assert a.payout_minor == 2 * 21546 - 30000
    assert b.payout_minor == 2400 + 12975
    proven()


def owe(vendor, amount_minor):
    """An adjustment to a vendor's debit."""
    lines = [
        Line(A.VENDOR_PAYABLE, vendor.id, K.ADJUSTMENT, amount_minor, "EUR"),
        Line(A.OPERATOR_LOSS, None, K.ADJUSTMENT, -amount_minor, "EUR"),
    ]
    with transaction():
        books.post(f"test:{vendor.id}:{amount_minor}", "adjusted", lines)


def test_the_cycle_of_each_vendor_ends_on_its_days(due, vendors, cast):
    due()
    now = clock.now()
    for days in range(8):
        with clock.moved(timedelta(days=days)):
            jobs.open_due()
            jobs.open_due()
    made = db.session.query(SettlementRun).filter_by(by_cycle=True).all()
    assert len(made) == 8
    for run in made:
        jobs.perform(str(run.id))
    (cut,) = {statement.cut_at for statement in db.session.query(Statement)}
    assert cut.astimezone(clock.ZoneInfo("Europe/Berlin")).isoweekday() == 1
    assert cut > now - timedelta(days=7)
    proven()
