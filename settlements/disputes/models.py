"""A dispute of one payment, what it moved on our balance, and what speaks against it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Row, append_only, id_column, state_column
from settlements.disputes.states import DISPUTE_STATES
from settlements.gateway.connect import DisputeState


class Dispute(Row):
    """`looked_at` is when the look that is recorded here began: an older one that comes later is ignored.

    `covered_minor` of a lost dispute was owed to the buyer anyway and counts as refunded; the rest was borne by the
    parties in `borne` ({vendor id: minor}), what is missing there by the marketplace. Only the operator sees disputes.
    """

    __tablename__ = "dispute"
    __tenants__ = Tenants()
    __states__ = DISPUTE_STATES
    __table_args__ = (
        Index("ix_dispute_state", "state", "due_by"),
        Index("ix_dispute_order", "order_id"),
        Index("ix_dispute_payment", "payment_id"),
        CheckConstraint("amount_minor > 0 AND covered_minor >= 0", name="amounts"),
    )

    id: Mapped[uuid.UUID] = id_column()
    provider_id: Mapped[str] = mapped_column(unique=True)
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    order_number: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    reason: Mapped[str]
    state: Mapped[DisputeState] = state_column(DisputeState)
    due_by: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    texts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    submissions: Mapped[int] = mapped_column(default=0)  # how often evidence was handed over, as the provider counts
    attempt: Mapped[int] = mapped_column(default=0)  # of handing evidence over, or of accepting
    covered_minor: Mapped[int] = mapped_column(Minor, default=0)
    borne: Mapped[dict[str, Any] | None]
    decided_at: Mapped[datetime | None]
    looked_at: Mapped[datetime]
    trouble: Mapped[str | None]


@append_only
class DisputeMovement(Row):
    """A balance transaction of a dispute, booked as `psp:<id>`: what was taken (below zero) or given back."""

    __tablename__ = "dispute_movement"
    __tenants__ = Tenants()
    __table_args__ = (Index("ix_dispute_movement_dispute", "dispute_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    dispute_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispute.id"))
    amount_minor: Mapped[int] = mapped_column(Minor)
    fee_minor: Mapped[int] = mapped_column(Minor)
    at: Mapped[datetime]


class DisputeFile(Row):
    """A file that speaks against a dispute; one per field, `provider_file_id` once the provider has it."""

    __tablename__ = "dispute_file"
    __tenants__ = Tenants()
    __table_args__ = (UniqueConstraint("dispute_id", "field"),)

    id: Mapped[uuid.UUID] = id_column()
    dispute_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("dispute.id"))
    field: Mapped[str]
    name: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    provider_file_id: Mapped[str | None]
    added_at: Mapped[datetime] = mapped_column(default=clock.now)
