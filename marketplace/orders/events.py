"""What orders announce to those upstairs; nobody below learns of it."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class OrderPlaced(Event):
    """An order stands, its stock is held until it is paid or its time is over."""

    order_id: uuid.UUID
    company_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class OrderPaid(Event):
    """What the order owes has been paid in full; its vendors may confirm."""

    order_id: uuid.UUID
    company_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class OrderStepTaken(Event):
    """The order moved to another state of the formula: something was cancelled. Valuations stand on the steps."""

    order_id: uuid.UUID
    step_id: uuid.UUID
    number: int


@dataclass(frozen=True, slots=True)
class VendorOrderConfirmed(Event):
    order_id: uuid.UUID
    vendor_order_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class VendorOrderShipped(Event):
    """Every unit that was not cancelled has left."""

    order_id: uuid.UUID
    vendor_order_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class VendorOrderDelivered(Event):
    """Its last part has been delivered: the vendor has earned it."""

    order_id: uuid.UUID
    vendor_order_id: uuid.UUID
