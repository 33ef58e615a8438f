"""What transfers announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class TransferRequested(Event):
    """A transfer waits to be sent."""

    transfer_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class TransferMade(Event):
    """It is on the vendor's account at the provider."""

    transfer_id: uuid.UUID
    cause: str


@dataclass(frozen=True, slots=True)
class TransferRefused(Event):
    """It will never be made: what it held is due to the vendor as before."""

    transfer_id: uuid.UUID
    cause: str


@dataclass(frozen=True, slots=True)
class TransferWithdrawn(Event):
    """It was never sent, since the vendor owes something; a lower one of the same cause may stand in its place."""

    transfer_id: uuid.UUID
    cause: str


@dataclass(frozen=True, slots=True)
class ReversalRequested(Event):
    """Part of a transfer waits to be taken back."""

    reversal_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class PayableLowered(Event):
    """Something was taken off what is due to a vendor; he may owe us now."""

    vendor_id: uuid.UUID
    currency: str
