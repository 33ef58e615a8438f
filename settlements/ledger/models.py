"""Accounts, journals and postings: append-only, and per journal and currency the postings come to zero."""

import uuid
from datetime import datetime

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock
from marketplace.kernel.access import Tenants
from marketplace.kernel.db import Minor, Row, append_only, id_column


class Account(Row):
    """One account of the chart, of one party and currency. Its id follows from these: see chart.account_id.

    `balance_minor` (debit less credit) and how many `postings` it has are kept for guarded accounts, under the row's
    lock, and NULL for the others.
    """

    __tablename__ = "account"
    __tenants__ = Tenants()
    __table_args__ = (
        UniqueConstraint("kind", "party", "currency", postgresql_nulls_not_distinct=True),
        Index("ix_account_party", "party"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    party: Mapped[uuid.UUID | None]
    currency: Mapped[str]
    balance_minor: Mapped[int | None] = mapped_column(Minor)
    postings: Mapped[int | None] = mapped_column(BigInteger)


@append_only
class Journal(Row):
    """One event of business, booked once: `source` names it. A correction is a new journal that names the old one."""

    __tablename__ = "journal"
    __tenants__ = Tenants()
    __table_args__ = (Index("ix_journal_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),)

    id: Mapped[uuid.UUID] = id_column()
    source: Mapped[str] = mapped_column(unique=True)
    event: Mapped[str]
    order_id: Mapped[uuid.UUID | None]
    corrects_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("journal.id"))
    occurred_at: Mapped[datetime]
    booked_at: Mapped[datetime] = mapped_column(default=clock.now)


@append_only
class Posting(Row):
    """One amount on one account, debit above zero, credit below.

    No foreign key to the account: its lock on the few rows that every sale posts to would make the sales queue. The
    statement that inserts postings inserts their accounts, and `flask books check` proves it.

    `position` counts the postings of a guarded account from 1, without gaps and in the order in which they were
    committed: it is given under the account's lock. So a range of positions is an exact part of an account, whatever
    is booked beside it; the statements of vendors are such ranges.
    """

    __tablename__ = "posting"
    __tenants__ = Tenants()
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount"),
        Index("ix_posting_account", "account_id", "journal_id", "number", postgresql_where=text("position IS NULL")),
        Index(
            "uq_posting_position", "account_id", "position", unique=True, postgresql_where=text("position IS NOT NULL")
        ),
    )

    journal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("journal.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    account_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    order_id: Mapped[uuid.UUID | None]
    vendor_order_id: Mapped[uuid.UUID | None]
    position: Mapped[int | None] = mapped_column(BigInteger)


# What a migration has to say as well, beside the tables and their append-only triggers. The deferred trigger runs once
# a journal, at the end of the transaction; the other one keeps a statement from adding to a journal of old.
BALANCED_JOURNALS = (
    """
CREATE OR REPLACE FUNCTION journal_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM posting WHERE journal_id = NEW.journal_id GROUP BY currency HAVING sum(amount_minor) <> 0
    ) THEN
        RAISE EXCEPTION 'journal % does not balance', NEW.journal_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
""",
    """
CREATE CONSTRAINT TRIGGER posting_balances AFTER INSERT ON posting
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.number = 1) EXECUTE FUNCTION journal_balances()
""",
    """
CREATE OR REPLACE FUNCTION postings_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM fresh GROUP BY journal_id, currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'postings of one journal do not balance' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
""",
    """
CREATE TRIGGER postings_balance AFTER INSERT ON posting
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION postings_balance()
""",
)
for _statement in BALANCED_JOURNALS:
    event.listen(Posting.__table__, "after_create", DDL(_statement.replace("%", "%%")))  # type: ignore[no-untyped-call]
