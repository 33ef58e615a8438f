"""Who is late is reminded once at each level, owes interest and the flat sum, and is sold nothing until he has paid."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from marketplace.credit import actions as credit_actions
from marketplace.credit import queries as credit
from marketplace.credit.refusals import CreditFrozen
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from marketplace.notifications.models import Letter
from marketplace.orders import actions as orders
from marketplace.orders import formula
from marketplace.orders import queries as order_queries
from marketplace.orders.actions import Cause, Reason
from marketplace.pricing.facts import Returned
from marketplace.pricing.policy import Fault
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.receivables import actions, jobs, queries
from settlements.receivables.models import DunningNotice, Receivable
from settlements.receivables.refusals import NeedsSecondPerson, SumHasChanged, WriteOffUnderWay
from settlements.receivables.states import ReceivableState
from tests.builders.companies import an_actor
from tests.builders.receivables import example_on_terms, invoiced, paid

A = AccountKind


@pytest.fixture
def item(session, cast, gateway):
    """The vendor's invoice of 257.57, due in thirty days."""
    with transaction():
        placed = example_on_terms(cast)
        part = placed.parts[cast.vendor_company.id].id
        return invoiced(placed.order, parts=[part])[part]


@pytest.fixture(autouse=True)
def the_books_are_right(session):
    yield
    assert [str(difference) for difference in books.check_books()] == []


def late(days):
    """So many days after the due day."""
    return clock.moved(timedelta(days=30 + days))


def run(days):
    with late(days):
        jobs.remind_overdue()
    db.session.expire_all()


def notices():
    return [
        (row.level, row.days_overdue, row.fee_minor)
        for row in db.session.query(DunningNotice).order_by(DunningNotice.level)
    ]


def test_each_level_is_reached_once_whoever_runs_how_often(item, cast):
    run(2)
    assert notices() == []
    run(3)
    run(3)
    assert notices() == [(1, 3, 0)]
    run(12)
    with late(12), transaction():
        assert actions.remind(item.id, queries.today()) is None
    # 257.57 * 10.27 % * 12 / 365 = 0.87, and the flat sum
    assert notices() == [(1, 3, 0), (2, 12, 4_087)]
    run(25)
    # 25 days come to 1.81: 0.94 more, the flat sum not again
    assert notices() == [(1, 3, 0), (2, 12, 4_087), (3, 25, 94)]
    letters = db.session.query(Letter).filter(Letter.kind == "payment_reminder").all()
    assert {row.facts["level"] for row in letters} == {1, 2, 3}
    assert books.balance(A.LATE_FEE_REVENUE, None, "EUR") == -4_181
    fees = db.session.query(Receivable).filter(Receivable.kind == "late_fee").order_by(Receivable.number).all()
    assert [(row.number, row.open_minor) for row in fees] == [(f"{item.number}/L2", 4_087), (f"{item.number}/L3", 94)]


def test_who_was_reminded_is_left_alone_until_the_next_level(item):
    run(3)
    due = [queries.to_remind(item.due_on + timedelta(days=late), (3, 10, 20), 10) for late in (3, 9, 10, 20)]
    assert due == [[], [], [item.id], [item.id]]


def test_a_level_that_was_slept_through_is_skipped(item):
    run(11)
    assert [row[0] for row in notices()] == [2]


def test_a_disputed_invoice_is_left_alone(item, cast):
    with transaction():
        actions.pause(cast.operator, item.id, "Three pieces were broken.")
    run(30)
    assert notices() == []
    with transaction():
        actions.pause(cast.operator, item.id, "")
    run(31)
    assert [row[0] for row in notices()] == [3]


def test_from_the_second_level_on_nothing_is_sold_until_it_is_paid(item, cast):
    run(5)
    with transaction():
        example_on_terms(cast, account=False)
    run(10)
    account = credit.account_of(cast.buyer_company.id, "EUR")
    assert account.frozen_reason == f"{item.number} was due on {item.due_on.isoformat()} and is not paid."
    with pytest.raises(CreditFrozen), transaction():
        example_on_terms(cast, account=False)
    with late(11), transaction():
        paid(item.open_minor, item.number)
    assert credit.account_of(cast.buyer_company.id, "EUR").frozen_at is None
    with transaction():
        example_on_terms(cast, account=False)


def test_nothing_is_sold_again_once_the_payment_was_of_another(item, cast):
    run(10)
    with late(11), transaction():
        row = paid(item.open_minor, item.number)
    assert credit.account_of(cast.buyer_company.id, "EUR").frozen_at is None
    (match,) = queries.matches_of([row.id])
    with late(12), transaction():
        actions.undo(cast.operator, match.id, "It was of another company.")
    account = credit.account_of(cast.buyer_company.id, "EUR")
    assert account.frozen_reason == f"{item.number} was due on {item.due_on.isoformat()} and is not paid."
    assert account.frozen_by_dunning


