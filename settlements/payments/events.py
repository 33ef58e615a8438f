"""What payments announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class DeficitPaid(Event):
    """A payment lowers what an order that is in the books owes on top; announced before the payment is booked."""

    order_id: uuid.UUID
    payment_id: uuid.UUID
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PaymentExceeded(Event):
    """More was paid than the order owes: `excess_minor` of its currency is booked as owed to the buyer."""

    order_id: uuid.UUID
    payment_id: uuid.UUID
    excess_minor: int
