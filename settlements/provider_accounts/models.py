"""One account per vendor at the provider: what was asked under which key, and what the provider says of it now."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Row, id_column, state_column
from settlements.provider_accounts.states import ACCOUNT_STATES, AccountState


class ProviderAccount(Row):
    """`key` was stored before the provider was asked with it. `looked_at` is when the look that is recorded here began:
    an older look that comes later is ignored.

    `blocked_reason` is our own doing, on top of what the provider says: nothing is transferred until it is lifted.
    """

    __tablename__ = "provider_account"
    __tenants__ = Tenants(vendor="vendor_id")
    __states__ = ACCOUNT_STATES
    __table_args__ = (
        Index("ix_provider_account_requested", "requested_at", postgresql_where=text("state = 'requested'")),
        CheckConstraint("(state = 'open') = (provider_id IS NOT NULL)", name="open_has_id"),
        CheckConstraint("(blocked_reason IS NULL) = (blocked_at IS NULL)", name="blocked"),
    )

    id: Mapped[uuid.UUID] = id_column()
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"), unique=True)
    country: Mapped[str]
    currency: Mapped[str]
    state: Mapped[AccountState] = state_column(AccountState, AccountState.REQUESTED)
    attempt: Mapped[int] = mapped_column(default=1)
    key: Mapped[str] = mapped_column(unique=True)
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    transfers: Mapped[str] = mapped_column(default="unrequested")
    charges_enabled: Mapped[bool] = mapped_column(default=False)
    payouts_enabled: Mapped[bool] = mapped_column(default=False)
    details_submitted: Mapped[bool] = mapped_column(default=False)
    currencies: Mapped[list[Any]] = mapped_column(default=list)
    due: Mapped[list[Any]] = mapped_column(default=list)
    past_due: Mapped[list[Any]] = mapped_column(default=list)
    pending_verification: Mapped[list[Any]] = mapped_column(default=list)
    due_by: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    blocked_reason: Mapped[str | None]
    blocked_at: Mapped[datetime | None]
    trouble: Mapped[str | None]
    requested_at: Mapped[datetime] = mapped_column(default=clock.now)
    asked_at: Mapped[datetime | None]  # the first call with `key`: the provider forgets keys after a day
    looked_at: Mapped[datetime | None]
    payouts_listed_at: Mapped[datetime | None]  # when the provider was last asked for all payouts of this account
