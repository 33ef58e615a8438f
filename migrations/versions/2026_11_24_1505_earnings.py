"""In which stage each vendor order's money is."""

import sqlalchemy as sa
from alembic import op

revision = "earnings"
down_revision = "steps_of_returns"


def upgrade() -> None:
    op.create_table(
        "delivery_earned",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["order_delivery.id"], name=op.f("fk_delivery_earned_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_earned")),
    )
    op.create_index("ix_delivery_earned_order_id", "delivery_earned", ["order_id"], unique=False)
    op.create_table(
        "earning",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "invoiced",
                "earned",
                "due",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("buyer_owes", sa.Boolean(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reserve_minor", sa.BigInteger(), nullable=False),
        sa.Column("reserve_left_minor", sa.BigInteger(), nullable=False),
        sa.Column("release_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("reserve_left_minor BETWEEN 0 AND reserve_minor", name=op.f("ck_earning_reserve")),
        sa.ForeignKeyConstraint(
            ["order_id", "currency"], ["orders.id", "orders.currency"], name=op.f("fk_earning_order_id_currency")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "id"], ["vendor_order.vendor_id", "vendor_order.id"], name=op.f("fk_earning_vendor_id_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earning")),
    )
    op.create_index(
        "ix_earning_earned", "earning", ["due_at"], unique=False, postgresql_where=sa.text("state = 'earned'")
    )
    op.create_index("ix_earning_order_id", "earning", ["order_id"], unique=False)
    op.create_index(
        "ix_earning_reserved",
        "earning",
        ["release_at"],
        unique=False,
        postgresql_where=sa.text("reserve_left_minor > 0"),
    )
    op.create_index("ix_earning_vendor_id", "earning", ["vendor_id", "id"], unique=False)
    op.execute(
        "CREATE OR REPLACE TRIGGER delivery_earned_append_only BEFORE UPDATE OR DELETE ON delivery_earned "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
