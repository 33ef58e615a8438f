"""A product is shared, an offer is one vendor's price and stock of it; stock is never sold twice."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    exists,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.catalogue.states import OFFER_STATES, RESERVATION_STATES, OfferState, ReservationState
from marketplace.companies.models import Company
from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Rate, Row, Versioned, append_only, id_column, state_column


class Category(Row):
    """A node of the tree; `path` is its slugs from the root (`fasteners/screws`), so a subtree is a prefix."""

    __tablename__ = "category"
    __tenants__ = Tenants(public=lambda _: true())

    id: Mapped[uuid.UUID] = id_column()
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("category.id"), index=True)
    slug: Mapped[str]
    name: Mapped[str]
    path: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int] = mapped_column(default=0)


class Product(Versioned, Row):
    """What is sold, whoever sells it. `search_version` rises with every change that search shows.

    `merged_into`: it is the same as that one, which has its offers now; never a merged one itself.
    """

    __tablename__ = "product"
    __tenants__ = Tenants(public=lambda _: true())
    __table_args__ = (
        # Vendors meet on one product: a second one with the same number cannot come to be, whoever is faster.
        Index(
            "uq_product_part",
            "part_number_key",
            "manufacturer_key",
            unique=True,
            postgresql_where=text("part_number_key <> '' AND manufacturer_key <> ''"),
        ),
        Index("ix_product_part_number_key", "part_number_key"),
        Index("uq_product_ean", "ean", unique=True, postgresql_where=text("ean IS NOT NULL")),
        Index("ix_product_category_id", "category_id"),
        # Found by the beginning of its name, however spelled; of offers, each vendor's are few enough to be looked at.
        Index("ix_product_name", text("lower(name) text_pattern_ops")),
        Index("ix_product_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        CheckConstraint("merged_into <> id", name="merged_into"),
    )

    id: Mapped[uuid.UUID] = id_column()
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    manufacturer: Mapped[str] = mapped_column(default="")
    manufacturer_key: Mapped[str] = mapped_column(default="")  # normalised: letters and digits, lower case
    part_number: Mapped[str] = mapped_column(default="")
    part_number_key: Mapped[str] = mapped_column(default="")
    ean: Mapped[str | None]
    category_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("category.id"))
    attributes: Mapped[list[Any]] = mapped_column(default=list)  # [{"name", "value", "unit"?}], in the order shown
    search_version: Mapped[int] = mapped_column(BigInteger, default=1)
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    merged_into: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("product.id"))


@append_only
class ProductMerge(Row):
    """That a product became one with another: who did it, and in `facts` which offers and documents moved and what the
    survivor took; append-only (trigger)."""

    __tablename__ = "product_merge"
    __tenants__ = Tenants()
    __table_args__ = (Index("ix_product_merge_survivor_id", "survivor_id"),)

    merged_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("product.id"), primary_key=True)
    survivor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("product.id"))
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    facts: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=clock.now)


class Document(Row):
    """A data sheet, manual or certificate of a product, by address; the vendor who added it may remove it."""

    __tablename__ = "document"
    __tenants__ = Tenants(vendor="vendor_id", public=lambda _: true())
    __table_args__ = (Index("ix_document_product_id", "product_id"),)

    id: Mapped[uuid.UUID] = id_column()
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("product.id"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[str]  # data_sheet, safety_sheet, manual, certificate, drawing
    title: Mapped[str]
    url: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class ProductText(Versioned, Row):
    """Name and description of a product in a language that is not the default; search finds it by either."""

    __tablename__ = "product_text"
    __tenants__ = Tenants(public=lambda _: true())
    __table_args__ = (CheckConstraint("language IN ('fr', 'es', 'zh', 'ru')", name="language"),)

    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("product.id"), primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")


class Offer(Versioned, Row):
    """One vendor's offer of a product, by his own SKU."""

    __tablename__ = "offer"
    # Everyone sees what is live, of vendors who may sell: those of a suspended one vanish at once.
    __tenants__ = Tenants(
        vendor="vendor_id",
        public=lambda m: (m.state == OfferState.LIVE) & exists().where(Company.id == m.vendor_id, Company.may_sell),
    )
    __states__ = OFFER_STATES
    __table_args__ = (
        # A SKU is free again for another product once its offer has ended.
        Index(
            "uq_offer_vendor_id_sku",
            "vendor_id",
            "sku",
            text("(CASE WHEN state = 'ended' THEN id END)"),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        UniqueConstraint("vendor_id", "id"),
        Index("ix_offer_product_id", "product_id"),
        Index("ix_offer_live", "id", postgresql_where=text("state = 'live'")),
        CheckConstraint("pack_size >= 1 AND min_quantity >= 1 AND lead_time_days >= 0", name="quantities"),
        CheckConstraint("restocking_rate BETWEEN 0 AND 1", name="restocking_rate"),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("product.id"))
    sku: Mapped[str]
    state: Mapped[OfferState] = state_column(OfferState, OfferState.DRAFT)
    unit: Mapped[str] = mapped_column(default="piece")
    pack_size: Mapped[int] = mapped_column(default=1)  # sold in multiples of this
    min_quantity: Mapped[int] = mapped_column(default=1)
    lead_time_days: Mapped[int] = mapped_column(default=1)
    tax_category: Mapped[str] = mapped_column(default="standard")  # standard, reduced, zero, exempt
    ship_from_country: Mapped[str]
    restocking_rate: Mapped[Any] = mapped_column(Rate, default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)


class OfferStock(Row):
    """available = on_hand - reserved. The vendor sets on_hand, orders move reserved; shipping lowers both."""

    __tablename__ = "offer_stock"
    __tenants__ = Tenants(vendor="vendor_id", public=lambda _: true())
    __table_args__ = (
        ForeignKeyConstraint(["vendor_id", "offer_id"], ["offer.vendor_id", "offer.id"]),
        CheckConstraint("on_hand >= 0 AND reserved >= 0", name="not_negative"),
    )

    offer_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    vendor_id: Mapped[uuid.UUID]
    on_hand: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved: Mapped[int] = mapped_column(BigInteger, default=0)


class Reservation(Row):
    """Units of an offer that an order holds until `expires_at` (None: until shipped, once paid)."""

    __tablename__ = "reservation"
    __tenants__ = Tenants(buyer="company_id")
    __states__ = RESERVATION_STATES
    __table_args__ = (
        UniqueConstraint("order_line_id"),
        Index("ix_reservation_order_id", "order_id"),
        Index(
            "ix_reservation_expiring", "expires_at", postgresql_where=text("state = 'held' AND expires_at IS NOT NULL")
        ),
        CheckConstraint("quantity >= 0", name="quantity"),
    )

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    order_line_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_line.id"))
    offer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offer.id"))
    quantity: Mapped[int]  # what is still held
    state: Mapped[ReservationState] = state_column(ReservationState, ReservationState.HELD)
    expires_at: Mapped[datetime | None]
