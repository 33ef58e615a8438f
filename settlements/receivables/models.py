"""Open items and the money that settles them: what was decided is appended, what is open is its sum."""

import uuid
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Rate, Row, append_only, id_column, state_column
from settlements.receivables.states import (
    RECEIVABLE_STATES,
    TRANSFER_STATES,
    WRITE_OFF_STATES,
    ReceivableState,
    TransferState,
    WriteOffState,
)


class Receivable(Row):
    """One invoice, or one claim for paying late, of a buyer on account; or what an order paid in advance owes on top
    since something of it came back ("deficit"), by the document that tells of it.

    `open_minor` is the sum of its entries: below zero where more was credited than it still owed, until the order's
    other invoices take it over. `level`: of the last reminder.
    """

    __tablename__ = "receivable"
    __tenants__ = Tenants(buyer="company_id")
    __states__ = RECEIVABLE_STATES
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        ForeignKeyConstraint(["order_id", "currency"], ["orders.id", "orders.currency"]),
        ForeignKeyConstraint(["company_id", "vendor_order_id"], ["vendor_order.company_id", "vendor_order.id"]),
        UniqueConstraint("company_id", "id"),
        Index("ix_receivable_order_id", "order_id"),
        Index("ix_receivable_company_id", "company_id", "due_on"),
        Index("ix_receivable_open", "due_on", postgresql_where=text("state IN ('issued', 'part_settled')")),
        Index("ix_receivable_number_key", "number_key"),
        Index("ix_receivable_order_key", "order_key"),
        Index("ix_receivable_late_of", "late_of", postgresql_where=text("late_of IS NOT NULL")),
        CheckConstraint("kind IN ('invoice', 'late_fee', 'deficit')", name="kind"),
        CheckConstraint("(kind = 'late_fee') = (late_of IS NOT NULL)", name="late_of"),
        CheckConstraint("amount_minor > 0 AND level >= 0", name="amounts"),
    )

    id: Mapped[uuid.UUID] = id_column()
    kind: Mapped[str]
    invoice_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    late_of: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("receivable.id"))
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    company_name: Mapped[str]
    order_id: Mapped[uuid.UUID]
    order_number: Mapped[str]
    order_key: Mapped[str]  # the numbers as a bank's reference is compared with them
    vendor_order_id: Mapped[uuid.UUID | None]
    issuer_name: Mapped[str]
    number: Mapped[str]
    number_key: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(Minor)  # as issued
    open_minor: Mapped[int] = mapped_column(Minor)
    issued_on: Mapped[date]
    due_on: Mapped[date]
    state: Mapped[ReceivableState] = state_column(ReceivableState, ReceivableState.ISSUED)
    settled_at: Mapped[datetime | None]
    level: Mapped[int] = mapped_column(default=0)
    paused_reason: Mapped[str] = mapped_column(default="")  # disputed: not reminded until it is cleared up
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


@append_only
class ReceivableEntry(Row):
    """What an open item rose or fell by.

    kind: issued, credited (a step of the order), paid, unpaid (a match undone), credit_used, set_off (by another
    invoice of the order), refunded, written_off, recovered (less written off after all).
    """

    __tablename__ = "receivable_entry"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "receivable_id"], ["receivable.company_id", "receivable.id"]),
        UniqueConstraint("receivable_id", "source"),
        CheckConstraint("amount_minor <> 0", name="amount"),
    )

    id: Mapped[uuid.UUID] = id_column()
    receivable_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(Minor)  # signed: what is open changes by
    source: Mapped[str]
    day: Mapped[date]  # from which day on it counts for interest
    at: Mapped[datetime] = mapped_column(default=clock.now)


