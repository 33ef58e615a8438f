"""The sentences that invoices carry."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from settlements.invoices.states import InvoiceKind
from settlements.invoices.words import day, money


def terms(kind: InvoiceKind, payable_minor: int, agreed: Mapping[str, Any] | None, due_on: date | None) -> str:
    """What is to be done about it; `agreed`: the terms that its order is on, else it was paid in advance, and what it
    owes on top by now is due on a day, or carried."""
    if kind.credits and (payable_minor >= 0 or agreed is not None):
        return "Is given back the way it was paid, or lowers what is still to be paid."
    if not payable_minor:
        return "Paid. Nothing is left to pay."
    if agreed is not None:
        return f"Payment: {agreed['text']}."
    if due_on is None:
        return "Is taken off the next refund of this order; who wants to may pay it on the order's page."
    return f"To be paid by {day(due_on)}: on the order's page, or by a bank transfer that names this number."


def note(kind: InvoiceKind, market_minor: int, currency: str, operator: str, on_behalf_of: str | None) -> str:
    """Who issued it for whom, and what the marketplace pays of it.

    A discount that the marketplace pays is its payment for the buyer: it lowers what he pays, not the vendor's
    consideration, so it stands with what was paid and not with the discounts.
    """
    said = []
    if on_behalf_of:
        said.append(f"Issued by {operator} in the name and on behalf of {on_behalf_of}.")
    if market_minor:
        sum_text = money(abs(market_minor), currency)
        back = kind.credits == (market_minor > 0)
        paid = (
            f"{sum_text} of this goes back to {operator}, which had paid it"
            if back
            else (f"{sum_text} of this is paid by {operator}")
        )
        said.append(f"{paid}: a discount at the marketplace's cost, contained in the amount paid in advance.")
    return " ".join(said)


def price_moved(text: str) -> str:
    return f"{text}: price and discount corrected"
