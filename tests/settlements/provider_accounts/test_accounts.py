"""A vendor gets one account whatever happens on the way, and what the provider last said of it decides."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.kernel import clock, queue
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.notifications.models import Letter
from settlements.gateway.connect import AccountRequest, Capability
from settlements.gateway.port import Rejected, Unknown
from settlements.provider_accounts import actions, handlers, jobs, queries
from settlements.provider_accounts.refusals import BlockNeedsReason, NotBlocked, ProviderAccountNotOpen
from settlements.provider_accounts.states import AccountState
from vendors.onboarding import actions as onboarding
from vendors.onboarding.events import VendorApproved
from vendors.onboarding.models import Vendor


def requested(cast):
    with transaction():
        handlers.request_account([VendorApproved(cast.vendor_company.id)])
    return queries.account_of(cast.vendor_company.id)


@pytest.fixture
def opened(session, cast, gateway):
    """The vendor's account as the provider made it: it may nothing yet."""
    return jobs.open_account(requested(cast).id)


@pytest.fixture
def able(opened, gateway):
    """The vendor told everything."""
    gateway.onboard(opened.provider_id)
    return jobs.look_at(opened.id)


def letters(kind="account_due"):
    return [row.facts for row in db.session.query(Letter).filter_by(kind=kind).order_by(Letter.id)]


def test_an_approved_vendor_has_one_account(session, cast, gateway):
    first = requested(cast)
    assert (first.state, first.key) == (AccountState.REQUESTED, f"account:{first.id}:1")
    assert requested(cast).id == first.id

    for _ in range(2):
        jobs.open_account(first.id)

    row = queries.account_of(cast.vendor_company.id)
    assert (row.state, row.country, row.currency) == (AccountState.OPEN, "DE", "EUR")
    assert gateway.calls.count("create_account") == 1
    made = gateway.accounts[row.provider_id]
    assert made.metadata["vendor_id"] == str(cast.vendor_company.id)
    assert queries.why_not_payable(row, "EUR") == "transfers_inactive"
    assert [(letter["transfers_stop"], "external_account" in letter["due"]) for letter in letters()] == [(True, True)]


def test_who_sold_before_there_were_accounts_gets_one(session, cast, gateway):
    """Approved long ago, so that nobody hears of an approval any more; who is suspended waits until he sells again."""
    seller, suspended = cast.vendor_company.id, cast.rival_vendor_company.id
    with transaction():
        db.session.add_all([Vendor(id=seller), Vendor(id=suspended)])
        db.session.flush()
        onboarding.suspend(cast.operator, suspended, "Asked him for papers.")
    for _ in range(2):
        jobs.open_waiting()
    queue.drain()
    row = queries.account_of(seller)
    assert (row.state, row.attempt) == (AccountState.OPEN, 1)
    assert gateway.calls.count("create_account") == 1
    assert queries.account_of(suspended) is None

    with transaction():
        onboarding.reinstate(cast.operator, suspended, "He sent them.")
    jobs.open_waiting()

    assert queries.account_of(suspended).state is AccountState.REQUESTED


@pytest.mark.parametrize("fault", ["unanswered", "lost", "later"])
def test_an_unknown_making_is_asked_again_with_the_same_key(session, cast, gateway, fault):
    row = requested(cast)
    gateway.faults.append(("create_account", fault))
    with pytest.raises(Exception, match="provider"):
        jobs.open_account(row.id)
    assert queries.account_of(cast.vendor_company.id).state is AccountState.REQUESTED

    with clock.moved(jobs.ASK_AGAIN_AFTER * 2):
        jobs.open_waiting()

    assert queries.account_of(cast.vendor_company.id).state is AccountState.OPEN
    assert len(gateway.accounts) == 1


@pytest.mark.parametrize(("fault", "key"), [("unanswered", 1), ("lost", 2)])
def test_after_a_day_it_is_looked_up_before_it_is_asked_anew(session, cast, gateway, fault, key):
    row = requested(cast)
    gateway.faults.append(("create_account", fault))
    with pytest.raises(Unknown):
        jobs.open_account(row.id)

    with clock.moved(timedelta(days=2)):
        jobs.open_account(row.id)

    row = queries.account_of(cast.vendor_company.id)
    assert (row.state, row.key) == (AccountState.OPEN, f"account:{row.id}:{key}")
    assert len(gateway.accounts) == 1


