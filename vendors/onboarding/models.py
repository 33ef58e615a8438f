"""One open application a company; the vendor row appears with the approval and says whether he may sell."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Row, Versioned, id_column, state_column
from vendors.onboarding.states import APPLICATION_STATES, VENDOR_STATES, ApplicationState, VendorState


class VendorApplication(Versioned, Row):
    """What a company tells about itself to be allowed to sell, and what the operator decided."""

    __tablename__ = "vendor_application"
    __tenants__ = Tenants(own="company_id")
    __states__ = APPLICATION_STATES
    __table_args__ = (
        Index(
            "uq_vendor_application_open",
            "company_id",
            unique=True,
            postgresql_where=text("state IN ('draft', 'submitted', 'questions')"),
        ),
        Index("ix_vendor_application_state", "state", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    state: Mapped[ApplicationState] = state_column(ApplicationState, ApplicationState.DRAFT)
    legal_name: Mapped[str]
    registration_number: Mapped[str]
    vat_id: Mapped[str]
    contact_email: Mapped[str]
    website: Mapped[str] = mapped_column(default="")
    goods: Mapped[str] = mapped_column(default="")  # what the company wants to sell, in words
    note: Mapped[str] = mapped_column(default="")  # the operator's last question or reason
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))


class Vendor(Row):
    """A company that was approved; only an active one may sell."""

    __tablename__ = "vendor"
    __tenants__ = Tenants(own="id")
    __states__ = VENDOR_STATES

    id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    state: Mapped[VendorState] = state_column(VendorState, VendorState.ACTIVE)
    application_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("vendor_application.id"))
    note: Mapped[str] = mapped_column(default="")
    approved_at: Mapped[datetime] = mapped_column(default=clock.now)
