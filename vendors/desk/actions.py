"""What time decides of a parcel that nobody reports."""

import uuid

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.orders import queries as orders
from marketplace.shipments import actions as shipments
from vendors.desk import queries


def time_is_up(order_id: uuid.UUID, parcel_id: uuid.UUID) -> bool:
    """A parcel counts as delivered, or as lost where that was settled with the buyer. False where it was reported, or
    the buyer said that it did not arrive, meanwhile."""
    orders.order(SYSTEM, order_id, locked=True)  # as the buyer does who opens a return
    if not queries.unreported(clock.now(), 1, parcel_id):
        return False
    if queries.never_arrived(parcel_id):
        shipments.lose(SYSTEM, parcel_id, "Settled with the buyer: it did not arrive.")
    else:
        shipments.assume_delivered(SYSTEM, parcel_id)
    return True
