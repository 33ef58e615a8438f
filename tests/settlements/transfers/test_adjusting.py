"""What is booked by hand has a reason and two people."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from marketplace.kernel.states import IllegalMove
from settlements.ledger import books
from settlements.ledger.chart import AccountKind as A
from settlements.transfers import jobs
from settlements.transfers.actions import adjusting
from settlements.transfers.models import VendorDebt
from settlements.transfers.refusals import NotAVendor, NothingOwed, PersonNeeded, SecondPersonNeeded, WriteOffUnderWay
from settlements.transfers.states import AdjustmentState, DebtState
from tests.builders.companies import an_actor
from tests.builders.transfers import due, standing, taken_off


@pytest.fixture
def second(cast):
    """Another operator."""
    return an_actor(cast.operator_company, Role.OPERATOR)


def propose(actor, vendor, amount_minor=1500, reason="the carrier lost it, see letter of May 2nd"):
    with transaction():
        return adjusting.propose(actor, vendor, amount_minor, "EUR", reason)


@pytest.mark.parametrize("amount_minor", [1500, -1500])
def test_booked_when_a_second_person_approves(cast, vendor, second, amount_minor):
    adjustment = propose(cast.operator, vendor, amount_minor)
    assert standing(vendor) == {}
    with transaction():
        adjusting.approve(second, adjustment.id)
    assert adjustment.state is AdjustmentState.APPROVED
    assert standing(vendor) == {"payable": amount_minor}
    assert books.balance(A.OPERATOR_LOSS, None, "EUR") == amount_minor
    with pytest.raises(IllegalMove), transaction():
        adjusting.approve(second, adjustment.id)
    assert books.check_books() == []


def test_not_by_the_same_person(cast, vendor):
    adjustment = propose(cast.operator, vendor)
    with pytest.raises(SecondPersonNeeded), transaction():
        adjusting.approve(cast.operator, adjustment.id)
    assert (adjustment.state, standing(vendor)) == (AdjustmentState.PROPOSED, {})


def test_not_by_a_job(cast, vendor):
    adjustment = propose(cast.operator, vendor)
    with pytest.raises(PersonNeeded), transaction():
        adjusting.approve(SYSTEM, adjustment.id)
    with pytest.raises(PersonNeeded), transaction():
        adjusting.propose(SYSTEM, vendor, 1, "EUR", "because")


def test_the_database_too_wants_a_second_person_and_a_reason(cast, vendor, session):
    adjustment = propose(cast.operator, vendor)
    for change in ("decided_by = proposed_by, state = 'approved'", "reason = ' '"):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(text(f"UPDATE adjustment SET {change} WHERE id = :id"), {"id": adjustment.id})


def test_declined_nothing_is_booked(cast, vendor, second):
    adjustment = propose(cast.operator, vendor)
    with transaction():
        adjusting.decline(second, adjustment.id, "no proof")
    assert (adjustment.state, adjustment.note, standing(vendor)) == (AdjustmentState.DECLINED, "no proof", {})
    with pytest.raises(IllegalMove), transaction():
        adjusting.approve(second, adjustment.id)


def test_only_a_vendor_has_something_adjusted(cast):
    with pytest.raises(NotAVendor) as refused, transaction():
        adjusting.propose(cast.operator, cast.buyer_company.id, 1, "EUR", "because")
    assert refused.value.pointer == "/vendor_id"


@pytest.fixture
def debt(cast, vendor):
    with transaction():
        taken_off(vendor, 351)
    jobs.recover(vendor, "EUR")
    return db.session.query(VendorDebt).one()


def write_off(actor, debt, reason="insolvent"):
    with transaction():
        return adjusting.propose_write_off(actor, debt.id, reason)


@pytest.mark.parametrize("days", [1, 31])
def test_a_debt_is_written_off_by_two_people(cast, vendor, debt, second, days):
    with clock.moved(timedelta(days=days)):
        jobs.remind_debtors()
        adjustment = write_off(cast.operator, debt)
        assert debt.state is not DebtState.WRITTEN_OFF
        with transaction():
            adjusting.approve(second, adjustment.id)
    assert (debt.state, standing(vendor)) == (DebtState.WRITTEN_OFF, {})
    assert books.balance(A.BAD_DEBT_VENDORS, None, "EUR") == 351
    with pytest.raises(NothingOwed), transaction():
        adjusting.propose_write_off(cast.operator, debt.id, "again")
    jobs.recover_waiting()
    assert books.check_books() == []


def test_proposed_once_at_a_time(cast, debt):
    first = write_off(cast.operator, debt)
    with pytest.raises(WriteOffUnderWay) as refused, transaction():
        adjusting.propose_write_off(cast.operator, debt.id, "again")
    assert refused.value.facts == {"adjustment_id": first.id}


def test_what_was_paid_meanwhile_is_not_given_up(cast, vendor, debt, second):
    adjustment = write_off(cast.operator, debt)
    with transaction():
        due(vendor, 300)
    with transaction():
        adjusting.approve(second, adjustment.id)
    assert adjustment.amount_minor == 51
    assert books.balance(A.BAD_DEBT_VENDORS, None, "EUR") == 51
    assert (debt.state, standing(vendor)) == (DebtState.WRITTEN_OFF, {})


def test_a_debt_that_was_paid_in_full_is_not_given_up(cast, vendor, debt, second):
    adjustment = write_off(cast.operator, debt)
    with transaction():
        due(vendor, 400)
    with pytest.raises(NothingOwed), transaction():
        adjusting.approve(second, adjustment.id)
    db.session.refresh(adjustment)
    assert (adjustment.state, standing(vendor)) == (AdjustmentState.PROPOSED, {"payable": 49})


def test_more_was_owed_meanwhile_and_stays_owed(cast, vendor, debt, second):
    adjustment = write_off(cast.operator, debt)
    with transaction():
        taken_off(vendor, 49)
    with transaction():
        adjusting.approve(second, adjustment.id)
    assert standing(vendor) == {"payable": -49}
    assert debt.state is DebtState.OPEN
