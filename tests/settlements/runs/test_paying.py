"""What a statement comes to is transferred once, and only while the books still hold it."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock, queue
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import formula
from marketplace.orders import queries as order_queries
from marketplace.pricing.policy import Fault
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.runs import actions, jobs, queries
from settlements.runs.actions import paying
from settlements.runs.models import Statement
from settlements.runs.states import STATEMENT_STATES, RunState, StatementState, StatementVerb
from settlements.transfers import jobs as transfer_jobs
from settlements.transfers.queries import of_cause
from settlements.transfers.refusals import TransfersUnderWay
from tests.builders.transfers import an_account
from tests.settlements.runs.test_runs import owe, proven, statement_of

A, S = AccountKind, StatementState


@pytest.fixture
def accounts(vendors, gateway):
    """Both vendors can be paid."""
    with transaction():
        return [an_account(gateway, vendor) for vendor in vendors]


def send_all(statement):
    for row in of_cause(f"statement:{statement.id}"):
        transfer_jobs.send(row.id)


def test_a_statement_is_paid_once_all_its_transfers_are_made(due, accounts, settle, vendors, cast, gateway):
    due()
    a = statement_of(settle(cast.operator), vendors[0])
    jobs.pay([str(a.id), str(a.id)])
    assert a.state is S.TRANSFERRING
    assert sum(row.amount_minor for row in of_cause(f"statement:{a.id}")) == 21546
    assert -books.balance(A.TRANSFER_IN_TRANSIT, vendors[0].id, "EUR") == 21546
    send_all(a)
    assert a.state is S.PAID
    assert books.balance(A.TRANSFER_IN_TRANSIT, vendors[0].id, "EUR") == 0
    proven()


def test_who_cannot_be_paid_is_held_and_paid_after_a_release(due, settle, vendors, cast, gateway):
    due()
    a = statement_of(settle(cast.operator), vendors[0])
    jobs.pay([str(a.id)])
    assert (a.state, a.reason) == (S.HELD, "The vendor has no account at the payment provider.")
    with transaction():
        an_account(gateway, vendors[0])
        actions.release(cast.operator, a.id)
    jobs.pay([str(a.id)])
    assert (a.state, a.reason) == (S.TRANSFERRING, None)


def test_a_refund_between_close_and_payout_holds_and_the_next_statement_pays_what_is_left(
    due, accounts, settle, vendors, cast
):
    placed = due()
    a = statement_of(settle(cast.operator), vendors[0])
    with transaction():
        refund_three(placed, cast)
    jobs.pay([str(a.id)])
    assert (a.state, a.reason) == (
        S.HELD,
        "38.88 EUR was taken back since it was closed; the next statement takes it over.",
    )
    again = statement_of(settle(cast.operator), vendors[0])
    assert (again.sequence, again.opening_minor, a.state) == (2, 23997, S.CARRIED)
    assert again.commission_minor == -432
    assert again.commission_tax_minor == -86
    assert again.payout_minor == 21546 - 3888 + 86
    assert (a.closing_minor, a.payout_minor) == (23997, 21546)
    jobs.pay([str(again.id)])
    send_all(again)
    assert again.state is S.PAID
    proven()


def refund_three(placed, cast):
    """Three A1 come back by the buyer's choice."""
    order = order_queries.order(SYSTEM, placed.order.id, locked=True)
    parts = order_queries.parts_of(order.id, locked=True)
    _, _, state = formula.facts_of(order)
    after = formula.with_units(state, {placed.lines["A1"]: 3}, Fault.BUYER)
    orders.take_step(order, parts, after, orders.Reason(cast.operator, orders.Cause.RETURNED))


def test_what_falls_due_after_the_cut_holds_nothing(due, accounts, settle, vendors, cast):
    due()
    a = statement_of(settle(cast.operator), vendors[0])
    due()
    jobs.pay([str(a.id)])
    assert a.state is S.TRANSFERRING


