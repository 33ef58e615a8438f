"""Products by the beginning of their names: a vendor looks for his offers by it."""

from alembic import op

revision = "products_by_beginning_of_name"
down_revision = "notices_of_feeds"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_product_name ON product (lower(name) text_pattern_ops)")
