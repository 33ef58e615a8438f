"""One payment of one order: what was asked under which key, and what the provider made of it."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Row, id_column, state_column
from settlements.payments.states import PAYMENT_STATES, PaymentState

_IS_OPEN = text("state IN ('requested', 'authorised', 'partly_funded')")


class Payment(Row):
    """At most one payment of an order is open. `key` was stored before the provider was asked with it.

    `trouble` says why money that the provider reports was not booked: a person has to look at it. `provider_state` is
    the provider's last word (gateway.port.PaymentState).
    """

    __tablename__ = "payment"
    __tenants__ = Tenants(buyer="company_id")
    __states__ = PAYMENT_STATES
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        ForeignKeyConstraint(["order_id", "currency"], ["orders.id", "orders.currency"]),
        UniqueConstraint("order_id", "attempt"),
        Index("uq_payment_open", "order_id", unique=True, postgresql_where=_IS_OPEN),
        Index("ix_payment_waiting", "looked_at", postgresql_where=_IS_OPEN),
        CheckConstraint("amount_minor > 0 AND captured_minor >= 0", name="amounts"),
        CheckConstraint("disputed_minor BETWEEN 0 AND captured_minor", name="disputed"),
    )

    id: Mapped[uuid.UUID] = id_column()
    order_id: Mapped[uuid.UUID]
    order_number: Mapped[str]
    company_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    attempt: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    state: Mapped[PaymentState] = state_column(PaymentState, PaymentState.REQUESTED)
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    provider_state: Mapped[str | None]
    charge_id: Mapped[str | None]
    balance_transaction_id: Mapped[str | None]
    captured_minor: Mapped[int] = mapped_column(Minor, default=0)
    disputed_minor: Mapped[int] = mapped_column(Minor, default=0)  # held by chargebacks: taken, not given back
    fee_minor: Mapped[int | None] = mapped_column(Minor)
    net_minor: Mapped[int | None] = mapped_column(Minor)
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    trouble: Mapped[str | None]
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    looked_at: Mapped[datetime] = mapped_column(default=clock.now)  # when the provider was last asked about it
    captured_at: Mapped[datetime | None]
