"""A transfer leaves once, is booked once, and what the provider did not answer is looked up before anything else."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.notifications.models import Letter
from settlements.ledger import books
from settlements.ledger.chart import AccountKind as A
from settlements.transfers import actions, jobs, queries, receivers
from settlements.transfers.actions.sending import KEY_LIVES
from settlements.transfers.queries import transfers
from settlements.transfers.refusals import PayableTooLow, TransfersUnderWay, VendorCannotBePaid
from settlements.transfers.states import TransferState as S
from tests.builders.transfers import due, standing

CAUSE = "test:1"


@pytest.fixture
def ask(vendor, account, gateway):
    """`ask(amount)`: that much is due, on our balance, and ordered."""

    def order(amount_minor=24515, *, cause=CAUSE):
        with transaction():
            due(vendor, amount_minor, gateway=gateway)
            (transfer,) = actions.request(vendor, "EUR", amount_minor, cause, SYSTEM)
        return transfer

    return order


def attempts(transfer):
    return transfers.attempts_of([transfer.id])[transfer.id]


def later(transfer, span=timedelta(minutes=2)):
    transfer.next_at -= span
    db.session.flush()


def test_ordered_sent_and_made(ask, vendor, account, gateway):
    transfer = ask()
    assert transfer.state is S.REQUESTED
    assert standing(vendor) == {"in_transit": 24515}
    jobs.send(transfer.id)
    assert (transfer.state, standing(vendor)) == (S.MADE, {})
    (made,) = gateway.transfers.values()
    assert (made.amount_minor, made.destination, made.source_charge_id) == (24515, account, None)
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance_minor() == 0
    assert [attempt.key for attempt in attempts(transfer)] == [f"transfer:{transfer.id}:1"]
    assert queries.standing_of(CAUSE) == queries.Standing(0, 24515, 0)
    assert books.check_books() == []


def test_sent_twice_it_is_made_once(ask, gateway):
    transfer = ask()
    jobs.send(transfer.id)
    jobs.send(transfer.id)
    jobs.send_waiting()
    assert gateway.calls.count("transfer") == 1


def test_no_more_than_is_due(vendor, account, gateway):
    with transaction():
        due(vendor, 100, gateway=gateway)
    with pytest.raises(PayableTooLow) as refused, transaction():
        actions.request(vendor, "EUR", 101, CAUSE, SYSTEM)
    assert refused.value.facts == {"payable_minor": 100, "amount_minor": 101}
    assert standing(vendor) == {"payable": 100}


def test_the_same_cause_waits_for_its_transfers(ask, vendor):
    ask(100)
    with transaction():
        due(vendor, 50)
    with pytest.raises(TransfersUnderWay), transaction():
        actions.request(vendor, "EUR", 50, CAUSE, SYSTEM)


@pytest.mark.parametrize("what", ["no_account", "blocked", "transfers_inactive", "payouts_paused"])
def test_a_vendor_who_cannot_be_paid_is_refused_with_the_reason(cast, account, vendor, gateway, what):
    found = cast.rival_vendor_company.id if what == "no_account" else vendor
    with transaction():
        due(found, 100)
        change_account(vendor, what)
    with pytest.raises(VendorCannotBePaid) as refused, transaction():
        actions.request(found, "EUR", 100, CAUSE, SYSTEM)
    assert refused.value.facts["reason"].startswith(what)
    assert standing(found) == {"payable": 100}


def test_a_currency_that_he_cannot_receive_is_refused(vendor, account):
    with transaction():
        due(vendor, 100, currency="CHF")
    with pytest.raises(VendorCannotBePaid) as refused, transaction():
        actions.request(vendor, "CHF", 100, CAUSE, SYSTEM)
    assert refused.value.facts["reason"] == "currency_not_receivable"
    assert "currency" in refused.value.text


def test_refused_by_the_provider_it_is_due_again_and_the_account_blocked(ask, vendor, account, gateway, cast):
    transfer = ask(12975)
    gateway.restrict(account)
    jobs.send(transfer.id)
    assert (transfer.state, transfer.trouble) == (S.REFUSED, "insufficient_capabilities_for_transfer")
    assert standing(vendor) == {"payable": 12975}
    assert letters("transfer_refused") == 1
    with pytest.raises(VendorCannotBePaid) as refused:
        receivers.account_for(vendor, "EUR")
    assert refused.value.facts["reason"] == "blocked: insufficient_capabilities_for_transfer"
    assert books.check_books() == []


def test_blocked_after_it_was_ordered_nothing_is_sent(ask, vendor, account, gateway):
    transfer = ask(100)
    with transaction():
        receivers.block(vendor, "asked by the operator")
    jobs.send(transfer.id)
    assert (transfer.state, standing(vendor)) == (S.REFUSED, {"payable": 100})
    assert "transfer" not in gateway.calls


def test_a_closed_account_is_refused(ask, account, gateway):
    transfer = ask(100)
    gateway.close_account(account)
    jobs.send(transfer.id)
    assert (transfer.state, transfer.trouble) == (S.REFUSED, "account_closed")


def test_an_unanswered_transfer_is_looked_up_before_anything_else(ask, vendor, gateway):
    transfer = ask()
    gateway.faults.append(("transfer", "unanswered"))
    jobs.send(transfer.id)
    assert (transfer.state, standing(vendor)) == (S.UNKNOWN, {"in_transit": 24515})
    jobs.send(transfer.id)
    assert transfer.state is S.MADE
    assert (gateway.calls.count("transfer"), len(gateway.transfers)) == (1, 1)


def test_one_that_got_lost_is_sent_with_the_same_key(ask, gateway):
    transfer = ask()
    gateway.faults.append(("transfer", "lost"))
    jobs.send(transfer.id)
    assert transfer.state is S.UNKNOWN
    jobs.send(transfer.id)
    assert transfer.state is S.MADE
    assert len(attempts(transfer)) == len(gateway.transfers) == 1


def test_after_a_day_the_key_is_new_but_only_after_a_look(ask, gateway):
    transfer = ask()
    gateway.faults.append(("transfer", "lost"))
    jobs.send(transfer.id)
    attempts(transfer)[0].asked_at -= KEY_LIVES
    db.session.flush()
    jobs.send(transfer.id)
    assert gateway.calls[-2:] == ["find_transfer", "transfer"]
    assert [attempt.number for attempt in attempts(transfer)] == [1, 2]
    assert (transfer.state, len(gateway.transfers)) == (S.MADE, 1)


def test_a_provider_that_asks_to_wait_is_asked_later_with_a_new_key(ask, gateway):
    transfer = ask()
    gateway.faults.append(("transfer", "later"))
    jobs.send(transfer.id)
    assert (transfer.state, transfer.trouble) == (S.REQUESTED, "rate_limit")
    jobs.send(transfer.id)
    assert gateway.calls.count("transfer") == 1
    later(transfer)
    jobs.send_waiting()
    assert (transfer.state, [attempt.number for attempt in attempts(transfer)]) == (S.MADE, [1, 2])


def test_what_was_postponed_but_made_after_all_is_found_and_not_sent_again(ask, gateway):
    """Two workers had the same key: one made it and died, the other was told to wait."""
    transfer = ask()
    made = gateway._transfer

    def made_and_denied(request):
        result = made(request)
        gateway.by_key[request.key] = (request, result.provider_id)
        raise jobs.Later("rate_limit")

    gateway._transfer = made_and_denied
    jobs.send(transfer.id)
    assert transfer.state is S.REQUESTED
    gateway._transfer = made
    later(transfer)
    jobs.send(transfer.id)
    assert (transfer.state, len(gateway.transfers), len(attempts(transfer))) == (S.MADE, 1, 1)


def test_too_little_on_our_own_balance_waits(vendor, account, gateway):
    with transaction():
        due(vendor, 500)
        (transfer,) = actions.request(vendor, "EUR", 500, CAUSE, SYSTEM)
    jobs.send(transfer.id)
    assert (transfer.state, transfer.trouble) == (S.REQUESTED, "balance_insufficient")
    assert standing(vendor) == {"in_transit": 500}
    gateway.top_up(500)
    later(transfer)
    jobs.send(transfer.id)
    assert transfer.state is S.MADE


def test_another_amount_than_was_sent_is_not_booked(ask, vendor, gateway):
    transfer = ask()
    made = gateway._transfer

    def differently(request):
        result = made(request)
        object.__setattr__(result, "amount_minor", request.amount_minor - 1)
        return result

    gateway._transfer = differently
    jobs.send(transfer.id)
    assert transfer.trouble == "sent 245.15 EUR, made 245.14 EUR"
    assert standing(vendor) == {"in_transit": 24515}


def test_the_provider_is_not_asked_while_a_transaction_is_open(ask, gateway):
    transfer = ask()
    gateway.before_call = lambda call: db.session.get_bind() and _outside()
    jobs.send(transfer.id)
    assert transfer.state is S.MADE


def _outside():
    with transaction():
        pass  # a nested one would raise


def test_the_database_too_refuses_more_than_was_due(ask):
    transfer = ask(100)
    transfer.amount_minor = 101
    with pytest.raises(IntegrityError, match="never_below_zero"):
        db.session.flush()


def change_account(vendor, what):
    row = receivers.queries.account_of(vendor)
    if what == "blocked":
        receivers.block(vendor, "restricted")
    elif what == "transfers_inactive":
        row.transfers = "inactive"
    elif what == "payouts_paused":
        row.payouts_enabled = False


def letters(kind):
    return db.session.query(Letter).where(Letter.kind == kind).count()
