"""Open items and bank transfers, as each party may see them, and their proof against the books: every SELECT here.

What is read here decides about money, so rows that the session holds already are read again.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, text

from marketplace.companies.models import Company
from marketplace.credit import queries as credit
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from settlements.ledger import books
from settlements.ledger.books import Difference
from settlements.receivables.arithmetic import Since
from settlements.receivables.models import (
    BankMatch,
    BankTransfer,
    CreditMove,
    DunningNotice,
    LateInterestRate,
    Receivable,
    ReceivableEntry,
    WriteOff,
)
from settlements.receivables.refusals import BankMatchUnknown, BankTransferUnknown, ReceivableUnknown, WriteOffUnknown
from settlements.receivables.states import STILL_OPEN, TransferState, WriteOffState

AFRESH = {"populate_existing": True}


def today() -> date:
    """The operator's day."""
    return credit.today()


def receivable(actor: Actor, receivable_id: uuid.UUID, *, locked: bool = False) -> Receivable:
    """One open item. Raises ReceivableUnknown. Who needs its order's lock as well takes that first."""
    statement = visible(actor, Receivable).where(Receivable.id == receivable_id)
    row = db.session.scalars(_locked(statement, locked), execution_options=AFRESH).one_or_none()
    if row is None:
        raise ReceivableUnknown
    return row


def _locked(statement: Select[Any], locked: bool) -> Select[Any]:
    return statement.with_for_update() if locked else statement


def of_order(order_id: uuid.UUID) -> list[Receivable]:
    """The invoices of an order, locked, in the order in which they fall due; the order is locked by the caller."""
    statement = visible(SYSTEM, Receivable).where(Receivable.order_id == order_id, Receivable.kind == "invoice")
    statement = statement.order_by(Receivable.due_on, Receivable.id).with_for_update()
    return list(db.session.scalars(statement, execution_options=AFRESH))


def deficits_of(order_id: uuid.UUID) -> list[Receivable]:
    """What was claimed on top of an order paid in advance, locked, in the order in which it falls due; the order is
    locked by the caller."""
    statement = visible(SYSTEM, Receivable).where(Receivable.order_id == order_id, Receivable.kind == "deficit")
    statement = statement.order_by(Receivable.due_on, Receivable.id).with_for_update()
    return list(db.session.scalars(statement, execution_options=AFRESH))


def receivables(
    actor: Actor, *, open_only: bool = False, overdue: bool = False, company_id: uuid.UUID | None = None
) -> Select[Any]:
    """The open items that the actor may see; `overdue`: those that should have been paid before today."""
    statement = visible(actor, Receivable)
    if open_only or overdue:
        statement = statement.where(Receivable.state.in_(STILL_OPEN), Receivable.open_minor > 0)
    if overdue:
        statement = statement.where(Receivable.due_on < today())
    return statement if company_id is None else statement.where(Receivable.company_id == company_id)


def entries_of(receivable_ids: Sequence[uuid.UUID]) -> list[ReceivableEntry]:
    """What some items rose and fell by, oldest first."""
    statement = visible(SYSTEM, ReceivableEntry).where(ReceivableEntry.receivable_id.in_(receivable_ids))
    return list(db.session.scalars(statement.order_by(ReceivableEntry.at, ReceivableEntry.id)))


def entered(receivable_id: uuid.UUID, *kinds: str) -> int:
    """What the entries of some kinds of an item come to."""
    statement = visible(SYSTEM, ReceivableEntry).with_only_columns(func.sum(ReceivableEntry.amount_minor))
    statement = statement.where(ReceivableEntry.receivable_id == receivable_id, ReceivableEntry.kind.in_(kinds))
    return int(db.session.scalar(statement) or 0)


def named_by(keys: Iterable[str], currency: str | None = None) -> list[Receivable]:
    """What is still open among the items with these numbers, or of orders with them, in the order of their due days."""
    wanted = list(keys)
    statement = receivables(SYSTEM, open_only=True)
    statement = statement.where(or_(Receivable.number_key.in_(wanted), Receivable.order_key.in_(wanted)))
    if currency is not None:
        statement = statement.where(Receivable.currency == currency)
    return list(db.session.scalars(statement.order_by(Receivable.due_on, Receivable.id), execution_options=AFRESH))


