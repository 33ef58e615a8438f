"""Chargebacks, what they moved and what speaks against them; a payment knows what they hold of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "disputes"
down_revision = "search"


def upgrade() -> None:
    op.add_column("payment", sa.Column("disputed_minor", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("payment", "disputed_minor", server_default=None)
    op.create_check_constraint(op.f("ck_payment_disputed"), "payment", "disputed_minor BETWEEN 0 AND captured_minor")
    _dispute()
    _dispute_movement()
    _dispute_file()
    op.execute(
        "CREATE TRIGGER dispute_movement_append_only BEFORE UPDATE OR DELETE ON dispute_movement "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def _dispute() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "warning_needs_response",
                "warning_under_review",
                "warning_closed",
                "needs_response",
                "under_review",
                "won",
                "lost",
                "prevented",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("due_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("texts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("submissions", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("covered_minor", sa.BigInteger(), nullable=False),
        sa.Column("borne", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.CheckConstraint("amount_minor > 0 AND covered_minor >= 0", name=op.f("ck_dispute_amounts")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_dispute_order_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_dispute_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_dispute_provider_id")),
    )
    op.create_index("ix_dispute_order", "dispute", ["order_id"], unique=False)
    op.create_index("ix_dispute_payment", "dispute", ["payment_id"], unique=False)
    op.create_index("ix_dispute_state", "dispute", ["state", "due_by"], unique=False)


def _dispute_movement() -> None:
    op.create_table(
        "dispute_movement",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dispute_id"], ["dispute.id"], name=op.f("fk_dispute_movement_dispute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_movement")),
    )
    op.create_index("ix_dispute_movement_dispute", "dispute_movement", ["dispute_id"], unique=False)


def _dispute_file() -> None:
    op.create_table(
        "dispute_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("provider_file_id", sa.String(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dispute_id"], ["dispute.id"], name=op.f("fk_dispute_file_dispute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_file")),
        sa.UniqueConstraint("dispute_id", "field", name=op.f("uq_dispute_file_dispute_id_field")),
    )
