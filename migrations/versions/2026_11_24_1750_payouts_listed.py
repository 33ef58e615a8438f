"""Whose payouts are listed next is known: those of the account that waits the longest."""

from alembic import op

revision = "payouts_listed"
down_revision = "late_fees_and_payers_found"


def upgrade() -> None:
    op.execute("ALTER TABLE provider_account ADD COLUMN payouts_listed_at TIMESTAMP WITH TIME ZONE")
