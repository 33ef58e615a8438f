"""A row of a feed that is taken may leave something out, and its vendor is told."""

import sqlalchemy as sa
from alembic import op

revision = "notices_of_feeds"
down_revision = "skus_of_ended_offers"


def upgrade() -> None:
    op.add_column("feed", sa.Column("rows_noted", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("feed", "rows_noted", server_default=None)
    op.add_column("feed_report_line", sa.Column("taken", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("feed_report_line", "taken", server_default=None)
