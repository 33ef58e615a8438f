"""Rules have dates and versions; an order keeps its copy, so a change here touches no order."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Rate, Row, Versioned, append_only, id_column


class Promotion(Versioned, Row):
    """A discount on the order or on a scope of it, in steps; who pays it is `vendor_share` (the rest: the marketplace).

    `steps`: [{"from_minor": int, "rate": "0.10"} or {"from_minor": int, "amount_minor": int}], rising. `scope`:
    {"vendors": [id], "categories": [path], "offers": [id]}, an empty one means everything. A vendor's own promotion
    reaches his own lines only and is his alone to pay.
    """

    __tablename__ = "promotion"
    __tenants__ = Tenants(vendor="vendor_id")
    __table_args__ = (
        CheckConstraint("vendor_share BETWEEN 0 AND 1", name="vendor_share"),
        Index("ix_promotion_running", "starts_at", "ends_at"),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"), index=True)  # None: the operator's
    name: Mapped[str]
    code: Mapped[str | None] = mapped_column(unique=True)  # None: applies by itself
    currency: Mapped[str]
    steps: Mapped[list[Any]]
    vendor_share: Mapped[Decimal] = mapped_column(Rate)
    scope: Mapped[dict[str, Any]] = mapped_column(default=dict)
    position: Mapped[int] = mapped_column(default=100)  # the order of application
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class TaxRate(Row):
    """The VAT rate of a country for a tax category from a day on."""

    __tablename__ = "tax_rate"
    __tenants__ = Tenants(public=lambda _: true())
    __table_args__ = (
        UniqueConstraint("country", "category", "valid_from"),
        CheckConstraint("rate BETWEEN 0 AND 1", name="rate"),
    )

    id: Mapped[uuid.UUID] = id_column()
    country: Mapped[str]
    category: Mapped[str]  # standard, reduced, zero, exempt
    rate: Mapped[Decimal] = mapped_column(Rate)
    valid_from: Mapped[date]


class DeliveryRate(Versioned, Row):
    """What a delivery costs. A vendor's rate carries his own lines; the operator's (vendor_id None) any lines."""

    __tablename__ = "delivery_rate"
    __tenants__ = Tenants(vendor="vendor_id", public=lambda m: m.active)
    __table_args__ = (
        CheckConstraint("price_minor >= 0 AND (free_from_minor IS NULL OR free_from_minor >= 0)", name="not_negative"),
        CheckConstraint("free_basis IN ('group', 'order')", name="free_basis"),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"), index=True)
    name: Mapped[str]
    currency: Mapped[str]
    price_minor: Mapped[int] = mapped_column(Minor)
    free_from_minor: Mapped[int | None] = mapped_column(Minor)
    free_basis: Mapped[str] = mapped_column(default="group")
    tax_category: Mapped[str] = mapped_column(default="standard")
    countries: Mapped[list[Any]] = mapped_column(default=list)  # where it delivers; empty: everywhere
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=100)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


@append_only
class ReturnPolicy(Row):
    """A version of the return policy of a profile (`b2b`, `consumer`): `content` is the formula's, `terms` those of
    return_terms. Never edited: an order names its version."""

    __tablename__ = "return_policy"
    __tenants__ = Tenants(public=lambda _: true())
    __table_args__ = (UniqueConstraint("profile", "number"),)

    id: Mapped[uuid.UUID] = id_column()
    profile: Mapped[str]
    number: Mapped[int]
    content: Mapped[dict[str, Any]]
    terms: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(default="")  # why there is another version
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
