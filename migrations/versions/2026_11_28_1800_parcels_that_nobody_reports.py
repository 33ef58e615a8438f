"""A parcel of which nobody reports what became of it counts as delivered after a time, and says so."""

from alembic import op

revision = "parcels_that_nobody_reports"
down_revision = "goods_that_do_not_arrive"


def upgrade() -> None:
    op.execute("ALTER TABLE parcel ADD COLUMN delivery_assumed BOOLEAN NOT NULL DEFAULT false")
    op.execute("ALTER TABLE parcel ALTER COLUMN delivery_assumed DROP DEFAULT")
    op.execute("CREATE INDEX ix_parcel_under_way ON parcel (shipped_at) WHERE state = 'in_transit'")
