"""Terms name categories by their ids, so that they hold for them wherever they are moved to.

A rate of a path at which there is no category any more ruled nothing, and is left out.
"""

from alembic import op

revision = "terms_by_category_id"
down_revision = "product_text_versions"


def upgrade() -> None:
    op.execute("ALTER TABLE vendor_terms DISABLE TRIGGER vendor_terms_append_only")
    op.execute(
        """
        UPDATE vendor_terms SET commission_by_category = coalesce((
            SELECT jsonb_object_agg(category.id, own.value)
            FROM jsonb_each(commission_by_category) own JOIN category ON category.path = own.key
        ), '{}') WHERE commission_by_category <> '{}'
        """
    )
    op.execute("ALTER TABLE vendor_terms ENABLE TRIGGER vendor_terms_append_only")
