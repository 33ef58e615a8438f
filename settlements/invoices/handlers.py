"""What invoices do about orders that moved, and about themselves once they are issued: always after the fact."""

from collections.abc import Sequence

from marketplace.kernel import queue
from marketplace.kernel.access import SYSTEM
from marketplace.orders.events import OrderStepTaken, VendorOrderShipped
from settlements.invoices import actions, jobs, queries
from settlements.invoices.events import CommissionsIssued, InvoiceIssued
from settlements.receivables.events import ReceivableReopened, ReceivableSettled


def follow_shipped(events: Sequence[VendorOrderShipped]) -> None:
    """Outside, a transaction for each order: a number is locked no longer than one order takes."""
    for order_id in dict.fromkeys(event.order_id for event in events):
        jobs.follow(order_id)


def follow_steps(events: Sequence[OrderStepTaken]) -> None:
    """Outside: what an order's step moved is told, where there is an invoice that told otherwise."""
    for order_id in dict.fromkeys(event.order_id for event in events if event.number > 0):
        jobs.follow(order_id)


def note_settled(events: Sequence[ReceivableSettled]) -> None:
    """Inside: nothing of the invoice is waited for any more."""
    for event in events:
        for invoice_id in queries.by_id([event.invoice_id]):
            if event.given_up:
                actions.write_off(SYSTEM, invoice_id)
            else:
                actions.settle(SYSTEM, invoice_id, 0)


def note_reopened(events: Sequence[ReceivableReopened]) -> None:
    """Inside: the money that had settled it was not meant for it."""
    for event in events:
        for invoice_id, row in queries.by_id([event.invoice_id]).items():
            actions.reopen(SYSTEM, invoice_id, abs(row.payable_minor))


def render_issued(events: Sequence[InvoiceIssued]) -> None:
    """The documents of invoices are made on the queue of long jobs."""
    queue.enqueue("invoices.render", invoice_ids=[str(event.invoice_id) for event in events])


def render_commissions(events: Sequence[CommissionsIssued]) -> None:
    """As render_issued, a batch each."""
    for event in events:
        queue.enqueue("invoices.render", invoice_ids=[str(invoice_id) for invoice_id in event.invoice_ids])
