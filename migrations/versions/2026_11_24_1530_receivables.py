"""What buyers on account owe: open items, bank transfers and what they pay, reminders, write-offs."""

import sqlalchemy as sa
from alembic import op

revision = "receivables"
down_revision = "return_cases"


def upgrade() -> None:
    op.create_table(
        "bank_transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bank_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("remitter_name", sa.String(), nullable=False),
        sa.Column("remitter_iban", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "assigned", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("assigned_minor", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_minor > 0 AND assigned_minor BETWEEN 0 AND amount_minor", name=op.f("ck_bank_transfer_amounts")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_bank_transfer_company_id")),
        sa.ForeignKeyConstraint(["imported_by"], ["person.id"], name=op.f("fk_bank_transfer_imported_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_transfer")),
        sa.UniqueConstraint("bank_id", name=op.f("uq_bank_transfer_bank_id")),
    )
    op.create_index(
        "ix_bank_transfer_open",
        "bank_transfer",
        ["booked_on"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "late_interest_rate",
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rate BETWEEN 0 AND 1", name=op.f("ck_late_interest_rate_rate")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_late_interest_rate_created_by")),
        sa.PrimaryKeyConstraint("valid_from", name=op.f("pk_late_interest_rate")),
    )
    op.create_table(
        "receivable",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("late_of", sa.Uuid(), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("company_name", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("vendor_order_id", sa.Uuid(), nullable=True),
        sa.Column("issuer_name", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("number_key", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("open_minor", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "issued",
                "part_settled",
                "settled",
                "written_off",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("paused_reason", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'late_fee') = (late_of IS NOT NULL)", name=op.f("ck_receivable_late_of")),
        sa.CheckConstraint("kind IN ('invoice', 'late_fee')", name=op.f("ck_receivable_kind")),
        sa.CheckConstraint("amount_minor > 0 AND level >= 0", name=op.f("ck_receivable_amounts")),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"],
            ["orders.company_id", "orders.id"],
            name=op.f("fk_receivable_company_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "vendor_order_id"],
            ["vendor_order.company_id", "vendor_order.id"],
            name=op.f("fk_receivable_company_id_vendor_order_id"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_receivable_company_id")),
        sa.ForeignKeyConstraint(["late_of"], ["receivable.id"], name=op.f("fk_receivable_late_of")),
        sa.ForeignKeyConstraint(
            ["order_id", "currency"], ["orders.id", "orders.currency"], name=op.f("fk_receivable_order_id_currency")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receivable")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_receivable_company_id_id")),
        sa.UniqueConstraint("invoice_id", name=op.f("uq_receivable_invoice_id")),
    )
    op.create_index("ix_receivable_company_id", "receivable", ["company_id", "due_on"], unique=False)
    op.create_index("ix_receivable_number_key", "receivable", ["number_key"], unique=False)
    op.create_index(
        "ix_receivable_open",
        "receivable",
        ["due_on"],
        unique=False,
        postgresql_where=sa.text("state IN ('issued', 'part_settled')"),
    )
    op.create_index("ix_receivable_order_id", "receivable", ["order_id"], unique=False)
    op.create_index("ix_receivable_order_key", "receivable", ["order_key"], unique=False)
    op.create_table(
        "bank_match",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("receivable_id", sa.Uuid(), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'invoice') = (receivable_id IS NOT NULL)", name=op.f("ck_bank_match_receivable")),
        sa.CheckConstraint("kind IN ('invoice', 'credit', 'sent_back')", name=op.f("ck_bank_match_kind")),
        sa.CheckConstraint(
            "CASE WHEN undoes_id IS NULL THEN amount_minor > 0 ELSE amount_minor < 0 END",
            name=op.f("ck_bank_match_sign"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_bank_match_company_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_bank_match_person_id")),
        sa.ForeignKeyConstraint(["receivable_id"], ["receivable.id"], name=op.f("fk_bank_match_receivable_id")),
        sa.ForeignKeyConstraint(["transfer_id"], ["bank_transfer.id"], name=op.f("fk_bank_match_transfer_id")),
        sa.ForeignKeyConstraint(["undoes_id"], ["bank_match.id"], name=op.f("fk_bank_match_undoes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_match")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_bank_match_undoes_id")),
    )
    op.create_index("ix_bank_match_receivable_id", "bank_match", ["receivable_id"], unique=False)
    op.create_index("ix_bank_match_transfer_id", "bank_match", ["transfer_id"], unique=False)
    op.create_table(
        "buyer_credit_move",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("receivable_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_buyer_credit_move_amount")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_buyer_credit_move_company_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_buyer_credit_move_person_id")),
        sa.ForeignKeyConstraint(["receivable_id"], ["receivable.id"], name=op.f("fk_buyer_credit_move_receivable_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buyer_credit_move")),
        sa.UniqueConstraint("source", name=op.f("uq_buyer_credit_move_source")),
    )
    op.create_index("ix_buyer_credit_move_company_id", "buyer_credit_move", ["company_id", "id"], unique=False)
    op.create_table(
        "dunning_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receivable_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("open_minor", sa.BigInteger(), nullable=False),
        sa.Column("days_overdue", sa.Integer(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id", "receivable_id"],
            ["receivable.company_id", "receivable.id"],
            name=op.f("fk_dunning_notice_company_id_receivable_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_notice")),
        sa.UniqueConstraint("receivable_id", "level", name=op.f("uq_dunning_notice_receivable_id_level")),
    )
    op.create_table(
        "receivable_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receivable_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_receivable_entry_amount")),
        sa.ForeignKeyConstraint(
            ["company_id", "receivable_id"],
            ["receivable.company_id", "receivable.id"],
            name=op.f("fk_receivable_entry_company_id_receivable_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receivable_entry")),
        sa.UniqueConstraint("receivable_id", "source", name=op.f("uq_receivable_entry_receivable_id_source")),
    )
    op.create_table(
        "write_off",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("receivable_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested", "approved", "declined", name="state", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_write_off_amount")),
        sa.CheckConstraint("decided_by <> requested_by", name=op.f("ck_write_off_second_person")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_write_off_decided_by")),
        sa.ForeignKeyConstraint(["receivable_id"], ["receivable.id"], name=op.f("fk_write_off_receivable_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["person.id"], name=op.f("fk_write_off_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_off")),
    )
    op.create_index(
        "uq_write_off_requested",
        "write_off",
        ["receivable_id"],
        unique=True,
        postgresql_where=sa.text("state = 'requested'"),
    )
    for table in ("receivable_entry", "bank_match", "buyer_credit_move", "dunning_notice", "late_interest_rate"):
        op.execute(
            f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
