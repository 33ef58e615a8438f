"""Units of an order line that return cases claim, and the journal that books a step of an order."""

import sqlalchemy as sa
from alembic import op

revision = "steps_of_returns"
down_revision = "first"


def upgrade() -> None:
    op.add_column("order_line", sa.Column("returned_quantity", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("order_line", "returned_quantity", server_default=None)
    op.create_check_constraint("returned_once", "order_line", "returned_quantity BETWEEN 0 AND shipped_quantity")
    op.add_column("order_step", sa.Column("source", sa.String(), nullable=True))
    op.create_unique_constraint("uq_order_step_source", "order_step", ["source"])
