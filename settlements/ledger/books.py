"""The books: an entry is posted once, whole and balanced, in the transaction of the fact that it records."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from marketplace.kernel import clock, reads
from marketplace.kernel.access import Actor, visible
from marketplace.kernel.db import db, in_transaction, new_id
from marketplace.kernel.errors import Conflict, NotFound
from settlements.ledger.chart import CASH, CHART, AccountKind, Side, account_id
from settlements.ledger.models import Account, Journal, Posting
from settlements.ledger.postings.lines import Line


class EntryUnbalanced(Conflict):
    """The postings of an entry do not come to zero in each currency."""


class SourceBookedDifferently(Conflict):
    """The event was booked before, with other postings."""


class BalancePassesZero(Conflict):
    """The entry would take more from an account than is on it."""


class AccountNotFound(NotFound):
    """There is no such account."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to book. `source` names it for ever (`psp:txn_1`, `step:<id>`), `event` says what it was."""

    source: str
    event: str
    lines: Sequence[Line]
    order_id: uuid.UUID | None = None
    occurred_at: datetime | None = None
    corrects_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class TrialRow:
    """All accounts of one kind and currency together, in minor units; balance = debit - credit."""

    kind: AccountKind
    currency: str
    debit_minor: int
    credit_minor: int

    @property
    def balance_minor(self) -> int:
        return self.debit_minor - self.credit_minor

    @property
    def type(self) -> str:
        return CHART[self.kind].type.value


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


# One statement for any number of entries: what is booked already drops out, the kept balances are locked in the order
# of their ids and changed once each, and accounts appear with their first posting.
_POST = """
WITH new_journal AS (
    INSERT INTO journal (id, source, event, order_id, corrects_id, occurred_at, booked_at)
    SELECT j.*, %(now)s FROM json_to_recordset(%(journals)s::json)
        AS j(id uuid, source text, event text, order_id uuid, corrects_id uuid, occurred_at timestamptz)
    ON CONFLICT (source) DO NOTHING RETURNING id
), fresh AS MATERIALIZED (
    SELECT p.* FROM json_to_recordset(%(postings)s::json)
        AS p(journal_id uuid, number smallint, account_id uuid, account_kind text, party uuid, guarded boolean,
             kind text, amount_minor bigint, currency text, order_id uuid, vendor_order_id uuid)
    JOIN new_journal ON new_journal.id = p.journal_id
), plain AS (
    INSERT INTO account (id, kind, party, currency)
    SELECT DISTINCT account_id, account_kind, party, currency FROM fresh WHERE NOT guarded ORDER BY account_id
    ON CONFLICT DO NOTHING
), kept AS (
    INSERT INTO account (id, kind, party, currency, balance_minor)
    SELECT account_id, account_kind, party, currency, sum(amount_minor) FROM fresh WHERE guarded
    GROUP BY account_id, account_kind, party, currency ORDER BY account_id
    ON CONFLICT (id) DO UPDATE SET balance_minor = account.balance_minor + excluded.balance_minor
    RETURNING kind, party, currency, balance_minor
), written AS (
    INSERT INTO posting (journal_id, number, account_id, kind, amount_minor, currency, order_id, vendor_order_id)
    SELECT journal_id, number, account_id, kind, amount_minor, currency, order_id, vendor_order_id FROM fresh
)
SELECT id, NULL AS kind, NULL AS party, NULL AS currency, NULL AS balance_minor FROM new_journal
UNION ALL SELECT NULL, kind, party, currency, balance_minor FROM kept
"""


def post(
    source: str,
    event: str,
    lines: Sequence[Line],
    *,
    order_id: uuid.UUID | None = None,
    occurred_at: datetime | None = None,
    corrects_id: uuid.UUID | None = None,
) -> bool:
    """Book one event inside the transaction of its fact. True if it is new, False if it was booked before just so.

    Raises EntryUnbalanced, SourceBookedDifferently, BalancePassesZero.
    """
    return post_all([Entry(source, event, lines, order_id, occurred_at, corrects_id)]) == 1


def post_all(entries: Sequence[Entry]) -> int:
    """Book many events at once; returns how many of them are new. Raises as `post` does, and then books none."""
    if not in_transaction():
        raise RuntimeError("post() belongs inside the transaction() of the fact that it records")
    for entry in entries:
        _check_balanced(entry)
    ids = [new_id() for _ in entries]
    _session().flush()
    rows = reads.in_session(_POST, _parameters(entries, ids))
    for _, kind, party, _, balance_minor in rows:
        if kind is not None and not CHART[AccountKind(kind)].allows(balance_minor):
            raise BalancePassesZero(account=f"{kind}:{party}", balance_minor=balance_minor)
    booked = {row[0] for row in rows if row[0] is not None}
    for entry, journal_id in zip(entries, ids, strict=True):
        if journal_id not in booked:
            _check_same(entry)
    return len(booked)


