"""Return cases over several vendors: lines, units, evidence, parcels, appeals, decisions; terms of return policies."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "return_cases"
down_revision = "provider_accounts"

_TERMS = {
    "windows": {
        "change_of_mind": {"days": 14, "working": False},
        "visible_defect": {"days": 2, "working": True},
        "hidden_defect": {"days": 365, "working": False},
        "wrong_item": {"days": 5, "working": True},
        "carrier_damage": {"days": 7, "working": False},
        "not_received": {"days": 30, "working": False},
        "listing_error": {"days": 30, "working": False},
    },
    "discovery_days": 10,
    "answer_working_days": 3,
    "evidence_working_days": 5,
    "send_days": 14,
    "inspect_working_days": 5,
    "settle_hours": 24,
    "appeal_days": 14,
    "remind_hours": 24,
    "deficit": "carry",
    "waive_below_minor": {"EUR": 500},
}
_CONSUMER = _TERMS | {"deficit": "waive", "waive_below_minor": {}}


def upgrade() -> None:
    _policies()
    _cases()
    for table in ("return_policy", "return_decision"):
        op.execute(
            f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def _policies() -> None:
    """Versions that stand get the terms that were in force when they were published."""
    op.add_column("return_policy", sa.Column("terms", postgresql.JSONB(), nullable=True))
    op.add_column("return_policy", sa.Column("note", sa.String(), nullable=False, server_default=""))
    op.alter_column("return_policy", "note", server_default=None)
    statement = sa.text(
        "UPDATE return_policy SET terms = CAST(:terms AS jsonb) WHERE (profile = 'consumer') = :consumer"
    )
    for consumer, terms in ((False, _TERMS), (True, _CONSUMER)):
        op.get_bind().execute(statement, {"terms": json.dumps(terms), "consumer": consumer})
    op.alter_column("return_policy", "terms", nullable=False)


def _cases() -> None:
    op.create_table(
        "return_number",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=100001), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_number")),
    )
    op.create_table(
        "return_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_number", sa.String(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("company_name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "order_id"],
            ["orders.company_id", "orders.id"],
            name=op.f("fk_return_case_company_id_order_id"),
        ),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_return_case_opened_by")),
        sa.ForeignKeyConstraint(
            ["order_id", "currency"], ["orders.id", "orders.currency"], name=op.f("fk_return_case_order_id_currency")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_case")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_return_case_company_id_id")),
        sa.UniqueConstraint("number", name=op.f("uq_return_case_number")),
    )
    op.create_index("ix_return_case_company", "return_case", ["company_id", "id"], unique=False)
    op.create_index("ix_return_case_order_id", "return_case", ["order_id"], unique=False)
    op.create_table(
        "return_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("before_step_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("charges", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("explanation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("refund_minor", sa.BigInteger(), nullable=False),
        sa.Column("deficit_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["before_step_id"], ["order_step.id"], name=op.f("fk_return_decision_before_step_id")),
        sa.ForeignKeyConstraint(
            ["company_id", "case_id"],
            ["return_case.company_id", "return_case.id"],
            name=op.f("fk_return_decision_company_id_case_id"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_return_decision_person_id")),
        sa.ForeignKeyConstraint(["step_id"], ["order_step.id"], name=op.f("fk_return_decision_step_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_decision")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_return_decision_case_id_number")),
        sa.UniqueConstraint("step_id", name=op.f("uq_return_decision_step_id")),
    )
    op.create_table(
        "return_parcel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "in_transit", "received", "lost", name="state", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("tracking_number", sa.String(), nullable=False),
        sa.Column("label_by", sa.String(), nullable=False),
        sa.Column("label_cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("charged_in", sa.Integer(), nullable=True),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "case_id"],
            ["return_case.company_id", "return_case.id"],
            name=op.f("fk_return_parcel_company_id_case_id"),
        ),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_return_parcel_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_parcel")),
        sa.UniqueConstraint("case_id", "id", name=op.f("uq_return_parcel_case_id_id")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_return_parcel_case_id_number")),
    )
    op.create_table(
        "return_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_order_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_name", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("claimed_quantity", sa.Integer(), nullable=False),
        sa.Column("received_quantity", sa.Integer(), nullable=False),
        sa.Column("lost_quantity", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("fault_claimed", sa.String(), nullable=False),
        sa.Column("wish", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("discovered_on", sa.Date(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "evidence",
                "approved",
                "declined",
                "appealed",
                "in_transit",
                "received",
                "inspected",
                "decided",
                "settled",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("goods", sa.String(), nullable=False),
        sa.Column("inspection", sa.String(), nullable=False),
        sa.Column("verdict", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("settled", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_side", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arbitrated", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "quantity >= 1 AND claimed_quantity BETWEEN 0 AND quantity", name=op.f("ck_return_line_quantities")
        ),
        sa.CheckConstraint(
            "received_quantity BETWEEN 0 AND quantity AND lost_quantity BETWEEN 0 AND quantity",
            name=op.f("ck_return_line_received"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id", "case_id"],
            ["return_case.company_id", "return_case.id"],
            name=op.f("fk_return_line_company_id_case_id"),
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_return_line_decided_by")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "vendor_order_id"],
            ["vendor_order.vendor_id", "vendor_order.id"],
            name=op.f("fk_return_line_vendor_id_vendor_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["vendor_order_id", "order_line_id"],
            ["order_line.vendor_order_id", "order_line.id"],
            name=op.f("fk_return_line_vendor_order_id_order_line_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_line")),
        sa.UniqueConstraint("case_id", "id", name=op.f("uq_return_line_case_id_id")),
        sa.UniqueConstraint("case_id", "position", name=op.f("uq_return_line_case_id_position")),
    )
    op.create_index(
        "ix_return_line_due", "return_line", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index("ix_return_line_order_line_id", "return_line", ["order_line_id"], unique=False)
    op.create_index("ix_return_line_vendor_state", "return_line", ["vendor_id", "state", "id"], unique=False)
    op.create_table(
        "return_appeal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("return_line_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reply", sa.String(), nullable=False),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ruling", sa.String(), nullable=False),
        sa.Column("ruled_by", sa.Uuid(), nullable=True),
        sa.Column("ruled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id", "return_line_id"],
            ["return_line.case_id", "return_line.id"],
            name=op.f("fk_return_appeal_case_id_return_line_id"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_return_appeal_person_id")),
        sa.ForeignKeyConstraint(["ruled_by"], ["person.id"], name=op.f("fk_return_appeal_ruled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_appeal")),
    )
    op.create_index("ix_return_appeal_case_id", "return_appeal", ["case_id"], unique=False)
    op.create_table(
        "return_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("return_line_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("stored_as", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id", "return_line_id"],
            ["return_line.case_id", "return_line.id"],
            name=op.f("fk_return_evidence_case_id_return_line_id"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_return_evidence_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_evidence")),
    )
    op.create_index("ix_return_evidence_case_id", "return_evidence", ["case_id"], unique=False)
    op.create_table(
        "return_parcel_line",
        sa.Column("parcel_id", sa.Uuid(), nullable=False),
        sa.Column("return_line_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received_quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "quantity >= 1 AND received_quantity BETWEEN 0 AND quantity", name=op.f("ck_return_parcel_line_quantities")
        ),
        sa.ForeignKeyConstraint(
            ["case_id", "parcel_id"],
            ["return_parcel.case_id", "return_parcel.id"],
            name=op.f("fk_return_parcel_line_case_id_parcel_id"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id", "return_line_id"],
            ["return_line.case_id", "return_line.id"],
            name=op.f("fk_return_parcel_line_case_id_return_line_id"),
        ),
        sa.PrimaryKeyConstraint("parcel_id", "return_line_id", name=op.f("pk_return_parcel_line")),
    )
    op.create_table(
        "return_unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("return_line_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id", "return_line_id"],
            ["return_line.case_id", "return_line.id"],
            name=op.f("fk_return_unit_case_id_return_line_id"),
        ),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_return_unit_order_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_unit")),
    )
    op.create_index("ix_return_unit_return_line_id", "return_unit", ["return_line_id"], unique=False)
    op.create_index(
        "uq_return_unit_serial",
        "return_unit",
        ["order_line_id", "serial"],
        unique=True,
        postgresql_where=sa.text("live"),
    )
