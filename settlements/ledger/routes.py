# mypy: disable-error-code="untyped-decorator"
"""The books over the API, read-only and for the operator."""

import uuid
from collections.abc import Mapping
from typing import Any

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.web import Page, api_blueprint, page_of
from settlements.ledger import books, queries
from settlements.ledger.schemas import (
    AccountArgs,
    AccountOut,
    AccountStatementOut,
    JournalArgs,
    JournalOut,
    TrialBalanceOut,
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