def _session() -> Session:
    return db.session()


def _check_balanced(entry: Entry) -> None:
    sums: Counter[str] = Counter()
    for line in entry.lines:
        sums[line.currency] += line.amount_minor
    if not entry.lines or any(sums.values()):
        raise EntryUnbalanced(source=entry.source)


def _parameters(entries: Sequence[Entry], ids: Sequence[uuid.UUID]) -> Mapping[str, Any]:
    now = clock.now()
    journals = [
        {
            "id": journal_id,
            "source": entry.source,
            "event": entry.event,
            "order_id": entry.order_id,
            "corrects_id": entry.corrects_id,
            "occurred_at": entry.occurred_at or now,
        }
        for entry, journal_id in zip(entries, ids, strict=True)
    ]
    postings = [
        {
            "journal_id": journal_id,
            "number": number,
            "account_id": account_id(line.account, line.party, line.currency),
            "account_kind": line.account,
            "party": line.party,
            "guarded": CHART[line.account].guarded,
            "kind": line.kind,
            "amount_minor": line.amount_minor,
            "currency": line.currency,
            "order_id": line.order_id,
            "vendor_order_id": line.vendor_order_id,
        }
        for entry, journal_id in zip(entries, ids, strict=True)
        for number, line in enumerate(entry.lines, start=1)
    ]
    return {"now": now, "journals": orjson.dumps(journals).decode(), "postings": orjson.dumps(postings).decode()}


def _check_same(entry: Entry) -> None:
    statement = (
        select(
            Posting.account_id,
            Posting.kind,
            Posting.amount_minor,
            Posting.currency,
            Posting.order_id,
            Posting.vendor_order_id,
        )
        .join(Journal, Journal.id == Posting.journal_id)
        .where(Journal.source == entry.source)
    )
    booked = Counter(tuple(row) for row in _session().execute(statement))
    wanted = Counter(
        (account_id(line.account, line.party, line.currency), line.kind.value, *line[3:]) for line in entry.lines
    )
    if booked != wanted:
        raise SourceBookedDifferently(source=entry.source)


def is_booked(source: str) -> bool:
    """Was this event booked?"""
    return _session().scalar(select(Journal.id).where(Journal.source == source)) is not None


def order_is_booked(order_id: uuid.UUID, event: str) -> bool:
    """Has an event of this kind been booked for the order?"""
    statement = select(Journal.id).where(Journal.order_id == order_id, Journal.event == event).limit(1)
    return _session().scalar(statement) is not None


def balance(kind: AccountKind, party: uuid.UUID | None, currency: str) -> int:
    """Debit less credit of one account in minor units; 0 for one that was never posted to."""
    own = account_id(kind, party, currency)
    if CHART[kind].guarded:
        return _session().scalar(select(Account.balance_minor).where(Account.id == own)) or 0
    return int(_session().scalar(select(func.sum(Posting.amount_minor)).where(Posting.account_id == own)) or 0)


def trial_balance() -> list[TrialRow]:
    """Per kind of account and currency, from the postings; the balances of each currency come to zero."""
    statement = (
        select(
            Account.kind,
            Account.currency,
            func.coalesce(func.sum(Posting.amount_minor).filter(Posting.amount_minor > 0), 0),
            func.coalesce(-func.sum(Posting.amount_minor).filter(Posting.amount_minor < 0), 0),
        )
        .join(Posting, Posting.account_id == Account.id)
        .group_by(Account.kind, Account.currency)
    )
    rows = [TrialRow(AccountKind(row[0]), row[1], int(row[2]), int(row[3])) for row in _session().execute(statement)]
    order = list(AccountKind)
    return sorted(rows, key=lambda row: (row.currency, order.index(row.kind)))


def accounts(actor: Actor, kind: str | None = None, party: uuid.UUID | None = None) -> Select[Any]:
    """The accounts that the actor may see."""
    statement = visible(actor, Account)
    statement = statement if kind is None else statement.where(Account.kind == kind)
    return statement if party is None else statement.where(Account.party == party)