def test_a_refused_account_is_asked_for_again_by_the_operator(session, cast, gateway, monkeypatch):
    row = requested(cast)

    def refuse(request):
        raise Rejected("country_unsupported", "Country 'XX' is unknown.")

    monkeypatch.setattr(gateway, "create_account", refuse)
    assert jobs.open_account(row.id) is None
    row = queries.account_of(cast.vendor_company.id)
    assert (row.state, row.trouble) == (AccountState.REFUSED, "country_unsupported: Country 'XX' is unknown.")
    monkeypatch.undo()
    with transaction():
        again = actions.ask_again(cast.operator, row.id)
    assert again.key == f"account:{row.id}:2"
    assert jobs.open_account(row.id).state is AccountState.OPEN


def test_what_changes_at_the_provider_changes_here(able, gateway, cast):
    assert queries.why_not_payable(able, "EUR") is None
    assert queries.why_not_payable(able, "USD") == "currency_not_receivable"
    before = len(letters())

    gateway.restrict(able.provider_id, due=("company.verification.document",))
    row = jobs.look_at(able.id)

    assert queries.why_not_payable(row, "EUR") == "transfers_inactive"
    assert (row.due, row.past_due) == (["company.verification.document"], ["company.verification.document"])
    jobs.look_at(able.id)
    assert len(letters()) == before + 1  # one letter for the same things due
    gateway.restrict(able.provider_id, transfers=Capability.ACTIVE, due=())
    assert queries.why_not_payable(jobs.look_at(able.id), "EUR") == "payouts_paused"
    gateway.onboard(able.provider_id)
    assert queries.why_not_payable(jobs.look_at(able.id), "EUR") is None


def test_an_older_look_that_comes_late_is_ignored(able, gateway):
    old = gateway.accounts[able.provider_id]
    began = clock.now()
    gateway.restrict(able.provider_id)
    jobs.look_at(able.id)

    with transaction():
        row = actions.record(able.id, old, began - timedelta(seconds=1))

    assert row.transfers == "inactive"


def test_another_account_under_the_same_row_is_not_taken_over(able, gateway):
    other = gateway.create_account(
        AccountRequest(key="x", country="DE", email="a@b.example", company_name="X", currency="EUR")
    )
    with transaction():
        row = actions.record(able.id, other, clock.now())
    assert row.provider_id == able.provider_id
    assert row.trouble == f"two accounts at the provider: {other.provider_id} as well"


def test_a_blocked_vendor_gets_nothing_until_it_is_lifted(able, cast):
    with transaction():
        assert actions.block(uuid.UUID(int=1), "nobody") is None
        row = actions.block(cast.vendor_company.id, "transfer refused: account_closed")
    assert queries.why_not_payable(row, "EUR") == "blocked: transfer refused: account_closed"
    with transaction(), pytest.raises(BlockNeedsReason):
        actions.unblock(cast.operator, able.id, " ")
    with transaction():
        row = actions.unblock(cast.operator, able.id, "a new bank account")
    assert queries.why_not_payable(row, "EUR") is None
    with transaction(), pytest.raises(NotBlocked):
        actions.unblock(cast.operator, able.id, "again")


def test_a_link_needs_an_account(session, cast, gateway):
    row = requested(cast)
    with pytest.raises(ProviderAccountNotOpen):
        jobs.link(row.id, "https://kontor.example")
    jobs.open_account(row.id)
    link = jobs.link(row.id, "https://kontor.example")
    assert link.url.startswith("https://connect.example/")
    assert link.expires_at > datetime.now(UTC)


def test_accounts_that_nobody_told_of_are_looked_at(able, gateway):
    gateway.restrict(able.provider_id)
    jobs.look_at_all()
    assert queries.account(SYSTEM, able.id).transfers == "active"
    with clock.moved(timedelta(days=1)):
        jobs.look_at_all()
    assert queries.account(SYSTEM, able.id).transfers == "inactive"


def test_an_account_that_fails_stops_no_other(session, gateway, monkeypatch):
    tried = []

    def fails(account_id):
        tried.append(account_id)
        raise RuntimeError("nobody thought of this")

    for name in ("sellers_without", "requested", "not_looked_at_since"):
        monkeypatch.setattr(queries, name, lambda *_: [1, 2])
    for owner, name in ((actions, "request"), (jobs, "open_account"), (jobs, "look_at")):
        monkeypatch.setattr(owner, name, fails)
    jobs.open_waiting()
    jobs.look_at_all()
    assert tried == [1, 2] * 3
