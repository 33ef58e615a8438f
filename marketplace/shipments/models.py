"""A parcel carries units of the lines of one vendor order; no unit travels twice."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Row, id_column, state_column
from marketplace.shipments.states import PARCEL_STATES, ParcelState


class Parcel(Row):
    """Goods of one vendor order on their way, with the carrier's tracking number."""

    __tablename__ = "parcel"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __states__ = PARCEL_STATES
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "vendor_order_id"], ["vendor_order.company_id", "vendor_order.id"]),
        ForeignKeyConstraint(["vendor_id", "vendor_order_id"], ["vendor_order.vendor_id", "vendor_order.id"]),
        UniqueConstraint("vendor_order_id", "id"),
        Index("ix_parcel_order_id", "order_id"),
        Index("ix_parcel_under_way", "shipped_at", postgresql_where=text("state = 'in_transit'")),
    )

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID]
    vendor_order_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    number: Mapped[int]  # of its vendor order, from 1
    state: Mapped[ParcelState] = state_column(ParcelState, ParcelState.ANNOUNCED)
    carrier: Mapped[str]
    tracking_number: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    delivery_assumed: Mapped[bool] = mapped_column(default=False)  # nobody reported it in time


class ParcelLine(Row):
    """Units of one order line in a parcel."""

    __tablename__ = "parcel_line"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __table_args__ = (
        ForeignKeyConstraint(["vendor_order_id", "parcel_id"], ["parcel.vendor_order_id", "parcel.id"]),
        ForeignKeyConstraint(["vendor_order_id", "order_line_id"], ["order_line.vendor_order_id", "order_line.id"]),
        CheckConstraint("quantity >= 1", name="quantity"),
        Index("ix_parcel_line_order_line_id", "order_line_id"),
    )

    parcel_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_line_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    vendor_order_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    quantity: Mapped[int]
