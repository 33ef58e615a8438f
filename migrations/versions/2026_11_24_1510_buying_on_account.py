"""Buying on account: payment terms, credit accounts and what orders use of them; an order keeps its terms."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "buying_on_account"
down_revision = "earnings"


def upgrade() -> None:
    op.add_column("orders", sa.Column("payment_terms", postgresql.JSONB(none_as_null=True), nullable=True))
    op.create_table(
        "payment_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('net', 'days_end_of_month', 'end_of_month_days', 'none')", name="kind"),
        sa.CheckConstraint("days BETWEEN 0 AND 180", name="days"),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_payment_terms_company_id")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_payment_terms_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_terms")),
        sa.UniqueConstraint(
            "company_id", "currency", "valid_from", name=op.f("uq_payment_terms_company_id_currency_valid_from")
        ),
    )
    op.create_table(
        "credit_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("used_minor", sa.BigInteger(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("frozen_reason", sa.String(), nullable=False),
        sa.Column("frozen_by_dunning", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("limit_minor >= 0 AND used_minor >= 0", name="not_negative"),
        sa.CheckConstraint("(frozen_at IS NULL) = (frozen_reason = '')", name="frozen"),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_credit_account_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_account")),
        sa.UniqueConstraint("company_id", "currency", name=op.f("uq_credit_account_company_id_currency")),
    )
    op.create_table(
        "credit_use",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("given_up_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor >= 0 AND given_up_minor >= 0", name="not_negative"),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"],
            ["orders.company_id", "orders.id"],
            name=op.f("fk_credit_use_company_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "currency"],
            ["credit_account.company_id", "credit_account.currency"],
            name=op.f("fk_credit_use_company_id_currency"),
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_credit_use")),
    )
    op.create_index("ix_credit_use_company_id", "credit_use", ["company_id", "currency"])
    op.create_table(
        "credit_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('granted', 'changed', 'frozen', 'released')", name="kind"),
        sa.ForeignKeyConstraint(["account_id"], ["credit_account.id"], name=op.f("fk_credit_change_account_id")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_credit_change_company_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_credit_change_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_change")),
    )
    op.create_index("ix_credit_change_account_id", "credit_change", ["account_id", "id"])
    for table in ("payment_terms", "credit_change"):
        op.execute(
            f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
