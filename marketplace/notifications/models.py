"""A letter is written down as its facts; secrets are added only while it is sent."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Row, id_column, state_column
from marketplace.notifications.states import LETTER_STATES, LetterState


class Letter(Row):
    """One letter to one address; `source` makes it unique, so that an event that comes twice writes it once."""

    __tablename__ = "letter"
    __tenants__ = Tenants(own="company_id")
    __states__ = LETTER_STATES
    __table_args__ = (
        Index("uq_letter_source", "source", "email", unique=True),
        Index("ix_letter_state", "state", "id"),
        Index("ix_letter_company_id", "company_id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    source: Mapped[str]  # such as "invitation:<id>"
    kind: Mapped[str]  # the name of its template
    email: Mapped[str]
    facts: Mapped[dict[str, Any]]
    state: Mapped[LetterState] = state_column(LetterState, LetterState.REQUESTED)
    note: Mapped[str] = mapped_column(default="")  # why the mail server refused it
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    sent_at: Mapped[datetime | None]
