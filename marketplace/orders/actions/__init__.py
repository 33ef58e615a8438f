"""What can be done to an order: place, pay, cancel, fulfil, take a step that a return decides."""

from marketplace.orders.actions.cancelling import Units, cancel, cancel_part, cancel_unpaid
from marketplace.orders.actions.fulfilment import close, confirm, delivered, units_shipped
from marketplace.orders.actions.payments import (
    RecordedPayment,
    open_units,
    record_payment,
    record_refund,
    record_refund_failed,
    record_unpaid,
)
from marketplace.orders.actions.placing import DeliveryTerms, LineTerms, Placement, place
from marketplace.orders.actions.steps import Cause, Reason, TakenStep, claim_returns, returnable_units, take_step
from marketplace.orders.queries import net_paid

__all__ = [
    "Cause",
    "DeliveryTerms",
    "LineTerms",
    "Placement",
    "Reason",
    "RecordedPayment",
    "TakenStep",
    "Units",
    "cancel",
    "cancel_part",
    "cancel_unpaid",
    "claim_returns",
    "close",
    "confirm",
    "delivered",
    "net_paid",
    "open_units",
    "place",
    "record_payment",
    "record_refund",
    "record_refund_failed",
    "record_unpaid",
    "returnable_units",
    "take_step",
    "units_shipped",
]
