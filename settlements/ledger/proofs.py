"""What the books prove of themselves: nothing is missing, nothing is booked twice, every sum is right."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text

from marketplace.kernel.db import db
from settlements.ledger.chart import ASSIGNED, CASH, CHART, OWING, AccountKind, Side


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the books do not prove. `what` names the rule, `subject` the row; sums in minor units."""

    what: str
    subject: str
    currency: str
    expected_minor: int
    found_minor: int

    def __str__(self) -> str:
        return f"{self.what}: {self.subject} {self.currency} expected {self.expected_minor}, found {self.found_minor}"


Check = Callable[[], list[Difference]]
_checks: list[Check] = []


def proof(check: Check) -> Check:
    """Register a proof that `check_books` runs; rooms above register what they know of the books."""
    _checks.append(check)
    return check


def check_books() -> list[Difference]:
    """Everything that the books do not prove; empty where they are right. Reads all of them."""
    return [difference for check in _checks for difference in check()]


_BALANCED = text("""
SELECT journal.source AS subject, posting.currency, sum(posting.amount_minor) AS found
FROM posting JOIN journal ON journal.id = posting.journal_id
GROUP BY journal.id, posting.currency HAVING sum(posting.amount_minor) <> 0
""")
_ALL = text("SELECT 'all accounts' AS subject, currency, sum(amount_minor) AS found FROM posting GROUP BY currency")
_KEPT = text("""
SELECT concat_ws(':', account.kind, account.party) AS subject, account.currency, account.kind,
       account.balance_minor AS kept, coalesce(sum(posting.amount_minor), 0) AS found
FROM account LEFT JOIN posting ON posting.account_id = account.id
WHERE account.balance_minor IS NOT NULL GROUP BY account.id
""")
_ORDERS = text("""
WITH booked AS (
    SELECT posting.order_id, account.currency,
        coalesce(sum(amount_minor) FILTER (WHERE account.kind = ANY(:cash)), 0) AS held,
        coalesce(sum(amount_minor) FILTER (WHERE account.kind = ANY(:owing)), 0) AS deficit
    FROM posting JOIN account ON account.id = posting.account_id
    WHERE posting.order_id IS NOT NULL GROUP BY posting.order_id, account.currency
), paid AS (
    SELECT order_id, currency, sum(amount_minor) AS net FROM order_money GROUP BY order_id, currency
)
SELECT order_id, coalesce(booked.currency, paid.currency) AS currency, coalesce(held, 0) AS held,
       coalesce(net, 0) AS net, deficit, orders.owed_minor AS owed
FROM booked FULL JOIN paid USING (order_id) LEFT JOIN orders ON orders.id = order_id
WHERE coalesce(held, 0) <> coalesce(net, 0) OR booked.currency <> paid.currency
   OR (orders.payment_terms IS NULL AND deficit <> orders.owed_minor - coalesce(net, 0))
""")


_POSITIONS = text("""
SELECT concat_ws(':', account.kind, account.party) AS subject, account.currency, account.postings AS kept,
       count(posting.position) AS found, coalesce(max(posting.position), 0) AS last
FROM account LEFT JOIN posting ON posting.account_id = account.id
WHERE account.postings IS NOT NULL GROUP BY account.id
HAVING count(posting.position) <> account.postings OR coalesce(max(posting.position), 0) <> account.postings
    OR count(*) FILTER (WHERE posting.journal_id IS NOT NULL AND posting.position IS NULL) > 0
""")
_STRAYS = text("""
SELECT posting.journal_id AS subject, posting.currency, posting.amount_minor AS found
FROM posting LEFT JOIN account ON account.id = posting.account_id AND account.currency = posting.currency
WHERE account.id IS NULL
""")


@proof
def check_accounts() -> list[Difference]:
    """Every posting is on an account of its currency."""
    rows = db.session.execute(_STRAYS)
    return [Difference("posting has an account", str(row.subject), row.currency, 0, row.found) for row in rows]


@proof
def check_sums() -> list[Difference]:
    """Every journal, and all accounts together, come to zero."""
    rows = [("journal balances", row) for row in db.session.execute(_BALANCED)]
    rows += [("all accounts come to zero", row) for row in db.session.execute(_ALL) if row.found]
    return [Difference(what, row.subject, row.currency, 0, int(row.found)) for what, row in rows]


@proof
def check_kept_balances() -> list[Difference]:
    """Every kept balance is the sum of its postings, and on the side of zero where it belongs."""
    found = []
    for row in db.session.execute(_KEPT):
        if row.kept != row.found:
            found.append(Difference("kept balance", row.subject, row.currency, int(row.found), row.kept))
        if CHART[AccountKind(row.kind)].side is not Side.ANY and not CHART[AccountKind(row.kind)].allows(row.kept):
            found.append(Difference("balance passes zero", row.subject, row.currency, 0, row.kept))
    return found


@proof
def check_positions() -> list[Difference]:
    """The postings of a guarded account are counted without gaps: statements are ranges of these numbers."""
    rows = db.session.execute(_POSITIONS)
    return [Difference("postings are counted", row.subject, row.currency, row.kept, row.last) for row in rows]


@proof
def check_orders() -> list[Difference]:
    """Every order's money is booked: what arrived, less what left or is still to leave, is its net payment; and what
    an order paid in advance owes on top is carried, claimed, or was given up.

    What an order on terms still owes is proven invoice by invoice, by the room of open items.
    """
    cash = [kind.value for kind in (*CASH, *ASSIGNED, AccountKind.REFUNDS_PAYABLE)]
    found = []
    for row in db.session.execute(_ORDERS, {"cash": cash, "owing": [kind.value for kind in OWING]}):
        if row.held != row.net:
            found.append(Difference("order's money", str(row.order_id), row.currency, int(row.net), int(row.held)))
        else:
            expected = int((row.owed or 0) - row.net)
            found.append(
                Difference("order's deficit", str(row.order_id), row.currency, expected, int(row.deficit or 0))
            )
    return found
