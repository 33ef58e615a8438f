"""Invoices as pages: a company's own, bought and sold, each with its files; the operator's of all."""

import uuid

from flask import render_template, request
from marshmallow import fields
from werkzeug.wrappers import Response

from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from marketplace.orders import queries as order_queries
from marketplace.orders.models import VendorOrder
from settlements.invoices import documents, jobs, queries, views
from settlements.invoices.models import Invoice
from settlements.invoices.states import InvoiceKind

routes = pages_blueprint("invoices", __name__)
navigation = [
    NavItem("Invoices", "invoices_pages.invoices", Permission.INVOICE_READ, Side.BUYER, "Money"),
    NavItem("Invoices", "invoices_pages.invoices", Permission.INVOICE_READ, Side.VENDOR, "Money"),
    NavItem("Invoices", "invoices_pages.invoices", Permission.INVOICE_READ, Side.OPERATOR, "Trade"),
]


class InvoicesAsked(forms.ListAsked):
    kind = fields.Enum(InvoiceKind, by_value=True, load_default=None)


@routes.get("/invoices")
@requires(Permission.INVOICE_READ)
def invoices() -> str:
    """Invoices, the newest first."""
    asked, actor = forms.load(InvoicesAsked(), request.args), current_actor()
    page = paginate(queries.invoices(actor, kind=asked["kind"]), asked, Invoice.id)
    waiting = paginate(queries.not_invoiced(actor), {"limit": 10}, VendorOrder.id).items if actor.sees_all else []
    return render_template(
        "invoices/invoices.html",
        invoices=views.summaries(page.items),
        next=page.next,
        kind=asked["kind"],
        kinds=InvoiceKind,
        waiting=views.waiting(waiting),
        order=None,
    )


@routes.get("/orders/<uuid:order_id>/invoices")
@requires(Permission.ORDER_READ, Permission.INVOICE_READ)
def invoices_of_order(order_id: uuid.UUID) -> str:
    """All that was invoiced of an order."""
    order = order_queries.order(current_actor(), order_id)
    found = views.summaries(queries.invoices_of(current_actor(), order.id))
    return render_template("invoices/invoices.html", invoices=found, next=None, waiting=[], order=order)


@routes.get("/invoices/<uuid:invoice_id>")
@requires(Permission.INVOICE_READ)
def invoice(invoice_id: uuid.UUID) -> str:
    """One invoice, as it stands on its files."""
    row = queries.invoice(current_actor(), invoice_id)
    corrected = queries.by_id([row.corrects_id]).get(row.corrects_id) if row.corrects_id else None
    return render_template("invoices/invoice.html", invoice=views.whole(row), corrected=corrected)


@routes.get("/invoices/<uuid:invoice_id>/<any(pdf, xml):form>")
@requires(Permission.INVOICE_READ)
def file(invoice_id: uuid.UUID, form: str) -> Response:
    """A file of an invoice, to be saved."""
    return documents.served(jobs.document_of(current_actor(), invoice_id, form))
