"""What stands in a statement, order by order, and how a vendor stands now: what is pending, why, and when it is due."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func

from marketplace.kernel import reads
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.kernel.web import Page, cursor_values, make_cursor
from marketplace.orders.models import VendorOrder
from marketplace.orders.states import VendorOrderState
from settlements.earnings.models import Earning
from settlements.earnings.states import EarningState
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.models import Account
from settlements.runs.models import StatementAccount, StatementEntry, StatementTotal
from settlements.runs.refusals import VendorUnknown

_STANDING = {
    AccountKind.VENDOR_PENDING: "pending_minor",
    AccountKind.VENDOR_EARNED: "earned_minor",
    AccountKind.VENDOR_PAYABLE: "payable_minor",
    AccountKind.VENDOR_RESERVE: "reserve_minor",
    AccountKind.TRANSFER_IN_TRANSIT: "in_transit_minor",
}


class Line(NamedTuple):
    """The postings of one kind and one order, or one adjustment, in a statement; in the vendor's favour above zero."""

    vendor_order_id: uuid.UUID | None
    number: str | None
    account: str
    kind: str
    in_favour: bool
    amount_minor: int
    count: int
    booked_from: datetime
    booked_to: datetime
    reason: str | None  # of what was booked by hand


class Sum(NamedTuple):
    """The postings of one kind in a statement, above zero in his favour; or one adjustment, with its reason."""

    account: str
    kind: str
    in_favour: bool
    amount_minor: int
    count: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A vendor order whose money is not due yet: `why`, and since when that may change, as far as it is known."""

    part: VendorOrder
    earning: Earning | None
    why: str
    due_at: datetime | None


# The postings that a statement covers and those that its closing made, by order, or one by one where booked by hand; in
# the order of their keys, so that a page begins after the last key of the page before it.
_LINES = """
WITH covered AS (
    SELECT own.kind AS account, posting.* FROM statement_account own
    JOIN posting ON posting.account_id = own.account_id
        AND posting.position > own.after AND posting.position <= own.upto
    WHERE own.statement_id = %(statement_id)s AND NOT EXISTS (
        SELECT FROM statement_entry entry
        WHERE entry.account_id = posting.account_id AND entry.position = posting.position
    )
    UNION ALL
    SELECT entry.account, posting.* FROM statement_entry entry
    JOIN posting ON posting.account_id = entry.account_id AND posting.position = entry.position
    WHERE entry.statement_id = %(statement_id)s
), lines AS (
    SELECT covered.vendor_order_id, vendor_order.number, covered.account, covered.kind,
        covered.amount_minor < 0 AS in_favour, -sum(covered.amount_minor)::bigint AS amount, count(*) AS postings,
        min(journal.booked_at) AS booked_from, max(journal.booked_at) AS booked_to, adjustment.reason,
        coalesce(vendor_order.number, '') || ' ' || covered.account || ' ' || covered.kind || ' '
            || (covered.amount_minor < 0)::int || ' '
            || coalesce(covered.vendor_order_id::text, adjustment.id::text, '') AS key
    FROM covered JOIN journal ON journal.id = covered.journal_id
    LEFT JOIN vendor_order ON vendor_order.id = covered.vendor_order_id
    LEFT JOIN adjustment ON covered.kind = 'adjustment' AND journal.source = 'adjustment:' || adjustment.id
    GROUP BY covered.vendor_order_id, vendor_order.number, covered.account, covered.kind, covered.amount_minor < 0,
        adjustment.id
)
SELECT vendor_order_id, number, account, kind, in_favour, amount, postings, booked_from, booked_to, reason, key
FROM lines
WHERE key > %(after)s ORDER BY key LIMIT %(limit)s
"""


def lines_of(statement_id: uuid.UUID, limit: int, cursor: str | None) -> Page:
    """A page of a statement's lines, by order. The caller has checked who may see it. Raises CursorUnknown."""
    after = cursor_values(cursor, [str])[0] if cursor else ""
    rows = reads.fetch(_LINES, {"statement_id": statement_id, "after": after, "limit": limit + 1})
    following = make_cursor([rows[limit - 1][10]]) if len(rows) > limit else None
    return Page([Line(*row[:10]) for row in rows[:limit]], following)


def totals_of(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[StatementTotal]]:
    """By statement: its sums of the postings before the cut."""
    found: dict[uuid.UUID, list[StatementTotal]] = defaultdict(list)
    wanted = visible(SYSTEM, StatementTotal).where(StatementTotal.statement_id.in_(ids))
    for row in db.session.scalars(wanted.order_by(StatementTotal.account, StatementTotal.kind)):
        found[row.statement_id].append(row)
    return found


