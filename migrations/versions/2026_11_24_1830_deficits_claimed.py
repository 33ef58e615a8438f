"""What an order paid in advance owes on top after a return can be an open item."""

from alembic import op

revision = "deficits_claimed"
down_revision = "payouts_listed"


def upgrade() -> None:
    op.execute("ALTER TABLE receivable DROP CONSTRAINT ck_receivable_kind")
    op.execute(
        "ALTER TABLE receivable ADD CONSTRAINT ck_receivable_kind CHECK (kind IN ('invoice', 'late_fee', 'deficit'))"
    )
