"""Sharing a payment out over open invoices, and what being late costs; pure, on whole minor units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from marketplace.kernel.money import round_half_up

YEAR = 365


@dataclass(frozen=True, slots=True)
class Shared:
    """What each of some open items gets of a payment, in their order, and what is left of it."""

    parts: tuple[int, ...]
    left_minor: int


def shared_out(amount_minor: int, open_minor: Sequence[int]) -> Shared:
    """The items are paid one after the other, none more than is open of it."""
    parts, left = [], amount_minor
    for wanted in open_minor:
        part = min(left, max(0, wanted))
        parts.append(part)
        left -= part
    return Shared(tuple(parts), left)


@dataclass(frozen=True, slots=True)
class Since:
    """Something that holds from a day on: a rate, or an open sum."""

    day: date
    value: Decimal | int


def interest(open_sums: Sequence[Since], rates: Sequence[Since], due_on: date, until: date) -> int:
    """Simple interest on what was open after the due day, day by day up to and with `until`, rounded once, half up.

    `open_sums` and `rates` rise by day; each holds from its day on until the next. A payment counts on its day.
    """
    begins = sorted({row.day for row in (*open_sums, *rates)})
    exact = Fraction(0)
    first = due_on.toordinal() + 1
    edges = [first, *(day.toordinal() for day in begins if first < day.toordinal() <= until.toordinal())]
    for start, end in zip(edges, [*edges[1:], until.toordinal() + 1], strict=True):
        if end > start:
            day = date.fromordinal(start)
            exact += Fraction(max(0, _on(open_sums, day))) * Fraction(_on(rates, day)) * (end - start)
    exact /= YEAR
    return round_half_up(exact.numerator, exact.denominator)


def _on(rows: Sequence[Since], day: date) -> int:
    held: Decimal | int = 0
    for row in rows:
        if row.day <= day:
            held = row.value
    return held  # type: ignore[return-value]
