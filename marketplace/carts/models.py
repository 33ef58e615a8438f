"""A cart holds intentions, not prices: what the buyer saw is kept only to name what changed."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.carts.states import CART_STATES, CartState
from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Rate, Row, Versioned, id_column, state_column


class Cart(Versioned, Row):
    """One currency, one tax mode, one delivery address."""

    __tablename__ = "cart"
    __tenants__ = Tenants(buyer="company_id")
    __states__ = CART_STATES
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "delivery_address_id"], ["address.company_id", "address.id"]),
        ForeignKeyConstraint(["company_id", "billing_address_id"], ["address.company_id", "address.id"]),
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        UniqueConstraint("company_id", "id"),
        Index("ix_cart_company_state", "company_id", "state", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str] = mapped_column(default="")
    currency: Mapped[str]
    prices_include_tax: Mapped[bool] = mapped_column(default=False)
    state: Mapped[CartState] = state_column(CartState, CartState.OPEN)
    delivery_address_id: Mapped[uuid.UUID | None]
    billing_address_id: Mapped[uuid.UUID | None]
    reference: Mapped[str] = mapped_column(default="")
    codes: Mapped[list[Any]] = mapped_column(default=list)  # promotion codes entered
    deliveries: Mapped[dict[str, Any]] = mapped_column(
        default=dict
    )  # {vendor id: delivery rate id}; absent: the default
    seen_total_minor: Mapped[int | None] = mapped_column(Minor)  # what the buyer last saw it cost
    order_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class CartLine(Row):
    """A wanted quantity of an offer, with the unit price that the buyer last saw."""

    __tablename__ = "cart_line"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "cart_id"], ["cart.company_id", "cart.id"], ondelete="CASCADE"),
        UniqueConstraint("cart_id", "offer_id"),
        CheckConstraint("quantity >= 1", name="quantity"),
    )

    id: Mapped[uuid.UUID] = id_column()
    cart_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    offer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offer.id"))
    quantity: Mapped[int]
    seen_unit_price: Mapped[Decimal] = mapped_column(Rate)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
