"""What refunds announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class RefundRequested(Event):
    """A refund waits to be sent, for the first time or again."""

    refund_id: uuid.UUID
