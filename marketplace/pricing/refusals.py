"""Why an input cannot be valued, and the checks that every fact makes of its numbers."""

from collections.abc import Iterable
from decimal import Context, Decimal

MICROS = 10**6
MAX_MINOR = 10**15
_EXACT = Context(prec=40)


class Refused(ValueError):
    """The input cannot be valued. reason: why, in words; pointer: where in a JSON document, "" where it is a rule."""

    def __init__(self, reason: str, pointer: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.pointer = pointer


def is_whole(value: object) -> bool:
    """Whether a value is a whole number; True and False are none."""
    return type(value) is int


def in_micros(value: Decimal) -> int:
    """A price or a rate times 10**6; Refused where it has more than six decimals or twelve digits before them."""
    if not isinstance(value, Decimal) or not value.is_finite():
        raise Refused("a price or a rate is a decimal number")
    if value and value.adjusted() > 11:
        raise Refused("a price or a rate has at most twelve digits before the point")
    scaled = _EXACT.multiply(value, MICROS) if value else Decimal(0)
    whole = int(scaled)
    if whole != scaled:
        raise Refused("a price or a rate has at most six decimals")
    return whole


def rate_in_micros(value: Decimal, noun: str = "rate") -> int:
    """A fraction of one times 10**6; Refused outside 0 to 1."""
    micros = in_micros(value)
    if not 0 <= micros <= MICROS:
        raise Refused(f"a {noun} is between 0 and 1")
    return micros


def check_limit(value: int | None, noun: str) -> None:
    """Refused where a sum is negative or beyond MAX_MINOR; None is no limit."""
    if value is None:
        return
    if not is_whole(value):
        raise Refused("a sum is a whole number of minor units")
    if value < 0:
        raise Refused(f"{noun} is not negative")
    if value > MAX_MINOR:
        raise Refused("a sum is larger than can be booked")


def check_unlike(ids: Iterable[object], reason: str) -> None:
    """Refused, for the reason given, where one id comes twice."""
    seen: set[object] = set()
    for one in ids:
        if one in seen:
            raise Refused(reason)
        seen.add(one)
