"""The books: an entry is posted once, whole and balanced, in the transaction of the fact that it records."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from marketplace.kernel import clock, reads
from marketplace.kernel.access import Actor, visible
from marketplace.kernel.db import db, in_transaction, new_id
from marketplace.kernel.errors import Conflict, NotFound
from settlements.ledger.chart import CHART, AccountKind, PostingKind, account_id
from settlements.ledger.models import Account, Journal, Posting
from settlements.ledger.postings.earnings import Share
from settlements.ledger.postings.lines import Line
from settlements.ledger.proofs import Difference, check_books, proof

__all__ = ["Difference", "check_books", "proof"]  # beside what is said here


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
    INSERT INTO account (id, kind, party, currency, balance_minor, postings)
    SELECT account_id, account_kind, party, currency, sum(amount_minor), count(*) FROM fresh WHERE guarded
    GROUP BY account_id, account_kind, party, currency ORDER BY account_id
    ON CONFLICT (id) DO UPDATE SET balance_minor = account.balance_minor + excluded.balance_minor,
                                   postings = account.postings + excluded.postings
    RETURNING id, kind, party, currency, balance_minor, postings
), written AS (
    INSERT INTO posting (
        journal_id, number, account_id, kind, amount_minor, currency, order_id, vendor_order_id, position
    )
    SELECT journal_id, number, account_id, fresh.kind, amount_minor, fresh.currency, order_id, vendor_order_id,
        kept.postings + 1 - row_number() OVER (PARTITION BY account_id ORDER BY journal_id DESC, number DESC)
    FROM fresh LEFT JOIN kept ON kept.id = account_id
)
SELECT id, NULL AS kind, NULL AS party, NULL AS currency, NULL AS balance_minor FROM new_journal
UNION ALL SELECT NULL, kind, party, currency, balance_minor FROM kept
"""


_OPEN = """
INSERT INTO account (id, kind, party, currency, balance_minor, postings)
SELECT a.*, 0, 0 FROM json_to_recordset(%(accounts)s::json) AS a(id uuid, kind text, party uuid, currency text)
ORDER BY a.id ON CONFLICT DO NOTHING
"""


def open_accounts(kinds: Iterable[AccountKind], party: uuid.UUID, currency: str) -> None:
    """Have these guarded accounts, empty where nothing was posted yet, so that whoever locks several of a party locks
    the same ones as the next: one that appeared in between would be locked out of turn."""
    accounts = [
        {"id": account_id(kind, party, currency), "kind": kind.value, "party": party, "currency": currency}
        for kind in kinds
    ]
    reads.in_session(_OPEN, {"accounts": orjson.dumps(accounts).decode()})


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


def booked(sources: Iterable[str]) -> set[str]:
    """Which of these events were booked."""
    return set(_session().scalars(select(Journal.source).where(Journal.source.in_(list(sources)))))


def order_is_booked(order_id: uuid.UUID, event: str) -> bool:
    """Has an event of this kind been booked for the order?"""
    statement = select(Journal.id).where(Journal.order_id == order_id, Journal.event == event).limit(1)
    return _session().scalar(statement) is not None


def shares_of(order_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Share]]:
    """By vendor order of these orders: what each kind of posting comes to on each kind of account, zeros left out."""
    statement = (
        select(Posting.vendor_order_id, Account.kind, Posting.kind, func.sum(Posting.amount_minor))
        .join(Journal, Journal.id == Posting.journal_id)
        .join(Account, Account.id == Posting.account_id)
        .where(Journal.order_id.in_(list(order_ids)), Posting.vendor_order_id.is_not(None))
        .group_by(Posting.vendor_order_id, Account.kind, Posting.kind)
        .having(func.sum(Posting.amount_minor) != 0)
        .order_by(Posting.vendor_order_id, Posting.kind)
    )
    found: dict[uuid.UUID, list[Share]] = {}
    for vendor_order_id, account_kind, kind, amount in _session().execute(statement):
        if vendor_order_id is not None:
            share = Share(AccountKind(account_kind), PostingKind(kind), int(amount))
            found.setdefault(vendor_order_id, []).append(share)
    return found


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


def postings_of(actor: Actor, of: Account) -> Select[Any]:
    """The postings on an account."""
    counted = Posting.position.is_not(None) if of.postings is not None else Posting.position.is_(None)
    return visible(actor, Posting).where(Posting.account_id == of.id, counted)


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
