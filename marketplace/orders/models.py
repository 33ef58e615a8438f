"""An order keeps a copy of everything that was agreed: later code reads the copy, never the rules."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Rate, Row, append_only, id_column, state_column
from marketplace.orders.states import VENDOR_ORDER_STATES, VendorOrderState


class Order(Row):
    """What one company bought from several vendors at once.

    `facts` is the formula's order, `policy` its policy, `formula_state` its state (what was cancelled or came back so
    far), each as the JSON of pricing.wire; `*_minor` are the valuation of that state.
    """

    __tablename__ = "orders"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        UniqueConstraint("id", "currency"),
        Index("ix_orders_company", "company_id", "id"),
        Index("ix_orders_unpaid", "pay_until", postgresql_where=text("pay_until IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(unique=True)
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    company_name: Mapped[str]  # as it was called when the order was placed
    placed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    placed_at: Mapped[datetime] = mapped_column(default=clock.now)
    currency: Mapped[str]
    prices_include_tax: Mapped[bool] = mapped_column(default=False)
    reference: Mapped[str] = mapped_column(default="")  # the buyer's own purchase order number
    delivery_address: Mapped[dict[str, Any]]
    billing_address: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]
    policy: Mapped[dict[str, Any]]
    policy_version: Mapped[str]  # `b2b/3`
    formula_state: Mapped[dict[str, Any]]
    goods_minor: Mapped[int] = mapped_column(Minor)  # list value of all lines, as placed
    discount_minor: Mapped[int] = mapped_column(Minor)
    delivery_minor: Mapped[int] = mapped_column(Minor)
    tax_minor: Mapped[int] = mapped_column(Minor)
    total_minor: Mapped[int] = mapped_column(Minor)  # E of the order as placed
    owed_minor: Mapped[int] = mapped_column(Minor)  # E of the present state
    pay_until: Mapped[datetime | None]  # None once it is paid or cancelled, and where it is on terms
    # On account: {"kind", "days", "text"} as credit.terms keeps them; None: paid in advance.
    payment_terms: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class VendorOrder(Row):
    """One vendor's part of an order."""

    __tablename__ = "vendor_order"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __states__ = VENDOR_ORDER_STATES
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        ForeignKeyConstraint(["order_id", "currency"], ["orders.id", "orders.currency"]),
        UniqueConstraint("order_id", "vendor_id"),
        UniqueConstraint("company_id", "id"),
        UniqueConstraint("vendor_id", "id"),
        Index("ix_vendor_order_vendor_state", "vendor_id", "state", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(unique=True)  # the order's number with the part's: K-100042-2
    order_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    vendor_name: Mapped[str]  # as it was called when the order was placed
    currency: Mapped[str]
    position: Mapped[int]
    state: Mapped[VendorOrderState] = state_column(VendorOrderState, VendorOrderState.PLACED)
    goods_minor: Mapped[int] = mapped_column(Minor)
    buyer_owes_minor: Mapped[int] = mapped_column(Minor)  # for this part, its own delivery included, as placed
    payable_minor: Mapped[int] = mapped_column(
        Minor
    )  # V of the vendor in the present state: his and the operator's alone
    commission_minor: Mapped[int] = mapped_column(Minor)  # in the present state: his and the operator's alone
    # Of the vendor's terms, when its money is due: terms_id, hold_days, reserve_rate, reserve_days, prefinanced.
    settlement_terms: Mapped[dict[str, Any]] = mapped_column(default=dict)
    confirm_by: Mapped[datetime | None]  # set when paid
    confirmed_at: Mapped[datetime | None]
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class OrderDelivery(Row):
    """A delivery sold with the order: by the vendor of its lines, or by the operator (vendor_id None)."""

    __tablename__ = "order_delivery"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        ForeignKeyConstraint(["order_id", "currency"], ["orders.id", "orders.currency"]),
        Index("ix_order_delivery_order_id", "order_id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"))
    currency: Mapped[str]
    position: Mapped[int]
    name: Mapped[str]
    price_minor: Mapped[int] = mapped_column(Minor)
    free_from_minor: Mapped[int | None] = mapped_column(Minor)
    tax: Mapped[dict[str, Any]]  # the tax facts, frozen: see OrderLine.tax
    amount_minor: Mapped[int] = mapped_column(Minor)  # as placed
    tax_minor: Mapped[int] = mapped_column(Minor)


