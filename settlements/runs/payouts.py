"""What of a statement is paid out, and what is held back for good: arithmetic on its closing, nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marketplace.agreements.minimums import usual_minimum


@dataclass(frozen=True, slots=True)
class Payout:
    """What is transferred; where it is nothing, why: debt, nothing, below_minimum, currency."""

    amount_minor: int
    carried_because: str | None = None


def payout(payable_minor: int, currency: str, minimums: Mapping[str, int], currencies: Sequence[str]) -> Payout:
    """All that is payable, unless it is below the minimum or in a currency in which the vendor is not paid."""
    if payable_minor <= 0:
        return Payout(0, "debt" if payable_minor < 0 else "nothing")
    if currencies and currency not in currencies:
        return Payout(0, "currency")
    minimum = minimums.get(currency, usual_minimum(currency))
    return Payout(payable_minor) if payable_minor >= minimum else Payout(0, "below_minimum")


def to_hold_back(payable_minor: int, reserve_minor: int, rolling_minor: int, minimum_minor: int) -> int:
    """How much more goes to the reserve so that it reaches its minimum (below zero: comes back from it).

    Never more than is payable, and what is held of single orders is not given back before its time.
    """
    if reserve_minor < minimum_minor:
        return max(0, min(payable_minor, minimum_minor - reserve_minor))
    return -min(reserve_minor - rolling_minor, reserve_minor - minimum_minor) if reserve_minor > rolling_minor else 0
