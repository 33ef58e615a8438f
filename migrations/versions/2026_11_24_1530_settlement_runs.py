"""Runs and statements: what is closed never changes."""

import sqlalchemy as sa
from alembic import op

revision = "settlement_runs"
down_revision = "receivables"


def upgrade() -> None:
    op.create_table(
        "statement_series",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_statement_series")),
    )
    op.create_table(
        "settlement_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "collected", "closed", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("cut_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_cycle", sa.Boolean(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_settlement_run_person_id")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_settlement_run_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_run")),
    )
    op.create_index(
        "ix_settlement_run_open", "settlement_run", ["id"], unique=False, postgresql_where=sa.text("state <> 'closed'")
    )
    op.create_index(
        "uq_settlement_run_cycle", "settlement_run", ["cut_at"], unique=True, postgresql_where=sa.text("by_cycle")
    )
    op.create_table(
        "statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "closed",
                "transferring",
                "paid",
                "held",
                "carried",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cut_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opening_minor", sa.BigInteger(), nullable=False),
        sa.Column("lines_minor", sa.BigInteger(), nullable=False),
        sa.Column("closing_minor", sa.BigInteger(), nullable=False),
        sa.Column("payout_minor", sa.BigInteger(), nullable=False),
        sa.Column("pending_minor", sa.BigInteger(), nullable=False),
        sa.Column("earned_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("carried_because", sa.String(), nullable=True),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("opening_minor + lines_minor = closing_minor", name=op.f("ck_statement_sums")),
        sa.CheckConstraint("payout_minor >= 0", name=op.f("ck_statement_payout")),
        sa.ForeignKeyConstraint(["run_id"], ["settlement_run.id"], name=op.f("fk_statement_run_id")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_statement_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        sa.UniqueConstraint("number", name=op.f("uq_statement_number")),
        sa.UniqueConstraint("run_id", "vendor_id", "currency", name=op.f("uq_statement_run_id_vendor_id_currency")),
        sa.UniqueConstraint("vendor_id", "currency", "sequence", name=op.f("uq_statement_vendor_id_currency_sequence")),
    )
    op.create_index(
        "ix_statement_open",
        "statement",
        ["state", "id"],
        unique=False,
        postgresql_where=sa.text("state NOT IN ('paid', 'carried')"),
    )
    op.create_index(
        "uq_statement_draft",
        "statement",
        ["vendor_id", "currency"],
        unique=True,
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_table(
        "statement_account",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("opening_minor", sa.BigInteger(), nullable=False),
        sa.Column("closing_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["statement_id"], ["statement.id"], name=op.f("fk_statement_account_statement_id")),
        sa.PrimaryKeyConstraint("statement_id", "kind", name=op.f("pk_statement_account")),
    )
    op.create_index("ix_statement_account_account_id", "statement_account", ["account_id", "upto"], unique=False)
    op.create_table(
        "statement_total",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("in_favour", sa.Boolean(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["statement_id"], ["statement.id"], name=op.f("fk_statement_total_statement_id")),
        sa.PrimaryKeyConstraint("statement_id", "account", "kind", "in_favour", name=op.f("pk_statement_total")),
    )
    op.create_table(
        "statement_entry",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id", "account"],
            ["statement_account.statement_id", "statement_account.kind"],
            name=op.f("fk_statement_entry_statement_id_account"),
        ),
        sa.ForeignKeyConstraint(["statement_id"], ["statement.id"], name=op.f("fk_statement_entry_statement_id")),
        sa.PrimaryKeyConstraint("account_id", "position", name=op.f("pk_statement_entry")),
    )
    op.create_index("ix_statement_entry_statement_id", "statement_entry", ["statement_id"], unique=False)
    for table in ("statement_entry", "statement_total"):
        op.execute(
            f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.execute("""
        CREATE OR REPLACE FUNCTION statement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            free text[] := ARRAY['state', 'reason'];
        BEGIN
            IF OLD.state <> 'draft' AND (TG_OP = 'DELETE' OR to_jsonb(NEW) - free <> to_jsonb(OLD) - free) THEN
                RAISE EXCEPTION 'statement % is closed', OLD.number USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER statement_stays BEFORE UPDATE OR DELETE ON statement
        FOR EACH ROW EXECUTE FUNCTION statement_stays()
    """)
    op.execute("""
        CREATE OR REPLACE FUNCTION statement_part_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT state FROM statement WHERE id = OLD.statement_id) <> 'draft' THEN
                RAISE EXCEPTION 'statement % is closed', OLD.statement_id USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER statement_part_stays BEFORE UPDATE OR DELETE ON statement_account
        FOR EACH ROW EXECUTE FUNCTION statement_part_stays()
    """)
