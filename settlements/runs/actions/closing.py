"""Statements are closed a few at a time: commission invoiced, its tax booked, proven against the books, numbered."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from flask import current_app

from marketplace.agreements import queries as agreements
from marketplace.agreements.models import VendorTerms
from marketplace.kernel import clock, history, outbox, reads, writes
from marketplace.kernel.access import SYSTEM
from settlements.invoices import actions as invoices
from settlements.invoices.actions import CommissionIssued, CommissionRequest
from settlements.ledger import books
from settlements.ledger.books import Entry
from settlements.ledger.chart import AccountKind, account_id
from settlements.ledger.postings import statements as postings
from settlements.runs import queries
from settlements.runs.events import StatementsClosed
from settlements.runs.models import SettlementRun, Statement
from settlements.runs.payouts import payout, to_hold_back
from settlements.runs.queries import figures
from settlements.runs.queries.figures import AccountFigures, Beside
from settlements.runs.refusals import StatementDiffers
from settlements.runs.states import RunVerb, StatementVerb

A = AccountKind
Sums = Mapping[str, AccountFigures]


def close(run_id: uuid.UUID, limit: int) -> Sequence[uuid.UUID]:
    """Close collected drafts of a run that nobody else works on; returns which.

    Raises StatementDiffers, and what the invoices refuse: then none of them is closed.
    """
    return _close(queries.locked_drafts(run_id, limit))


def close_one(statement_id: uuid.UUID) -> bool:
    """Close one collected draft by itself; False where it is closed, or somebody works on it. Raises as `close`."""
    return bool(_close(queries.locked_draft(statement_id)))


def fail(statement_id: uuid.UUID, reason: str) -> None:
    """A draft could not be closed: say why, and go on with the others."""
    for row in queries.locked_draft(statement_id):
        row.reason, row.failed_at = reason, clock.now()


def retry(run: SettlementRun) -> int:
    """Forget that drafts of a run failed, so that they are tried again; returns how many."""
    failed = queries.failed_of(run.id)
    for row in failed:
        row.failed_at = None
    return len(failed)


def advance(run_id: uuid.UUID) -> SettlementRun:
    """Move the run as far as its statements are: collected when all are, closed when all are."""
    run = queries.run(SYSTEM, run_id, locked=True)
    progress = queries.progress_of([run.id])[run.id]
    if progress.collected == progress.statements and history.move(run, RunVerb.COLLECT, SYSTEM):
        run.collected_at = clock.now()
    if progress.closed == progress.statements and history.move(run, RunVerb.CLOSE, SYSTEM):
        run.closed_at = clock.now()
    return run


def _close(rows: Sequence[Statement]) -> list[uuid.UUID]:
    if not rows:
        return []
    ids = [row.id for row in rows]
    accounts, beside = figures.accounts_of(ids), figures.beside(ids)
    terms = agreements.terms_in_force(_day(rows[0].cut_at), {row.vendor_id for row in rows})
    held = {row.id: _held_back(row, accounts[row.id], beside[row.id], terms.get(row.vendor_id)) for row in rows}
    issued = _invoiced(rows, accounts)
    _book(rows, issued, held)
    _settle_accounts(ids)
    wrong = figures.differences(ids)
    if wrong:
        (statement_id, (closing, booked)), *_ = wrong.items()
        raise StatementDiffers(f"It closes with {closing}, the books with {booked}.", statement_id=statement_id)
    closings, unpaid = queries.closings_of(ids), queries.unpaid_before(ids)
    for row, number in zip(rows, _numbers(len(rows)), strict=True):
        row.commission_minor = _commission(accounts[row.id])
        _write(row, number, closings[row.id], beside[row.id], issued.get(row.id), terms.get(row.vendor_id))
    for earlier in unpaid:
        history.move(earlier, StatementVerb.CARRY, SYSTEM)
    writes.all_of_it()
    outbox.publish(StatementsClosed(statement_ids=tuple(ids)))
    return ids


def _day(cut_at: datetime) -> date:
    return clock.business_day(cut_at, current_app.extensions["kontor_settings"].time_zone)


def _held_back(row: Statement, accounts: Sums, beside: Beside, terms: VendorTerms | None) -> int:
    minimum = terms.reserve_minimum.get(row.currency, 0) if terms else 0
    own = accounts.get(A.VENDOR_PAYABLE)
    payable = own.opening_minor + own.lines_minor if own else 0
    return to_hold_back(payable, beside.reserve_minor, beside.rolling_minor, minimum)


def _commission(accounts: Sums) -> int:
    own = accounts.get(A.VENDOR_PAYABLE)
    return own.commission_minor if own else 0


def _invoiced(rows: Sequence[Statement], accounts: Mapping[uuid.UUID, Sums]) -> dict[uuid.UUID, CommissionIssued]:
    requests = []
    for row in rows:
        net = _commission(accounts[row.id])
        if net:
            last = _day(row.cut_at - timedelta(microseconds=1))
            requests.append(
                CommissionRequest(
                    statement_id=row.id,
                    vendor_id=row.vendor_id,
                    currency=row.currency,
                    period_from=min(_day(row.starts_at), last),
                    period_to=last,
                    net_minor=net,
                )
            )
    return {answer.statement_id: answer for answer in invoices.issue_commissions(requests)} if requests else {}


def _book(
    rows: Sequence[Statement], issued: Mapping[uuid.UUID, CommissionIssued], held: Mapping[uuid.UUID, int]
) -> None:
    """What the closing books is part of the statement, though it is booked after the cut."""
    entries = []
    for row in rows:
        tax = issued[row.id].tax_minor if row.id in issued else 0
        lines = postings.commission_tax(row.vendor_id, row.currency, tax)
        if lines:
            entries.append(Entry(f"commission:{row.id}", "commission_invoiced", lines))
        lines = postings.reserve_minimum(row.vendor_id, row.currency, held[row.id])
        if lines:
            entries.append(Entry(f"reserve_minimum:{row.id}", "reserve_minimum", lines))
    if entries:
        books.post_all(entries)
        owners = [row for row in rows if held[row.id] > 0]
        if owners:
            reserves = [account_id(A.VENDOR_RESERVE, row.vendor_id, row.currency) for row in owners]
            reads.in_session(_NEW_RESERVES, {"ids": [row.id for row in owners], "accounts": reserves})
        reads.in_session(_OWN_ENTRIES, {"ids": [row.id for row in rows]})


_NEW_RESERVES = """
INSERT INTO statement_account (statement_id, kind, account_id, after, upto, opening_minor, closing_minor)
SELECT id, 'vendor_reserve', account_id, 0, 0, 0, 0 FROM unnest(%(ids)s::uuid[], %(accounts)s::uuid[]) t(id, account_id)
ON CONFLICT DO NOTHING RETURNING statement_id
"""
_OWN_ENTRIES = """
INSERT INTO statement_entry (account_id, position, statement_id, account, kind, amount_minor)
SELECT posting.account_id, posting.position, own.statement_id, own.kind, posting.kind, -posting.amount_minor
FROM unnest(%(ids)s::uuid[]) wanted(id)
JOIN journal ON journal.source IN ('commission:' || wanted.id, 'reserve_minimum:' || wanted.id)
JOIN posting ON posting.journal_id = journal.id
JOIN statement_account own ON own.statement_id = wanted.id AND own.account_id = posting.account_id
RETURNING position
"""
_CLOSING = """
UPDATE statement_account own SET closing_minor = own.opening_minor
    + coalesce((SELECT sum(amount_minor) FROM statement_total t
        WHERE t.statement_id = own.statement_id AND t.account = own.kind), 0)
    + coalesce((SELECT sum(amount_minor) FROM statement_entry e
        WHERE e.statement_id = own.statement_id AND e.account = own.kind), 0)
