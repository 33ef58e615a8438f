"""Transfers to vendors and what is taken back of them, payouts as reported, debts, and what is booked by hand."""

import sqlalchemy as sa
from alembic import op

revision = "transfers"
down_revision = "settlement_runs"


def upgrade() -> None:
    _charge_link()
    _transfer()
    _transfer_attempt()
    _transfer_reversal()
    _transfer_reversal_attempt()
    _vendor_payout()
    _vendor_debt()
    _adjustment()


def _charge_link() -> None:
    op.create_table(
        "charge_link",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.String(), nullable=False),
        sa.Column("charge_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("linked_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("linked_minor BETWEEN 0 AND charge_minor", name=op.f("ck_charge_link_linked")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_charge_link_payment_id")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_charge_link")),
        sa.UniqueConstraint("charge_id", name=op.f("uq_charge_link_charge_id")),
    )


def _transfer() -> None:
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("payable_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("charge_id", sa.String(), nullable=True),
        sa.Column("transfer_group", sa.String(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "sent",
                "unknown",
                "made",
                "part_reversed",
                "reversed",
                "refused",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reversed_minor", sa.BigInteger(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "amount_minor > 0 AND amount_minor <= payable_minor", name=op.f("ck_transfer_never_below_zero")
        ),
        sa.CheckConstraint("reversed_minor BETWEEN 0 AND amount_minor", name=op.f("ck_transfer_reversed")),
        sa.ForeignKeyConstraint(["payment_id"], ["charge_link.payment_id"], name=op.f("fk_transfer_payment_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["transfer.id"], name=op.f("fk_transfer_replaces_id")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_transfer_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
        sa.UniqueConstraint("vendor_id", "id", name=op.f("uq_transfer_vendor_id_id")),
    )
    op.create_index("ix_transfer_cause", "transfer", ["cause"], unique=False)
    op.create_index(
        "ix_transfer_payment_id",
        "transfer",
        ["payment_id"],
        unique=False,
        postgresql_where=sa.text("payment_id IS NOT NULL"),
    )
    op.create_index("ix_transfer_vendor", "transfer", ["vendor_id", "currency", "id"], unique=False)
    op.create_index(
        "ix_transfer_waiting",
        "transfer",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('requested', 'sent', 'unknown')"),
    )


def _transfer_attempt() -> None:
    op.create_table(
        "transfer_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("balance_transaction_id", sa.String(), nullable=True),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"], name=op.f("fk_transfer_attempt_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_attempt")),
        sa.UniqueConstraint("balance_transaction_id", name=op.f("uq_transfer_attempt_balance_transaction_id")),
        sa.UniqueConstraint("key", name=op.f("uq_transfer_attempt_key")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_transfer_attempt_provider_id")),
        sa.UniqueConstraint("transfer_id", "number", name=op.f("uq_transfer_attempt_transfer_id_number")),
    )


def _transfer_reversal() -> None:
    op.create_table(
        "transfer_reversal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "sent",
                "unknown",
                "made",
                "refused",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_transfer_reversal_amount")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "transfer_id"],
            ["transfer.vendor_id", "transfer.id"],
            name=op.f("fk_transfer_reversal_vendor_id_transfer_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_reversal")),
    )
    op.create_index("ix_transfer_reversal_transfer_id", "transfer_reversal", ["transfer_id"], unique=False)
    op.create_index(
        "ix_transfer_reversal_vendor",
        "transfer_reversal",
        ["vendor_id", "currency"],
        unique=False,
        postgresql_where=sa.text("state IN ('requested', 'sent', 'unknown')"),
    )
    op.create_index(
        "ix_transfer_reversal_waiting",
        "transfer_reversal",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('requested', 'sent', 'unknown')"),
    )


def _transfer_reversal_attempt() -> None:
    op.create_table(
        "transfer_reversal_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reversal_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("balance_transaction_id", sa.String(), nullable=True),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reversal_id"], ["transfer_reversal.id"], name=op.f("fk_transfer_reversal_attempt_reversal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_reversal_attempt")),
        sa.UniqueConstraint("balance_transaction_id", name=op.f("uq_transfer_reversal_attempt_balance_transaction_id")),
        sa.UniqueConstraint("key", name=op.f("uq_transfer_reversal_attempt_key")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_transfer_reversal_attempt_provider_id")),
        sa.UniqueConstraint("reversal_id", "number", name=op.f("uq_transfer_reversal_attempt_reversal_id_number")),
    )


def _vendor_payout() -> None:
    op.create_table(
        "vendor_payout",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "in_transit",
                "paid",
                "failed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("arrives_on", sa.Date(), nullable=True),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_vendor_payout_amount")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_vendor_payout_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_payout")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_vendor_payout_provider_id")),
    )
    op.create_index(
        "ix_vendor_payout_open",
        "vendor_payout",
        ["looked_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'in_transit')"),
    )
    op.create_index("ix_vendor_payout_vendor_id", "vendor_payout", ["vendor_id", "id"], unique=False)


def _vendor_debt() -> None:
    op.create_table(
        "vendor_debt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "reminded",
                "to_decide",
                "settled",
                "written_off",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("moves", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_vendor_debt_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_debt")),
    )
    op.create_index("ix_vendor_debt_state", "vendor_debt", ["state", "id"], unique=False)
    op.create_index(
        "uq_vendor_debt_open",
        "vendor_debt",
        ["vendor_id", "currency"],
        unique=True,
        postgresql_where=sa.text("state IN ('open', 'reminded', 'to_decide')"),
    )


def _adjustment() -> None:
    op.create_table(
        "adjustment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("debt_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "proposed", "approved", "declined", name="state", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.CheckConstraint("(kind = 'write_off') = (debt_id IS NOT NULL)", name=op.f("ck_adjustment_debt")),
        sa.CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name=op.f("ck_adjustment_decided")),
        sa.CheckConstraint("kind IN ('adjustment', 'write_off')", name=op.f("ck_adjustment_kind")),
        sa.CheckConstraint(
            "state <> 'approved' OR decided_by <> proposed_by", name=op.f("ck_adjustment_second_person")
        ),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_adjustment_amount")),
        sa.CheckConstraint("length(trim(reason)) > 0", name=op.f("ck_adjustment_reason")),
        sa.ForeignKeyConstraint(["debt_id"], ["vendor_debt.id"], name=op.f("fk_adjustment_debt_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_adjustment_decided_by")),
        sa.ForeignKeyConstraint(["proposed_by"], ["person.id"], name=op.f("fk_adjustment_proposed_by")),
        sa.ForeignKeyConstraint(["vendor_id"], ["company.id"], name=op.f("fk_adjustment_vendor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment")),
    )
    op.create_index("ix_adjustment_state", "adjustment", ["state", "id"], unique=False)
    op.create_index("ix_adjustment_vendor_id", "adjustment", ["vendor_id"], unique=False)
    op.create_index(
        "uq_adjustment_debt", "adjustment", ["debt_id"], unique=True, postgresql_where=sa.text("state = 'proposed'")
    )
