"""What of a statement is paid out, and what is held back for good: by the terms, to the cent."""

import pytest
from sqlalchemy import text

from marketplace.kernel.db import db, transaction
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.runs.lines import line_of, words_of
from settlements.runs.models import Statement
from settlements.runs.payouts import payout, to_hold_back
from tests.builders.catalogue import terms_for
from tests.builders.transfers import due as fell_due
from tests.settlements.runs.test_runs import statement_of

A = AccountKind


@pytest.mark.parametrize(
    ("payable", "currency", "minimums", "currencies", "amount", "why"),
    [
        (2500, "EUR", {}, [], 2500, None),
        (2499, "EUR", {}, [], 0, "below_minimum"),
        (2499, "EUR", {"EUR": 0}, [], 2499, None),
        (9999, "EUR", {"EUR": 10_000}, [], 0, "below_minimum"),
        (25, "JPY", {}, [], 25, None),
        (24, "JPY", {}, [], 0, "below_minimum"),
        (5000, "USD", {}, ["EUR"], 0, "currency"),
        (5000, "EUR", {}, ["EUR"], 5000, None),
        (0, "EUR", {}, [], 0, "nothing"),
        (-1, "EUR", {}, [], 0, "debt"),
    ],
)
def test_what_is_paid_out(payable, currency, minimums, currencies, amount, why):
    found = payout(payable, currency, minimums, currencies)
    assert (found.amount_minor, found.carried_because) == (amount, why)


@pytest.mark.parametrize(
    ("payable", "reserve", "rolling", "minimum", "more"),
    [
        (10_000, 0, 0, 3_000, 3_000),
        (1_000, 0, 0, 3_000, 1_000),
        (-500, 0, 0, 3_000, 0),
        (10_000, 2_000, 2_000, 3_000, 1_000),
        (10_000, 5_000, 5_000, 3_000, 0),  # all of it is of single orders, and waits for its time
        (10_000, 5_000, 1_000, 3_000, -2_000),
        (10_000, 3_000, 0, 0, -3_000),
        (10_000, 0, 0, 0, 0),
    ],
)
def test_what_is_held_back_for_good(payable, reserve, rolling, minimum, more):
    assert to_hold_back(payable, reserve, rolling, minimum) == more


def test_a_debt_that_was_claimed_and_netted_has_names_of_its_own():
    names = [line_of("reclassified", in_favour=in_favour) for in_favour in (True, False)]
    assert names == ["debt_claimed", "debt_netted"]
    assert [words_of(name) for name in names] == ["Debt, claimed from you", "Debt, netted with what was due"]


def test_a_minimum_reserve_is_filled_by_the_statement_and_given_back_when_it_falls(due, settle, vendors, cast):
    with transaction():
        terms_for(vendors[0], valid_from=books.clock.now().date(), reserve_minimum={"EUR": 10_000})
    due()
    a = statement_of(settle(cast.operator), vendors[0])
    assert (a.closing_minor, a.payout_minor) == (23997, 23997 - 10_000)
    assert -books.balance(A.VENDOR_RESERVE, vendors[0].id, "EUR") == 10_000
    assert [str(difference) for difference in books.check_books()] == []


def test_each_currency_has_statements_of_its_own(settle, vendors, cast):
    with transaction():
        fell_due(vendors[0].id, 5_000)
        fell_due(vendors[0].id, 7_000, currency="USD")
    run = settle(cast.operator)
    rows = db.session.query(Statement).filter_by(run_id=run.id).order_by(Statement.currency).all()
    assert [(row.currency, row.sequence, row.payout_minor) for row in rows] == [("EUR", 1, 5_000), ("USD", 1, 7_000)]


def test_the_books_tell_of_a_statement_that_is_not_what_they_hold(due, settle, vendors, cast, session):
    due()
    a = statement_of(settle(cast.operator), vendors[0])
    session.execute(text("ALTER TABLE statement_account DISABLE TRIGGER statement_part_stays"))
    session.execute(
        text("UPDATE statement_account SET closing_minor = closing_minor + 1 WHERE statement_id = :id"), {"id": a.id}
    )
    found = {difference.what for difference in books.check_books()}
    assert found == {"statement's closing", "statement's sum"}
    session.execute(text("UPDATE statement_account SET after = after + 1 WHERE statement_id = :id"), {"id": a.id})
    assert "statement follows the one before" in {difference.what for difference in books.check_books()}
