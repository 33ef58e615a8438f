"""Worked example 8 with real rows: what a vendor owes is taken step by step, and never in a buyer's way."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from settlements.gateway.connect import PayoutRequest
from settlements.gateway.port import Unknown
from settlements.ledger import books
from settlements.ledger.chart import AccountKind as A
from settlements.transfers import actions, jobs
from settlements.transfers.actions import owing, reversing
from settlements.transfers.models import TransferReversal, VendorDebt
from settlements.transfers.queries import debts, transfers
from settlements.transfers.states import DebtState
from settlements.transfers.states import ReversalState as R
from settlements.transfers.states import TransferState as S
from tests.builders.transfers import due, held_back, standing, taken_off

CAUSE = "test:1"


@pytest.fixture
def ordered(vendor, account, gateway):
    """A transfer of 245.15, ordered and not sent."""
    return order(vendor, gateway, 24515)


def order(vendor, gateway, amount_minor, cause=CAUSE):
    with transaction():
        due(vendor, amount_minor, gateway=gateway)
        (transfer,) = actions.request(vendor, "EUR", amount_minor, cause, SYSTEM)
    return transfer


def owes(vendor, amount_minor=3888):
    with transaction():
        taken_off(vendor, amount_minor)


def pay_out(gateway, account, amount_minor):
    gateway.create_payout(
        PayoutRequest(key=str(clock.now()), account=account, amount_minor=amount_minor, currency="EUR")
    )


def recover(vendor):
    """The recovery, and what it asks the provider for."""
    jobs.recover(vendor, "EUR")
    jobs.take_back_waiting()
    jobs.recover(vendor, "EUR")


def debt_of(vendor):
    return db.session.query(VendorDebt).where(VendorDebt.vendor_id == vendor).one_or_none()


def reversals():
    return list(db.session.query(TransferReversal).order_by(TransferReversal.id))


def balances(gateway):
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance_minor()
    assert books.check_books() == []


def test_nothing_transferred_yet_less_is_sent(ordered, vendor, gateway):
    owes(vendor)
    recover(vendor)
    assert ordered.state is S.WITHDRAWN
    (_, lower) = transfers.of_cause(CAUSE)
    assert (lower.amount_minor, lower.replaces_id, lower.state) == (24515 - 3888, ordered.id, S.REQUESTED)
    assert transfers.standing_of(CAUSE) == transfers.Standing(1, 0, 0, withheld_minor=3888)
    assert standing(vendor) == {"in_transit": 20627}
    jobs.send_waiting()
    assert [row.amount_minor for row in gateway.transfers.values()] == [20627]
    assert standing(vendor) == {}
    assert debt_of(vendor) is None
    assert books.check_books() == []


def test_a_transfer_that_is_owed_whole_is_withdrawn_whole(ordered, vendor, gateway):
    owes(vendor, 30000)
    recover(vendor)
    assert [row.state for row in transfers.of_cause(CAUSE)] == [S.WITHDRAWN]
    assert standing(vendor) == {"payable": -5485}
    assert "transfer" not in gateway.calls


def test_transferred_not_paid_out_it_is_reversed(ordered, vendor, gateway):
    jobs.send(ordered.id)
    owes(vendor)
    recover(vendor)
    (reversal,) = reversals()
    assert (reversal.amount_minor, reversal.state) == (3888, R.MADE)
    assert (ordered.state, ordered.reversed_minor) == (S.PART_REVERSED, 3888)
    assert standing(vendor) == {}
    assert debt_of(vendor).state is DebtState.SETTLED
    balances_after(gateway, vendor, taken=3888)


def balances_after(gateway, vendor, taken):
    assert gateway.balance_minor() == taken
    balances(gateway)


def test_paid_out_15_arrived_since_10_in_reserve(ordered, vendor, account, gateway):
    jobs.send(ordered.id)
    pay_out(gateway, account, 24515)
    jobs.send(order(vendor, gateway, 1500, "test:2").id)
    with transaction():
        due(vendor, 1000, gateway=gateway)
        held_back(vendor, 1000)
    owes(vendor)
    recover(vendor)
    assert sum(row.amount_minor for row in reversals() if row.state is R.MADE) == 1500
    assert standing(vendor) == {"payable": -1388}
    assert debt_of(vendor).state is DebtState.OPEN
    balances(gateway)
    with transaction():
        due(vendor, 2000, gateway=gateway)
    jobs.recover_waiting()
    assert (standing(vendor), debt_of(vendor).state) == ({"payable": 612}, DebtState.SETTLED)


def test_paid_out_and_empty_it_is_carried(ordered, vendor, account, gateway):
    jobs.send(ordered.id)
    pay_out(gateway, account, 24515)
    owes(vendor)
    recover(vendor)
    assert (reversals(), standing(vendor)) == ([], {"payable": -3888})
    balances(gateway)


def test_a_reversal_refused_is_tried_later_and_other_ways_are_taken_meanwhile(ordered, vendor, account, gateway):
    jobs.send(ordered.id)
    with transaction():
        due(vendor, 1000, gateway=gateway)
        held_back(vendor, 1000)
    owes(vendor)
    jobs.recover(vendor, "EUR")
    pay_out(gateway, account, 24515)  # between the look at his balance and the reversal
    jobs.take_back_waiting()
    (reversal,) = reversals()
    assert (reversal.state, reversal.trouble, reversal.attempts) == (R.REQUESTED, "balance_insufficient", 1)
    jobs.recover(vendor, "EUR")
    assert standing(vendor) == {"payable": -2888}  # the reserve helped
    jobs.send(order_plain(vendor, gateway, 5000).id)
    with clock.moved(timedelta(hours=2)):
        jobs.take_back_waiting()
        assert reversal.state is R.WITHDRAWN  # less is owed than it asked for
        jobs.take_back_waiting()
    assert [(row.amount_minor, row.state) for row in reversals()] == [(3888, R.WITHDRAWN), (2888, R.MADE)]
    assert standing(vendor) == {}
    balances(gateway)


def order_plain(vendor, gateway, amount_minor):
    """A transfer that leaves although he owes: what fell due was not netted yet."""
    owed = 2888
    with transaction():
        due(vendor, amount_minor + owed, gateway=gateway)
        (transfer,) = actions.request(vendor, "EUR", amount_minor, "test:9", SYSTEM)
    with transaction():
        taken_off(vendor, owed)
    return transfer


def test_a_reversal_that_is_tried_again_succeeds_when_money_came(ordered, vendor, account, gateway):
    jobs.send(ordered.id)
    owes(vendor)
    jobs.recover(vendor, "EUR")
    pay_out(gateway, account, 24515)
    jobs.take_back_waiting()
    gateway._move(account, "topup", 4000, "EUR", "tu_1")
    with clock.moved(timedelta(hours=2)):
        jobs.take_back_waiting()
    (reversal,) = reversals()
    assert (reversal.state, reversal.attempts) == (R.MADE, 2)
    assert standing(vendor) == {}


def test_an_unanswered_reversal_is_looked_up(ordered, vendor, gateway):
    jobs.send(ordered.id)
    owes(vendor)
    jobs.recover(vendor, "EUR")
    gateway.faults.append(("reverse_transfer", "unanswered"))
    (reversal,) = reversals()
    jobs.take_back(reversal.id)
    assert (reversal.state, standing(vendor)) == (R.UNKNOWN, {"payable": -3888})
    jobs.recover(vendor, "EUR")
    assert len(reversals()) == 1  # what may have come back is not asked for twice
    jobs.take_back(reversal.id)
    assert (reversal.state, standing(vendor)) == (R.MADE, {})
    assert len(gateway.reversals) == 1
    balances(gateway)


def test_a_provider_that_does_not_tell_the_balance_is_asked_again_and_the_reserve_waits(ordered, vendor, gateway):
    jobs.send(ordered.id)
    with transaction():
        due(vendor, 1000, gateway=gateway)
        held_back(vendor, 1000)
    owes(vendor)
    gateway.faults.append(("balance", "lost"))
    with pytest.raises(Unknown):
        jobs.recover(vendor, "EUR")
    assert standing(vendor) == {"payable": -3888, "reserve": 1000}
    jobs.recover_waiting()
    assert [row.amount_minor for row in reversals()] == [3888]


def test_those_who_owed_before_keep_no_other_from_his_turn(vendor, cast, gateway, monkeypatch):
    monkeypatch.setattr(jobs, "_BATCH", 1)
    both = {vendor, cast.rival_vendor_company.id}
    for owing_vendor in both:
        owes(owing_vendor)
    jobs.recover_waiting()
    jobs.recover_waiting()
    assert {row.vendor_id for row in db.session.query(VendorDebt)} == both


def test_part_and_whole_by_hand(ordered, vendor, gateway, cast):
    jobs.send(ordered.id)
    for amount_minor in (515, 24000):
        with transaction():
            reversal = reversing.request_by_hand(cast.operator, ordered.id, amount_minor, "sent by mistake")
        jobs.take_back(reversal.id)
    assert (ordered.state, ordered.reversed_minor) == (S.REVERSED, 24515)
    assert standing(vendor) == {"payable": 24515}
    balances(gateway)
    with pytest.raises(reversing.MoreThanTransferred), transaction():
        reversing.request_by_hand(cast.operator, ordered.id, 1, "once more")


def test_two_reversals_never_ask_for_more_than_the_transfer(ordered, vendor, gateway, cast):
    jobs.send(ordered.id)
    with transaction():
        reversing.request_by_hand(cast.operator, ordered.id, 24000, "one")
    with pytest.raises(reversing.MoreThanTransferred) as refused, transaction():
        reversing.request_by_hand(cast.operator, ordered.id, 516, "two")
    assert refused.value.facts == {"left_minor": 515}


def test_a_debt_is_claimed_after_a_month_reminded_listed_and_netted(ordered, vendor, account, gateway):
    jobs.send(ordered.id)
    pay_out(gateway, account, 24515)
    owes(vendor, 351)
    recover(vendor)
    with clock.moved(timedelta(days=29)):
        jobs.remind_debtors()
        assert standing(vendor) == {"payable": -351}
    with clock.moved(timedelta(days=31)):
        jobs.remind_debtors()
        jobs.remind_debtors()
        assert standing(vendor) == {"claimed": -351}
        assert debt_of(vendor).state is DebtState.REMINDED
    assert letters_of(vendor) == 1
    with clock.moved(timedelta(days=62)):
        jobs.remind_debtors()
    assert letters_of(vendor) == 2
    with clock.moved(timedelta(days=181)):
        jobs.remind_debtors()
        assert debt_of(vendor).state is DebtState.TO_DECIDE
        assert debts.owed_by([debt_of(vendor)]) == {debt_of(vendor).id: 351}
        with transaction():
            due(vendor, 500, gateway=gateway)
        jobs.recover_waiting()
    assert (standing(vendor), debt_of(vendor).state) == ({"payable": 149}, DebtState.SETTLED)
    assert books.check_books() == []


def letters_of(vendor):
    db.session.flush()
    return db.session.execute(
        text("SELECT count(DISTINCT source) FROM letter WHERE kind = 'debt_reminder' AND company_id = :id"),
        {"id": vendor},
    ).scalar_one()


def test_a_settled_debt_and_a_new_one_are_two(vendor, account, gateway):
    owes(vendor, 100)
    recover(vendor)
    with transaction():
        due(vendor, 100)
        assert owing.settle(vendor, "EUR") == 0
    owes(vendor, 50)
    recover(vendor)
    states = [row.state for row in db.session.query(VendorDebt).order_by(VendorDebt.id)]
    assert states == [DebtState.SETTLED, DebtState.OPEN]
