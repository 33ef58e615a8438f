"""A sum of money is a whole number of minor units of one currency, and sharing it out loses nothing."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

# ISO 4217: the currencies whose minor unit is not a hundredth.
MINOR_DIGITS: dict[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_CURRENCY = re.compile(r"[A-Z]{3}")
_MAJOR = re.compile(r"(-?)(\d{1,18})(?:\.(\d{1,18}))?", re.ASCII)


class CurrenciesDiffer(ValueError):
    """Sums of two currencies were added or compared."""


def minor_digits(currency: str) -> int:
    """How many decimal digits the minor unit of a currency stands for: EUR 2, JPY 0, KWD 3."""
    return MINOR_DIGITS.get(currency, 2)


def is_currency(text: object) -> bool:
    """Whether a value has the shape of an ISO 4217 code: three capital letters."""
    return isinstance(text, str) and _CURRENCY.fullmatch(text) is not None


def round_half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator as a whole number, a half goes up. The denominator is above zero."""
    if denominator < 1:
        raise ValueError("a denominator is at least 1")
    return (2 * numerator + denominator) // (2 * denominator)


def round_half_up_each(numerators: Iterable[int], denominator: int) -> list[int]:
    """round_half_up of each numerator over one denominator."""
    if denominator < 1:
        raise ValueError("a denominator is at least 1")
    twice = 2 * denominator
    return [(2 * numerator + denominator) // twice for numerator in numerators]


def share(amount: int, kept: int, ordered: int) -> int:
    """The part of amount that falls on kept of ordered units, 0 where nothing was ordered.

    A difference of two shares is what a step moves, so the packets in which units come back do not matter.
    """
    if ordered == 0:
        return 0
    if ordered < 0:
        raise ValueError("an ordered quantity is not negative")
    return (2 * amount * kept + ordered) // (2 * ordered)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """total in whole parts by weight: largest remainder, ties to the lower position. The parts add up to total.

    A negative total is shared out as the mirror image of the positive one. ValueError where a weight is
    negative, or where something is to be shared out and every weight is 0.
    """
    if total < 0:
        return [-part for part in allocate(-total, weights)]
    whole = sum(weights)
    if weights and min(weights) < 0:
        raise ValueError("a weight is not negative")
    if total == 0:
        return [0] * len(weights)
    if whole == 0:
        raise ValueError("nothing carries a weight")
    parts = [total * weight // whole for weight in weights]
    left = total - sum(parts)
    if left:
        # A descending sort keeps the order of equal remainders, so the lower position comes first.
        remainders = [total * weight % whole for weight in weights]
        for position in sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)[:left]:
            parts[position] += 1
    return parts


@dataclass(frozen=True, slots=True)
class Money:
    """minor: the sum in minor units, may be negative; currency: an ISO 4217 code. Equal only in both."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"a sum is a whole number of minor units, not {type(self.minor).__name__}")
        if not is_currency(self.currency):
            raise ValueError("a currency is three capital letters")

    @classmethod
    def from_major(cls, text: str, currency: str) -> Self:
        """The exact sum of a text as "1234.50"; ValueError where it is none or has more digits than the currency."""
        found = _MAJOR.fullmatch(text)
        if found is None:
            raise ValueError("a sum is written as digits with at most one point")
        sign, whole, fraction = found[1], found[2], found[3] or ""
        digits = minor_digits(currency)
        if len(fraction) > digits:
            raise ValueError(f"{currency} has {digits} decimal digits")
        minor = int(whole + fraction.ljust(digits, "0"))
        return cls(-minor if sign else minor, currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._minor_of(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._minor_of(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._minor_of(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._minor_of(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._minor_of(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._minor_of(other)

    def times(self, rate: Decimal) -> "Money":
        """The sum at a rate, rounded once and half up. TypeError for anything but a Decimal."""
        if not isinstance(rate, Decimal):
            raise TypeError(f"a rate is a Decimal, not {type(rate).__name__}")
        if not rate.is_finite():
            raise ValueError("a rate is a number")
        numerator, denominator = rate.as_integer_ratio()
        return Money(round_half_up(self.minor * numerator, denominator), self.currency)

    def split(self, weights: Sequence[int]) -> "list[Money]":
        """The sum in parts by weight, by largest remainder; the parts add up to it."""
        return [Money(part, self.currency) for part in allocate(self.minor, weights)]

    def major(self) -> str:
        """The exact sum as "-1234.50", which from_major reads back."""
        return self._written("d")

    def format(self) -> str:
        """The sum as people read it: "-1,234.50 EUR"."""
        return f"{self._written(',d')} {self.currency}"

    def _written(self, grouping: str) -> str:
        digits = minor_digits(self.currency)
        whole, fraction = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        written = f"{sign}{whole:{grouping}}"
        return f"{written}.{fraction:0{digits}d}" if digits else written

    def _minor_of(self, other: object) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"money meets only money, not {type(other).__name__}")
        if other.currency != self.currency:
            raise CurrenciesDiffer(f"{self.currency} is not {other.currency}")
        return other.minor
