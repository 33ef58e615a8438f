"""A statement as its vendor and the operator see it: accounts, lines by kind, and what stands beside them."""

from collections.abc import Iterable, Sequence
from typing import Any

from settlements.ledger.chart import PostingKind
from settlements.runs.lines import ACCOUNTS, line_of, words_of
from settlements.runs.models import SettlementRun, Statement, StatementAccount
from settlements.runs.queries import Progress
from settlements.runs.queries.details import Line, Sum, Waiting

Json = dict[str, Any]
_ORDER = [
    kind.value for kind in PostingKind
]  # goods before taxes before commission, what a sale brings before the rest


def run(row: SettlementRun, progress: Progress) -> Json:
    """A run with how far it is."""
    names = ("id", "state", "cut_at", "by_cycle", "vendor_id", "opened_at", "collected_at", "closed_at")
    counts = ("statements", "collected", "closed", "failed", "held", "paid")
    return {name: getattr(row, name) for name in names} | {name: getattr(progress, name) for name in counts}


def summary(row: Statement, vendor_name: str) -> Json:
    """A statement in a list."""
    names = (
        "id",
        "number",
        "run_id",
        "vendor_id",
        "currency",
        "sequence",
        "state",
        "starts_at",
        "cut_at",
        "closed_at",
        "opening_minor",
        "lines_minor",
        "closing_minor",
        "payout_minor",
        "carried_because",
        "reason",
        "pending_minor",
        "earned_minor",
        "commission_minor",
        "commission_tax_minor",
        "invoice_id",
    )
    return {name: getattr(row, name) for name in names} | {"vendor_name": vendor_name}


def whole(
    row: Statement,
    vendor_name: str,
    accounts: Sequence[StatementAccount],
    sums: Iterable[Sum],
) -> Json:
    """A statement with its accounts and, of each, its lines by kind."""

    def place(one: Sum) -> tuple[int, bool]:
        return (_ORDER.index(one.kind) if one.kind in _ORDER else len(_ORDER), not one.in_favour)

    rows = sorted(sums, key=place)
    return summary(row, vendor_name) | {
        "accounts": [
            {
                "account": account.kind,
                "name": ACCOUNTS[account.kind],
                "opening_minor": account.opening_minor,
                "closing_minor": account.closing_minor,
                "lines": [
                    named(one.kind, one.in_favour, one.reason) | {"amount_minor": one.amount_minor, "count": one.count}
                    for one in rows
                    if one.account == account.kind
                ],
            }
            for account in accounts
        ]
    }


def named(kind: str, in_favour: bool, reason: str | None) -> Json:
    """The name of a line for programs and for people."""
    line = line_of(kind, in_favour=in_favour)
    return {"line": line, "text": words_of(line, reason or "")}


def line(found: Line) -> Json:
    """One line of a statement: an order's postings of one kind, or what was booked by hand with its reason."""
    return named(found.kind, found.in_favour, found.reason) | {
        "vendor_order_id": found.vendor_order_id,
        "vendor_order": found.number,
        "account": found.account,
        "account_name": ACCOUNTS[found.account],
        "amount_minor": found.amount_minor,
        "count": found.count,
        "booked_from": found.booked_from,
        "booked_to": found.booked_to,
    }


def waiting(found: Waiting) -> Json:
    """A vendor order whose money is not due yet, and why."""
    part = found.part
    return {
        "vendor_order_id": part.id,
        "vendor_order": part.number,
        "currency": part.currency,
        "payable_minor": part.payable_minor,
        "stage": found.earning.state.value if found.earning else "pending",
        "why": found.why,
        "due_at": found.due_at,
    }
