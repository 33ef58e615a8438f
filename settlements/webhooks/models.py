"""What the provider told us, once each; what it means is looked up, so the body is not kept."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Row, id_column


class Outcome(StrEnum):
    """What became of an event; `kept`: nothing was booked, and `reason` says why."""

    WAITING = "waiting"
    HANDLED = "handled"
    IGNORED = "ignored"
    KEPT = "kept"


class WebHookEvent(Row):
    """`event_id` is the provider's and the same on every delivery; `outcome` says what we did about it."""

    __tablename__ = "webhook_event"
    __tenants__ = Tenants()
    __table_args__ = (Index("ix_webhook_event_outcome", "outcome", "id"),)

    id: Mapped[uuid.UUID] = id_column()
    event_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    object_id: Mapped[str]
    account: Mapped[str | None]
    created_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=clock.now)
    outcome: Mapped[str] = mapped_column(default=Outcome.WAITING.value)
    reason: Mapped[str | None]
    handled_at: Mapped[datetime | None]
