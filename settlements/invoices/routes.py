"""Invoices over the API: each party reads and downloads its own; nobody edits one."""

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.fields import PageArgs
from marketplace.kernel.web import Page, api_blueprint, page_of, paginate
from marketplace.orders import queries as order_queries
from marketplace.orders.models import VendorOrder
from settlements.invoices import documents, jobs, queries, views
from settlements.invoices.models import Invoice
from settlements.invoices.schemas import InvoiceArgs, InvoiceOut, InvoicesOut, InvoiceSummaryOut, NotInvoicedOut

routes = api_blueprint("invoices", "Invoices, credit notes and their documents.")
FILE = {"type": "string", "format": "binary"}


@routes.get("/invoices")
@requires(Permission.INVOICE_READ)
@routes.arguments(InvoiceArgs, location="query")
@routes.response(200, page_of(InvoiceSummaryOut))
def list_invoices(args):
    """Invoices, the newest first: those of a buyer's orders; a vendor's own and those over his commission."""
    found = queries.invoices(current_actor(), kind=args["kind"], state=args["state"], number=args["number"])
    page = paginate(found, args, Invoice.id)
    return Page(views.summaries(page.items), page.next)


@routes.get("/invoices/<uuid:invoice_id>")
@requires(Permission.INVOICE_READ)
@routes.response(200, InvoiceOut)
def get_invoice(invoice_id):
    """One invoice with its lines and its tax per category and rate."""
    return views.whole(queries.invoice(current_actor(), invoice_id))


@routes.get("/invoices/<uuid:invoice_id>/pdf")
@requires(Permission.INVOICE_READ)
@routes.response(200, FILE, content_type=documents.MEDIA["pdf"])
def get_invoice_pdf(invoice_id):
    """The invoice as PDF/A-3, with its XML attached."""
    return documents.served(jobs.document_of(current_actor(), invoice_id, "pdf"))


@routes.get("/invoices/<uuid:invoice_id>/xml")
@requires(Permission.INVOICE_READ)
@routes.response(200, FILE, content_type=documents.MEDIA["xml"])
def get_invoice_xml(invoice_id):
    """The invoice by EN 16931, in UBL 2.1."""
    return documents.served(jobs.document_of(current_actor(), invoice_id, "xml"))


@routes.get("/orders/<uuid:order_id>/invoices")
@requires(Permission.ORDER_READ, Permission.INVOICE_READ)
@routes.response(200, InvoicesOut)
def list_invoices_of_order(order_id):
    """All that was invoiced of an order, by each of its vendors and by the operator."""
    order = order_queries.order(current_actor(), order_id)
    return {"items": views.summaries(queries.invoices_of(current_actor(), order.id))}


@routes.get("/invoices/waiting")
@requires(Permission.OPERATE)
@routes.arguments(PageArgs, location="query")
@routes.response(200, page_of(NotInvoicedOut))
def list_waiting(args):
    """Vendor orders that have left and are not invoiced: just now, or because their vendor has no VAT id."""
    page = paginate(queries.not_invoiced(current_actor()), args, VendorOrder.id)
    return Page(views.waiting(page.items), page.next)
