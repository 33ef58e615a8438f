"""Parcels of which nobody reports what became of them, and what their buyers say in returns."""

import uuid
from datetime import datetime

from sqlalchemy import and_, func, or_

from marketplace.kernel.access import SYSTEM, visible
from marketplace.kernel.db import db
from marketplace.orders.models import OrderLine
from marketplace.returns.models import ReturnLine
from marketplace.returns.states import ENDED, LineState
from marketplace.rules.return_terms import Reason
from marketplace.shipments import actions as shipments
from marketplace.shipments.models import Parcel, ParcelLine
from marketplace.shipments.states import ParcelState


def unreported(now: datetime, limit: int, parcel_id: uuid.UUID | None = None) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """(order, parcel) of those under way whose time is over and of which no buyer says at present that something did
    not arrive, the longest ago first; `parcel_id`: that one, if it is among them."""
    missed = (
        visible(SYSTEM, ReturnLine)
        .join(ParcelLine, ParcelLine.order_line_id == ReturnLine.order_line_id)
        .where(ParcelLine.parcel_id == Parcel.id, ReturnLine.reason == Reason.NOT_RECEIVED.value)
        .where(ReturnLine.state.not_in(list(ENDED)))
        .exists()
    )
    left = Parcel.shipped_at
    over = or_(
        left <= now - shipments.term("any"), and_(Parcel.tracking_number == "", left <= now - shipments.term(""))
    )
    statement = (
        visible(SYSTEM, Parcel)
        .with_only_columns(Parcel.order_id, Parcel.id)
        .where(Parcel.state == ParcelState.IN_TRANSIT, over, ~missed)
    )
    if parcel_id is not None:
        statement = statement.where(Parcel.id == parcel_id)
    return [(row[0], row[1]) for row in db.session.execute(statement.order_by(left, Parcel.id).limit(limit))]


def never_arrived(parcel_id: uuid.UUID) -> bool:
    """Was it settled with the buyer that nothing of what is in the parcel arrived?"""
    settled = (
        visible(SYSTEM, ReturnLine)
        .with_only_columns(func.coalesce(func.sum(ReturnLine.claimed_quantity), 0))
        .where(ReturnLine.order_line_id == OrderLine.id, ReturnLine.reason == Reason.NOT_RECEIVED.value)
        .where(ReturnLine.state == LineState.SETTLED)
        .scalar_subquery()
    )
    arrived = (
        visible(SYSTEM, ParcelLine)
        .with_only_columns(ParcelLine.order_line_id)
        .join(OrderLine, OrderLine.id == ParcelLine.order_line_id)
        .where(ParcelLine.parcel_id == parcel_id, OrderLine.shipped_quantity > settled)
    )
    return db.session.scalars(arrived.limit(1)).first() is None
