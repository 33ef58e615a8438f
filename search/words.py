"""What a text asks for: words, quantities with their units, and what may be a part number: pure.

A quantity is compared in base units, so that `10 uF`, `10µF` and `0.01 mF` are one; `M8x40` is a thread and a length.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from search.units import UNITS, Factor

_NUMBER = r"(?P<number>\d{1,12}(?:[.,]\d{1,9})?(?:\s?/\s?\d{1,4})?)"
_FOLDED: dict[str, list[str]] = {}
for _unit in UNITS:
    _FOLDED.setdefault(_unit.casefold(), []).append(_unit)
_ANY_UNIT = "|".join(sorted(map(re.escape, {*UNITS, *_FOLDED}), key=len, reverse=True))
_QUANTITY = re.compile(rf"(?<![\w.,/-]){_NUMBER}\s?(?P<unit>{_ANY_UNIT})(?![\w/])")
_THREAD = re.compile(
    r"(?<![\w.])[mM]\s?(?P<size>\d{1,3}(?:[.,]\d{1,2})?)"
    r"(?:\s?[x\u00d7X*]\s?(?P<length>\d{1,4}(?:[.,]\d)?))?(?![\w])"
)
_SERVES = re.compile(
    r"\b(?:for|f/|compatible with|suitable for|replaces|fits|w/o|without)\s+(?P<what>[^.;()]{1,80})", re.IGNORECASE
)
_DIGIT = re.compile(r"\d")
_LONGEST = 1000
Way = tuple[str, ...]


def measures_in(text: str) -> tuple[str, ...]:
    """The quantities that a text of a product states, as tokens."""
    return _tokens(text[:_LONGEST])


@lru_cache(65_536)
def _tokens(text: str) -> tuple[str, ...]:
    if not _DIGIT.search(text):
        return ()
    found = [token for _, ways in _found(text) for way in ways for token in way]
    return tuple(dict.fromkeys(found))


def measures_asked(text: str) -> tuple[tuple[str, tuple[Way, ...]], ...]:
    """The quantities that a person asks for: (what was typed, ways to have it); of a way all tokens are needed."""
    return tuple(_found(text[:_LONGEST]))[:5]


def _found(text: str) -> Iterator[tuple[str, tuple[Way, ...]]]:
    for match in _THREAD.finditer(text):
        size = f"m{_float(match['size']):g}"
        if match["length"]:
            length = _float(match["length"])
            yield match[0], ((f"{size}x{length:g}",), (size, _token(length / 1000, "m")))
        else:
            yield match[0], ((size,),)
    for match in _QUANTITY.finditer(text):
        measured = _measured(match["number"], match["unit"])
        if measured is not None:
            yield match[0], ((_token(*measured),),)


def magnitude(text: str) -> float | None:
    """The number that an attribute's text is, in base units where it has a unit; None where it is no number."""
    return _magnitude(text.strip()[:100])


@lru_cache(65_536)
def _magnitude(text: str) -> float | None:
    match = re.fullmatch(r"(?P<sign>[-+]?)" + _NUMBER + r"\s?(?P<unit>[^\d\s]*)", text)
    if match is None:
        return None
    sign = -1.0 if match["sign"] == "-" else 1.0
    unit = match["unit"]
    if not unit or unit.casefold() not in _FOLDED:
        number = _float(match["number"])
        return None if number is None else sign * number
    measured = _measured(match["number"], unit, sign)
    return None if measured is None else measured[0]


def _measured(number: str, unit: str, sign: float = 1.0) -> tuple[float, str] | None:
    """(magnitude, base unit) of `10`, `uF`; None where it means nothing."""
    value, known = _float(number), _factor(unit)
    if value is None or known is None:
        return None
    factor, offset, base = known
    return sign * value * factor + offset, base


def _token(magnitude: float, base: str) -> str:
    return f"{magnitude:.6g} {base}"


def _float(number: str) -> Any:
    """`2,5`, `1/4` or `10` as a number; None where it divides by nothing."""
    above, _, below = number.replace(",", ".").replace(" ", "").partition("/")
    if below and not float(below):
        return None
    return float(above) / float(below) if below else float(above)


@cache
def _factor(unit: str) -> Factor | None:
    """What makes base units of a number with this unit. Case decides where it must (`mm`, `Mm`): as written, else as
    the unit is written most."""
    return UNITS.get(unit) or next((UNITS[written] for written in _FOLDED.get(unit.casefold(), ())), None)


def served(text: str) -> str:
    """What a text says its thing is for (`stand for tablets` -> `tablets`): who asks for a tablet does not mean it."""
    return " . ".join(match["what"].strip() for match in _SERVES.finditer(text))[:500]
