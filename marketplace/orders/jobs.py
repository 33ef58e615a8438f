"""What time does to orders: reservations end, and unpaid orders with them."""

from marketplace.catalogue import stock
from marketplace.kernel import clock
from marketplace.kernel.db import transaction
from marketplace.kernel.queue import apart, job
from marketplace.orders import actions, queries

_BATCH = 100


@job("stock.expire", every=30, alone=True)
def expire_reservations() -> None:
    """Give back the stock of reservations whose time is over, batch by batch."""
    while True:
        with transaction():
            if stock.expire() < stock.EXPIRE_BATCH:
                return


@job("orders.expire_unpaid", every=60, timeout=300, alone=True)
def expire_unpaid() -> None:
    """Cancel the orders that were not paid in time, each in a transaction of its own."""
    with transaction():
        due = queries.unpaid_orders(clock.now(), _BATCH)
    for order_id in due:
        apart(actions.cancel_unpaid, order_id)
