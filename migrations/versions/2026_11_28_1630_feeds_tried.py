"""How often in a row a feed broke off without an answer: after a few times it fails instead of being tried for ever."""

from alembic import op

revision = "feeds_tried"
down_revision = "what_was_ordered_with_it"


def upgrade() -> None:
    op.execute("ALTER TABLE feed ADD COLUMN broke_off INTEGER NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE feed ALTER COLUMN broke_off DROP DEFAULT")
