"""What vendors see of their money, and the operator of runs, statements, holds and debts."""

import uuid

from flask import render_template, request, url_for
from marshmallow import fields
from werkzeug.wrappers import Response

from marketplace.agreements import queries as agreements
from marketplace.companies import queries as companies
from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.fields import Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from marketplace.orders.models import VendorOrder
from settlements.ledger.models import Account
from settlements.runs import actions, queries, views
from settlements.runs.models import SettlementRun, Statement
from settlements.runs.queries import details
from settlements.runs.routes import document_of, lines_as_csv, whole
from settlements.runs.states import StatementState

routes = pages_blueprint("settlement", __name__)
navigation = [
    NavItem("Balance", "settlement_pages.balance", Permission.STATEMENT_READ, Side.VENDOR, "Money"),
    NavItem("Statements", "settlement_pages.statements", Permission.STATEMENT_READ, Side.VENDOR, "Money"),
    NavItem("Settlement", "settlement_pages.runs", Permission.SETTLEMENT_RUN, Side.OPERATOR, "Money"),
]


class Asked(forms.ListAsked):
    state = fields.Enum(StatementState, by_value=True, load_default=None)
    run_id = fields.UUID(load_default=None)
    failed = fields.Boolean(load_default=None)


class HoldForm(forms.PageForm):
    reason = Text(required=True, max_length=500)


@routes.get("/balance")
@requires(Permission.STATEMENT_READ)
def balance() -> str:
    """What a vendor has pending, earned, payable, in reserve, and why it is not due yet."""
    own = current_actor().company_id
    assert own is not None
    return _balance_of(own)


@routes.get("/vendors/<uuid:vendor_id>/balance")
@requires(Permission.STATEMENT_READ)
def vendor_balance(vendor_id: uuid.UUID) -> str:
    """The same of any vendor, for the operator."""
    return _balance_of(vendor_id)


def _balance_of(vendor_id: uuid.UUID) -> str:
    actor = current_actor()
    asked = forms.load(Asked(), request.args)
    balances = details.balances(actor, vendor_id)
    page = paginate(details.waiting(actor, vendor_id), asked, VendorOrder.id)
    return render_template(
        "runs/balance.html",
        balances=balances,
        waiting=[views.waiting(found) for found in details.explained(page.items)],
        next=page.next,
        terms=agreements.terms_in_force(agreements.today(), [vendor_id]).get(vendor_id),
        vendor=companies.companies_by_id([vendor_id])[vendor_id] if actor.sees_all and balances else None,
    )


@routes.get("/statements")
@requires(Permission.STATEMENT_READ)
def statements() -> str:
    """A vendor's statements, or the operator's of all vendors."""
    asked = forms.load(Asked(), request.args)
    chosen = {name: asked[name] for name in ("state", "run_id", "failed")}
    page = paginate(queries.statements(current_actor(), **chosen), asked, Statement.id)
    names = companies.companies_by_id({row.vendor_id for row in page.items})
    found = [views.summary(row, names[row.vendor_id].name) for row in page.items]
    return render_template(
        "runs/statements.html", statements=found, next=page.next, state=asked["state"], states=StatementState
    )


@routes.get("/statements/<uuid:statement_id>")
@requires(Permission.STATEMENT_READ)
def statement(statement_id: uuid.UUID) -> str:
    """One statement: its accounts and lines, and its orders."""
    asked = forms.load(Asked(), request.args)
    row = queries.statement(current_actor(), statement_id)
    page = details.lines_of(row.id, asked["limit"], asked["cursor"])
    lines = [views.line(found) for found in page.items]
    return render_template("runs/statement.html", found=whole(row), lines=lines, next=page.next)


@routes.get("/statements/<uuid:statement_id>/lines.csv")
@requires(Permission.STATEMENT_READ)
def download(statement_id: uuid.UUID) -> Response:
    """The lines of a statement as a file."""
    return lines_as_csv(queries.statement(current_actor(), statement_id))


@routes.get("/statements/<uuid:statement_id>/document")
@requires(Permission.STATEMENT_READ)
def document(statement_id: uuid.UUID) -> Response:
    """The statement as PDF."""
    return document_of(statement_id)


@routes.get("/settlement")
@requires(Permission.SETTLEMENT_RUN)
def runs() -> str:
    """Runs with their progress; what is held and what vendors owe beside them."""
    actor = current_actor()
    asked = forms.load(Asked(), request.args)
    page = paginate(queries.runs(actor), asked, SettlementRun.id)
    progress = queries.progress_of([row.id for row in page.items])
    held = paginate(queries.statements(actor, state=StatementState.HELD), {"limit": 20}, Statement.id).items
    debts = paginate(details.debts(actor), {"limit": 20}, Account.id).items
    names = companies.companies_by_id({row.vendor_id for row in held} | {row.party for row in debts})
    return render_template(
        "runs/runs.html",
        runs=[views.run(row, progress[row.id]) for row in page.items],
        next=page.next,
        held=[views.summary(row, names[row.vendor_id].name) for row in held],
        debts=[(names[row.party].name, row.balance_minor, row.currency) for row in debts],
    )


@routes.post("/settlement")
@requires(Permission.SETTLEMENT_RUN)
@forms.refused_on(runs)
def open_run() -> Response:
    """Settle all vendors up to now."""

    def effect() -> str:
        actions.open_now(current_actor())
        return url_for("settlement_pages.runs")

    return forms.once(effect)


@routes.post("/settlement/<uuid:run_id>/resume")
@requires(Permission.SETTLEMENT_RUN)
@forms.refused_on(runs)
def resume(run_id: uuid.UUID) -> Response:
    """Try again what could not be closed."""

    def effect() -> str:
        actions.resume(current_actor(), run_id)
        return url_for("settlement_pages.runs")

    return forms.once(effect)


@routes.post("/statements/<uuid:statement_id>/hold")
@requires(Permission.SETTLEMENT_RUN)
@forms.refused_on(statement)
def hold(statement_id: uuid.UUID) -> Response:
    """Do not pay it out for now."""
    reason = forms.load(HoldForm())["reason"]

    def effect() -> str:
        actions.hold(current_actor(), statement_id, reason)
        return _back_to(statement_id)

    return forms.once(effect)


@routes.post("/statements/<uuid:statement_id>/release")
@requires(Permission.SETTLEMENT_RUN)
@forms.refused_on(statement)
def release(statement_id: uuid.UUID) -> Response:
    """Look at it again."""

    def effect() -> str:
        actions.release(current_actor(), statement_id)
        return _back_to(statement_id)

    return forms.once(effect)


def _back_to(statement_id: uuid.UUID) -> str:
    return url_for("settlement_pages.statement", statement_id=statement_id)
