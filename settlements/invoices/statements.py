"""A vendor's statement as a document: what it opened with, what moved by kind, what it closed with.

Who closes a statement hands its sheet over as plain values; opening and lines come to closing, or no file is made.
"""

import uuid
from dataclasses import dataclass
from datetime import date

from marketplace.companies import queries as companies
from marketplace.kernel.access import SYSTEM, Actor
from settlements.invoices import documents, parties, pdf, queries
from settlements.invoices.documents import Owner
from settlements.invoices.models import InvoiceDocument
from settlements.invoices.sheets import Json, party
from settlements.invoices.words import day, money


@dataclass(frozen=True, slots=True)
class SheetLine:
    """Entries of one kind together, signed as the vendor sees them: above zero is his."""

    kind: str
    text: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class SheetTransfer:
    """Money that was sent with the statement."""

    reference: str
    on: date
    amount_minor: int
    state: str


@dataclass(frozen=True, slots=True)
class StatementSheet:
    """A closed statement. `beside`: sums that are shown and not added up (pending, earned, held back)."""

    statement_id: uuid.UUID
    vendor_id: uuid.UUID
    number: str
    currency: str
    period_from: date
    period_to: date
    closed_on: date
    cycle: str
    opening_minor: int
    closing_minor: int
    lines: tuple[SheetLine, ...]
    transfers: tuple[SheetTransfer, ...] = ()
    beside: tuple[SheetLine, ...] = ()
    commission_invoice: str = ""  # its number

    def __post_init__(self) -> None:
        if self.opening_minor + sum(line.amount_minor for line in self.lines) != self.closing_minor:
            raise ValueError("a statement closes with what it opened with and its lines")


def rendered(sheet: StatementSheet) -> bytes:
    """The statement as PDF/A."""
    operator = companies.operator_company()
    vendor = companies.companies_by_id([sheet.vendor_id])[sheet.vendor_id]
    addresses = queries.addresses_of([operator.id, vendor.id])
    issuer = party(parties.of_company(operator, addresses.get(operator.id)))
    return pdf.rendered(
        "statement", _as_words(sheet, issuer, party(parties.of_company(vendor, addresses.get(vendor.id))))
    )


def keep_pdf(sheet: StatementSheet) -> InvoiceDocument:
    """Make the statement's file and keep it, unless there is one: the first stays. Within a transaction, from a job."""
    found = pdf_of(SYSTEM, sheet.statement_id)
    if found is not None:
        return found
    owner = Owner(sheet.vendor_id, statement_id=sheet.statement_id)
    documents.store(owner, "pdf", f"statement-{sheet.number}", rendered(sheet))
    kept = pdf_of(SYSTEM, sheet.statement_id)
    assert kept is not None
    return kept


def pdf_of(actor: Actor, statement_id: uuid.UUID) -> InvoiceDocument | None:
    """The file of a statement, for its vendor and the operator."""
    return queries.document(actor, "pdf", statement_id=statement_id)


def _as_words(sheet: StatementSheet, issuer: Json, vendor: Json) -> Json:
    currency, on = sheet.currency, sheet.closed_on
    told = f"Commission is invoiced as {sheet.commission_invoice}." if sheet.commission_invoice else ""
    facts = {
        "Number": sheet.number,
        "Period": f"{day(sheet.period_from)} to {day(sheet.period_to)}",
        "Closed": day(on),
        "Cycle": sheet.cycle,
        "Currency": currency,
    }
    return {
        "title": "Statement",
        "number": sheet.number,
        "date": [on.year, on.month, on.day],
        "seller": issuer,
        "buyer": vendor,
        "facts": [list(fact) for fact in facts.items()],
        "opening": money(sheet.opening_minor, currency),
        "closing": money(sheet.closing_minor, currency),
        "lines": [_line(line, currency) for line in sheet.lines],
        "beside": [_line(line, currency) for line in sheet.beside],
        "transfers": [
            {
                "reference": one.reference,
                "day": day(one.on),
                "state": one.state,
                "amount": money(one.amount_minor, currency),
            }
            for one in sheet.transfers
        ],
        "notes": [text for text in (told, "Sums are the vendor's: above zero they are owed to him.") if text],
    }


def _line(line: SheetLine, currency: str) -> Json:
    return {
        "text": line.text,
        "count": f"{line.count:,}" if line.count else "",
        "amount": money(line.amount_minor, currency),
    }
