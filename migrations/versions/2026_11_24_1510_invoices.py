"""Invoices: their issuers and series, what was issued, how it is paid, and the documents that were handed out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "invoices"
down_revision = "password_resets"


def upgrade() -> None:
    _invoice_issuer()
    _invoice_series()
    _invoice()
    _invoice_document()
    _invoice_line()
    _invoice_standing()
    op.execute(
        """CREATE TRIGGER invoice_append_only BEFORE DELETE OR UPDATE ON invoice FOR EACH ROW EXECUTE FUNCTION refuse_change()"""
    )
    op.execute(
        """CREATE TRIGGER invoice_line_append_only BEFORE DELETE OR UPDATE ON invoice_line FOR EACH ROW EXECUTE FUNCTION refuse_change()"""
    )
    op.execute(
        """CREATE TRIGGER invoice_document_append_only BEFORE DELETE OR UPDATE ON invoice_document FOR EACH ROW EXECUTE FUNCTION refuse_change()"""
    )


def _invoice_issuer() -> None:
    op.create_table(
        "invoice_issuer",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.BigInteger(), sa.Identity(always=False, start=101), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_invoice_issuer_company_id")),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_invoice_issuer")),
        sa.UniqueConstraint("code", name=op.f("uq_invoice_issuer_code")),
    )


def _invoice_series() -> None:
    op.create_table(
        "invoice_series",
        sa.Column("issuer_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["issuer_id"], ["invoice_issuer.company_id"], name=op.f("fk_invoice_series_issuer_id")),
        sa.PrimaryKeyConstraint("issuer_id", "series", name=op.f("pk_invoice_series")),
    )


def _invoice() -> None:
    op.create_table(
        "invoice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "sales_invoice",
                "credit_note",
                "debit_note",
                "commission_invoice",
                "commission_credit_note",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("issuer_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("vendor_order_id", sa.Uuid(), nullable=True),
        sa.Column("statement_id", sa.Uuid(), nullable=True),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("outside_scope", sa.Boolean(), nullable=False),
        sa.Column("step_number", sa.Integer(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("supplied_on", sa.Date(), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=True),
        sa.Column("period_to", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("terms", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("seller", postgresql.JSONB(), nullable=False),
        sa.Column("buyer", postgresql.JSONB(), nullable=False),
        sa.Column("delivered_to", postgresql.JSONB(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("market_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("payable_minor", sa.BigInteger(), nullable=False),
        sa.Column("breakdown", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("(company_id IS NULL) = (order_id IS NULL)", name=op.f("ck_invoice_buyer_of_order")),
        sa.CheckConstraint(
            "(statement_id IS NULL) = (order_id IS NOT NULL)", name=op.f("ck_invoice_sale_or_commission")
        ),
        sa.CheckConstraint(
            "gross_minor = market_minor + paid_minor + payable_minor", name=op.f("ck_invoice_paid_by_whom")
        ),
        sa.CheckConstraint("gross_minor = net_minor + tax_minor", name=op.f("ck_invoice_gross")),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"], ["orders.company_id", "orders.id"], name=op.f("fk_invoice_company_id_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "vendor_order_id"],
            ["vendor_order.company_id", "vendor_order.id"],
            name=op.f("fk_invoice_company_id_vendor_order_id"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_invoice_company_id")),
        sa.ForeignKeyConstraint(["corrects_id"], ["invoice.id"], name=op.f("fk_invoice_corrects_id")),
        sa.ForeignKeyConstraint(["issuer_id"], ["invoice_issuer.company_id"], name=op.f("fk_invoice_issuer_id")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "vendor_order_id"],
            ["vendor_order.vendor_id", "vendor_order.id"],
            name=op.f("fk_invoice_vendor_id_vendor_order_id"),
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_invoice_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("issuer_id", "series", "sequence", name=op.f("uq_invoice_issuer_id_series_sequence")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
        sa.UniqueConstraint("source", name=op.f("uq_invoice_source")),
        sa.UniqueConstraint("statement_id", name=op.f("uq_invoice_statement_id")),
    )
    op.create_index(
        "ix_invoice_commission",
        "invoice",
        ["vendor_id", "currency", "id"],
        unique=False,
        postgresql_where=sa.text("statement_id IS NOT NULL"),
    )
    op.create_index("ix_invoice_company", "invoice", ["company_id", "id"], unique=False)
    op.create_index("ix_invoice_order_id", "invoice", ["order_id"], unique=False)
    op.create_index("ix_invoice_vendor", "invoice", ["vendor_id", "id"], unique=False)
    op.create_index("ix_invoice_vendor_order_id", "invoice", ["vendor_order_id"], unique=False)


def _invoice_document() -> None:
    op.create_table(
        "invoice_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("statement_id", sa.Uuid(), nullable=True),
        sa.Column("company_id", sa.Uuid(), nullable=True),
        sa.Column("vendor_id", sa.Uuid(), nullable=True),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("layout", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("form IN ('pdf', 'xml')", name=op.f("ck_invoice_document_form")),
        sa.CheckConstraint(
            "(invoice_id IS NULL) <> (statement_id IS NULL)", name=op.f("ck_invoice_document_of_one_thing")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_invoice_document_company_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_document_invoice_id")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_invoice_document_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_document")),
        sa.UniqueConstraint("invoice_id", "form", name=op.f("uq_invoice_document_invoice_id_form")),
        sa.UniqueConstraint("statement_id", "form", name=op.f("uq_invoice_document_statement_id_form")),
    )


def _invoice_line() -> None:
    op.create_table(
        "invoice_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("per", sa.BigInteger(), nullable=False),
        sa.Column("list_minor", sa.BigInteger(), nullable=False),
        sa.Column("allowance_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_line")),
        sa.UniqueConstraint("invoice_id", "position", name=op.f("uq_invoice_line_invoice_id_position")),
    )


def _invoice_standing() -> None:
    op.create_table(
        "invoice_standing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "issued",
                "part_paid",
                "paid",
                "written_off",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("open_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["invoice.id"], name=op.f("fk_invoice_standing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_standing")),
    )
    op.create_index("ix_invoice_standing_state", "invoice_standing", ["state"], unique=False)
