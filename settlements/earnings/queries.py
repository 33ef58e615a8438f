"""In which stage money is: every SELECT of this room.

What is read here decides about money, so rows that the session holds already are read again.
"""

import uuid
from typing import Any

from sqlalchemy import Select, bindparam

from marketplace.kernel.access import SYSTEM, Actor, prepared, visible
from marketplace.kernel.db import db
from settlements.earnings.models import DeliveryEarned, Earning
from settlements.earnings.states import ACCOUNTS
from settlements.ledger.postings.orders import DELIVERY_EARNED, Stages

AFRESH = {"populate_existing": True}


def stages_of(order_id: uuid.UUID) -> Stages:
    """The stage of each part of an order, for its postings; the caller has locked the order with its parts."""
    rows = db.session.scalars(_earnings(SYSTEM), {"order_id": order_id}, execution_options=AFRESH)
    stages = {row.id: ACCOUNTS[row.state] for row in rows}
    if not stages:
        return Stages()
    deliveries = db.session.scalars(_deliveries(SYSTEM), {"order_id": order_id})
    return Stages(stages, {str(delivery_id): DELIVERY_EARNED for delivery_id in deliveries})


@prepared
def _earnings(viewer: Actor) -> Select[Any]:
    return visible(viewer, Earning).where(Earning.order_id == bindparam("order_id"))


@prepared
def _deliveries(viewer: Actor) -> Select[Any]:
    made = visible(viewer, DeliveryEarned).where(DeliveryEarned.order_id == bindparam("order_id"))
    return made.with_only_columns(DeliveryEarned.id)
