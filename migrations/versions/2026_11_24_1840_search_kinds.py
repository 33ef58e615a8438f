"""Search: what kind of thing a product is, beside its words. Documents that are there are made anew by the next
comparison of index and catalogue, which finds them older than their products; until then they are found as before."""

from alembic import op

revision = "search_kinds"
down_revision = "deficits_claimed"


def upgrade() -> None:
    op.execute("ALTER TABLE search_document ADD COLUMN kinds TEXT[] NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE search_document ALTER COLUMN kinds DROP DEFAULT")
    op.execute("UPDATE search_document SET version = 0 WHERE NOT gone")


def downgrade() -> None:
    op.execute("ALTER TABLE search_document DROP COLUMN kinds")
