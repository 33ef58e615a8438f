"""Invoices are issued an order at a time, and rendered each in a transaction of its own: twice without harm."""

import uuid
from collections.abc import Sequence

import structlog

from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Refusal
from marketplace.kernel.queue import LONG, all_of, apart, each, job
from settlements.invoices import actions, documents, queries
from settlements.invoices.models import InvoiceDocument
from settlements.invoices.refusals import DocumentUnknown

log = structlog.get_logger("invoices")
_BATCH = 200


def follow(order_id: uuid.UUID) -> None:
    """Issue what an order has to tell."""
    with transaction():
        actions.follow(order_id)


def document_of(actor: Actor, invoice_id: uuid.UUID, form: str) -> InvoiceDocument:
    """A document of an invoice that the actor may see, made now where nobody has yet. Raises InvoiceUnknown."""
    invoice = queries.invoice(actor, invoice_id)
    found = queries.document(actor, form, invoice_id=invoice.id)
    if found is None:
        with transaction():
            documents.keep(invoice.id)
        found = queries.document(actor, form, invoice_id=invoice.id)
    if found is None:
        raise DocumentUnknown
    return found


@job("invoices.render", queue=LONG, timeout=600)
def render(invoice_ids: Sequence[str]) -> None:
    """Make the documents of these invoices that nobody has made yet."""
    for invoice_id in invoice_ids:
        apart(documents.keep, uuid.UUID(invoice_id))


@job("invoices.catch_up", every=600, timeout=600, alone=True)
def catch_up() -> None:
    """Issue what waited, for an issuer's VAT id say; settle what a later payment or refund has settled."""
    for invoice_id in all_of(lambda last: queries.paid_meanwhile(_BATCH, last)):
        apart(_settle, invoice_id)
    each(_follow, all_of(lambda last: queries.orders_behind(_BATCH, last)))


def _settle(invoice_id: uuid.UUID) -> None:
    actions.settle(SYSTEM, invoice_id, 0)


def _follow(order_id: uuid.UUID) -> None:
    try:
        follow(order_id)
    except Refusal as refusal:
        # An order that cannot be told yet is told when its issuer can.
        log.warning("order not invoiced", order_id=str(order_id), error=refusal.text)


@job("invoices.render_rest", queue=LONG, every=900, timeout=900, alone=True)
def render_rest() -> None:
    """Make the documents that the queue forgot."""
    with transaction():
        waiting = queries.without_documents(_BATCH)
    render([str(invoice_id) for invoice_id in waiting])
