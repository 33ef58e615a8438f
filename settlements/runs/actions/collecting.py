"""A draft is collected: its postings are summed by account, kind and side, a batch of statements in one statement."""

import uuid
from collections.abc import Sequence

from marketplace.kernel import clock, reads

_COLLECT = """
WITH mine AS (
    SELECT id FROM statement WHERE run_id = %(run_id)s AND state = 'draft' AND collected_at IS NULL
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), summed AS (
    INSERT INTO statement_total (statement_id, account, kind, in_favour, amount_minor, count)
    SELECT own.statement_id, own.kind, posting.kind, posting.amount_minor < 0, -sum(posting.amount_minor), count(*)
    FROM mine JOIN statement_account own ON own.statement_id = mine.id
    JOIN posting ON posting.account_id = own.account_id
        AND posting.position > own.after AND posting.position <= own.upto
    WHERE NOT EXISTS (
        SELECT FROM statement_entry entry
        WHERE entry.account_id = posting.account_id AND entry.position = posting.position
    )
    GROUP BY own.statement_id, own.kind, posting.kind, posting.amount_minor < 0
)
UPDATE statement SET collected_at = %(now)s FROM mine WHERE statement.id = mine.id RETURNING statement.id
"""


def collect(run_id: uuid.UUID, limit: int) -> Sequence[uuid.UUID]:
    """Collect some drafts of a run that nobody else works on; returns which. None: all are collected or taken."""
    rows = reads.in_session(_COLLECT, {"run_id": run_id, "limit": limit, "now": clock.now()})
    return [row[0] for row in rows]
