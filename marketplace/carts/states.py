"""A cart is open until it becomes an order."""

from enum import StrEnum


class CartState(StrEnum):
    OPEN = "open"
    ORDERED = "ordered"
    DISCARDED = "discarded"


class CartVerb(StrEnum):
    CHECK_OUT = "check_out"
    DISCARD = "discard"


CART_STATES: dict[tuple[CartState, CartVerb], CartState] = {
    (CartState.OPEN, CartVerb.CHECK_OUT): CartState.ORDERED,
    (CartState.OPEN, CartVerb.DISCARD): CartState.DISCARDED,
}
