"""A return case over several vendors: its lines carry states, its decisions and appeals are never rewritten."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Row, append_only, id_column, state_column
from marketplace.pricing.facts import BUYER
from marketplace.returns.states import (
    LINE_STATES,
    PARCEL_STATES,
    REPLACEMENT_STATES,
    LineState,
    ParcelState,
    ReplacementState,
)


class ReturnCase(Row):
    """What a buyer wants to send back of one order, of any number of its vendors."""

    __tablename__ = "return_case"
    __tenants__ = Tenants(buyer="company_id")
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "order_id"], ["orders.company_id", "orders.id"]),
        ForeignKeyConstraint(["order_id", "currency"], ["orders.id", "orders.currency"]),
        UniqueConstraint("company_id", "id"),
        Index("ix_return_case_company", "company_id", "id"),
        Index("ix_return_case_order_id", "order_id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    number: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[uuid.UUID]
    order_number: Mapped[str]
    company_id: Mapped[uuid.UUID]
    company_name: Mapped[str]
    currency: Mapped[str]
    opened_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)
    note: Mapped[str] = mapped_column(default="")
    terms: Mapped[dict[str, Any]]  # rules.return_terms of the order's policy version
    decisions: Mapped[int] = mapped_column(default=0)  # how many there are: the number of the last
    closed_at: Mapped[datetime | None]


class ReturnLine(Row):
    """Units of one order line in a case.

    `claimed_quantity` of them count as coming back in `order_line.returned_quantity`. `verdict`: {"units": [{"fault",
    "quantity"}], "replaced", "note", "evidence": [ids]}, `settled` the verdict that the order's state holds now.
    `due_at` ends the turn of whoever has it (states.TURN).
    """

    __tablename__ = "return_line"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __states__ = LINE_STATES
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "case_id"], ["return_case.company_id", "return_case.id"]),
        ForeignKeyConstraint(["vendor_order_id", "order_line_id"], ["order_line.vendor_order_id", "order_line.id"]),
        ForeignKeyConstraint(["vendor_id", "vendor_order_id"], ["vendor_order.vendor_id", "vendor_order.id"]),
        UniqueConstraint("case_id", "position"),
        UniqueConstraint("case_id", "id"),
        Index("ix_return_line_vendor_state", "vendor_id", "state", "id"),
        Index("ix_return_line_order_line_id", "order_line_id"),
        Index("ix_return_line_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        CheckConstraint("quantity >= 1 AND claimed_quantity BETWEEN 0 AND quantity", name="quantities"),
        CheckConstraint(
            "received_quantity BETWEEN 0 AND quantity AND lost_quantity BETWEEN 0 AND quantity", name="received"
        ),
        CheckConstraint("replaced_quantity BETWEEN 0 AND quantity", name="replaced"),
    )

    id: Mapped[uuid.UUID] = id_column()
    case_id: Mapped[uuid.UUID]
    position: Mapped[int]
    order_line_id: Mapped[uuid.UUID]
    vendor_order_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_name: Mapped[str]
    sku: Mapped[str]
    name: Mapped[str]
    unit: Mapped[str]
    quantity: Mapped[int]
    claimed_quantity: Mapped[int]
    received_quantity: Mapped[int] = mapped_column(default=0)
    lost_quantity: Mapped[int] = mapped_column(default=0)  # of those received: lost on the way back
    replaced_quantity: Mapped[int] = mapped_column(default=0)  # units whose replacement has left and was not lost
    reason: Mapped[str]
    fault_claimed: Mapped[str]
    wish: Mapped[str] = mapped_column(default="refund")  # refund or replacement
    note: Mapped[str] = mapped_column(default="")
    discovered_on: Mapped[date | None]
    state: Mapped[LineState] = state_column(LineState, LineState.REQUESTED)
    due_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(default="")  # what the vendor last said to the buyer
    goods: Mapped[str] = mapped_column(default="back")  # back, kept by the buyer, or scrapped on site
    inspection: Mapped[str] = mapped_column(default="")
    verdict: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    settled: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    decided_side: Mapped[str] = mapped_column(default="")  # vendor, operator, or deadline
    decided_at: Mapped[datetime | None]
    arbitrated: Mapped[bool] = mapped_column(default=False)  # the operator's word binds: no further appeal

    @property
    def to_replace(self) -> int:
        """Units whose replacement was settled and has not left."""
        return max(0, int((self.settled or {}).get("replaced", 0)) - self.replaced_quantity)


class ReturnUnit(Row):
    """A unit with a serial number; live while its line claims it, so that it comes back once."""

    __tablename__ = "return_unit"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __table_args__ = (
        ForeignKeyConstraint(["case_id", "return_line_id"], ["return_line.case_id", "return_line.id"]),
        Index("uq_return_unit_serial", "order_line_id", "serial", unique=True, postgresql_where=text("live")),
        Index("ix_return_unit_return_line_id", "return_line_id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    case_id: Mapped[uuid.UUID]
    return_line_id: Mapped[uuid.UUID]
    order_line_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_line.id"))
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    serial: Mapped[str]
    live: Mapped[bool] = mapped_column(default=True)


class ReturnEvidence(Row):
    """A file that speaks for or against a line: its kind was told from its content."""

    __tablename__ = "return_evidence"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __table_args__ = (
        ForeignKeyConstraint(["case_id", "return_line_id"], ["return_line.case_id", "return_line.id"]),
        Index("ix_return_evidence_case_id", "case_id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    case_id: Mapped[uuid.UUID]
    return_line_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    side: Mapped[str]  # who brought it: buyer, vendor, operator
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str]
    content_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    stored_as: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(default=clock.now)


class ReturnParcel(Row):
    """Goods of one vendor on their way back. `label_by`: who paid for sending it; charged once, by the fault."""

    __tablename__ = "return_parcel"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __states__ = PARCEL_STATES
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "case_id"], ["return_case.company_id", "return_case.id"]),
        UniqueConstraint("case_id", "number"),
        UniqueConstraint("case_id", "id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    case_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    number: Mapped[int]
    state: Mapped[ParcelState] = state_column(ParcelState, ParcelState.IN_TRANSIT)
    carrier: Mapped[str] = mapped_column(default="")
    tracking_number: Mapped[str] = mapped_column(default="")
    label_by: Mapped[str] = mapped_column(default="buyer")  # buyer, vendor, operator
    label_cost_minor: Mapped[int] = mapped_column(Minor, default=0)
    charged_in: Mapped[int | None]  # the number of the decision that charged the label
    announced_at: Mapped[datetime] = mapped_column(default=clock.now)
    received_at: Mapped[datetime | None]


class ReturnParcelLine(Row):
    """Units of one return line in a parcel: sent, and received of them, whether its parcel was named or not."""

    __tablename__ = "return_parcel_line"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __table_args__ = (
        ForeignKeyConstraint(["case_id", "parcel_id"], ["return_parcel.case_id", "return_parcel.id"]),
        ForeignKeyConstraint(["case_id", "return_line_id"], ["return_line.case_id", "return_line.id"]),
        CheckConstraint("quantity >= 1 AND received_quantity BETWEEN 0 AND quantity", name="quantities"),
    )

    parcel_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    return_line_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    quantity: Mapped[int]
    received_quantity: Mapped[int] = mapped_column(default=0)


class ReturnReplacement(Row):
    """Units on their way to the buyer instead of those of a line that came back: no order, and no money."""

    __tablename__ = "return_replacement"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __states__ = REPLACEMENT_STATES
    __table_args__ = (
        ForeignKeyConstraint(["case_id", "return_line_id"], ["return_line.case_id", "return_line.id"]),
        CheckConstraint("quantity >= 1", name="quantity"),
        Index("ix_return_replacement_case_id", "case_id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    case_id: Mapped[uuid.UUID]
    return_line_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    quantity: Mapped[int]
    state: Mapped[ReplacementState] = state_column(ReplacementState, ReplacementState.IN_TRANSIT)
    carrier: Mapped[str]
    tracking_number: Mapped[str] = mapped_column(default="")
    shipped_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]  # delivered, or known to be lost


class ReturnAppeal(Row):
    """Buyer or vendor does not accept what was said of a line; the operator rules."""

    __tablename__ = "return_appeal"
    __tenants__ = Tenants(buyer="company_id", vendor="vendor_id")
    __table_args__ = (
        ForeignKeyConstraint(["case_id", "return_line_id"], ["return_line.case_id", "return_line.id"]),
        Index("ix_return_appeal_case_id", "case_id"),
    )

    id: Mapped[uuid.UUID] = id_column()
    case_id: Mapped[uuid.UUID]
    return_line_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    vendor_id: Mapped[uuid.UUID]
    side: Mapped[str]  # buyer or vendor
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    reply: Mapped[str] = mapped_column(default="")  # of the other side
    replied_at: Mapped[datetime | None]
    ruling: Mapped[str] = mapped_column(default="")
    ruled_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    ruled_at: Mapped[datetime | None]


@append_only
class ReturnDecision(Row):
    """A numbered settlement of a case: one step of the order, one journal, one refund.

    The states before and after with their valuations are those of the steps `before_step_id` and `step_id`.
    `explanation`: every sum in words, tagged with the party it is for.
    """

    __tablename__ = "return_decision"
    __tenants__ = Tenants()
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "case_id"], ["return_case.company_id", "return_case.id"]),
        UniqueConstraint("case_id", "number"),
    )

    id: Mapped[uuid.UUID] = id_column()
    case_id: Mapped[uuid.UUID]
    company_id: Mapped[uuid.UUID]
    order_id: Mapped[uuid.UUID]
    number: Mapped[int]
    cause: Mapped[str]
    before_step_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_step.id"))
    step_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_step.id"), unique=True)
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(default=clock.now)
    note: Mapped[str] = mapped_column(default="")
    lines: Mapped[list[Any]]  # [{"line_id", "order_line_id", "vendor_id", "verdict", "was"}]
    charges: Mapped[list[Any]]
    explanation: Mapped[list[Any]]
    refund_minor: Mapped[int] = mapped_column(Minor)
    deficit_minor: Mapped[int] = mapped_column(Minor)

    @property
    def credited_minor(self) -> int:
        """What the buyer owes less by it and does not get back: so much less is left to be paid."""
        moved = sum(sentence["amount_minor"] for sentence in self.explanation if sentence["party"] == BUYER)
        return max(0, -moved - self.refund_minor)


class ReturnNumber(Row):
    """The series of numbers of return cases; a rolled back case skips one."""

    __tablename__ = "return_number"

    id: Mapped[int] = mapped_column(BigInteger, Identity(start=100001), primary_key=True)