def test_a_debit_by_hand_after_the_cut_holds_as_well(due, accounts, settle, vendors, cast):
    due()
    a = statement_of(settle(cast.operator), vendors[0])
    owe(vendors[0], 1)
    jobs.pay([str(a.id)])
    assert a.state is S.HELD


def test_a_refused_transfer_holds_the_statement(due, accounts, settle, vendors, cast, gateway):
    due()
    a = statement_of(settle(cast.operator), vendors[0])
    jobs.pay([str(a.id)])
    gateway.restrict(accounts[0])
    send_all(a)
    assert a.state is S.HELD
    assert -books.balance(A.VENDOR_PAYABLE, vendors[0].id, "EUR") == 21546
    proven()


def test_what_is_under_way_is_not_held_any_more(due, accounts, settle, vendors, cast):
    due()
    a = statement_of(settle(cast.operator), vendors[0])
    jobs.pay([str(a.id)])
    with pytest.raises(TransfersUnderWay), transaction():
        actions.hold(cast.operator, a.id, "Please ring first.")
    send_all(a)
    assert (a.state, a.reason) == (S.PAID, None)


def test_one_that_cannot_be_paid_at_all_holds_up_no_other(due, accounts, settle, vendors, cast, monkeypatch):
    due()
    run = settle(cast.operator)
    a, b = (statement_of(run, vendor) for vendor in vendors)
    request = paying.transfers.request

    def broken(vendor_id, *asked):
        if vendor_id == vendors[0].id:
            raise ValueError("nobody thought of this")
        return request(vendor_id, *asked)

    monkeypatch.setattr(paying.transfers, "request", broken)
    jobs.pay([str(a.id), str(b.id)])
    assert (a.state, b.state) == (S.CLOSED, S.TRANSFERRING)
    monkeypatch.undo()
    with clock.moved(timedelta(minutes=6)):
        jobs.pay_waiting()
    assert a.state is S.TRANSFERRING


def test_a_lost_job_is_made_up_for(due, accounts, settle, vendors, cast):
    due()
    a = statement_of(settle(cast.operator), vendors[0])
    jobs.pay_waiting()
    assert a.state is S.CLOSED
    with clock.moved(timedelta(minutes=6)):
        jobs.pay_waiting()
    assert a.state is S.TRANSFERRING


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("verb", list(StatementVerb))
def test_every_pair_of_state_and_verb_is_in_the_table_or_refused(state, verb):
    possible = {
        (S.DRAFT, StatementVerb.CLOSE),
        (S.CLOSED, StatementVerb.TRANSFER),
        (S.CLOSED, StatementVerb.HOLD),
        (S.CLOSED, StatementVerb.CARRY),
        (S.TRANSFERRING, StatementVerb.CONFIRM),
        (S.TRANSFERRING, StatementVerb.HOLD),
        (S.PAID, StatementVerb.CONFIRM),
        (S.HELD, StatementVerb.HOLD),
        (S.HELD, StatementVerb.RELEASE),
        (S.HELD, StatementVerb.CARRY),
    }
    assert ((state, verb) in STATEMENT_STATES) == ((state, verb) in possible)


def test_no_statement_is_left_behind(due, accounts, settle, vendors, cast):
    due()
    settle(cast.operator)
    due()
    settle(cast.operator)
    assert {row.state for row in db.session.query(Statement)} == {S.CLOSED, S.CARRIED}
    assert queries.to_pay(clock.now() + timedelta(days=1)) != []


def test_from_the_open_run_to_the_vendors_account_without_a_hand(due, accounts, vendors, cast):
    """The events of a run put its work on the queue, and what was closed is paid."""
    due()
    with transaction():
        run = actions.open_now(cast.operator)
    queue.drain()
    assert queries.run(SYSTEM, run.id).state is RunState.CLOSED
    rows = db.session.query(Statement).filter_by(run_id=run.id).all()
    assert {row.state for row in rows} == {S.PAID}
    assert [books.balance(A.VENDOR_PAYABLE, vendor.id, "EUR") for vendor in vendors] == [0, 0]
    proven()
