"""A product's text in another language is edited by the version that was read."""

from alembic import op

revision = "product_text_versions"
down_revision = "stored_mappings"


def upgrade() -> None:
    op.execute("ALTER TABLE product_text ADD COLUMN version INTEGER NOT NULL DEFAULT 1")
    op.execute("ALTER TABLE product_text ALTER COLUMN version DROP DEFAULT")
