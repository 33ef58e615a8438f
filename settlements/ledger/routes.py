# mypy: disable-error-code="untyped-decorator"
"""The books over the API, read-only and for the operator."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Response

from marketplace.kernel import csv_files
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.web import Page, api_blueprint, page_of
from settlements.ledger import books, queries
from settlements.ledger.schemas import (
    AccountArgs,
    AccountOut,
    AccountStatementOut,
    JournalArgs,
    JournalFilter,
    JournalOut,
    TrialBalanceOut,
)

TRIAL = ("kind", "type", "currency", "debit_minor", "credit_minor", "balance_minor")
STATEMENT = (
    "booked_at",
    "occurred_at",
    "source",
    "event",
    "kind",
    "amount_minor",
    "currency",
    "order_id",
    "vendor_order_id",
    "journal_id",
)
JOURNAL = (
    "booked_at",
    "occurred_at",
    "source",
    "event",
    "account",
    "party",
    "kind",
    "amount_minor",
    "currency",
    "order_id",
    "vendor_order_id",
    "journal_id",
)
routes = api_blueprint("books", "What everybody owns and owes: double entry, append-only.")


@routes.get("/books/trial-balance")
@requires(Permission.BOOKS_READ)
@routes.response(200, TrialBalanceOut)
def show_trial_balance() -> dict[str, Any]:
    """Debit, credit and balance per kind of account and currency."""
    return {"rows": books.trial_balance()}


@routes.get("/books/accounts")
@requires(Permission.BOOKS_READ)
@routes.arguments(AccountArgs, location="query")
@routes.response(200, page_of(AccountOut))
def list_accounts(args: Mapping[str, Any]) -> Page:
    """Accounts, by kind or by party."""
    return queries.accounts(current_actor(), args)


@routes.get("/books/accounts/<uuid:account_id>")
@requires(Permission.BOOKS_READ)
@routes.arguments(PageArgs, location="query")
@routes.response(200, AccountStatementOut)
def show_account(args: Mapping[str, Any], account_id: uuid.UUID) -> dict[str, Any]:
    """The statement of an account: its balance and its postings, newest first."""
    return queries.statement(current_actor(), account_id, args)


@routes.get("/books/journals")
@requires(Permission.BOOKS_READ)
@routes.arguments(JournalArgs, location="query")
@routes.response(200, page_of(JournalOut))
def list_journals(args: Mapping[str, Any]) -> Page:
    """Journals with their postings, newest first; of one order or one source."""
    return queries.journals(current_actor(), args)


@routes.get("/books/trial-balance.csv")
@requires(Permission.BOOKS_READ)
@routes.doc(responses=csv_files.DESCRIBED)
def download_trial_balance() -> Response:
    """The trial balance as CSV."""
    return trial_balance_file()


@routes.get("/books/accounts/<uuid:account_id>/statement.csv")
@requires(Permission.BOOKS_READ)
@routes.doc(responses=csv_files.DESCRIBED)
def download_account(account_id: uuid.UUID) -> Response:
    """The whole statement of an account as CSV, newest first."""
    return account_file(account_id)


@routes.get("/books/journals.csv")
@requires(Permission.BOOKS_READ)
@routes.arguments(JournalFilter, location="query")
@routes.doc(responses=csv_files.DESCRIBED)
def download_journals(args: Mapping[str, Any]) -> Response:
    """The journal as CSV, a posting a row, newest first; of one order or one source."""
    return journals_file(args)


def trial_balance_file() -> Response:
    """The trial balance, for every kind of door."""
    rows = ({name: getattr(row, name) for name in TRIAL} for row in books.trial_balance())
    return csv_files.answered("trial-balance", TRIAL, rows)


def account_file(account_id: uuid.UUID) -> Response:
    """The statement of one account. Raises AccountNotFound."""
    actor = current_actor()
    account, _ = books.account(actor, account_id)
    rows = csv_files.all_pages(lambda args: queries.postings(actor, account, args), {})
    return csv_files.answered(f"{account.kind}-{account.currency}", STATEMENT, rows)


def journals_file(args: Mapping[str, Any]) -> Response:
    """The journal, a posting a row."""
    actor = current_actor()
    found = csv_files.all_pages(lambda page: queries.journals(actor, page), args)
    rows = (
        {"journal_id": journal["id"]} | {name: journal[name] for name in JOURNAL if name in journal} | line
        for journal in found
        for line in journal["lines"]
    )
    return csv_files.answered("journal", JOURNAL, rows)
