"""What becomes of an invoice's payment; whoever takes the money says so."""

import uuid

from marketplace.kernel import history
from marketplace.kernel.access import Actor
from settlements.invoices import queries
from settlements.invoices.models import InvoiceStanding
from settlements.invoices.states import InvoiceVerb


def settle(actor: Actor, invoice_id: uuid.UUID, open_minor: int) -> InvoiceStanding:
    """So much of it is still open after some money came: all settled at 0. Locks the standing."""
    row = queries.standing(invoice_id)
    history.move(row, InvoiceVerb.SETTLE_PART if open_minor else InvoiceVerb.SETTLE, actor)
    row.open_minor = open_minor
    return row


def reopen(actor: Actor, invoice_id: uuid.UUID, open_minor: int) -> InvoiceStanding:
    """Money that had settled it, or a part of it before the rest was given up, was not meant for it."""
    row = queries.standing(invoice_id)
    history.move(row, InvoiceVerb.REOPEN, actor)
    row.open_minor = open_minor
    return row


def write_off(actor: Actor, invoice_id: uuid.UUID) -> InvoiceStanding:
    """What is open of it will not come."""
    row = queries.standing(invoice_id)
    history.move(row, InvoiceVerb.WRITE_OFF, actor)
    row.open_minor = 0
    return row
