"""What earnings do when orders move: earn what was delivered, and let go what a cancelled part leaves."""

from collections.abc import Sequence

from marketplace.orders.events import OrderStepTaken, VendorOrderDelivered
from settlements.earnings import actions


def earn(events: Sequence[VendorOrderDelivered]) -> None:
    """Inside: the vendor has earned it, the return window begins."""
    for event in events:
        actions.delivered(event.vendor_order_id)


def close_cancelled(events: Sequence[OrderStepTaken]) -> None:
    """Inside, after the step was booked: a part that was cancelled waits for no delivery."""
    for event in events:
        if event.number > 0:
            actions.close_cancelled(event.order_id)
