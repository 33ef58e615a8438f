"""The books on a real database: posted once, balanced, append-only, kept balances right, and proven."""

import threading
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.kernel.db import QueryCounter, db, transaction
from settlements.ledger import books
from settlements.ledger.books import BalancePassesZero, Entry, EntryUnbalanced, SourceBookedDifferently
from settlements.ledger.chart import AccountKind, account_id
from tests.builders.settlements import a_posting

A = AccountKind


def sale(vendor, amount=100, currency="EUR"):
    return [
        a_posting(A.PSP_CLEARING, amount, currency=currency),
        a_posting(A.VENDOR_PENDING, -amount, party=vendor, currency=currency),
    ]


def test_an_entry_changes_both_accounts(session):
    vendor = uuid.uuid4()
    with transaction():
        assert books.post("psp:1", "sale", sale(vendor)) is True
    assert books.balance(A.PSP_CLEARING, None, "EUR") == 100
    assert books.balance(A.VENDOR_PENDING, vendor, "EUR") == -100
    assert books.balance(A.VENDOR_PENDING, uuid.uuid4(), "EUR") == 0


def test_a_repeat_changes_nothing_and_another_one_under_the_name_is_refused(session):
    vendor = uuid.uuid4()
    with transaction():
        books.post("psp:1", "sale", sale(vendor))
    with transaction():
        assert books.post("psp:1", "sale", list(reversed(sale(vendor)))) is False
    with pytest.raises(SourceBookedDifferently), transaction():
        books.post("psp:1", "sale", sale(vendor, 101))
    assert books.balance(A.VENDOR_PENDING, vendor, "EUR") == -100
    assert len(session.execute(text("SELECT 1 FROM journal")).all()) == 1


def test_one_event_twice_in_a_batch_counts_once(session):
    vendor = uuid.uuid4()
    with transaction():
        assert books.post_all([Entry("a", "sale", sale(vendor)), Entry("a", "sale", sale(vendor))]) == 1
    assert books.balance(A.VENDOR_PENDING, vendor, "EUR") == -100


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [a_posting(A.PSP_CLEARING, 1)],
        [a_posting(A.PSP_CLEARING, 1), a_posting(A.PSP_FEES, -1, currency="USD")],
    ],
)
def test_what_does_not_balance_is_refused(session, lines):
    with pytest.raises(EntryUnbalanced), transaction():
        books.post("x", "sale", lines)
    assert session.execute(text("SELECT count(*) FROM journal")).scalar() == 0


def test_no_balance_passes_zero_where_it_must_not(session):
    order = uuid.uuid4()
    with pytest.raises(BalancePassesZero), transaction():
        books.post("x", "refund", [a_posting(A.REFUNDS_PAYABLE, 1, party=order), a_posting(A.PSP_CLEARING, -1)])
    assert books.balance(A.REFUNDS_PAYABLE, order, "EUR") == 0


def test_an_account_belongs_to_whom_the_chart_says():
    with pytest.raises(ValueError, match="vendor_pending belongs to vendor"):
        account_id(A.VENDOR_PENDING, None, "EUR")
    with pytest.raises(ValueError, match="psp_fees belongs to own"):
        account_id(A.PSP_FEES, uuid.uuid4(), "EUR")


def test_one_statement_an_entry(session):
    with transaction(), QueryCounter() as seen:
        books.post("x", "sale", sale(uuid.uuid4()) + sale(uuid.uuid4()))
    assert [s.split()[0] for s in seen.statements if not s.startswith("SAVEPOINT")] == ["WITH"]


@pytest.mark.parametrize("table", ["journal", "posting"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET order_id = NULL"])
def test_nothing_booked_is_changed_or_removed(session, table, change):
    with transaction():
        books.post("x", "sale", sale(uuid.uuid4()))
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.execute(text(change.format(table)))


def test_the_database_itself_refuses_a_journal_that_does_not_balance(own_app):
    with own_app.app_context():
        with transaction():
            books.post("x", "sale", sale(uuid.uuid4()))
        own = account_id(A.PSP_CLEARING, None, "EUR")
        with pytest.raises(DBAPIError, match="do not balance"), transaction():
            db.session.execute(
                text(
                    "INSERT INTO posting (journal_id, number, account_id, kind, amount_minor, currency) "
                    "SELECT id, 99, :account, 'payment', 5, 'EUR' FROM journal"
                ),
                {"account": own},
            )
        assert books.check_books() == []


def test_a_lost_cent_and_a_wrong_balance_are_named(session):
    vendor = uuid.uuid4()
    with transaction():
        books.post("x", "sale", sale(vendor))
    session.execute(text("UPDATE account SET balance_minor = balance_minor - 1 WHERE kind = 'vendor_pending'"))
    (difference,) = books.check_books()
    assert str(difference) == f"kept balance: vendor_pending:{vendor} EUR expected -100, found -101"


def test_the_trial_balance_comes_to_zero_in_each_currency(session):
    with transaction():
        books.post("x", "sale", sale(uuid.uuid4()) + sale(uuid.uuid4(), 7, "USD"))
    rows = [(row.kind, row.currency, row.debit_minor, row.credit_minor) for row in books.trial_balance()]
    assert rows == [
        (A.PSP_CLEARING, "EUR", 100, 0),
        (A.VENDOR_PENDING, "EUR", 0, 100),
        (A.PSP_CLEARING, "USD", 7, 0),
        (A.VENDOR_PENDING, "USD", 0, 7),
    ]


@pytest.mark.processes
def test_eight_at_once_on_new_accounts_in_any_order_lose_nothing(own_app):
    vendors = [uuid.uuid4() for _ in range(6)]
    failures = []

    def work(number):
        with own_app.app_context():
            try:
                for turn in range(10):
                    chosen = vendors if (number + turn) % 2 else list(reversed(vendors))
                    lines = [line for vendor in chosen for line in sale(vendor, 1)]
                    with transaction():
                        books.post(f"same:{turn}", "sale", sale(vendors[turn % 6], 1000))
                    with transaction():
                        books.post(f"{number}:{turn}", "sale", lines)
            except Exception as failure:
                failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with own_app.app_context():
        assert books.check_books() == []
        assert books.balance(A.PSP_CLEARING, None, "EUR") == 8 * 10 * 6 + 10 * 1000
