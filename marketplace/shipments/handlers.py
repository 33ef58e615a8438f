"""What shipments do when orders move."""

from collections.abc import Sequence

from marketplace.kernel.access import SYSTEM
from marketplace.orders import queries as orders
from marketplace.orders.events import VendorOrderShipped
from marketplace.shipments import actions


def close_delivered(events: Sequence[VendorOrderShipped]) -> None:
    """Inside: the rest of a vendor order was cancelled when all its parcels had arrived already; so it is delivered."""
    for event in events:
        actions.close_delivery(SYSTEM, orders.vendor_order(SYSTEM, event.vendor_order_id))
