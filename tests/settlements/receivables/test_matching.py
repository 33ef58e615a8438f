"""Money at the bank pays what it names, or what a person says; never more than there is, and undone by a new entry."""

import pytest

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import queries as order_queries
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.receivables import actions, jobs, queries
from settlements.receivables.actions import Allocation, Arrived
from settlements.receivables.refusals import (
    BankIdTaken,
    CurrencyIsAnother,
    MoneyWasSpent,
    MoreThanIsLeft,
    MoreThanIsOpen,
    NoCreditLeft,
    UndoneBefore,
)
from settlements.receivables.statements import MAX_ROWS
from settlements.receivables.states import TransferState
from settlements.receivables.suggestions import suggestions
from tests.builders.receivables import a_transfer, example_on_terms, invoiced, paid

A = AccountKind


@pytest.fixture
def placed(session, cast, gateway):
    with transaction():
        return example_on_terms(cast)


@pytest.fixture
def items(placed):
    with transaction():
        invoiced(placed.order)
    return queries.of_order(placed.order.id)


def open_of(items):
    db.session.expire_all()
    return [queries.receivable(SYSTEM, item.id).open_minor for item in items]


def kept(cast):
    return actions.credit_of(cast.buyer_company.id, "EUR")


def waiting():
    return -books.balance(A.UNMATCHED_RECEIPTS, None, "EUR")


@pytest.fixture(autouse=True)
def the_books_are_right(session):
    yield
    assert [str(difference) for difference in books.check_books()] == []


def test_the_number_of_an_invoice_pays_that_invoice(placed, items, cast):
    with transaction():
        row = paid(items[1].open_minor, f"Rechnung {items[1].number} vielen Dank")
    assert (row.state, row.left_minor, row.company_id) == (TransferState.ASSIGNED, 0, cast.buyer_company.id)
    assert open_of(items) == [items[0].amount_minor, 0, items[2].amount_minor]
    assert order_queries.net_paid(placed.order.id) == items[1].amount_minor
    (match,) = queries.matches_of([row.id])
    assert (match.note, match.person_id) == ("named by its reference", None)


def test_the_number_of_an_order_pays_its_invoices_as_they_fall_due(placed, items):
    total = sum(item.amount_minor for item in items)
    with transaction():
        row = paid(total - 1_000, placed.order.number.replace("-", " "))
    assert row.left_minor == 0
    assert open_of(items) == [0, 0, 1_000]


def test_too_much_is_kept_for_the_company_and_pays_its_next_invoice(placed, items, cast):
    with transaction():
        row = paid(50_000, placed.order.number)
    assert (row.left_minor, open_of(items), kept(cast)) == (0, [0, 0, 0], 50_000 - 43_674)
    with transaction():
        second = example_on_terms(cast, account=False)
        (item,) = invoiced(second.order, parts=[None]).values()
        actions.set_off(cast.operator, item.id)
    assert open_of([item]) == [0]
    assert kept(cast) == 50_000 - 43_674 - 1_788
    assert order_queries.net_paid(second.order.id) == 1_788
    with pytest.raises(NoCreditLeft), transaction():
        actions.pay_back(cast.operator, cast.buyer_company.id, "EUR", 5_000, "Statement 9")
    with transaction():
        actions.pay_back(cast.operator, cast.buyer_company.id, "EUR", kept(cast), "Statement 9")
    assert kept(cast) == 0
    assert books.balance(A.BANK, None, "EUR") == 43_674 + 1_788


@pytest.mark.parametrize(
    ("reference", "currency", "reason"),
    [
        ("thanks for the goods", "EUR", "names no invoice and no order"),
        ("{number}", "USD", "USD for an invoice in EUR"),
        ("", "EUR", "names no invoice and no order"),
    ],
)
def test_what_is_not_matched_says_why_and_waits(items, reference, currency, reason):
    with transaction():
        row = paid(1_000, reference.format(number=items[0].number), currency=currency)
    assert (row.state, row.reason, row.left_minor) == (TransferState.OPEN, reason, 1_000)
    assert -books.balance(A.UNMATCHED_RECEIPTS, None, currency) == 1_000


def test_what_was_settled_before_waits_for_a_person(items, cast):
    with transaction():
        paid(items[0].open_minor, items[0].number)
        row = paid(700, items[0].number)
    assert row.reason == f"{items[0].number} is settled already"
    with transaction():
        actions.keep_as_credit(cast.operator, row.id, cast.buyer_company.id, 700)
    assert (kept(cast), waiting()) == (700, 0)


def test_the_bank_tells_of_the_same_money_once(items):
    with transaction():
        a_transfer(5_000, bank_id="X-1")
        again = actions.take_in(SYSTEM, [actions.Arrived("X-1", 5_000, "EUR", queries.today(), "Buyer")])
    assert (again.new, again.known) == (0, 1)
    assert waiting() == 5_000


