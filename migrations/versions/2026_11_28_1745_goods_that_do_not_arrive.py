"""Goods on their way back arrive in time, recorded or not, or their vendor says that they did not: then they are missing.

What travels already has the usual time from now on: nobody was told that there is one.
"""

from alembic import op

revision = "goods_that_do_not_arrive"
down_revision = "feeds_tried"

_STATES = (
    "'requested', 'evidence', 'approved', 'declined', 'appealed', 'in_transit', 'missing', 'received', 'inspected', "
    "'decided', 'replacing', 'settled', 'withdrawn'"
)


def upgrade() -> None:
    op.execute(f"""
        ALTER TABLE return_line
            DROP CONSTRAINT ck_return_line_state,
            ADD CONSTRAINT ck_return_line_state CHECK (state IN ({_STATES}))
    """)
    op.execute(
        "UPDATE return_line SET due_at = now() + interval '14 days' WHERE state = 'in_transit' AND due_at IS NULL"
    )
