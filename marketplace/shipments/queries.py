"""Every SELECT of parcels; each starts from what the actor may see."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select

from marketplace.kernel.access import Actor, visible
from marketplace.kernel.db import db
from marketplace.orders.models import OrderLine
from marketplace.shipments.models import Parcel, ParcelLine
from marketplace.shipments.states import ParcelState


def parcel(actor: Actor, parcel_id: uuid.UUID, *, lock: bool = False) -> Parcel | None:
    statement = visible(actor, Parcel).where(Parcel.id == parcel_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(statement).one_or_none()


def of_vendor_order(actor: Actor, vendor_order_id: uuid.UUID) -> Sequence[Parcel]:
    """Its parcels, in the order they were made."""
    statement = visible(actor, Parcel).where(Parcel.vendor_order_id == vendor_order_id)
    return db.session.scalars(statement.order_by(Parcel.number)).all()


def of_order(actor: Actor, order_id: uuid.UUID) -> Sequence[Parcel]:
    """All parcels of an order that the actor sees: a vendor his own, the buyer all."""
    return db.session.scalars(visible(actor, Parcel).where(Parcel.order_id == order_id).order_by(Parcel.id)).all()


def lines_of(parcel_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """What is in each of these parcels, which the caller has made sure are visible."""
    rows = db.session.execute(
        select(ParcelLine.parcel_id, ParcelLine.quantity, OrderLine.id, OrderLine.sku, OrderLine.name, OrderLine.unit)
        .join(OrderLine, OrderLine.id == ParcelLine.order_line_id)
        .where(ParcelLine.parcel_id.in_(list(parcel_ids)))
        .order_by(OrderLine.position)
    )
    lines: dict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        lines[row.parcel_id].append(
            {"line_id": row.id, "sku": row.sku, "name": row.name, "unit": row.unit, "quantity": row.quantity}
        )
    return lines


def announced_units(vendor_order_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Units per order line that are packed but have not left; the caller holds the vendor order's lock."""
    rows = db.session.execute(
        select(ParcelLine.order_line_id, func.sum(ParcelLine.quantity))
        .join(Parcel, Parcel.id == ParcelLine.parcel_id)
        .where(Parcel.vendor_order_id == vendor_order_id, Parcel.state == ParcelState.ANNOUNCED)
        .group_by(ParcelLine.order_line_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def last_number(vendor_order_id: uuid.UUID) -> int:
    """The number of its last parcel, 0 for none; the caller holds the vendor order's lock."""
    statement = select(func.coalesce(func.max(Parcel.number), 0)).where(Parcel.vendor_order_id == vendor_order_id)
    return int(db.session.scalars(statement).one())


def all_arrived(vendor_order_id: uuid.UUID) -> bool:
    """It has parcels, and none of them is still to come; the caller holds the vendor order's lock."""
    ended = Parcel.state.in_((ParcelState.DELIVERED, ParcelState.LOST, ParcelState.RETURNED))
    statement = select(func.bool_and(ended)).where(Parcel.vendor_order_id == vendor_order_id)
    return bool(db.session.scalars(statement).one())
