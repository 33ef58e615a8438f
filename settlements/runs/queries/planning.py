"""Whose statements a run makes, and which part of each of their accounts they cover.

The cut. A posting of a vendor's account gets its position under the lock of that account, so positions are without gaps
and in the order of commits: whoever sees a position sees, for good, everything before it. A statement covers the
positions after those of the statement before it, up to the last one that was booked before the cut. So every posting is
in exactly one statement, whatever is booked meanwhile: what is committed later has a higher position, and belongs to a
later statement even where its clock was behind. No lock is needed to read.
"""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from marketplace.kernel import reads
from settlements.ledger.chart import AccountKind

COVERED = (AccountKind.VENDOR_PAYABLE, AccountKind.VENDOR_RESERVE, AccountKind.TRANSFER_IN_TRANSIT)


class Planned(NamedTuple):
    """One account of a vendor in a statement to be: the postings `after` < position <= `upto`."""

    vendor_id: uuid.UUID
    currency: str
    sequence: int
    starts_at: datetime
    statement_opening_minor: int
    kind: str
    account_id: uuid.UUID
    after: int
    upto: int
    opening_minor: int


# Of each vendor and currency: the last statement, and how far each account goes before the cut. The walk back from the
# end of an account ends at once, as hardly anything is booked between the cut and the run.
_PLAN = """
WITH held AS (
    SELECT DISTINCT ON (vendor_id) vendor_id, cycle, cycle_day FROM vendor_terms
    WHERE valid_from <= %(day)s AND (valid_to IS NULL OR valid_to >= %(day)s) ORDER BY vendor_id, valid_from DESC
), wanted AS (
    SELECT account.id AS account_id, account.kind, account.party AS vendor_id, account.currency
    FROM account LEFT JOIN held ON held.vendor_id = account.party
    WHERE account.kind = ANY(%(covered)s)
        AND (%(vendor_id)s::uuid IS NULL OR account.party = %(vendor_id)s::uuid)
        AND (NOT %(by_cycle)s OR CASE coalesce(held.cycle, 'weekly')
            WHEN 'daily' THEN true
            WHEN 'weekly' THEN coalesce(held.cycle_day, 1) = extract(isodow FROM %(day)s::date)
            WHEN 'thrice_monthly' THEN extract(day FROM %(day)s::date) IN (1, 11, 21)
            ELSE extract(day FROM %(day)s::date) = 1 END)
), latest AS (
    SELECT DISTINCT ON (vendor_id, currency) id, vendor_id, currency, sequence, state, cut_at, closing_minor
    FROM statement ORDER BY vendor_id, currency, sequence DESC
), ranges AS MATERIALIZED (
    SELECT wanted.*, latest.sequence, latest.state, latest.cut_at, coalesce(latest.closing_minor, 0) AS opening,
        coalesce(before.upto, 0) AS after, coalesce(reached.position, before.upto, 0) AS upto,
        coalesce(before.closing_minor, 0) AS opening_minor
    FROM wanted LEFT JOIN latest ON latest.vendor_id = wanted.vendor_id AND latest.currency = wanted.currency
    LEFT JOIN statement_account before ON before.statement_id = latest.id AND before.kind = wanted.kind
    LEFT JOIN LATERAL (
        SELECT posting.position FROM posting JOIN journal ON journal.id = posting.journal_id
        WHERE posting.account_id = wanted.account_id AND posting.position > coalesce(before.upto, 0)
            AND journal.booked_at < %(cut_at)s
        ORDER BY posting.position DESC LIMIT 1
    ) reached ON true
), made AS (  -- by the closing of the last statement, and part of that
    SELECT ranges.vendor_id, ranges.currency, count(*) AS postings
    FROM ranges JOIN statement_entry entry
        ON entry.account_id = ranges.account_id AND entry.position > after AND entry.position <= upto
    GROUP BY ranges.vendor_id, ranges.currency
), fresh AS (
    SELECT ranges.vendor_id, ranges.currency FROM ranges LEFT JOIN made USING (vendor_id, currency)
    WHERE state IS NULL OR (state <> 'draft' AND cut_at < %(cut_at)s)
    GROUP BY ranges.vendor_id, ranges.currency HAVING sum(upto - after) > coalesce(max(made.postings), 0)
)
SELECT vendor_id, currency, coalesce(sequence, 0) + 1,
    coalesce(cut_at, min(first.booked_at) OVER of_vendor, %(cut_at)s), opening::bigint,
    kind, ranges.account_id, after::bigint, upto::bigint, opening_minor::bigint
FROM ranges JOIN fresh USING (vendor_id, currency)
LEFT JOIN LATERAL (
    SELECT journal.booked_at FROM posting JOIN journal ON journal.id = posting.journal_id
    WHERE cut_at IS NULL AND posting.account_id = ranges.account_id AND posting.position = 1
) first ON true
WINDOW of_vendor AS (PARTITION BY vendor_id, currency)
ORDER BY vendor_id, currency, kind
"""


def planned(cut_at: datetime, day: date, *, by_cycle: bool, vendor_id: uuid.UUID | None) -> Sequence[Planned]:
    """The accounts of all statements to be made up to a cut, those of one together. Without vendors of whom nothing was
    booked, and those whose last statement is still a draft."""
    values = {
        "cut_at": cut_at,
        "day": day,
        "by_cycle": by_cycle,
        "vendor_id": vendor_id,
        "covered": [kind.value for kind in COVERED],
    }
    return [Planned(*row) for row in reads.in_session(_PLAN, values)]
