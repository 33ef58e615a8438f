"""A closed statement as plain values for its document, made when somebody first asks for it."""

from flask import current_app

from marketplace.agreements import queries as agreements
from marketplace.kernel import clock
from marketplace.kernel.access import Actor
from settlements.invoices import statements as documents
from settlements.invoices.models import InvoiceDocument
from settlements.invoices.queries import by_id
from settlements.invoices.statements import SheetLine, SheetTransfer, StatementSheet
from settlements.ledger.chart import AccountKind
from settlements.runs.lines import ACCOUNTS, line_of, words_of
from settlements.runs.models import Statement
from settlements.runs.queries import details
from settlements.runs.queries.details import Sum
from settlements.runs.refusals import StatementNotClosed
from settlements.transfers.queries import of_cause


def document_of(actor: Actor, row: Statement) -> InvoiceDocument:
    """The file of a statement, kept from the first time on. Raises StatementNotClosed."""
    if row.number is None or row.closed_at is None:
        raise StatementNotClosed
    return documents.pdf_of(actor, row.id) or documents.keep_pdf(sheet_of(row))


def sheet_of(row: Statement) -> StatementSheet:
    """A closed statement as its document says it."""
    assert row.number is not None
    assert row.closed_at is not None
    zone = current_app.extensions["kontor_settings"].time_zone
    opened, cut, closed = (clock.business_day(at, zone) for at in (row.starts_at, row.cut_at, row.closed_at))
    terms = agreements.terms_in_force(cut, [row.vendor_id]).get(row.vendor_id)
    return StatementSheet(
        statement_id=row.id,
        vendor_id=row.vendor_id,
        number=row.number,
        currency=row.currency,
        period_from=opened,
        period_to=cut,
        closed_on=closed,
        cycle=(terms.cycle if terms else "weekly").replace("_", " "),
        opening_minor=row.opening_minor,
        closing_minor=row.closing_minor,
        lines=tuple(_lines(row)),
        transfers=tuple(
            SheetTransfer(str(sent.id), closed, sent.amount_minor, sent.state.value)
            for sent in of_cause(f"statement:{row.id}")
        ),
        beside=(
            SheetLine("pending", "Pending: not delivered", 0, row.pending_minor),
            SheetLine("earned", "Earned: the return window runs", 0, row.earned_minor),
        ),
        commission_invoice=by_id([row.invoice_id])[row.invoice_id].number if row.invoice_id else "",
    )


def _lines(row: Statement) -> list[SheetLine]:
    return [
        SheetLine(line_of(one.kind, in_favour=one.in_favour), _text(one), one.count, one.amount_minor)
        for one in details.sums_of(row.id)
    ]


def _text(one: Sum) -> str:
    words = words_of(line_of(one.kind, in_favour=one.in_favour), one.reason)
    return words if one.account == AccountKind.VENDOR_PAYABLE else f"{ACCOUNTS[one.account]}: {words}"