WHERE own.statement_id = ANY(%(ids)s) RETURNING statement_id
"""
_NUMBERS = """
INSERT INTO statement_series (name, last) VALUES ('statements', %(count)s)
ON CONFLICT (name) DO UPDATE SET last = statement_series.last + excluded.last RETURNING last
"""


def _settle_accounts(ids: Sequence[uuid.UUID]) -> None:
    reads.in_session(_CLOSING, {"ids": list(ids)})


def _numbers(count: int) -> list[str]:
    """The next numbers; the series is locked until the transaction ends, so none is left out."""
    ((last,),) = reads.in_session(_NUMBERS, {"count": count})
    return [f"S-{number:06d}" for number in range(last - count + 1, last + 1)]


def _write(
    row: Statement,
    number: str,
    closings: Mapping[str, int],
    beside: Beside,
    issued: CommissionIssued | None,
    terms: VendorTerms | None,
) -> None:
    now = clock.now()
    row.closing_minor = sum(closings.values())
    row.lines_minor = row.closing_minor - row.opening_minor
    minimums, currencies = (terms.minimum_payout, terms.payout_currencies) if terms else ({}, [])
    paid = payout(closings.get(A.VENDOR_PAYABLE, 0), row.currency, minimums, currencies)
    row.payout_minor, row.carried_because = paid.amount_minor, paid.carried_because
    row.pending_minor, row.earned_minor = beside.pending_minor, beside.earned_minor
    if issued:
        row.invoice_id, row.commission_tax_minor = issued.invoice_id, issued.tax_minor
    row.number, row.closed_at = number, now
    row.reason = row.failed_at = None
    history.move(row, StatementVerb.CLOSE, SYSTEM)
