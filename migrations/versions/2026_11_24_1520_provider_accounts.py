"""Each vendor's account at the payment provider."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "provider_accounts"
down_revision = "vendor_terms"


def upgrade() -> None:
    _provider_account()


def _provider_account() -> None:
    op.create_table(
        "provider_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("requested", "open", "refused", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("transfers", sa.String(), nullable=False),
        sa.Column("charges_enabled", sa.Boolean(), nullable=False),
        sa.Column("payouts_enabled", sa.Boolean(), nullable=False),
        sa.Column("details_submitted", sa.Boolean(), nullable=False),
        sa.Column("currencies", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("due", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("past_due", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("pending_verification", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("due_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.Column("blocked_reason", sa.String(), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'open') = (provider_id IS NOT NULL)", name=op.f("ck_provider_account_open_has_id")
        ),
        sa.CheckConstraint("(blocked_reason IS NULL) = (blocked_at IS NULL)", name=op.f("ck_provider_account_blocked")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_provider_account_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_account")),
        sa.UniqueConstraint("key", name=op.f("uq_provider_account_key")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_provider_account_provider_id")),
        sa.UniqueConstraint("vendor_id", name=op.f("uq_provider_account_vendor_id")),
    )
    op.create_index(
        "ix_provider_account_requested",
        "provider_account",
        ["requested_at"],
        unique=False,
        postgresql_where=sa.text("state = 'requested'"),
    )