def test_what_a_person_froze_after_dunning_did_waits_for_a_person(item, cast):
    run(10)
    with transaction():
        account = credit.account_of(cast.buyer_company.id, "EUR", locked=True)
        assert credit_actions.freeze(cast.operator, account, "Went to court.")
    with late(11), transaction():
        paid(item.open_minor, item.number)
    account = credit.account_of(cast.buyer_company.id, "EUR")
    assert (account.frozen_at is not None, account.frozen_reason) == (True, "Went to court.")


def test_what_is_credited_is_not_waited_for_either(item, cast):
    run(10)
    assert credit.account_of(cast.buyer_company.id, "EUR").frozen_by_dunning
    order = order_queries.order(SYSTEM, item.order_id, locked=True)
    _, _, state = formula.facts_of(order)
    own = [row for row in order_queries.lines_of(order.id) if row.vendor_order_id == item.vendor_order_id]
    back = tuple(Returned(str(row.id), Fault.VENDOR, row.quantity) for row in own)
    with transaction(), late(11):
        parts = order_queries.parts_of(order.id, locked=True)
        orders.take_step(order, parts, type(state)(back, ()), Reason(SYSTEM, Cause.RETURNED))
    assert queries.receivable(SYSTEM, item.id).open_minor == 0
    assert credit.account_of(cast.buyer_company.id, "EUR").frozen_at is None


def test_what_is_paid_late_is_named_and_paid_like_an_invoice(item):
    run(10)
    (fee,) = db.session.query(Receivable).filter(Receivable.kind == "late_fee")
    with transaction():
        paid(fee.open_minor, f"Fee {fee.number}")
    db.session.expire_all()
    assert (fee.state, item.state) == (ReceivableState.SETTLED, ReceivableState.ISSUED)


def test_a_claim_is_given_up_by_two_people(item, cast):
    other = an_actor(cast.operator_company, Role.OPERATOR)
    with transaction():
        proposal = actions.propose(cast.operator, item.id, "Insolvent.")
    with pytest.raises(WriteOffUnderWay), transaction():
        actions.propose(other, item.id, "Insolvent.")
    with pytest.raises(NeedsSecondPerson), transaction():
        actions.decide(cast.operator, proposal.id, approved=True)
    used = credit.account_of(cast.buyer_company.id, "EUR").used_minor
    with transaction():
        actions.decide(other, proposal.id, approved=True)
    assert queries.receivable(SYSTEM, item.id).state is ReceivableState.WRITTEN_OFF
    assert books.balance(A.BAD_DEBT_BUYERS, None, "EUR") == 25_757
    assert credit.account_of(cast.buyer_company.id, "EUR").used_minor == used - 25_757
    run(30)
    assert notices() == []


def test_what_was_paid_meanwhile_is_not_given_up(item, cast):
    other = an_actor(cast.operator_company, Role.OPERATOR)
    with transaction():
        proposal = actions.propose(cast.operator, item.id, "Insolvent.")
        paid(10_000, item.number)
    with pytest.raises(SumHasChanged), transaction():
        actions.decide(other, proposal.id, approved=True)
    with transaction():
        actions.decide(other, proposal.id, approved=False)
        actions.propose(cast.operator, item.id, "The rest.")


def test_rates_are_added_for_the_days_to_come(session, cast):
    with transaction():
        row = actions.add_rate(cast.operator, date(2030, 1, 1), Decimal("0.11"))
    assert (row.valid_from, str(row.rate)) == (date(2030, 1, 1), "0.11")


@pytest.mark.parametrize(
    ("reference", "too_little", "left"),
    [
        ("{0} and {0}/L2", 0, (0, 0)),  # both to the cent
        ("{0}/L2", 0, (0, 0)),  # the claim alone, and the money is both
        ("{0}/L2 for {0}", 1_000, (0, 1_000)),  # the invoice first
        ("{0}/L2 for {0}", 4_087 + 57, (57, 4_087)),
        ("{0}/L2", 25_757, (25_757, 0)),  # the claim alone, and its money
    ],
)
def test_who_names_an_invoice_and_what_is_owed_for_paying_it_late_pays_both(item, cast, reference, too_little, left):
    run(12)
    (fee,) = db.session.query(Receivable).filter(Receivable.kind == "late_fee")
    assert (item.open_minor, fee.open_minor) == (25_757, 4_087)
    with transaction():
        transfer = paid(25_757 + 4_087 - too_little, reference.format(item.number))
    db.session.expire_all()
    assert (queries.receivable(SYSTEM, item.id).open_minor, queries.receivable(SYSTEM, fee.id).open_minor) == left
    assert (transfer.left_minor, actions.credit_of(cast.buyer_company.id, "EUR")) == (0, 0)
    assert order_queries.net_paid(item.order_id) == 25_757 - left[0]
