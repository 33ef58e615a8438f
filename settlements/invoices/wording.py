"""The sentences that invoices carry."""

from collections.abc import Mapping
from typing import Any

from settlements.invoices.states import InvoiceKind
from settlements.invoices.words import money


def terms(kind: InvoiceKind, payable_minor: int, agreed: Mapping[str, Any] | None) -> str:
    """What is to be done about it; `agreed`: the terms that its order is on."""
    if kind.credits:
        return "Is given back the way it was paid, or lowers what is still to be paid."
    if not payable_minor:
        return "Paid. Nothing is left to pay."
    return "To be paid at once." if agreed is None else f"Payment: {agreed['text']}."


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
