"""Transfers and what was taken back of them, attempt by attempt; payouts; debts; what was booked by hand."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Row, id_column, state_column
from settlements.transfers.states import (
    ADJUSTMENT_STATES,
    DEBT_STATES,
    PAYOUT_STATES,
    REVERSAL_STATES,
    TRANSFER_STATES,
    AdjustmentState,
    DebtState,
    PayoutState,
    ReversalState,
    TransferState,
)

_WAITS = text("state IN ('requested', 'sent', 'unknown')")


class ChargeLink(Row):
    """How much of a payment's charge transfers name already: the provider, and this check, allow no more than it."""

    __tablename__ = "charge_link"
    __tenants__ = Tenants()
    __table_args__ = (CheckConstraint("linked_minor BETWEEN 0 AND charge_minor", name="linked"),)

    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    charge_id: Mapped[str] = mapped_column(unique=True)
    charge_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    linked_minor: Mapped[int] = mapped_column(Minor, default=0)


class Transfer(Row):
    """Money that leaves for a vendor's account at the provider, linked to the charge of `payment_id` or plain.

    `cause` names what ordered it (`statement:<id>`); `payable_minor` is what was due to him when it was ordered, and
    never less than the transfer. `replaces_id`: it is what was left of a transfer that was withdrawn.
    """

    __tablename__ = "transfer"
    __tenants__ = Tenants(vendor="vendor_id")
    __states__ = TRANSFER_STATES
    __table_args__ = (
        UniqueConstraint("vendor_id", "id"),
        Index("ix_transfer_cause", "cause"),
        Index("ix_transfer_vendor", "vendor_id", "currency", "id"),
        Index("ix_transfer_payment_id", "payment_id", postgresql_where=text("payment_id IS NOT NULL")),
        Index("ix_transfer_waiting", "next_at", postgresql_where=_WAITS),
        CheckConstraint("amount_minor > 0 AND amount_minor <= payable_minor", name="never_below_zero"),
        CheckConstraint("reversed_minor BETWEEN 0 AND amount_minor", name="reversed"),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    amount_minor: Mapped[int] = mapped_column(Minor)
    payable_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    cause: Mapped[str]
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("charge_link.payment_id"))
    charge_id: Mapped[str | None]
    transfer_group: Mapped[str]  # the provider's label: the order's id, or our own
    replaces_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("transfer.id"))
    state: Mapped[TransferState] = state_column(TransferState, TransferState.REQUESTED)
    attempts: Mapped[int] = mapped_column(default=0)
    reversed_minor: Mapped[int] = mapped_column(Minor, default=0)
    trouble: Mapped[str | None]  # why it was refused, waits, or a person has to look at it
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    next_at: Mapped[datetime] = mapped_column(default=clock.now)  # when it is sent, or looked at again
    made_at: Mapped[datetime | None]


class TransferAttempt(Row):
    """One request to the provider. `key` and `account`, where to, were stored before it was asked with them."""

    __tablename__ = "transfer_attempt"
    __tenants__ = Tenants()
    __table_args__ = (UniqueConstraint("transfer_id", "number"),)

    id: Mapped[uuid.UUID] = id_column()
    transfer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("transfer.id"))
    number: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)
    account: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    balance_transaction_id: Mapped[str | None] = mapped_column(unique=True)
    failure_code: Mapped[str | None]


class TransferReversal(Row):
    """Part or all of a transfer, taken back. `cause` says what for (`debt:<id>`, `operator:<person>`)."""

    __tablename__ = "transfer_reversal"
    __tenants__ = Tenants(vendor="vendor_id")
    __states__ = REVERSAL_STATES
    __table_args__ = (
        ForeignKeyConstraint(["vendor_id", "transfer_id"], ["transfer.vendor_id", "transfer.id"]),
        Index("ix_transfer_reversal_transfer_id", "transfer_id"),
        Index("ix_transfer_reversal_vendor", "vendor_id", "currency", postgresql_where=_WAITS),
        Index("ix_transfer_reversal_waiting", "next_at", postgresql_where=_WAITS),
        CheckConstraint("amount_minor > 0", name="amount"),
    )

    id: Mapped[uuid.UUID] = id_column()
    transfer_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    cause: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    state: Mapped[ReversalState] = state_column(ReversalState, ReversalState.REQUESTED)
    attempts: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[str | None]
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    next_at: Mapped[datetime] = mapped_column(default=clock.now)
    made_at: Mapped[datetime | None]


