"""Payouts are states as reported, letters, and nothing in the books."""

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.db import db, transaction
from marketplace.notifications.models import Letter
from settlements.gateway.connect import PayoutRequest
from settlements.gateway.connect import PayoutState as Reported
from settlements.gateway.port import Rejected
from settlements.ledger import books
from settlements.transfers import jobs
from settlements.transfers.actions import payouts
from settlements.transfers.models import VendorPayout
from settlements.transfers.states import PayoutState
from tests.builders.transfers import an_account


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


def test_the_job_finds_what_no_web_hook_told_of(made, vendor, account, gateway):
    gateway.become_paid(made.provider_id)
    jobs.look_at_payouts()
    found = db.session.query(VendorPayout).one()
    assert (found.vendor_id, found.account, found.provider_id) == (vendor, account, made.provider_id)
    assert (found.amount_minor, found.currency, found.state) == (5000, "EUR", PayoutState.PAID)
    jobs.look_at_payouts()
    assert gateway.calls.count("payouts") == 1


def test_a_bank_that_sends_money_back_late_is_noticed_within_a_day(made, vendor, account, gateway):
    gateway.become_paid(made.provider_id)
    jobs.look_at_payouts()
    gateway.fail_payout(made.provider_id, "account_closed")
    with clock.moved(timedelta(days=1, minutes=1)):
        jobs.look_at_payouts()
        jobs.look_at_payouts()
    assert (db.session.query(VendorPayout).one().failure_code, letters()) == ("account_closed", 1)


def test_an_account_that_the_provider_does_not_answer_for_holds_up_no_other(made, cast, account, gateway, monkeypatch):
    monkeypatch.setattr(jobs, "_BATCH", 1)
    with transaction():
        an_account(gateway, cast.rival_vendor_company)
    listed = gateway.payouts

    def silent(wanted, since=None):
        if wanted != account:
            raise Rejected("account_invalid")
        return listed(wanted, since)

    monkeypatch.setattr(gateway, "payouts", silent)
    jobs.look_at_payouts()
    jobs.look_at_payouts()
    assert db.session.query(VendorPayout).one().provider_id == made.provider_id
