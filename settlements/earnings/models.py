"""The stage of each vendor order's money, and of the deliveries that the operator sells."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Row, append_only, id_column, state_column
from settlements.earnings.states import EARNING_STATES, EarningState


class Earning(Row):
    """One vendor order's money; `id` is the vendor order's. Without a row it is pending.

    `due_at`: when the return window ends. `reserve_minor` was held back when it fell due, `reserve_left_minor` of it
    still is, until `release_at`.
    """

    __tablename__ = "earning"
    __tenants__ = Tenants(vendor="vendor_id")
    __states__ = EARNING_STATES
    __table_args__ = (
        ForeignKeyConstraint(["vendor_id", "id"], ["vendor_order.vendor_id", "vendor_order.id"]),
        ForeignKeyConstraint(["order_id", "currency"], ["orders.id", "orders.currency"]),
        Index("ix_earning_order_id", "order_id"),
        Index("ix_earning_vendor_id", "vendor_id", "id"),
        Index("ix_earning_earned", "due_at", postgresql_where=text("state = 'earned'")),
        Index("ix_earning_reserved", "release_at", postgresql_where=text("reserve_left_minor > 0")),
        CheckConstraint("reserve_left_minor BETWEEN 0 AND reserve_minor", name="reserve"),
    )

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    currency: Mapped[str]
    state: Mapped[EarningState] = state_column(EarningState, EarningState.PENDING)
    buyer_owes: Mapped[bool] = mapped_column(default=False)  # on net terms: it waits until he has paid
    delivered_at: Mapped[datetime | None]
    earned_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    reserve_minor: Mapped[int] = mapped_column(Minor, default=0)
    reserve_left_minor: Mapped[int] = mapped_column(Minor, default=0)
    release_at: Mapped[datetime | None]


@append_only
class DeliveryEarned(Row):
    """A delivery that the operator sells was made; `id` is the order delivery's. Without a row it is pending."""

    __tablename__ = "delivery_earned"
    __tenants__ = Tenants()
    __table_args__ = (Index("ix_delivery_earned_order_id", "order_id"),)

    id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_delivery.id"), primary_key=True)
    order_id: Mapped[uuid.UUID]
    at: Mapped[datetime] = mapped_column(default=clock.now)