class TransferReversalAttempt(Row):
    """One request to the provider to take money back. `key` was stored before it was asked with it."""

    __tablename__ = "transfer_reversal_attempt"
    __tenants__ = Tenants()
    __table_args__ = (UniqueConstraint("reversal_id", "number"),)

    id: Mapped[uuid.UUID] = id_column()
    reversal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("transfer_reversal.id"))
    number: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    balance_transaction_id: Mapped[str | None] = mapped_column(unique=True)
    failure_code: Mapped[str | None]


class VendorPayout(Row):
    """The provider pays a vendor's balance there out to his bank. Nothing is booked: our money left by transfer."""

    __tablename__ = "vendor_payout"
    __tenants__ = Tenants(vendor="vendor_id")
    __states__ = PAYOUT_STATES
    __table_args__ = (
        Index("ix_vendor_payout_vendor_id", "vendor_id", "id"),
        Index("ix_vendor_payout_open", "looked_at", postgresql_where=text("state IN ('pending', 'in_transit')")),
        CheckConstraint("amount_minor > 0", name="amount"),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    account: Mapped[str]
    provider_id: Mapped[str] = mapped_column(unique=True)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    state: Mapped[PayoutState] = state_column(PayoutState, PayoutState.PENDING)
    arrives_on: Mapped[date | None]
    failure_code: Mapped[str | None]
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)  # when we first heard of it
    looked_at: Mapped[datetime] = mapped_column(default=clock.now)


class VendorDebt(Row):
    """A time in which a vendor owes us in one currency; how much says the ledger, not this row."""

    __tablename__ = "vendor_debt"
    __tenants__ = Tenants(vendor="vendor_id")
    __states__ = DEBT_STATES
    __table_args__ = (
        Index(
            "uq_vendor_debt_open",
            "vendor_id",
            "currency",
            unique=True,
            postgresql_where=text("state IN ('open', 'reminded', 'to_decide')"),
        ),
        Index("ix_vendor_debt_state", "state", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    currency: Mapped[str]
    state: Mapped[DebtState] = state_column(DebtState, DebtState.OPEN)
    moves: Mapped[int] = mapped_column(default=0)  # numbers what is booked for it
    since: Mapped[datetime] = mapped_column(default=clock.now)
    tried_at: Mapped[datetime | None]  # when it was last tried to recover it
    reminded_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class Adjustment(Row):
    """What an operator proposes to book by hand, with his reason; booked when another operator approves it.

    `amount_minor` above zero is in the vendor's favour; of a write-off it is the debt that ends.
    """

    __tablename__ = "adjustment"
    __tenants__ = Tenants()
    __states__ = ADJUSTMENT_STATES
    __table_args__ = (
        Index("ix_adjustment_state", "state", "id"),
        Index("ix_adjustment_vendor_id", "vendor_id"),
        Index("uq_adjustment_debt", "debt_id", unique=True, postgresql_where=text("state = 'proposed'")),
        CheckConstraint("kind IN ('adjustment', 'write_off')", name="kind"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        CheckConstraint("length(trim(reason)) > 0", name="reason"),
        CheckConstraint("state <> 'approved' OR decided_by <> proposed_by", name="second_person"),
        CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name="decided"),
        CheckConstraint("(kind = 'write_off') = (debt_id IS NOT NULL)", name="debt"),
    )

    id: Mapped[uuid.UUID] = id_column()
    kind: Mapped[str]  # AdjustmentKind
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    reason: Mapped[str]
    debt_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("vendor_debt.id"))
    state: Mapped[AdjustmentState] = state_column(AdjustmentState, AdjustmentState.PROPOSED)
    proposed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    proposed_at: Mapped[datetime] = mapped_column(default=clock.now)
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(default="")