def account(actor: Actor, wanted: uuid.UUID) -> tuple[Account, int]:
    """An account and its balance. Raises AccountNotFound."""
    row = _session().scalar(visible(actor, Account).where(Account.id == wanted))
    if row is None:
        raise AccountNotFound
    return row, balance(AccountKind(row.kind), row.party, row.currency)


def postings_of(actor: Actor, wanted: uuid.UUID) -> Select[Any]:
    """The postings on an account."""
    return visible(actor, Posting).where(Posting.account_id == wanted)


def journals(actor: Actor, order_id: uuid.UUID | None = None, source: str | None = None) -> Select[Any]:
    """The journals, of one order or source where given."""
    statement = visible(actor, Journal)
    statement = statement if order_id is None else statement.where(Journal.order_id == order_id)
    return statement if source is None else statement.where(Journal.source == source)


def journals_by_id(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Journal]:
    """These journals by id."""
    return {row.id: row for row in _session().scalars(select(Journal).where(Journal.id.in_(list(ids))))}


def postings_by_journal(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[tuple[Posting, Account]]]:
    """The postings of these journals with their accounts, in their order."""
    found: dict[uuid.UUID, list[tuple[Posting, Account]]] = {journal_id: [] for journal_id in ids}
    statement = select(Posting, Account).join(Account, Account.id == Posting.account_id)
    for posting, row in _session().execute(
        statement.where(Posting.journal_id.in_(ids)).order_by(Posting.journal_id, Posting.number)
    ):
        found[posting.journal_id].append((posting, row))
    return found


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
        coalesce(sum(amount_minor) FILTER (WHERE account.kind = 'buyer_clawback'), 0) AS deficit
    FROM posting JOIN account ON account.id = posting.account_id
    WHERE posting.order_id IS NOT NULL GROUP BY posting.order_id, account.currency
), paid AS (
    SELECT order_id, currency, sum(amount_minor) AS net FROM order_money GROUP BY order_id, currency
)
SELECT order_id, coalesce(booked.currency, paid.currency) AS currency, coalesce(held, 0) AS held,
       coalesce(net, 0) AS net, deficit, orders.owed_minor AS owed
FROM booked FULL JOIN paid USING (order_id) LEFT JOIN orders ON orders.id = order_id
WHERE coalesce(held, 0) <> coalesce(net, 0) OR booked.currency <> paid.currency
   OR deficit <> orders.owed_minor - coalesce(net, 0)
""")


_STRAYS = text("""
SELECT posting.journal_id AS subject, posting.currency, posting.amount_minor AS found
FROM posting LEFT JOIN account ON account.id = posting.account_id AND account.currency = posting.currency
WHERE account.id IS NULL
""")


@proof
def check_accounts() -> list[Difference]:
    """Every posting is on an account of its currency."""
    rows = _session().execute(_STRAYS)
    return [Difference("posting has an account", str(row.subject), row.currency, 0, row.found) for row in rows]


@proof
def check_sums() -> list[Difference]:
    """Every journal, and all accounts together, come to zero."""
    rows = [("journal balances", row) for row in _session().execute(_BALANCED)]
    rows += [("all accounts come to zero", row) for row in _session().execute(_ALL) if row.found]
    return [Difference(what, row.subject, row.currency, 0, int(row.found)) for what, row in rows]


@proof
def check_kept_balances() -> list[Difference]:
    """Every kept balance is the sum of its postings, and on the side of zero where it belongs."""
    found = []
    for row in _session().execute(_KEPT):
        if row.kept != row.found:
            found.append(Difference("kept balance", row.subject, row.currency, int(row.found), row.kept))
        if CHART[AccountKind(row.kind)].side is not Side.ANY and not CHART[AccountKind(row.kind)].allows(row.kept):
            found.append(Difference("balance passes zero", row.subject, row.currency, 0, row.kept))
    return found


@proof
def check_orders() -> list[Difference]:
    """Every order's money is booked: what arrived, less what left or is still to leave, is its net payment."""
    cash = [kind.value for kind in (*CASH, AccountKind.REFUNDS_PAYABLE)]
    found = []
    for row in _session().execute(_ORDERS, {"cash": cash}):
        if row.held != row.net:
            found.append(Difference("order's money", str(row.order_id), row.currency, int(row.net), int(row.held)))
        else:
            expected = int((row.owed or 0) - row.net)
            found.append(
                Difference("order's deficit", str(row.order_id), row.currency, expected, int(row.deficit or 0))
            )
    return found
