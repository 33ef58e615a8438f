"""Differences between the provider's balance and the books, one row each, and the days that were looked at."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Row, id_column, state_column
from settlements.reconciliation.states import DIFFERENCE_STATES, DifferenceState

_OPEN = text("state <> 'resolved'")


class BalanceDifference(Row):
    """`subject` names it for ever: a balance transaction, a journal without one, or a day's balance.

    `difference_minor`: what psp_clearing lacks (above zero) or has too much, in `currency`; a fee that differs moves
    nothing by itself. `facts` is what the provider said of the movement.
    """

    __tablename__ = "balance_difference"
    __tenants__ = Tenants()
    __states__ = DIFFERENCE_STATES
    __table_args__ = (
        Index("ix_balance_difference_open", "currency", "id", postgresql_where=_OPEN),
        Index("ix_balance_difference_state", "state", "id"),
        CheckConstraint("state <> 'proposed' OR proposed_by IS NOT NULL", name="proposed"),
    )

    id: Mapped[uuid.UUID] = id_column()
    subject: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    reason: Mapped[str]
    suggestion: Mapped[str]
    movement_id: Mapped[str | None]
    currency: Mapped[str]
    difference_minor: Mapped[int] = mapped_column(Minor)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]
    found_at: Mapped[datetime] = mapped_column(default=clock.now)
    state: Mapped[DifferenceState] = state_column(DifferenceState, DifferenceState.OPEN)
    action: Mapped[str | None]
    account: Mapped[str | None]
    note: Mapped[str | None]
    proposed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    resolved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    resolved_at: Mapped[datetime | None]


class ReconciledDay(Row):
    """A day of one currency as it was last looked at; closed when provider and books are the same to the cent."""

    __tablename__ = "reconciled_day"
    __tenants__ = Tenants()
    __table_args__ = (UniqueConstraint("day", "currency"),)

    id: Mapped[uuid.UUID] = id_column()
    day: Mapped[date]
    currency: Mapped[str]
    provider_minor: Mapped[int] = mapped_column(Minor)
    booked_minor: Mapped[int] = mapped_column(Minor)
    movements: Mapped[int] = mapped_column(default=0)
    open_rows: Mapped[int] = mapped_column(default=0)
    looked_at: Mapped[datetime] = mapped_column(default=clock.now)
    closed_at: Mapped[datetime | None]
