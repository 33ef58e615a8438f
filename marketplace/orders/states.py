"""A vendor order moves by its table; the buyer's order is computed from its vendor orders and its payment."""

from collections.abc import Sequence
from enum import StrEnum


class VendorOrderState(StrEnum):
    PLACED = "placed"
    TO_CONFIRM = "to_confirm"
    CONFIRMED = "confirmed"
    PART_SHIPPED = "part_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class VendorOrderVerb(StrEnum):
    PAY = "pay"
    BEGIN_ON_TERMS = "begin_on_terms"  # on account: the vendor may begin before it is paid
    CONFIRM = "confirm"
    SHIP_PART = "ship_part"
    SHIP = "ship"
    CLOSE_SHORT = "close_short"
    DELIVER = "deliver"
    CLOSE = "close"
    DECLINE = "decline"
    CANCEL = "cancel"


S, V = VendorOrderState, VendorOrderVerb
VENDOR_ORDER_STATES: dict[tuple[VendorOrderState, VendorOrderVerb], VendorOrderState] = {
    (S.PLACED, V.PAY): S.TO_CONFIRM,
    (S.TO_CONFIRM, V.PAY): S.TO_CONFIRM,
    (S.CONFIRMED, V.PAY): S.CONFIRMED,
    (S.PART_SHIPPED, V.PAY): S.PART_SHIPPED,
    (S.SHIPPED, V.PAY): S.SHIPPED,
    (S.DELIVERED, V.PAY): S.DELIVERED,
    (S.PLACED, V.BEGIN_ON_TERMS): S.TO_CONFIRM,
    (S.TO_CONFIRM, V.CONFIRM): S.CONFIRMED,
    (S.CONFIRMED, V.SHIP_PART): S.PART_SHIPPED,
    (S.PART_SHIPPED, V.SHIP_PART): S.PART_SHIPPED,
    (S.CONFIRMED, V.SHIP): S.SHIPPED,
    (S.PART_SHIPPED, V.SHIP): S.SHIPPED,
    (S.SHIPPED, V.SHIP): S.SHIPPED,
    (S.PART_SHIPPED, V.CLOSE_SHORT): S.SHIPPED,
    (S.SHIPPED, V.DELIVER): S.DELIVERED,
    (S.DELIVERED, V.DELIVER): S.DELIVERED,
    (S.DELIVERED, V.CLOSE): S.CLOSED,
    (S.PLACED, V.DECLINE): S.CANCELLED,
    (S.TO_CONFIRM, V.DECLINE): S.CANCELLED,
    (S.CONFIRMED, V.DECLINE): S.CANCELLED,
    (S.PLACED, V.CANCEL): S.CANCELLED,
    (S.TO_CONFIRM, V.CANCEL): S.CANCELLED,
    (S.CONFIRMED, V.CANCEL): S.CANCELLED,
}


class OrderState(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    ON_TERMS = "on_terms"
    PAID = "paid"
    IN_FULFILMENT = "in_fulfilment"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    PARTLY_CANCELLED = "partly_cancelled"


STARTED = {S.CONFIRMED, S.PART_SHIPPED, S.SHIPPED}
ENDED = {S.DELIVERED, S.CLOSED}


def order_state(parts: Sequence[VendorOrderState], *, on_terms: bool = False) -> OrderState:
    """The state of an order from those of its vendor orders (one or more).

    Cancelled parts do not count unless all are cancelled, or all others are at their end: then it ended partly
    cancelled. `on_terms`: it is paid by invoice afterwards, so before a vendor begins it is on terms, not paid.
    """
    living = [part for part in parts if part != S.CANCELLED]
    if not living:
        return OrderState.CANCELLED
    if all(part in ENDED for part in living):
        return OrderState.COMPLETED if len(living) == len(parts) else OrderState.PARTLY_CANCELLED
    if all(part == S.PLACED for part in living):
        return OrderState.AWAITING_PAYMENT
    if any(part in STARTED or part in ENDED for part in living):
        return OrderState.IN_FULFILMENT
    return OrderState.ON_TERMS if on_terms else OrderState.PAID
