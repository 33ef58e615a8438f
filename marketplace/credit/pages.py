"""The operator's view of who buys on account: limits, what is in use, terms, and every decision with its reason."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app, render_template, request, url_for
from marshmallow import ValidationError, fields, validate
from werkzeug.wrappers import Response

from marketplace.companies import queries as companies
from marketplace.credit import actions, queries
from marketplace.credit.models import CreditAccount
from marketplace.credit.terms import TermsKind
from marketplace.kernel import forms, problems
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import Currency, Text
from marketplace.kernel.money import Money
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint

routes = pages_blueprint("credit", __name__)
navigation = [NavItem("Credit", "credit_pages.accounts", Permission.CREDIT_EDIT, Side.OPERATOR, "Credit")]


class TermsForm(forms.PageForm):
    valid_from = fields.Date(load_default=None)
    kind = fields.Enum(TermsKind, by_value=True, required=True)
    days = fields.Integer(load_default=0, validate=validate.Range(min=0, max=180))


class GrantForm(TermsForm):
    company_id = fields.UUID(required=True)
    currency = Currency(required=True)
    limit = Text(required=True, max_length=20)
    reason = Text(required=True, max_length=500)


class LimitForm(forms.PageForm):
    limit = Text(required=True, max_length=20)
    reason = Text(required=True, max_length=500)
    version = fields.Integer(required=True)


class ReasonForm(forms.PageForm):
    reason = Text(required=True, max_length=500)


@routes.get("/operator/credit")
@requires(Permission.CREDIT_EDIT)
def accounts() -> str:
    """Every credit account with its company."""
    actor = current_actor()
    page = queries.accounts(actor, forms.load(forms.ListAsked(), request.args))
    buyers = companies.companies(actor, {"limit": 200}).items
    named = companies.companies_by_id({row.company_id for row in page.items})
    return render_template(
        "credit/accounts.html",
        accounts=page.items,
        next=page.next,
        companies=named,
        buyers=sorted((row for row in buyers if not row.is_operator), key=lambda row: row.name),
        kinds=TermsKind,
        currency=current_app.extensions["kontor_settings"].default_currency,
    )


@routes.post("/operator/credit")
@requires(Permission.CREDIT_EDIT)
@forms.refused_on(accounts)
def grant() -> Response:
    """Let a company buy on account: a limit, and when its invoices are due."""
    wanted = forms.load(GrantForm())
    actor = current_actor()
    limit = _minor(wanted["limit"], wanted["currency"])
    with transaction():
        row = actions.open_account(
            actor, wanted["company_id"], currency=wanted["currency"], limit_minor=limit, reason=wanted["reason"]
        )
        actions.grant_terms(actor, row.company_id, _terms(wanted, row.currency))
    return forms.done("It can buy on account now.", url_for(".account", account_id=row.id))


@routes.get("/operator/credit/<uuid:account_id>")
@requires(Permission.CREDIT_EDIT)
def account(account_id: uuid.UUID) -> str:
    """One company's credit in one currency, its terms, and what was decided about it."""
    actor = current_actor()
    row = queries.account(actor, account_id)
    granted = queries.terms_of(actor, row.company_id, {"limit": 50}).items
    return render_template(
        "credit/account.html",
        account=row,
        company=companies.company(actor, row.company_id),
        terms=queries.terms_in_force(row.company_id, row.currency),
        granted=[terms for terms in granted if terms.currency == row.currency],
        changes=queries.changes_of(actor, row.id, {"limit": 50}).items,
        kinds=TermsKind,
    )


def _change_limit(row: CreditAccount) -> None:
    wanted = forms.load(LimitForm())
    if wanted["version"] != row.version:
        raise problems.EditedMeanwhile
    actions.change_limit(current_actor(), row, _minor(wanted["limit"], row.currency), wanted["reason"])


def _grant_terms(row: CreditAccount) -> None:
    actions.grant_terms(current_actor(), row.company_id, _terms(forms.load(TermsForm()), row.currency))


def _freeze(row: CreditAccount) -> None:
    actions.freeze(current_actor(), row, forms.load(ReasonForm())["reason"])


def _release(row: CreditAccount) -> None:
    actions.release(current_actor(), row, forms.load(ReasonForm())["reason"])


_CHANGE: dict[str, Callable[[CreditAccount], None]] = {
    "limit": _change_limit,
    "terms": _grant_terms,
    "freeze": _freeze,
    "release": _release,
}


@routes.post("/operator/credit/<uuid:account_id>/<any(limit, terms, freeze, release):verb>")
@requires(Permission.CREDIT_EDIT)
@forms.refused_on(account, problems.EditedMeanwhile)
def change(account_id: uuid.UUID, verb: str) -> Response:
    """Another limit or other terms, no new orders for now, or orders again; each with its reason."""
    with transaction():
        _CHANGE[verb](queries.account(current_actor(), account_id, locked=True))
    return forms.done("Done.", url_for(".account", account_id=account_id))


def _terms(wanted: Mapping[str, Any], currency: str) -> dict[str, Any]:
    valid_from = wanted["valid_from"] or queries.today()
    return {"currency": currency, "valid_from": valid_from, "kind": wanted["kind"], "days": wanted["days"]}


def _minor(text: str, currency: str) -> int:
    try:
        minor = Money.from_major(text.replace(",", "."), currency).minor
    except ValueError as failure:
        raise ValidationError({"limit": f"{failure}."}) from failure
    if minor < 0:
        raise ValidationError({"limit": "A limit is not below zero."})
    return minor
