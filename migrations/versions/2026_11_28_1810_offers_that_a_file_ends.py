"""How many offers a feed has ended: a BMEcat says what is no longer sold."""

from alembic import op

revision = "offers_that_a_file_ends"
down_revision = "parcels_that_nobody_reports"


def upgrade() -> None:
    op.execute("ALTER TABLE feed ADD COLUMN rows_ended INTEGER NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE feed ALTER COLUMN rows_ended DROP DEFAULT")
