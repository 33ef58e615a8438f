"""What disputes announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class DisputeLost(Event):
    """A chargeback was lost and booked; the vendors in its row owe their parts of it."""

    dispute_id: uuid.UUID
    order_id: uuid.UUID
