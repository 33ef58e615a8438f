"""Which open items a transfer may pay, and why one would think so: for the person who decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.kernel.lazily import lazily
from settlements.receivables import queries
from settlements.receivables.models import BankTransfer, Receivable
from settlements.receivables.references import keys_in

rapidfuzz: Any = lazily("rapidfuzz")

_LOOKED_AT, SHOWN, _ALIKE = 2000, 8, 85


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An open item with the reasons that speak for it, the strongest suggestion first; `amount_minor`: what it would
    get."""

    item: Receivable
    reasons: Sequence[str]
    score: int
    amount_minor: int


def suggestions(transfer: BankTransfer) -> list[Suggestion]:
    """The likeliest open items for what is left of a transfer; none where nothing speaks for any."""
    items = queries.open_in(transfer.currency, _LOOKED_AT)
    payers = queries.paid_before_from(transfer.remitter_iban) if transfer.remitter_iban else set()
    keys = keys_in(transfer.reference)
    totals: dict[object, int] = {}
    for item in items:
        totals[item.company_id] = totals.get(item.company_id, 0) + item.open_minor
    found = []
    for item in items:
        reasons = list(_reasons(transfer, item, keys, item.company_id in payers, totals[item.company_id]))
        if reasons:
            score = sum(points for points, _ in reasons)
            amount = min(item.open_minor, transfer.left_minor)
            found.append(Suggestion(item, [text for _, text in reasons], score, amount))
    return sorted(found, key=lambda row: (-row.score, row.item.due_on))[:SHOWN]


def _reasons(transfer: BankTransfer, item: Receivable, keys: frozenset[str], paid_before: bool, total_minor: int):  # type: ignore[no-untyped-def]
    if item.number_key in keys:
        yield 100, "its number is named"
    elif item.order_key and item.order_key in keys:
        yield 60, "its order is named"
    if item.open_minor == transfer.left_minor:
        yield 50, "exactly this is open"
    elif total_minor == transfer.left_minor:
        yield 30, "all that this company has open comes to it"
    if paid_before:
        yield 25, "this company paid from this account before"
    if rapidfuzz.fuzz.token_set_ratio(transfer.remitter_name.casefold(), item.company_name.casefold()) >= _ALIKE:
        yield 20, "the payer is called like this company"
