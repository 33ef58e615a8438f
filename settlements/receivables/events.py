"""What open items and the bank announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class ReceivableSettled(Event):
    """Nothing of this invoice is waited for any more: paid, credited, or given up at the marketplace's cost.

    `vendor_order_id` None: the operator's own invoice.
    """

    receivable_id: uuid.UUID
    invoice_id: uuid.UUID
    order_id: uuid.UUID
    vendor_order_id: uuid.UUID | None
    given_up: bool = False
    kind: str = "invoice"  # or "deficit": of an order paid in advance, whose vendors wait for nobody


@dataclass(frozen=True, slots=True)
class ReceivableReopened(Event):
    """A payment was undone: this invoice, settled before, is open again."""

    receivable_id: uuid.UUID
    invoice_id: uuid.UUID
    order_id: uuid.UUID
    vendor_order_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class BankTransfersArrived(Event):
    """New money at the bank waits to be matched by what it names."""

    transfer_ids: tuple[uuid.UUID, ...]