class OrderLine(Row):
    """Some units of one offer. Sums are those of the order as placed; quantities move with cancelling and shipping.

    `tax`: {"supplier_country", "supplier_vat_id", "ship_from", "ship_to", "buyer_vat_id", "buyer_vat_checked_at",
    "category" (EN 16931: S, Z, E, AE, K, G, O), "rate", "reason"}.
    """

    __tablename__ = "order_line"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "vendor_order_id"], ["vendor_order.company_id", "vendor_order.id"]),
        ForeignKeyConstraint(["vendor_id", "vendor_order_id"], ["vendor_order.vendor_id", "vendor_order.id"]),
        ForeignKeyConstraint(["vendor_id", "offer_id"], ["offer.vendor_id", "offer.id"]),
        ForeignKeyConstraint(["order_id", "currency"], ["orders.id", "orders.currency"]),
        UniqueConstraint("order_id", "position"),
        UniqueConstraint("vendor_order_id", "id"),
        Index("ix_order_line_vendor_order_id", "vendor_order_id"),
        Index("ix_order_line_product_id", "product_id"),
        CheckConstraint("quantity >= 1 AND cancelled_quantity >= 0 AND shipped_quantity >= 0", name="quantities"),
        CheckConstraint("cancelled_quantity + shipped_quantity <= quantity", name="not_more_than_ordered"),
        CheckConstraint("returned_quantity BETWEEN 0 AND shipped_quantity", name="returned_once"),
    )

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID]
    vendor_order_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    delivery_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("order_delivery.id"))
    offer_id: Mapped[uuid.UUID]
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("product.id"))
    currency: Mapped[str]
    position: Mapped[int]
    sku: Mapped[str]
    name: Mapped[str]
    unit: Mapped[str]
    quantity: Mapped[int]
    cancelled_quantity: Mapped[int] = mapped_column(default=0)
    shipped_quantity: Mapped[int] = mapped_column(default=0)
    returned_quantity: Mapped[int] = mapped_column(default=0)  # claimed by return cases: each unit once
    short_quantity: Mapped[int] = mapped_column(default=0)  # paid late, and the stock was gone: the vendor decides
    unit_price: Mapped[Decimal] = mapped_column(Rate)
    price_source: Mapped[dict[str, Any]]  # {"list_id", "kind", "name"}: where the price came from
    tax: Mapped[dict[str, Any]]
    commission_rate: Mapped[Decimal] = mapped_column(Rate)
    gross_minor: Mapped[int] = mapped_column(Minor)
    vendor_discount_minor: Mapped[int] = mapped_column(Minor)
    market_discount_minor: Mapped[int] = mapped_column(Minor)
    tax_minor: Mapped[int] = mapped_column(Minor)
    commission_minor: Mapped[int] = mapped_column(Minor)
    buyer_owes_minor: Mapped[int] = mapped_column(Minor)


@append_only
class OrderStep(Row):
    """One state of the order in the formula with its valuation, frozen: placing is step 0, each cancellation and each
    decision of a return is one more. `source` names the journal that books it, None: `step:<id>`."""

    __tablename__ = "order_step"
    __tenants__ = Tenants()
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        UniqueConstraint("order_id", "number"),
    )

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    number: Mapped[int]
    cause: Mapped[str]  # see actions.steps.Cause
    source: Mapped[str | None] = mapped_column(unique=True)
    vendor_order_id: Mapped[uuid.UUID | None]  # the part that was cancelled
    person_id: Mapped[uuid.UUID | None]
    reason: Mapped[str] = mapped_column(default="")
    formula_state: Mapped[dict[str, Any]]
    valuation: Mapped[dict[str, Any]]
    refund_minor: Mapped[int] = mapped_column(Minor, default=0)
    at: Mapped[datetime] = mapped_column(default=clock.now)


@append_only
class OrderMoney(Row):
    """Money that moved for an order, written from the settlements: append-only, `source` unique.

    kind: paid (+), unpaid (-, a payment was taken for this order's by mistake), refunded (-, when the refund is
    decided), refund_failed (+). Net paid is the sum.
    """

    __tablename__ = "order_money"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        ForeignKeyConstraint(["order_id", "currency"], ["orders.id", "orders.currency"]),
        Index("ix_order_money_order_id", "order_id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(Minor)  # signed: what the order's net paid changes by
    currency: Mapped[str]
    source: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime] = mapped_column(default=clock.now)


class OrderNumber(Row):
    """The series of order numbers; a rolled back order skips one (invoices, which may not, count apart)."""

    __tablename__ = "order_number"

    id: Mapped[int] = mapped_column(BigInteger, Identity(start=100001), primary_key=True)
