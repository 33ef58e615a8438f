"""What earnings do when orders move: earn what was delivered, and let go what a part leaves that has ended."""

import uuid
from collections.abc import Sequence

from marketplace.kernel.access import SYSTEM
from marketplace.orders import queries as order_queries
from marketplace.orders.events import OrderStepTaken, VendorOrderDelivered
from settlements.earnings import actions
from settlements.invoices import queries as invoice_queries
from settlements.invoices.events import InvoiceIssued
from settlements.invoices.models import Invoice
from settlements.invoices.states import InvoiceKind
from settlements.receivables import queries as receivable_queries
from settlements.receivables.events import ReceivableSettled
from settlements.receivables.states import STILL_OPEN


def earn(events: Sequence[VendorOrderDelivered]) -> None:
    """Inside: the vendor has earned it, the return window begins."""
    for event in events:
        actions.delivered(event.vendor_order_id)


def earn_ended(events: Sequence[OrderStepTaken]) -> None:
    """Inside, after the step was booked: a part that was cancelled waits for no delivery."""
    for event in events:
        if event.number > 0:
            actions.earn_ended(event.order_id)


def follow_invoice(events: Sequence[InvoiceIssued]) -> None:
    """Inside: what an order on terms was invoiced is in the books, and its vendor waits for the buyer from then on."""
    for event in events:
        invoice = invoice_queries.invoice(SYSTEM, event.invoice_id)
        if invoice.kind is InvoiceKind.SALES_INVOICE and invoice.order_id is not None:
            order = order_queries.order(SYSTEM, invoice.order_id, locked=True)
            if order.payment_terms is not None:
                _follow_open(invoice)


def _follow_open(invoice: Invoice) -> None:
    """It opened its item when it was issued, and its part is in the books."""
    assert invoice.order_id is not None
    if invoice.vendor_order_id is None:
        actions.delivery_invoiced(invoice.order_id)
    else:
        actions.invoiced(invoice.vendor_order_id)
        _release_settled(invoice.order_id, invoice.vendor_order_id)
    actions.earn_ended(invoice.order_id)


def release_settled(events: Sequence[ReceivableSettled]) -> None:
    """Inside: a vendor who waited for the buyer waits no more once all of his invoices are settled."""
    for event in events:
        if event.vendor_order_id is not None and event.kind == "invoice":
            _release_settled(event.order_id, event.vendor_order_id)


def _release_settled(order_id: uuid.UUID, vendor_order_id: uuid.UUID) -> None:
    items = receivable_queries.of_order(order_id)
    if not any(item.vendor_order_id == vendor_order_id and item.state in STILL_OPEN for item in items):
        actions.release(vendor_order_id)
