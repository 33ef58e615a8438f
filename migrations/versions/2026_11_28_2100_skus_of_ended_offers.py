"""The SKU of an offer that has ended is free for another product."""

from alembic import op

revision = "skus_of_ended_offers"
down_revision = "offers_that_a_file_ends"


def upgrade() -> None:
    op.execute("ALTER TABLE offer DROP CONSTRAINT uq_offer_vendor_id_sku")
    op.execute(
        "CREATE UNIQUE INDEX uq_offer_vendor_id_sku ON offer (vendor_id, sku, (CASE WHEN state = 'ended' THEN id END))"
        " NULLS NOT DISTINCT"
    )
