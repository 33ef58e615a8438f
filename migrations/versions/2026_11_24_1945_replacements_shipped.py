"""Replacements are shipped: a line waits for its vendor to send them, and each parcel of them is a row.

What was replaced before is taken as sent: nobody was asked for it, and people have settled it by hand.
"""

from alembic import op

revision = "replacements_shipped"
down_revision = "products_that_are_one"

_STATES = (
    "'requested', 'evidence', 'approved', 'declined', 'appealed', 'in_transit', 'received', 'inspected', 'decided', "
    "'replacing', 'settled', 'withdrawn'"
)


def upgrade() -> None:
    op.execute("ALTER TABLE return_line ADD COLUMN replaced_quantity INTEGER NOT NULL DEFAULT 0")
    op.execute("UPDATE return_line SET replaced_quantity = (settled->>'replaced')::int WHERE settled ? 'replaced'")
    op.execute("ALTER TABLE return_line ALTER COLUMN replaced_quantity DROP DEFAULT")
    op.execute(f"""
        ALTER TABLE return_line
            ADD CONSTRAINT ck_return_line_replaced CHECK (replaced_quantity BETWEEN 0 AND quantity),
            DROP CONSTRAINT ck_return_line_state,
            ADD CONSTRAINT ck_return_line_state CHECK (state IN ({_STATES}))
    """)
    op.execute("""
        CREATE TABLE return_replacement (
            id UUID NOT NULL,
            case_id UUID NOT NULL,
            return_line_id UUID NOT NULL,
            company_id UUID NOT NULL,
            vendor_id UUID NOT NULL,
            quantity INTEGER NOT NULL,
            state VARCHAR(40) NOT NULL,
            carrier VARCHAR NOT NULL,
            tracking_number VARCHAR NOT NULL,
            shipped_at TIMESTAMP WITH TIME ZONE NOT NULL,
            ended_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT pk_return_replacement PRIMARY KEY (id),
            CONSTRAINT ck_return_replacement_quantity CHECK (quantity >= 1),
            CONSTRAINT ck_return_replacement_state CHECK (state IN ('in_transit', 'delivered', 'lost')),
            CONSTRAINT fk_return_replacement_case_id_return_line_id
                FOREIGN KEY(case_id, return_line_id) REFERENCES return_line (case_id, id)
        )
    """)
    op.execute("CREATE INDEX ix_return_replacement_case_id ON return_replacement (case_id)")