@pytest.mark.parametrize("together", [True, False])
def test_an_id_of_the_bank_that_names_other_money_is_refused(items, together):
    day = queries.today()
    first, other = (actions.Arrived("X-1", minor, "EUR", day, "Buyer") for minor in (5_000, 7_000))
    if not together:
        with transaction():
            actions.take_in(SYSTEM, [first])
    with pytest.raises(BankIdTaken) as refused, transaction():
        actions.take_in(SYSTEM, [first, other] if together else [other])
    assert refused.value.facts["bank_ids"] == ["X-1"]
    assert waiting() == (0 if together else 5_000)


def test_the_longest_file_of_a_bank_is_taken_in_whole(session):
    day = queries.today()
    rows = [Arrived(f"day-{n}", 100 + n, "EUR", day, "Buyer") for n in range(MAX_ROWS)]
    with transaction():
        taken = actions.take_in(SYSTEM, rows)
    assert (taken.new, taken.known) == (MAX_ROWS, 0)
    assert waiting() == sum(row.amount_minor for row in rows)


def test_a_person_assigns_in_parts_and_not_more_than_there_is(items, cast):
    with transaction():
        row = a_transfer(10_000)
    with pytest.raises(MoreThanIsLeft), transaction():
        actions.match(cast.operator, row.id, [Allocation(items[0].id, 10_001)])
    with pytest.raises(MoreThanIsOpen), transaction():
        actions.match(cast.operator, row.id, [Allocation(items[2].id, items[2].open_minor + 1)])
    assert open_of(items) == [item.amount_minor for item in items]
    with transaction():
        wanted = [Allocation(items[0].id, 6_000), Allocation(items[1].id, 1_000)]
        after = actions.match(cast.operator, row.id, wanted, "by phone")
    assert (after.left_minor, after.state) == (3_000, TransferState.OPEN)
    with transaction():
        after = actions.send_back(cast.operator, row.id, "Statement 12")
    assert (after.left_minor, after.state, waiting()) == (0, TransferState.ASSIGNED, 0)
    assert books.balance(A.BANK, None, "EUR") == 7_000


def test_another_currency_pays_nothing(items, cast):
    with transaction():
        row = a_transfer(10_000, currency="USD")
    with pytest.raises(CurrencyIsAnother), transaction():
        actions.match(cast.operator, row.id, [Allocation(items[0].id, 10_000)])
    with transaction():
        actions.send_back(cast.operator, row.id, "Statement 13")


def test_undoing_is_a_new_entry_and_leaves_it_to_a_person(placed, items, cast):
    with transaction():
        row = paid(items[0].open_minor, items[0].number)
    (match,) = queries.matches_of([row.id])
    with transaction():
        after = actions.undo(cast.operator, match.id, "It was of another company.")
    assert (after.left_minor, after.state, after.reason) == (
        items[0].amount_minor, TransferState.OPEN, "It was of another company.",
    )  # fmt: skip
    assert open_of(items) == [item.amount_minor for item in items]
    assert order_queries.net_paid(placed.order.id) == 0
    first, second = queries.matches_of([row.id])
    assert (first.amount_minor, second.amount_minor, second.undoes_id) == (
        items[0].amount_minor, -items[0].amount_minor, first.id,
    )  # fmt: skip
    journals = {j.source: j for j in db.session.scalars(books.journals(SYSTEM))}
    assert journals[f"match:{second.id}"].corrects_id == journals[f"match:{first.id}"].id
    with pytest.raises(UndoneBefore), transaction():
        actions.undo(cast.operator, match.id, "Again.")
    with transaction():
        assert actions.match_by_reference(row.id) is False


def test_money_that_was_spent_cannot_be_taken_back(placed, items, cast):
    with transaction():
        row = paid(43_674 + 500, placed.order.number)
        actions.pay_back(cast.operator, cast.buyer_company.id, "EUR", 500, "Statement 1")
    credit = next(match for match in queries.matches_of([row.id]) if match.kind == "credit")
    with pytest.raises(MoneyWasSpent), transaction():
        actions.undo(cast.operator, credit.id, "Too late.")


def test_suggestions_say_why(items, cast):
    with transaction():
        paid(items[0].open_minor, items[0].number, iban="DE02120300000000202051")
        row = a_transfer(items[1].open_minor, "no number", name="BUYER  gmbh", iban="DE02120300000000202051")
    first, second = suggestions(row)[:2]
    assert first.item.id == items[1].id
    assert first.reasons[:2] == ["exactly this is open", "this company paid from this account before"]
    assert first.score > second.score
    assert first.amount_minor == items[1].open_minor


def test_a_transfer_that_cannot_be_matched_stops_no_other(session, monkeypatch):
    tried = []

    def fails(transfer_id):
        tried.append(transfer_id)
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(queries, "to_match", lambda _limit, last=None: [] if last else [1, 2])
    monkeypatch.setattr(actions, "match_by_reference", fails)
    jobs.match_waiting()
    assert tried == [1, 2]
