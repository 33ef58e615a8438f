"""Feeds of JSON lines name the mapping by which they are read."""

from alembic import op

revision = "feed_mapping"
down_revision = "reconciliation"


def upgrade() -> None:
    op.execute("ALTER TABLE feed ADD COLUMN mapping VARCHAR")
