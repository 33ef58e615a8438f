"""What was ordered together with a product is found by an index: every page of related goods asks for it."""

from alembic import op

revision = "what_was_ordered_with_it"
down_revision = "replacements_shipped"


def upgrade() -> None:
    op.execute("CREATE INDEX ix_order_line_product_id ON order_line (product_id)")
