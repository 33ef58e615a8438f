"""What time does to parcels: one of which nobody reports what became of it counts as delivered."""

import structlog

from marketplace.kernel import clock
from marketplace.kernel.db import transaction
from marketplace.kernel.queue import LONG, job
from vendors.desk import actions, queries

log = structlog.get_logger("desk")
MOST = 5_000  # of one run; the rest waits for the next


@job("shipments.assume_delivered", every=3600, queue=LONG, timeout=1800)
def assume_delivered() -> None:
    """Let time answer, each parcel in a transaction of its own: what fails of one stops no other."""
    with transaction():
        waiting = queries.unreported(clock.now(), MOST)
    for order_id, parcel_id in waiting:
        try:
            with transaction():
                actions.time_is_up(order_id, parcel_id)
        except Exception as failure:
            log.error("not done", parcel=str(parcel_id), error=repr(failure), exc_info=True)
