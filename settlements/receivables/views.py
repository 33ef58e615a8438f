"""Open items and bank transfers as they are read."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from marketplace.kernel.money import Money
from settlements.receivables import queries
from settlements.receivables.models import BankMatch, BankTransfer, Receivable
from settlements.receivables.states import STILL_OPEN
from settlements.receivables.suggestions import suggestions

Json = dict[str, Any]
_ITEM = (
    "id", "kind", "number", "issuer_name", "company_id", "company_name", "order_id", "order_number", "invoice_id",
    "late_of", "open_minor", "issued_on", "due_on", "state", "level", "paused_reason", "settled_at",
)  # fmt: skip
_TRANSFER = (
    "id", "bank_id", "left_minor", "booked_on", "remitter_name", "remitter_iban", "reference", "state", "company_id",
    "reason", "imported_at",
)  # fmt: skip


def item(row: Receivable) -> Json:
    """An open item with how late it is."""
    late = (queries.today() - row.due_on).days if row.state in STILL_OPEN and row.open_minor > 0 else 0
    shown = {name: getattr(row, name) for name in _ITEM}
    return shown | {"amount": Money(row.amount_minor, row.currency), "days_overdue": max(0, late)}


def item_with_entries(row: Receivable) -> Json:
    """The same with what it rose and fell by, and its reminders."""
    return item(row) | {"entries": queries.entries_of([row.id]), "reminders": queries.notices_of([row.id])}


def transfers(rows: Sequence[BankTransfer]) -> list[Json]:
    """Bank transfers with what was assigned of them, in two queries however many they are."""
    matches: dict[Any, list[BankMatch]] = defaultdict(list)
    for match in queries.matches_of([row.id for row in rows]):
        matches[match.transfer_id].append(match)
    return [
        {name: getattr(row, name) for name in _TRANSFER}
        | {"amount": Money(row.amount_minor, row.currency), "matches": matches[row.id]}
        for row in rows
    ]


def transfer_with_suggestions(row: BankTransfer) -> Json:
    """One transfer with the open items that it may pay."""
    likely = suggestions(row) if row.left_minor else []
    return transfers([row])[0] | {
        "suggestions": [
            {"receivable": item(found.item), "amount_minor": found.amount_minor, "reasons": found.reasons}
            for found in likely
        ]
    }