def known_by(keys: Iterable[str]) -> list[Receivable]:
    """The same whatever their state: to say why nothing is matched."""
    wanted = list(keys)
    numbered = or_(Receivable.number_key.in_(wanted), Receivable.order_key.in_(wanted))
    return list(db.session.scalars(visible(SYSTEM, Receivable).where(numbered).order_by(Receivable.id).limit(20)))


def to_remind(day: date, days: Sequence[int], limit: int, after: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Invoices that should have been paid before `day`, are not disputed, and have reached a level of which nobody was
    reminded, by id. `days`: so many after the due day each level is reached."""
    reached = [
        and_(Receivable.level < level, Receivable.due_on <= day - timedelta(days=late))
        for level, late in enumerate(days, 1)
    ]
    statement = visible(SYSTEM, Receivable).with_only_columns(Receivable.id)
    statement = statement.where(
        or_(*reached),
        Receivable.state.in_(STILL_OPEN),
        Receivable.open_minor > 0,
        Receivable.due_on < day,
        Receivable.kind != "late_fee",
        Receivable.paused_reason == "",
    )
    if after is not None:
        statement = statement.where(Receivable.id > after)
    return list(db.session.scalars(statement.order_by(Receivable.id).limit(limit)))


def overdue_at_level(company_id: uuid.UUID, currency: str, level: int, day: date) -> list[Receivable]:
    """What a company has not paid although it was reminded of it at this level or a higher one."""
    statement = receivables(SYSTEM, open_only=True, company_id=company_id)
    statement = statement.where(
        Receivable.currency == currency,
        Receivable.level >= level,
        Receivable.due_on < day,
        Receivable.kind != "late_fee",
    )
    return list(db.session.scalars(statement.order_by(Receivable.due_on), execution_options=AFRESH))


def open_sums(receivable_id: uuid.UUID) -> list[Since]:
    """What was open of an item from which day on."""
    statement = visible(SYSTEM, ReceivableEntry).where(ReceivableEntry.receivable_id == receivable_id)
    found: dict[date, int] = {}
    total = 0
    for row in db.session.scalars(statement.order_by(ReceivableEntry.day, ReceivableEntry.id)):
        total += row.amount_minor
        found[row.day] = total
    return [Since(day, minor) for day, minor in found.items()]


def late_rates() -> list[Since]:
    """The yearly rates that the operator has added, by their days."""
    rows = db.session.scalars(visible(SYSTEM, LateInterestRate).order_by(LateInterestRate.valid_from))
    return [Since(row.valid_from, row.rate) for row in rows]


def claimed_late(receivable_id: uuid.UUID) -> int:
    """What was claimed for paying this invoice late so far."""
    statement = visible(SYSTEM, Receivable).with_only_columns(func.sum(Receivable.amount_minor))
    return int(db.session.scalar(statement.where(Receivable.late_of == receivable_id)) or 0)


def notices_of(receivable_ids: Sequence[uuid.UUID]) -> list[DunningNotice]:
    """The reminders of some items, oldest first."""
    statement = visible(SYSTEM, DunningNotice).where(DunningNotice.receivable_id.in_(receivable_ids))
    return list(db.session.scalars(statement.order_by(DunningNotice.at)))


def transfer(actor: Actor, transfer_id: uuid.UUID, *, locked: bool = False) -> BankTransfer:
    """One bank transfer. Raises BankTransferUnknown."""
    statement = visible(actor, BankTransfer).where(BankTransfer.id == transfer_id)
    row = db.session.scalars(_locked(statement, locked), execution_options=AFRESH).one_or_none()
    if row is None:
        raise BankTransferUnknown
    return row


def transfers(actor: Actor, state: TransferState | None = None) -> Select[Any]:
    """The bank transfers that the actor may see."""
    statement = visible(actor, BankTransfer)
    return statement if state is None else statement.where(BankTransfer.state == state)


def told_by_bank(bank_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
    """How much in which currency each of the bank's own ids names, of those that it has told."""
    columns = (BankTransfer.bank_id, BankTransfer.amount_minor, BankTransfer.currency)
    statement = visible(SYSTEM, BankTransfer).with_only_columns(*columns)
    rows = db.session.execute(statement.where(BankTransfer.bank_id.in_(set(bank_ids))))
    return {row[0]: (row[1], row[2]) for row in rows}


def to_match(limit: int, last: uuid.UUID | None = None) -> list[uuid.UUID]:
    """Transfers of which something is left and that no person has taken over, in the order in which they came, those
    after `last`."""
    statement = visible(SYSTEM, BankTransfer).with_only_columns(BankTransfer.id)
    statement = statement.where(BankTransfer.state == TransferState.OPEN, BankTransfer.by_hand.is_(False))
    if last is not None:
        statement = statement.where(BankTransfer.id > last)
    return list(db.session.scalars(statement.order_by(BankTransfer.id).limit(limit)))


def matches_of(transfer_ids: Sequence[uuid.UUID]) -> list[BankMatch]:
    """The assignments of some transfers, oldest first."""
    statement = visible(SYSTEM, BankMatch).where(BankMatch.transfer_id.in_(transfer_ids))
    return list(db.session.scalars(statement.order_by(BankMatch.at, BankMatch.id)))


def match(actor: Actor, match_id: uuid.UUID) -> BankMatch:
    """One assignment. Raises BankMatchUnknown."""
    row = db.session.scalars(visible(actor, BankMatch).where(BankMatch.id == match_id)).one_or_none()
    if row is None:
        raise BankMatchUnknown
    return row


def undone(match_id: uuid.UUID) -> bool:
    statement = visible(SYSTEM, BankMatch).with_only_columns(BankMatch.id).where(BankMatch.undoes_id == match_id)
    return db.session.scalar(statement) is not None


def paid_before_from(iban: str) -> set[uuid.UUID]:
    """The companies whose invoices were paid from this account before."""
    statement = visible(SYSTEM, BankTransfer).with_only_columns(BankTransfer.company_id)
    found = db.session.scalars(
        statement.where(BankTransfer.remitter_iban == iban, BankTransfer.company_id.is_not(None)).distinct().limit(20)
    )
    return {company_id for company_id in found if company_id is not None}


def open_in(currency: str, limit: int) -> list[Receivable]:
    """What is open in a currency, the longest due first."""
    statement = receivables(SYSTEM, open_only=True).where(Receivable.currency == currency)
    return list(db.session.scalars(statement.order_by(Receivable.due_on, Receivable.id).limit(limit)))


def companies_on_account() -> list[Company]:
    """The companies that ever had to pay an invoice, by name."""
    owing = visible(SYSTEM, Receivable).with_only_columns(Receivable.company_id)
    return list(db.session.scalars(visible(SYSTEM, Company).where(Company.id.in_(owing)).order_by(Company.name)))


def journal_of(source: str) -> uuid.UUID | None:
    """The journal of a source."""
    found = db.session.scalars(books.journals(SYSTEM, source=source)).one_or_none()
    return None if found is None else found.id


def credit_moves(actor: Actor, company_id: uuid.UUID | None = None) -> Select[Any]:
    """What buyers' credit rose and fell by."""
    statement = visible(actor, CreditMove)
    return statement if company_id is None else statement.where(CreditMove.company_id == company_id)


def write_off(actor: Actor, write_off_id: uuid.UUID, *, locked: bool = False) -> WriteOff:
    """One proposal to give up a claim. Raises WriteOffUnknown."""
    statement = visible(actor, WriteOff).where(WriteOff.id == write_off_id)
    row = db.session.scalars(_locked(statement, locked), execution_options=AFRESH).one_or_none()
    if row is None:
        raise WriteOffUnknown
    return row


def write_offs(actor: Actor, state: WriteOffState | None = None) -> Select[Any]:
    """The proposals to give up claims that the actor may see."""
    statement = visible(actor, WriteOff)
    return statement if state is None else statement.where(WriteOff.state == state)


@dataclass(frozen=True, slots=True)
class Ageing:
    """What a company has open in one currency, by how long it is overdue, in minor units."""

    company_id: uuid.UUID
    company_name: str
    currency: str
    not_due_minor: int
    to_30_minor: int
    to_60_minor: int
    to_90_minor: int
    beyond_minor: int

    @property
    def total_minor(self) -> int:
        return self.not_due_minor + self.to_30_minor + self.to_60_minor + self.to_90_minor + self.beyond_minor


def ageing(actor: Actor) -> list[Ageing]:
    """What is open by company and age, the largest sums first."""
    late = today() - Receivable.due_on
    total = func.sum(Receivable.open_minor)

    def between(low: int | None, high: int | None) -> Any:
        conditions = ([] if low is None else [late >= low]) + ([] if high is None else [late <= high])
        return func.coalesce(total.filter(*conditions), 0)

    named = (Receivable.company_id, func.max(Receivable.company_name), Receivable.currency)
    edges = ((None, 0), (1, 30), (31, 60), (61, 90), (91, None))
    statement = receivables(actor, open_only=True).with_only_columns(*named, *(between(*edge) for edge in edges))
    statement = statement.group_by(Receivable.company_id, Receivable.currency).order_by(total.desc()).limit(500)
    return [Ageing(row[0], row[1], row[2], *map(int, row[3:])) for row in db.session.execute(statement)]


_OPEN = text("""
SELECT receivable.number AS subject, receivable.currency, receivable.open_minor AS found,
       coalesce(sum(entry.amount_minor), 0) AS expected
FROM receivable LEFT JOIN receivable_entry entry ON entry.receivable_id = receivable.id
GROUP BY receivable.id HAVING receivable.open_minor <> coalesce(sum(entry.amount_minor), 0)
""")
_BOOKED = text("""
WITH booked AS (
    SELECT party AS company_id, currency, balance_minor AS minor FROM account WHERE kind = 'buyer_receivable'
), claimed AS (
    SELECT company_id, currency, sum(open_minor) AS minor FROM receivable GROUP BY company_id, currency
)
SELECT company_id AS subject, currency, coalesce(claimed.minor, 0) AS expected, coalesce(booked.minor, 0) AS found
FROM booked FULL JOIN claimed USING (company_id, currency)
WHERE coalesce(claimed.minor, 0) <> coalesce(booked.minor, 0)
""")
_INVOICED = text("""
WITH claimed AS (
    SELECT receivable.order_id, receivable.currency, sum(entry.amount_minor) AS minor,
           count(DISTINCT receivable.vendor_order_id) AS parts, bool_or(receivable.vendor_order_id IS NULL) AS own
    FROM receivable JOIN receivable_entry entry ON entry.receivable_id = receivable.id
    WHERE receivable.kind = 'invoice' AND entry.kind IN ('issued', 'credited')
    GROUP BY receivable.order_id, receivable.currency
)
SELECT orders.number AS subject, claimed.currency, orders.owed_minor AS expected, claimed.minor AS found
FROM claimed JOIN orders ON orders.id = claimed.order_id
WHERE claimed.minor <> orders.owed_minor
  AND claimed.parts >= (SELECT count(*) FROM vendor_order WHERE order_id = orders.id AND state <> 'cancelled')
  AND (claimed.own OR NOT EXISTS (
      SELECT 1 FROM order_delivery WHERE order_id = orders.id AND vendor_id IS NULL AND amount_minor <> 0))
""")
_RECEIPTS = text("""
WITH waiting AS (
    SELECT currency, sum(amount_minor - assigned_minor) AS minor FROM bank_transfer GROUP BY currency
), booked AS (
    SELECT posting.currency, -sum(posting.amount_minor) AS minor
    FROM posting JOIN account ON account.id = posting.account_id
    WHERE account.kind = 'unmatched_receipts' GROUP BY posting.currency
)
SELECT 'all of them' AS subject, currency, coalesce(waiting.minor, 0) AS expected, coalesce(booked.minor, 0) AS found
FROM waiting FULL JOIN booked USING (currency) WHERE coalesce(waiting.minor, 0) <> coalesce(booked.minor, 0)
""")
_CREDIT = text("""
WITH moved AS (
    SELECT company_id, currency, sum(amount_minor) AS minor FROM buyer_credit_move GROUP BY company_id, currency
), booked AS (
    SELECT party AS company_id, currency, -balance_minor AS minor FROM account WHERE kind = 'buyer_credit'
)
SELECT company_id AS subject, currency, coalesce(moved.minor, 0) AS expected, coalesce(booked.minor, 0) AS found
FROM moved FULL JOIN booked USING (company_id, currency) WHERE coalesce(moved.minor, 0) <> coalesce(booked.minor, 0)
""")
_PROOFS = {
    "open item": _OPEN,
    "buyer's open items": _BOOKED,
    "order's invoices": _INVOICED,
    "unmatched receipts": _RECEIPTS,
    "buyer's credit": _CREDIT,
}


@books.proof
def check_receivables() -> list[Difference]:
    """What buyers on account owe, by item, order and company, is what the books say; so are what waits at the bank and
    what is kept for them; and credit in use is what their orders take."""
    found = [
        Difference(what, str(row.subject), row.currency, int(row.expected), int(row.found))
        for what, statement in _PROOFS.items()
        for row in db.session.execute(statement)
    ]
    return found + [
        Difference("credit in use", str(company), currency, taken, kept)
        for company, currency, kept, taken in credit.miscounted()
    ]
