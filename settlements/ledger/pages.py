# mypy: disable-error-code="untyped-decorator"
"""The books as an accountant turns their pages: trial balance, accounts, journal."""

import uuid

from flask import Response, render_template, request
from marshmallow import fields, validate

from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.fields import Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint
from settlements.ledger import books, queries
from settlements.ledger.chart import AccountKind
from settlements.ledger.routes import account_file, journals_file, trial_balance_file

routes = pages_blueprint("books", __name__)
navigation = [NavItem("Books", "books_pages.trial_balance", Permission.BOOKS_READ, Side.OPERATOR, "Money")]


class Asked(forms.ListAsked):
    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))
    kind = fields.String(load_default=None, validate=validate.OneOf([kind.value for kind in AccountKind]))
    party = fields.UUID(load_default=None)
    order_id = fields.UUID(load_default=None)
    source = Text(load_default=None)


@routes.get("/books")
@requires(Permission.BOOKS_READ)
def trial_balance() -> str:
    """Debit, credit and balance per kind of account and currency."""
    return render_template("books/trial_balance.html", rows=books.trial_balance())


@routes.get("/books/accounts")
@requires(Permission.BOOKS_READ)
def accounts() -> str:
    """The accounts of one kind, or of one party."""
    asked = forms.load(Asked(), request.args)
    page = queries.accounts(current_actor(), asked)
    return render_template("books/accounts.html", accounts=page.items, next=page.next, kind=asked["kind"])


@routes.get("/books/accounts/<uuid:account_id>")
@requires(Permission.BOOKS_READ)
def account(account_id: uuid.UUID) -> str:
    """One account with its postings, newest first."""
    found = queries.statement(current_actor(), account_id, forms.load(Asked(), request.args))
    return render_template("books/account.html", found=found, next=found["next"])


@routes.get("/books/journal")
@requires(Permission.BOOKS_READ)
def journal() -> str:
    """Entries with their postings, newest first; of one order or one source."""
    asked = forms.load(Asked(), request.args)
    page = queries.journals(current_actor(), asked)
    return render_template("books/journal.html", journals=page.items, next=page.next, asked=asked)


@routes.get("/books/trial-balance.csv")
@requires(Permission.BOOKS_READ)
def download_trial_balance() -> Response:
    """The trial balance as a file."""
    return trial_balance_file()


@routes.get("/books/accounts/<uuid:account_id>/statement.csv")
@requires(Permission.BOOKS_READ)
def download_account(account_id: uuid.UUID) -> Response:
    """An account as a file."""
    return account_file(account_id)


@routes.get("/books/journal.csv")
@requires(Permission.BOOKS_READ)
def download_journal() -> Response:
    """The journal as a file."""
    asked = forms.load(Asked(), request.args)
    return journals_file({"order_id": asked["order_id"], "source": asked["source"]})
