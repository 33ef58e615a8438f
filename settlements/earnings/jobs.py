"""What time does to money: it is earned where nobody reports the delivery, due after the return window, released."""

import uuid
from datetime import timedelta

from flask import current_app

from marketplace.kernel import clock
from marketplace.kernel.db import transaction
from marketplace.kernel.queue import LONG, all_of, apart, job
from settlements.earnings import actions, queries

_BATCH = 200


@job("earnings.assume_delivered", every=3600, queue=LONG, timeout=1800)
def assume_delivered() -> None:
    """Earn what shipped without any parcel and long enough ago, each in a transaction of its own."""
    days = current_app.extensions["kontor_settings"].earned_after_shipping_days
    before = clock.now() - timedelta(days=days)
    for vendor_order_id in all_of(lambda last: queries.untracked(before, _BATCH, last)):
        apart(_delivered, vendor_order_id)


def _delivered(vendor_order_id: uuid.UUID) -> None:
    actions.delivered(vendor_order_id, clock.now())


@job("earnings.fall_due", every=300, queue=LONG, timeout=1800, alone=True)
def fall_due() -> None:
    """What was earned is due once its return window is over, batch by batch."""
    while True:
        with transaction():
            if actions.fall_due(clock.now(), _BATCH) < _BATCH:
                return


@job("earnings.release_reserves", every=3600, queue=LONG, timeout=1800)
def release_reserves() -> None:
    """What was held back long enough is due, batch by batch."""
    while True:
        with transaction():
            if actions.release_reserves(clock.now(), _BATCH) < _BATCH:
                return
