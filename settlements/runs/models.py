"""A statement covers exactly a range of positions of each of its vendor's accounts; once closed it never changes.

Its lines are the postings in these ranges, which nobody can change either, and the few that its own closing made.
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Row, append_only, id_column, state_column
from settlements.runs.states import RUN_STATES, STATEMENT_STATES, RunState, StatementState


class SettlementRun(Row):
    """Statements of some vendors, all up to one cut. `vendor_id`: of one alone, whatever his cycle."""

    __tablename__ = "settlement_run"
    __tenants__ = Tenants()
    __states__ = RUN_STATES
    __table_args__ = (
        # The cycle is run once for a cut, however many ask for it.
        Index("uq_settlement_run_cycle", "cut_at", unique=True, postgresql_where=text("by_cycle")),
        Index("ix_settlement_run_open", "id", postgresql_where=text("state <> 'closed'")),
    )

    id: Mapped[uuid.UUID] = id_column()
    state: Mapped[RunState] = state_column(RunState, RunState.OPEN)
    cut_at: Mapped[datetime]  # what was booked before
    by_cycle: Mapped[bool]  # of those whose cycle ends at the cut; else of everybody asked for
    vendor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("company.id"))
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)
    collected_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class Statement(Row):
    """What a vendor got and owes in one currency since his last statement; sums are in his favour, below zero he owes.

    opening + lines = closing, which is what is payable, held back and under way to him in the books at the cut, with
    what the closing itself booked. `payout_minor` of it is to be transferred: nothing below the minimum, and no debt.
    """

    __tablename__ = "statement"
    __tenants__ = Tenants(vendor="vendor_id")
    __states__ = STATEMENT_STATES
    __table_args__ = (
        UniqueConstraint("vendor_id", "currency", "sequence"),
        UniqueConstraint("run_id", "vendor_id", "currency"),
        Index("uq_statement_draft", "vendor_id", "currency", unique=True, postgresql_where=text("state = 'draft'")),
        Index("ix_statement_open", "state", "id", postgresql_where=text("state NOT IN ('paid', 'carried')")),
        CheckConstraint("opening_minor + lines_minor = closing_minor", name="sums"),
        CheckConstraint("payout_minor >= 0", name="payout"),
    )

    id: Mapped[uuid.UUID] = id_column()
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("settlement_run.id"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    currency: Mapped[str]
    sequence: Mapped[int]  # of this vendor and currency, from 1
    number: Mapped[str | None] = mapped_column(unique=True)
    state: Mapped[StatementState] = state_column(StatementState, StatementState.DRAFT)
    starts_at: Mapped[datetime]
    cut_at: Mapped[datetime]
    opening_minor: Mapped[int] = mapped_column(Minor)
    lines_minor: Mapped[int] = mapped_column(Minor, default=0)
    closing_minor: Mapped[int] = mapped_column(Minor)
    payout_minor: Mapped[int] = mapped_column(Minor, default=0)
    pending_minor: Mapped[int] = mapped_column(Minor, default=0)  # beside it, when it was closed
    earned_minor: Mapped[int] = mapped_column(Minor, default=0)
    commission_minor: Mapped[int] = mapped_column(Minor, default=0)  # net, what the operator took
    commission_tax_minor: Mapped[int] = mapped_column(Minor, default=0)
    invoice_id: Mapped[uuid.UUID | None]
    carried_because: Mapped[str | None]  # why nothing of it is paid out: debt, below_minimum, currency
    collected_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    reason: Mapped[str | None]  # why it is held, or could not be closed
    failed_at: Mapped[datetime | None]


class StatementAccount(Row):
    """The part of one of the vendor's accounts that a statement covers: the postings `after` < position <= `upto`."""

    __tablename__ = "statement_account"
    __tenants__ = Tenants()
    __table_args__ = (Index("ix_statement_account_account_id", "account_id", "upto"),)

    statement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("statement.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID]
    after: Mapped[int] = mapped_column(BigInteger)
    upto: Mapped[int] = mapped_column(BigInteger)
    opening_minor: Mapped[int] = mapped_column(Minor)
    closing_minor: Mapped[int] = mapped_column(Minor)


@append_only
class StatementTotal(Row):
    """What the postings of one kind and side come to in a statement, and how many they are."""

    __tablename__ = "statement_total"
    __tenants__ = Tenants()

    statement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("statement.id"), primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    in_favour: Mapped[bool] = mapped_column(primary_key=True)
    amount_minor: Mapped[int] = mapped_column(Minor)
    count: Mapped[int]


@append_only
class StatementEntry(Row):
    """A posting that the closing of a statement made, after the cut: it belongs to this statement and to no other."""

    __tablename__ = "statement_entry"
    __tenants__ = Tenants()
    __table_args__ = (
        ForeignKeyConstraint(["statement_id", "account"], ["statement_account.statement_id", "statement_account.kind"]),
        Index("ix_statement_entry_statement_id", "statement_id"),
    )

    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    statement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("statement.id"))
    account: Mapped[str]
    kind: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(Minor)


class StatementSeries(Row):
    """The last number of statements: the row's lock keeps them without gaps."""

    __tablename__ = "statement_series"

    name: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


# What a migration has to say as well. Of a closed statement only how it is paid moves.
CLOSED_STATEMENTS = (
    """
CREATE OR REPLACE FUNCTION statement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := ARRAY['state', 'reason'];
BEGIN
    IF OLD.state <> 'draft' AND (TG_OP = 'DELETE' OR to_jsonb(NEW) - free <> to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'statement % is closed', OLD.number USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$
""",
    """
CREATE TRIGGER statement_stays BEFORE UPDATE OR DELETE ON statement
FOR EACH ROW EXECUTE FUNCTION statement_stays()
""",
)
CLOSED_PARTS = (
    """
CREATE OR REPLACE FUNCTION statement_part_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM statement WHERE id = OLD.statement_id) <> 'draft' THEN
        RAISE EXCEPTION 'statement % is closed', OLD.statement_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$
""",
    """
CREATE TRIGGER statement_part_stays BEFORE UPDATE OR DELETE ON statement_account
FOR EACH ROW EXECUTE FUNCTION statement_part_stays()
""",
)
for _table, _statements in ((Statement.__table__, CLOSED_STATEMENTS), (StatementAccount.__table__, CLOSED_PARTS)):
    for _statement in _statements:
        event.listen(_table, "after_create", DDL(_statement.replace("%", "%%")))
