"""What statements come to, many at once: sums over the ranges of postings that they cover, and their proof."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text

from marketplace.kernel import reads
from marketplace.kernel.db import db
from settlements.ledger import books
from settlements.ledger.books import Difference


class AccountFigures(NamedTuple):
    """One account of a statement, in the vendor's favour; `own`: what the closing itself booked on it."""

    statement_id: uuid.UUID
    kind: str
    opening_minor: int
    lines_minor: int
    commission_minor: int


class Beside(NamedTuple):
    """How a vendor's other accounts stand now, in his favour."""

    statement_id: uuid.UUID
    pending_minor: int
    earned_minor: int
    reserve_minor: int
    rolling_minor: int  # of the reserve, what is to be released of his orders


_ACCOUNTS = """
SELECT own.statement_id, own.kind, own.opening_minor, coalesce(sum(total.amount_minor), 0)::bigint,
    coalesce(-sum(total.amount_minor) FILTER (WHERE total.kind = 'commission'), 0)::bigint
FROM statement_account own
LEFT JOIN statement_total total ON total.statement_id = own.statement_id AND total.account = own.kind
WHERE own.statement_id = ANY(%(ids)s) GROUP BY own.statement_id, own.kind
"""
_BESIDE = """
SELECT statement.id,
    coalesce(-sum(balance_minor) FILTER (WHERE kind = 'vendor_pending'), 0)::bigint,
    coalesce(-sum(balance_minor) FILTER (WHERE kind = 'vendor_earned'), 0)::bigint,
    coalesce(-sum(balance_minor) FILTER (WHERE kind = 'vendor_reserve'), 0)::bigint,
    coalesce((SELECT sum(reserve_left_minor) FROM earning
        WHERE earning.vendor_id = statement.vendor_id AND earning.currency = statement.currency
        AND reserve_left_minor > 0), 0)::bigint
FROM statement LEFT JOIN account ON account.party = statement.vendor_id AND account.currency = statement.currency
WHERE statement.id = ANY(%(ids)s) GROUP BY statement.id
"""


def accounts_of(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, AccountFigures]]:
    """By statement and account: what it opens with and what its postings before the cut come to."""
    found: dict[uuid.UUID, dict[str, AccountFigures]] = {statement_id: {} for statement_id in ids}
    for row in reads.in_session(_ACCOUNTS, {"ids": list(ids)}):
        found[row[0]][row[1]] = AccountFigures(*row)
    return found


def beside(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Beside]:
    """By statement: what its vendor has beside it."""
    return {row[0]: Beside(*row) for row in reads.in_session(_BESIDE, {"ids": list(ids)})}


# One statement, so that the balances and the postings are those of one moment.
_DIFFERENCES = """
SELECT own.statement_id, own.kind, own.closing_minor::bigint, (
    (SELECT coalesce(-balance_minor, 0) FROM account WHERE id = own.account_id) + (
        SELECT coalesce(sum(amount_minor), 0) FROM posting
        WHERE posting.account_id = own.account_id AND posting.position > own.upto AND NOT EXISTS (
            SELECT FROM statement_entry entry JOIN statement ON statement.id = entry.statement_id
            WHERE entry.account_id = posting.account_id AND entry.position = posting.position
                AND statement.sequence <= mine.sequence
        )
    )
)::bigint AS booked
FROM statement_account own JOIN statement mine ON mine.id = own.statement_id
WHERE own.statement_id = ANY(%(ids)s)
"""


def differences(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """By statement whose closing is not what the books show at its cut: (closing, booked) of the first such account."""
    rows = reads.in_session(_DIFFERENCES, {"ids": list(ids)})
    return {row[0]: (row[2], row[3]) for row in rows if row[2] != row[3]}


# Every closed statement against all postings up to its cut: by its ranges, which follow each other without gaps.
_CLOSINGS = text("""
WITH own AS (
    SELECT part.*, statement.number, statement.currency, statement.sequence, statement.vendor_id,
        lag(part.upto, 1, 0::bigint) OVER w AS expected_after,
        lag(part.closing_minor, 1, 0::bigint) OVER w AS expected_opening
    FROM statement_account part JOIN statement ON statement.id = part.statement_id WHERE statement.state <> 'draft'
    WINDOW w AS (PARTITION BY part.account_id ORDER BY statement.sequence)
), counted AS (
    SELECT own.statement_id, own.kind, sum(-posting.amount_minor) AS amount FROM own
    JOIN posting ON posting.account_id = own.account_id
        AND posting.position > own.after AND posting.position <= own.upto
    WHERE NOT EXISTS (
        SELECT FROM statement_entry entry
        WHERE entry.account_id = posting.account_id AND entry.position = posting.position
    )
    GROUP BY own.statement_id, own.kind
), made AS (
    SELECT statement_id, account AS kind, sum(amount_minor) AS amount FROM statement_entry
    GROUP BY statement_id, account
)
SELECT own.number AS subject, own.currency, own.closing_minor AS closing, own.after, own.expected_after,
    own.expected_opening + coalesce(counted.amount, 0) + coalesce(made.amount, 0) AS booked
FROM own LEFT JOIN counted USING (statement_id, kind) LEFT JOIN made USING (statement_id, kind)
WHERE own.closing_minor <> own.expected_opening + coalesce(counted.amount, 0) + coalesce(made.amount, 0)
    OR own.after <> own.expected_after
""")
_TOTALS = text("""
SELECT statement.number AS subject, statement.currency, closing_minor AS closing, booked.closing AS booked
FROM statement JOIN (
    SELECT statement_id, sum(closing_minor) AS closing FROM statement_account GROUP BY statement_id
) booked ON booked.statement_id = statement.id
WHERE statement.state <> 'draft' AND statement.closing_minor <> booked.closing
""")


@books.proof
def check_statements() -> list[Difference]:
    """Every closed statement is what the books hold at its cut: opening + lines = closing = ledger, and none is left
    out between one and the next."""
    found = []
    for row in db.session.execute(_CLOSINGS):
        if row.after != row.expected_after:
            found.append(
                Difference("statement follows the one before", row.subject, row.currency, row.expected_after, row.after)
            )
        else:
            found.append(Difference("statement's closing", row.subject, row.currency, int(row.booked), row.closing))
    rows = db.session.execute(_TOTALS)
    return found + [Difference("statement's sum", row[0], row[1], int(row[3]), row[2]) for row in rows]


# What was booked on what is payable since the cut, besides what fell due and the transfers themselves.
_TAKEN_BACK = """
SELECT coalesce(sum(posting.amount_minor), 0)::bigint FROM statement_account own
JOIN posting ON posting.account_id = own.account_id AND posting.position > own.upto
JOIN journal ON journal.id = posting.journal_id
WHERE own.statement_id = %(statement_id)s AND own.kind = 'vendor_payable'
    AND journal.event NOT IN ('due', 'reserve_released')
    AND posting.kind NOT IN ('transfer', 'transfer_refused', 'transfer_reversed')
    AND NOT EXISTS (
        SELECT FROM statement_entry entry
        WHERE entry.account_id = posting.account_id AND entry.position = posting.position
    )
"""


def taken_back_since(statement_id: uuid.UUID) -> int:
    """How much less is payable than when the statement was closed, refunds and other debits after its cut considered;
    0 where it is as much or more."""
    ((taken,),) = reads.in_session(_TAKEN_BACK, {"statement_id": statement_id})
    return max(0, taken)
