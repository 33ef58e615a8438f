"""Settlement over HTTP: runs for the operator, statements and balances for their vendors."""

from marketplace.companies import queries as companies
from marketplace.kernel import csv_files
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, paginate
from marketplace.orders.models import VendorOrder
from settlements.invoices import documents
from settlements.runs import actions, queries, sheets, views
from settlements.runs.models import SettlementRun, Statement
from settlements.runs.queries import details
from settlements.runs.schemas import (
    BalancesOut,
    HoldIn,
    LinePage,
    RunIn,
    RunOut,
    RunPage,
    StatementArgs,
    StatementOut,
    StatementPage,
    StatementSummaryOut,
    WaitingPage,
)

routes = api_blueprint("settlement", "What vendors are paid: runs, statements, balances.")
_FILE = {"type": "string", "format": "binary"}
_CSV = (
    "statement",
    "currency",
    "vendor_order",
    "account",
    "line",
    "text",
    "amount_minor",
    "count",
    "booked_from",
    "booked_to",
)


@routes.get("/settlement-runs")
@requires(Permission.SETTLEMENT_RUN)
@routes.arguments(PageArgs, location="query")
@routes.response(200, RunPage)
def list_runs(args):
    """Runs with how far they are, newest first."""
    page = paginate(queries.runs(current_actor()), args, SettlementRun.id)
    progress = queries.progress_of([row.id for row in page.items])
    return Page([views.run(row, progress[row.id]) for row in page.items], page.next)


@routes.post("/settlement-runs")
@requires(Permission.SETTLEMENT_RUN)
@routes.arguments(RunIn)
@routes.response(201, RunOut)
@routes.alt_response(409, schema=ProblemOut, description="Nothing was booked since the last statements.")
@routes.alt_response(422, schema=ProblemOut, description="The cut-off lies in the future, or before an earlier one.")
@idempotent
def open_run(wanted):
    """Make the statements of one vendor or of all, whatever their cycle; what they come to is then paid out."""
    row = actions.open_now(current_actor(), wanted["cut_at"], wanted["vendor_id"])
    return _run(row), 201


@routes.get("/settlement-runs/<uuid:run_id>")
@requires(Permission.SETTLEMENT_RUN)
@routes.response(200, RunOut)
def get_run(run_id):
    """One run with how far it is."""
    return _run(queries.run(current_actor(), run_id))


@routes.post("/settlement-runs/<uuid:run_id>/resume")
@requires(Permission.SETTLEMENT_RUN)
@routes.response(200, RunOut)
@routes.alt_response(409, schema=ProblemOut, description="All of its statements are closed.")
@idempotent
def resume_run(run_id):
    """Try again what could not be closed."""
    return _run(actions.resume(current_actor(), run_id)), 200


@routes.get("/statements")
@requires(Permission.STATEMENT_READ)
@routes.arguments(StatementArgs, location="query")
@routes.response(200, StatementPage)
def list_statements(args):
    """A vendor's statements, the operator's of all vendors, newest first."""
    asked = {name: args[name] for name in ("state", "run_id", "vendor_id", "failed")}
    page = paginate(queries.statements(current_actor(), **asked), args, Statement.id)
    names = companies.companies_by_id({row.vendor_id for row in page.items})
    return Page([views.summary(row, names[row.vendor_id].name) for row in page.items], page.next)


@routes.get("/statements/<uuid:statement_id>")
@requires(Permission.STATEMENT_READ)
@routes.response(200, StatementOut)
def get_statement(statement_id):
    """One statement, account by account."""
    return whole(queries.statement(current_actor(), statement_id))


@routes.get("/statements/<uuid:statement_id>/lines")
@requires(Permission.STATEMENT_READ)
@routes.arguments(PageArgs, location="query")
@routes.response(200, LinePage)
def list_lines(args, statement_id):
    """The lines of a statement, order by order."""
    row = queries.statement(current_actor(), statement_id)
    page = details.lines_of(row.id, args["limit"], args["cursor"])
    return Page([views.line(found) for found in page.items], page.next)


@routes.get("/statements/<uuid:statement_id>/lines.csv")
@requires(Permission.STATEMENT_READ)
@routes.doc(responses=csv_files.DESCRIBED)
def download_lines(statement_id):
    """The lines of a statement as CSV."""
    return lines_as_csv(queries.statement(current_actor(), statement_id))


@routes.get("/statements/<uuid:statement_id>/document")
@requires(Permission.STATEMENT_READ)
@routes.response(200, _FILE, content_type=documents.MEDIA["pdf"])
@routes.alt_response(409, schema=ProblemOut, description="It is not closed yet.")
def download_document(statement_id):
    """The statement as PDF; the first that is asked for is kept."""
    return document_of(statement_id)


@routes.post("/statements/<uuid:statement_id>/hold")
@requires(Permission.SETTLEMENT_RUN)
@routes.arguments(HoldIn)
@routes.response(200, StatementSummaryOut)
@routes.alt_response(409, schema=ProblemOut, description="It is no statement that waits to be paid out.")
@idempotent
def hold_statement(wanted, statement_id):
    """Do not pay a statement out for now."""
    return _summary(actions.hold(current_actor(), statement_id, wanted["reason"])), 200


@routes.post("/statements/<uuid:statement_id>/release")
@requires(Permission.SETTLEMENT_RUN)
@routes.response(200, StatementSummaryOut)
@routes.alt_response(409, schema=ProblemOut, description="It is not held.")
@idempotent
def release_statement(statement_id):
    """Look at a held statement again: where the books still hold what it comes to, it is paid out."""
    return _summary(actions.release(current_actor(), statement_id)), 200


@routes.get("/vendors/<uuid:vendor_id>/balance")
@requires(Permission.STATEMENT_READ)
@routes.response(200, BalancesOut)
def get_balance(vendor_id):
    """How a vendor stands, by currency."""
    return {"items": details.balances(current_actor(), vendor_id)}


@routes.get("/vendors/<uuid:vendor_id>/pending")
@requires(Permission.STATEMENT_READ)
@routes.arguments(PageArgs, location="query")
@routes.response(200, WaitingPage)
def list_pending(args, vendor_id):
    """The vendor orders whose money is not due yet, and why; newest first."""
    page = paginate(details.waiting(current_actor(), vendor_id), args, VendorOrder.id)
    return Page([views.waiting(found) for found in details.explained(page.items)], page.next)


def whole(row):
    """A statement with its accounts and lines, for every kind of view."""
    name = companies.companies_by_id({row.vendor_id})[row.vendor_id].name
    return views.whole(row, name, details.accounts_in(row.id), details.sums_of(row.id))


def lines_as_csv(row):
    """All lines of a statement, as a file."""
    lines = csv_files.all_pages(lambda page: details.lines_of(row.id, page["limit"], page["cursor"]), {})
    known = {"statement": row.number, "currency": row.currency}
    return csv_files.answered(str(row.number or row.id), _CSV, (known | views.line(found) for found in lines))


def document_of(statement_id):
    """The file of a statement that the actor may see."""
    row = queries.statement(current_actor(), statement_id)
    with transaction():
        return documents.served(sheets.document_of(current_actor(), row))


def _run(row):
    return views.run(row, queries.progress_of([row.id])[row.id])


def _summary(row):
    return views.summary(row, companies.companies_by_id({row.vendor_id})[row.vendor_id].name)