class BankTransfer(Row):
    """Money that arrived at the bank, as the bank tells of it; `bank_id` is its own name for it.

    `by_hand`: an assignment was undone, so a person decides about it from now on.
    """

    __tablename__ = "bank_transfer"
    __tenants__ = Tenants()
    __states__ = TRANSFER_STATES
    __table_args__ = (
        Index("ix_bank_transfer_open", "booked_on", postgresql_where=text("state = 'open'")),
        Index("ix_bank_transfer_remitter_iban", "remitter_iban"),
        CheckConstraint("amount_minor > 0 AND assigned_minor BETWEEN 0 AND amount_minor", name="amounts"),
    )

    id: Mapped[uuid.UUID] = id_column()
    bank_id: Mapped[str] = mapped_column(unique=True)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    booked_on: Mapped[date]
    remitter_name: Mapped[str]
    remitter_iban: Mapped[str] = mapped_column(default="")
    reference: Mapped[str] = mapped_column(default="")
    state: Mapped[TransferState] = state_column(TransferState, TransferState.OPEN)
    assigned_minor: Mapped[int] = mapped_column(Minor, default=0)
    company_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"))  # whose it is, once that is known
    reason: Mapped[str] = mapped_column(default="")  # why it was not matched by itself
    by_hand: Mapped[bool] = mapped_column(default=False)
    imported_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    imported_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def left_minor(self) -> int:
        return self.amount_minor - self.assigned_minor


@append_only
class BankMatch(Row):
    """Some of a transfer was assigned: to an invoice, to the company's credit, or sent back. Undone by another row,
    below zero, that names it."""

    __tablename__ = "bank_match"
    __tenants__ = Tenants()
    __table_args__ = (
        Index("ix_bank_match_transfer_id", "transfer_id"),
        Index("ix_bank_match_receivable_id", "receivable_id"),
        CheckConstraint("kind IN ('invoice', 'credit', 'sent_back')", name="kind"),
        CheckConstraint("(kind = 'invoice') = (receivable_id IS NOT NULL)", name="receivable"),
        CheckConstraint("CASE WHEN undoes_id IS NULL THEN amount_minor > 0 ELSE amount_minor < 0 END", name="sign"),
    )

    id: Mapped[uuid.UUID] = id_column()
    transfer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("bank_transfer.id"))
    kind: Mapped[str]
    receivable_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("receivable.id"))
    company_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"))
    amount_minor: Mapped[int] = mapped_column(Minor)
    undoes_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("bank_match.id"), unique=True)
    note: Mapped[str] = mapped_column(default="")
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))  # None: by its reference alone
    at: Mapped[datetime] = mapped_column(default=clock.now)


@append_only
class CreditMove(Row):
    """What a buyer's credit rose by (paid too much) or fell by (set off, paid back); its sum is his account's balance.

    kind: overpaid, taken_back (an assignment undone), set_off, paid_back.
    """

    __tablename__ = "buyer_credit_move"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        Index("ix_buyer_credit_move_company_id", "company_id", "id"),
        CheckConstraint("amount_minor <> 0", name="amount"),
    )

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    currency: Mapped[str]
    kind: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(Minor)  # signed
    receivable_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("receivable.id"))
    reference: Mapped[str] = mapped_column(default="")  # of the bank transfer that paid it back
    source: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)


@append_only
class DunningNotice(Row):
    """A reminder of one level about one invoice: sent once."""

    __tablename__ = "dunning_notice"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "receivable_id"], ["receivable.company_id", "receivable.id"]),
        UniqueConstraint("receivable_id", "level"),
    )

    id: Mapped[uuid.UUID] = id_column()
    receivable_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    level: Mapped[int]
    open_minor: Mapped[int] = mapped_column(Minor)
    days_overdue: Mapped[int]
    fee_minor: Mapped[int] = mapped_column(Minor)  # claimed with it: flat sum and interest
    at: Mapped[datetime] = mapped_column(default=clock.now)


@append_only
class LateInterestRate(Row):
    """The yearly rate that debtors owe by law from a day on, until the next one begins."""

    __tablename__ = "late_interest_rate"
    __tenants__ = Tenants()
    __table_args__ = (CheckConstraint("rate BETWEEN 0 AND 1", name="rate"),)

    valid_from: Mapped[date] = mapped_column(primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Rate)  # base rate and points over it together
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class WriteOff(Row):
    """A proposal to give up what is open of an item; another person decides."""

    __tablename__ = "write_off"
    __tenants__ = Tenants()
    __states__ = WRITE_OFF_STATES
    __table_args__ = (
        Index("uq_write_off_requested", "receivable_id", unique=True, postgresql_where=text("state = 'requested'")),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("decided_by <> requested_by", name="second_person"),
    )

    id: Mapped[uuid.UUID] = id_column()
    receivable_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("receivable.id"))
    amount_minor: Mapped[int] = mapped_column(Minor)
    reason: Mapped[str]
    state: Mapped[WriteOffState] = state_column(WriteOffState, WriteOffState.REQUESTED)
    requested_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
