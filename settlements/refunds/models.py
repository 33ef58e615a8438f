"""A refund, decided with its cause in one transaction, and its attempts to reach the buyer."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Row, id_column, state_column
from settlements.refunds.states import REFUND_STATES, RefundState


class Refund(Row):
    """Money of one payment that goes back to the buyer; without a payment only another way is open.

    `cause` names what decided it (`step:<id>`, `payment:<id>`). `attempts` counts them; the last is the present one.
    """

    __tablename__ = "refund"
    __tenants__ = Tenants(buyer="company_id")
    __states__ = REFUND_STATES
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        ForeignKeyConstraint(["order_id", "currency"], ["orders.id", "orders.currency"]),
        UniqueConstraint("cause", "payment_id", postgresql_nulls_not_distinct=True),
        Index("ix_refund_order_id", "order_id"),
        Index("ix_refund_payment_id", "payment_id"),
        Index("ix_refund_waiting", "next_at", postgresql_where=text("state IN ('requested', 'sent')")),
        CheckConstraint("amount_minor > 0", name="amount"),
    )

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID]
    order_number: Mapped[str]
    company_id: Mapped[uuid.UUID]
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    cause: Mapped[str]
    state: Mapped[RefundState] = state_column(RefundState, RefundState.REQUESTED)
    attempts: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[str | None]  # why it did not arrive, or was not booked
    reference: Mapped[str | None]  # of the bank transfer by which it left another way
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    next_at: Mapped[datetime] = mapped_column(default=clock.now)  # when it is looked at again
    confirmed_at: Mapped[datetime | None]


class RefundAttempt(Row):
    """One request to the provider. `key` was stored before it was asked with it."""

    __tablename__ = "refund_attempt"
    __tenants__ = Tenants()
    __table_args__ = (UniqueConstraint("refund_id", "number"),)

    id: Mapped[uuid.UUID] = id_column()
    refund_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("refund.id"))
    number: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    provider_state: Mapped[str | None]
    balance_transaction_id: Mapped[str | None]
    failure_balance_transaction_id: Mapped[str | None]
    failure_code: Mapped[str | None]
