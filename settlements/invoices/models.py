"""An invoice that is issued never changes: what corrects it is another one; only its payment moves, in a row beside."""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Rate, Row, append_only, id_column, state_column
from settlements.invoices.states import INVOICE_STATES, InvoiceKind, InvoiceState


def _kind_column() -> Mapped[Any]:
    kinds = Enum(
        InvoiceKind,
        native_enum=False,
        create_constraint=True,
        name="kind",
        length=40,
        values_callable=lambda kinds: [kind.value for kind in kinds],
    )
    return mapped_column(kinds)


class InvoiceIssuer(Row):
    """A company that issues invoices, with the number that begins all of theirs: no two issuers share one, so that a
    buyer who names an invoice when he pays names one."""

    __tablename__ = "invoice_issuer"

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    code: Mapped[int] = mapped_column(BigInteger, Identity(start=101), unique=True)


class InvoiceSeries(Row):
    """The last number of an issuer's series, and its day: the row's lock keeps numbers gapless and days in order."""

    __tablename__ = "invoice_series"

    issuer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice_issuer.company_id"), primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
    last_on: Mapped[date]


@append_only
class Invoice(Row):
    """What one party owes another, or is given back. Sums are in the sense of the document: those of a credit note are
    what is credited, and above zero unless nothing but the marketplace's share moved.

    gross = net + tax = market + paid + payable: `market_minor` the marketplace pays or takes back (a discount of its
    own that does not lower the issuer's consideration), `paid_minor` the buyer has paid, `payable_minor` is left: below
    zero on a credit note by which the buyer owes more all the same, since the marketplace pays less.
    A sale's invoice names its buyer as company_id and, unless the operator is the issuer, its vendor_id; one over
    commission names its vendor alone. `step_number`: up to which step of the order it tells.
    """

    __tablename__ = "invoice"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        ForeignKeyConstraint(["vendor_id", "vendor_order_id"], ["vendor_order.vendor_id", "vendor_order.id"]),
        ForeignKeyConstraint(["company_id", "vendor_order_id"], ["vendor_order.company_id", "vendor_order.id"]),
        UniqueConstraint("issuer_id", "series", "sequence"),
        Index("ix_invoice_company", "company_id", "id"),
        Index("ix_invoice_vendor", "vendor_id", "id"),
        Index("ix_invoice_order_id", "order_id"),
        Index("ix_invoice_vendor_order_id", "vendor_order_id"),
        Index(
            "ix_invoice_commission", "vendor_id", "currency", "id", postgresql_where=text("statement_id IS NOT NULL")
        ),
        CheckConstraint("gross_minor = net_minor + tax_minor", name="gross"),
        CheckConstraint("gross_minor = market_minor + paid_minor + payable_minor", name="paid_by_whom"),
        CheckConstraint("(statement_id IS NULL) = (order_id IS NOT NULL)", name="sale_or_commission"),
        CheckConstraint("(company_id IS NULL) = (order_id IS NULL)", name="buyer_of_order"),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[InvoiceKind] = _kind_column()
    issuer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice_issuer.company_id"))
    series: Mapped[str]
    sequence: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(unique=True)  # what it was issued for: the same is never issued twice
    company_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"))
    vendor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"))
    order_id: Mapped[uuid.UUID | None]
    order_number: Mapped[str] = mapped_column(default="")
    vendor_order_id: Mapped[uuid.UUID | None]
    statement_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    corrects_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invoice.id"))
    outside_scope: Mapped[bool] = mapped_column(
        default=False
    )  # of supplies outside the scope of tax, which stand apart
    step_number: Mapped[int | None]
    issued_on: Mapped[date]  # the operator's calendar day
    issued_at: Mapped[datetime] = mapped_column(default=clock.now)
    supplied_on: Mapped[date | None]
    period_from: Mapped[date | None]
    period_to: Mapped[date | None]
    due_on: Mapped[date | None]
    terms: Mapped[str] = mapped_column(default="")
    reference: Mapped[str] = mapped_column(default="")  # the buyer's own purchase order number
    note: Mapped[str] = mapped_column(default="")
    seller: Mapped[dict[str, Any]]
    buyer: Mapped[dict[str, Any]]
    delivered_to: Mapped[dict[str, Any] | None]
    currency: Mapped[str]
    net_minor: Mapped[int] = mapped_column(Minor)
    tax_minor: Mapped[int] = mapped_column(Minor)
    gross_minor: Mapped[int] = mapped_column(Minor)
    market_minor: Mapped[int] = mapped_column(Minor, default=0)
    paid_minor: Mapped[int] = mapped_column(Minor, default=0)
    payable_minor: Mapped[int] = mapped_column(Minor)
    # [{"category", "rate", "net_minor", "tax_minor", "reason", "code"}]: one per category and rate
    breakdown: Mapped[list[Any]]


@append_only
class InvoiceLine(Row):
    """One line. net = list - allowance; list is quantity * unit_price / per, rounded. A line below zero takes back."""

    __tablename__ = "invoice_line"
    __tenants__ = Tenants()
    __table_args__ = (UniqueConstraint("invoice_id", "position"),)

    id: Mapped[uuid.UUID] = id_column()
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    position: Mapped[int]
    kind: Mapped[str]  # goods, delivery, restocking_fee, charge, discount, commission
    order_line_id: Mapped[uuid.UUID | None]
    text: Mapped[str]
    sku: Mapped[str] = mapped_column(default="")
    unit: Mapped[str]
    quantity: Mapped[int] = mapped_column(BigInteger)
    unit_price: Mapped[Decimal] = mapped_column(Rate)  # without tax
    per: Mapped[int] = mapped_column(BigInteger, default=1)  # so many units cost unit_price
    list_minor: Mapped[int] = mapped_column(Minor)
    allowance_minor: Mapped[int] = mapped_column(Minor, default=0)
    net_minor: Mapped[int] = mapped_column(Minor)
    tax_minor: Mapped[int] = mapped_column(Minor)
    category: Mapped[str]  # EN 16931: S, Z, E, AE, K, G, O
    rate: Mapped[Decimal] = mapped_column(Rate)


class InvoiceStanding(Row):
    """How an invoice is paid; `id` is the invoice's."""

    __tablename__ = "invoice_standing"
    __tenants__ = Tenants()
    __states__ = INVOICE_STATES
    __table_args__ = (Index("ix_invoice_standing_state", "state"),)

    id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    state: Mapped[InvoiceState] = state_column(InvoiceState, InvoiceState.ISSUED)
    open_minor: Mapped[int] = mapped_column(Minor)


@append_only
class InvoiceDocument(Row):
    """A file as it was handed out, kept beside the rows that it shows: of an invoice, or of a statement."""

    __tablename__ = "invoice_document"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __table_args__ = (
        UniqueConstraint("invoice_id", "form"),
        UniqueConstraint("statement_id", "form"),
        CheckConstraint("(invoice_id IS NULL) <> (statement_id IS NULL)", name="of_one_thing"),
        CheckConstraint("form IN ('pdf', 'xml')", name="form"),
    )

    id: Mapped[uuid.UUID] = id_column()
    invoice_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invoice.id"))
    statement_id: Mapped[uuid.UUID | None]
    company_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"))
    vendor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"))
    form: Mapped[str]
    name: Mapped[str]  # of the file
    layout: Mapped[str]  # the version of what rendered it
    sha256: Mapped[str]
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
