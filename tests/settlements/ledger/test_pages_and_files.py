"""The books as pages and as files: trial balance, account, journal; for the operator alone."""

import csv
import io

import pytest

from marketplace.kernel.db import transaction
from settlements.ledger import books
from settlements.ledger.chart import AccountKind, PostingKind, account_id
from settlements.ledger.postings.lines import Line
from tests.cast import NAMES

A, K = AccountKind, PostingKind


@pytest.fixture
def booked(cast):
    """Three entries in two currencies; the id of the vendor's account in euro."""
    vendor = cast.vendor_company.id
    with transaction():
        for number, (amount, currency) in enumerate([(1250, "EUR"), (-250, "EUR"), (99, "USD")], 1):
            lines = [
                Line(A.OPERATOR_LOSS, None, K.ADJUSTMENT, amount, currency),
                Line(A.VENDOR_PAYABLE, vendor, K.ADJUSTMENT, -amount, currency),
            ]
            books.post(f"test:{number}", "adjusted", lines)
    return account_id(A.VENDOR_PAYABLE, vendor, "EUR")


def rows_of(answer):
    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_the_trial_balance_is_by_kind_and_currency_and_comes_to_zero(booked, client_as, cast):
    rows = rows_of(client_as(cast.operator).get("/v1/books/trial-balance.csv"))
    assert [(row["kind"], row["currency"], row["balance_minor"]) for row in rows] == [
        ("vendor_payable", "EUR", "-1000"),
        ("operator_loss", "EUR", "1000"),
        ("vendor_payable", "USD", "-99"),
        ("operator_loss", "USD", "99"),
    ]


def test_an_account_and_the_journal_are_whole_files(booked, client_as, cast):
    client = client_as(cast.operator)
    own = rows_of(client.get(f"/v1/books/accounts/{booked}/statement.csv"))
    assert [(row["source"], row["amount_minor"]) for row in own] == [("test:2", "250"), ("test:1", "-1250")]
    journal = rows_of(client.get("/v1/books/journals.csv"))
    assert len(journal) == 6
    of_one = rows_of(client.get("/v1/books/journals.csv?source=test:3"))
    assert [(row["account"], row["amount_minor"], row["currency"]) for row in of_one] == [
        ("operator_loss", "99", "USD"),
        ("vendor_payable", "-99", "USD"),
    ]


def test_positions_count_the_postings_of_a_guarded_account(booked, client_as, cast):
    pages, cursor = [], ""
    while cursor is not None:
        page = client_as(cast.operator).get(
            f"/v1/books/accounts/{booked}?limit=1" + (f"&cursor={cursor}" if cursor else "")
        )
        pages += page.json["items"]
        cursor = page.json["next"]
    assert [row["source"] for row in pages] == ["test:2", "test:1"]
    assert [str(difference) for difference in books.check_books()] == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/books", ["Trial balance", "vendor payable", "10.00"]),
        ("/books/accounts?kind=vendor_payable", ["EUR", "USD"]),
        ("/books/journal", ["adjusted", "test:3"]),
        ("/books/journal?source=test:3", ["0.99"]),
    ],
)
def test_pages_show_it_to_the_operator_alone(booked, client_as, cast, path, words):
    page = client_as(cast.operator).get(path)
    assert page.status_code == 200
    assert [word for word in words if word not in page.text] == []
    answers = {name: client_as(actor).get(path).status_code for name, actor in cast.everyone.items()}
    assert answers == dict.fromkeys(NAMES, 403) | {"operator": 200, "stranger": 401}


def test_an_account_is_a_page(booked, client_as, cast):
    page = client_as(cast.operator).get(f"/books/accounts/{booked}")
    assert all(word in page.text for word in ("test:2", "10.00", "As CSV"))
