"""What was claimed for paying an invoice late, and who paid from an account before, are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "late_fees_and_payers_found"
down_revision = "feed_mapping"


def upgrade() -> None:
    op.create_index("ix_receivable_late_of", "receivable", ["late_of"], postgresql_where=sa.text("late_of IS NOT NULL"))
    op.create_index("ix_bank_transfer_remitter_iban", "bank_transfer", ["remitter_iban"])
