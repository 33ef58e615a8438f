"""What invoices announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class InvoiceIssued(Event):
    """An invoice of a sale, or what corrects one, stands with its number."""

    invoice_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class CommissionsIssued(Event):
    """Invoices or credit notes over commission stand, as many as were asked for at once."""

    invoice_ids: tuple[uuid.UUID, ...]
