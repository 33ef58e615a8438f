"""Where the provider's balance and the books differ, and the days that were looked at."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "reconciliation"
down_revision = "disputes"


def upgrade() -> None:
    _balance_difference()
    _reconciled_day()


def _balance_difference() -> None:
    op.create_table(
        "balance_difference",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("suggestion", sa.String(), nullable=False),
        sa.Column("movement_id", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("difference_minor", sa.BigInteger(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "proposed", "resolved", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state <> 'proposed' OR proposed_by IS NOT NULL", name=op.f("ck_balance_difference_proposed")
        ),
        sa.ForeignKeyConstraint(["proposed_by"], ["person.id"], name=op.f("fk_balance_difference_proposed_by")),
        sa.ForeignKeyConstraint(["resolved_by"], ["person.id"], name=op.f("fk_balance_difference_resolved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_difference")),
        sa.UniqueConstraint("subject", name=op.f("uq_balance_difference_subject")),
    )
    op.create_index(
        "ix_balance_difference_open",
        "balance_difference",
        ["currency", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'resolved'"),
    )
    op.create_index("ix_balance_difference_state", "balance_difference", ["state", "id"], unique=False)


def _reconciled_day() -> None:
    op.create_table(
        "reconciled_day",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("provider_minor", sa.BigInteger(), nullable=False),
        sa.Column("booked_minor", sa.BigInteger(), nullable=False),
        sa.Column("movements", sa.Integer(), nullable=False),
        sa.Column("open_rows", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciled_day")),
        sa.UniqueConstraint("day", "currency", name=op.f("uq_reconciled_day_day_currency")),
    )
