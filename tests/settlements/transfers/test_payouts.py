"""Payouts are states as reported, letters, and nothing in the books."""

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.db import db, transaction
from marketplace.notifications.models import Letter
from settlements.gateway.connect import PayoutRequest
from settlements.gateway.connect import PayoutState as Reported
from settlements.ledger import books
from settlements.transfers import jobs
from settlements.transfers.actions import payouts
from settlements.transfers.models import VendorPayout
from settlements.transfers.states import PayoutState


@pytest.fixture
def made(account, gateway):
    gateway._move(account, "topup", 5000, "EUR", "tu_1")
    return gateway.create_payout(PayoutRequest(key="k", account=account, amount_minor=5000, currency="EUR"))


def told(vendor, account, result):
    with transaction():
        return payouts.record(vendor, account, result)


def letters():
    return db.session.query(Letter).where(Letter.kind == "payout_failed").count()


def test_paid_and_failed_days_later(made, vendor, account, gateway):
    payout = told(vendor, account, made)
    assert (payout.state, payout.amount_minor) == (PayoutState.PENDING, 5000)
    for state in (Reported.IN_TRANSIT, Reported.PAID):
        assert told(vendor, account, replace(made, state=state)).state.value == state.value
    assert letters() == 0
    failed = replace(made, state=Reported.FAILED, failure_code="account_closed")
    assert told(vendor, account, failed).state is PayoutState.FAILED
    told(vendor, account, failed)
    assert (letters(), payout.failure_code) == (1, "account_closed")
    assert books.trial_balance() == []


@pytest.mark.parametrize("late", [Reported.PENDING, Reported.IN_TRANSIT])
def test_old_news_changes_nothing(made, vendor, account, late):
    told(vendor, account, replace(made, state=Reported.PAID))
    assert told(vendor, account, replace(made, state=late)).state is PayoutState.PAID


def test_the_job_asks_after_those_that_have_not_ended(made, vendor, account, gateway):
    told(vendor, account, made)
    gateway.become_paid(made.provider_id)
    jobs.look_at_payouts()
    assert "payout_by_id" not in gateway.calls
    with clock.moved(timedelta(hours=2)):
        jobs.look_at_payouts()
    assert db.session.query(VendorPayout).one().state is PayoutState.PAID