def accounts_in(statement_id: uuid.UUID) -> list[StatementAccount]:
    """The accounts that a statement covers."""
    wanted = visible(SYSTEM, StatementAccount).where(StatementAccount.statement_id == statement_id)
    return list(db.session.scalars(wanted.order_by(StatementAccount.kind)))


def balances(actor: Actor, vendor_id: uuid.UUID) -> list[dict[str, Any]]:
    """How a vendor stands, by currency, in his favour. Raises VendorUnknown where it is not the actor's to see."""
    if not actor.sees_all and actor.company_id != vendor_id:
        raise VendorUnknown
    wanted = visible(SYSTEM, Account).where(Account.party == vendor_id, Account.kind.in_(list(_STANDING)))
    found: dict[str, dict[str, Any]] = {}
    for row in db.session.scalars(wanted.order_by(Account.currency)):
        own = found.setdefault(row.currency, {"currency": row.currency} | dict.fromkeys(_STANDING.values(), 0))
        own[_STANDING[AccountKind(row.kind)]] = -(row.balance_minor or 0)
    return list(found.values())


def waiting(actor: Actor, vendor_id: uuid.UUID | None = None) -> Select[Any]:
    """The paid vendor orders whose money is not due yet, for `explained`."""
    unpaid = [VendorOrderState.PLACED, VendorOrderState.CANCELLED]
    wanted = (
        visible(actor, VendorOrder)
        .outerjoin(Earning, Earning.id == VendorOrder.id)
        .where(VendorOrder.state.not_in(unpaid), func.coalesce(Earning.state, "pending") != EarningState.DUE.value)
    )
    return wanted if vendor_id is None else wanted.where(VendorOrder.vendor_id == vendor_id)


def explained(parts: Sequence[VendorOrder]) -> list[Waiting]:
    """Why the money of each of these vendor orders is not due yet."""
    wanted = visible(SYSTEM, Earning).where(Earning.id.in_([part.id for part in parts]))
    stages = {row.id: row for row in db.session.scalars(wanted)}
    return [_explained(part, stages.get(part.id)) for part in parts]


def _explained(part: VendorOrder, stage: Earning | None) -> Waiting:
    if stage is not None and stage.state is EarningState.EARNED:
        return Waiting(part, stage, "return_window", stage.due_at)
    if stage is not None and stage.buyer_owes and stage.delivered_at is not None:
        return Waiting(part, stage, "buyer_owes", None)
    why = {
        VendorOrderState.TO_CONFIRM: "to_confirm",
        VendorOrderState.CONFIRMED: "to_ship",
        VendorOrderState.PART_SHIPPED: "to_ship",
        VendorOrderState.SHIPPED: "under_way",
    }
    return Waiting(part, stage, why.get(part.state, "buyer_owes"), None)


def debts(actor: Actor) -> Select[Any]:
    """The accounts of vendors who owe: what is payable to them is below zero now."""
    return visible(actor, Account).where(Account.kind == AccountKind.VENDOR_PAYABLE.value, Account.balance_minor > 0)


# What was booked by hand among the postings that a statement covers, each with its reason.
_BY_HAND = """
SELECT own.kind, posting.amount_minor < 0, -posting.amount_minor, coalesce(adjustment.reason, '')
FROM statement_account own
JOIN posting ON posting.account_id = own.account_id
    AND posting.position > own.after AND posting.position <= own.upto AND posting.kind = 'adjustment'
JOIN journal ON journal.id = posting.journal_id
LEFT JOIN adjustment ON journal.source = 'adjustment:' || adjustment.id
WHERE own.statement_id = %(statement_id)s ORDER BY own.kind, posting.position
"""


def sums_of(statement_id: uuid.UUID) -> list[Sum]:
    """What a statement's postings come to by account and kind, its closing's own among them; what was booked by hand
    stands one by one, with its reason."""
    found = []
    for row in totals_of([statement_id])[statement_id]:
        if row.kind != PostingKind.ADJUSTMENT:
            found.append(Sum(row.account, row.kind, row.in_favour, row.amount_minor, row.count))
        elif not any(one.kind == PostingKind.ADJUSTMENT for one in found):
            by_hand = reads.fetch(_BY_HAND, {"statement_id": statement_id})
            found += [
                Sum(account, row.kind, in_favour, amount, 1, reason) for account, in_favour, amount, reason in by_hand
            ]
    own = _own_entries(statement_id)
    return found + [Sum(account, kind, amount > 0, amount, 1) for account, kind, amount in own]


def _own_entries(statement_id: uuid.UUID) -> list[tuple[str, str, int]]:
    """What the closing of a statement booked: (account, kind, amount in the vendor's favour)."""
    wanted = visible(SYSTEM, StatementEntry).where(StatementEntry.statement_id == statement_id)
    rows = db.session.scalars(wanted.order_by(StatementEntry.account, StatementEntry.kind))
    return [(row.account, row.kind, row.amount_minor) for row in rows]
