"""An invoice's files are made once, sealed by a hash, and handed out as they were made.

They are kept in the database: what proves a sale is in one backup with the sale. Made again from the same rows by the
same layout they are the same bytes.
"""

import hashlib
import uuid
from dataclasses import dataclass

from flask import Response
from sqlalchemy.dialects.postgresql import insert

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, new_id
from settlements.invoices import pdf, queries, sheets, ubl
from settlements.invoices.models import Invoice, InvoiceDocument
from settlements.invoices.refusals import DocumentLost

MEDIA = {"pdf": "application/pdf", "xml": "application/xml"}
FORMS = tuple(MEDIA)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose document it is: of an invoice or of a statement, and which companies may have it."""

    vendor_id: uuid.UUID | None
    company_id: uuid.UUID | None = None
    invoice_id: uuid.UUID | None = None
    statement_id: uuid.UUID | None = None


def render(invoice: Invoice) -> dict[str, bytes]:
    """{"xml", "pdf"} of an invoice; the XML is attached to the PDF (PDF/A-3)."""
    lines = queries.lines_of([invoice.id])[invoice.id]
    corrected = queries.by_id([invoice.corrects_id]).get(invoice.corrects_id) if invoice.corrects_id else None
    named = (corrected.number, corrected.issued_on.isoformat()) if corrected is not None else None
    xml = ubl.rendered(invoice, lines, named)
    return {"xml": xml, "pdf": pdf.rendered("invoice", sheets.of_invoice(invoice, lines, named), xml)}


def keep(invoice_id: uuid.UUID) -> None:
    """Make and keep the documents of an invoice, unless somebody has; within a transaction of the caller."""
    if len(queries.documents_of(SYSTEM, [invoice_id])) == len(FORMS):
        return
    invoice = queries.invoice(SYSTEM, invoice_id)
    owner = Owner(invoice.vendor_id, invoice.company_id, invoice_id=invoice.id)
    for form, content in render(invoice).items():
        store(owner, form, invoice.number, content)


def store(owner: Owner, form: str, name: str, content: bytes) -> None:
    """Keep a file, unless there is one already: the first stays."""
    values = {
        "id": new_id(),
        "invoice_id": owner.invoice_id,
        "statement_id": owner.statement_id,
        "company_id": owner.company_id,
        "vendor_id": owner.vendor_id,
        "form": form,
        "name": f"{name}.{form}",
        "layout": pdf.LAYOUT,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "content": content,
        "made_at": clock.now(),
    }
    db.session.execute(insert(InvoiceDocument).values(values).on_conflict_do_nothing())


def served(document: InvoiceDocument) -> Response:
    """The file, to be saved and not shown. Raises DocumentLost where it is not what was sealed."""
    content = bytes(document.content)
    if hashlib.sha256(content).hexdigest() != document.sha256:
        raise DocumentLost(document_id=str(document.id))
    response = Response(content, content_type=MEDIA[document.form])
    response.headers["Content-Disposition"] = f'attachment; filename="{document.name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["ETag"] = f'"{document.sha256}"'
    return response
