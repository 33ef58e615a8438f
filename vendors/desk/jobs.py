"""What time does to parcels: one of which nobody reports what became of it counts as delivered."""

from marketplace.kernel import clock
from marketplace.kernel.db import transaction
from marketplace.kernel.queue import LONG, apart, job
from vendors.desk import actions, queries

MOST = 5_000  # of one run; the rest waits for the next


@job("shipments.assume_delivered", every=3600, queue=LONG, timeout=1800)
def assume_delivered() -> None:
    """Let time answer, each parcel in a transaction of its own: what fails of one stops no other."""
    with transaction():
        waiting = queries.unreported(clock.now(), MOST)
    for order_id, parcel_id in waiting:
        apart(actions.time_is_up, order_id, parcel_id)
