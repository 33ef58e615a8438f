"""What a text asks for: words, quantities with their units, and what may be a part number: pure.

A quantity is compared in base units, so that `10 uF`, `10µF` and `0.01 mF` are one; `M8x40` is a thread and a length,
`4k7` a resistance in the code of IEC 60062, `-40..85C` the two ends of a range.
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from search.units import SPELLED, UNITS

_NUMBER = r"(?:\d{1,3}[ -]\d{1,2}/\d{1,3}|\d{1,12}(?:[.,]\d{1,9})?(?:\s?/\s?\d{1,4})?)"
# A letter of Chinese stands beside a quantity without a space, and is no part of it.
_LETTER = r"[^\W\u3400-\u9fff]"
_UNIT = r"(?:[^\W\d_\u3400-\u9fff]{1,6}(?:/s|2)?|[\"″”%℃]|°\s?[CС])"  # noqa: RUF001 - as people write
_ENDS = rf"(?!{_LETTER}|/(?!\d))"
_BEGINS = rf"(?<![.,-])(?<!\d/)(?<!{_LETTER})"
_QUANTITY = re.compile(rf"{_BEGINS}(?P<number>{_NUMBER})\s?(?P<unit>{_UNIT}){_ENDS}")
_SIGNED = r"[-+]?\d{1,6}(?:[.,]\d{1,6})?"
_TO = r"\s?(?:~|\.{2,3}|[…÷–—]|(?<=[\s\w])to(?=[\s\d+-])|(?<=\w)-)\s?"  # noqa: RUF001 - as people write
_RANGE = re.compile(
    rf"(?<![\w.,/-])(?P<low>{_SIGNED})\s?(?P<own>{_UNIT})?{_TO}(?P<high>{_SIGNED})\s?(?P<unit>{_UNIT}){_ENDS}"
)
_THREAD = re.compile(
    r"(?<![\w.])(?P<made>[A-Z]?)[mM]\s?(?P<size>\d{1,3}(?:[.,]\d{1,2})?)"
    r"(?:\s?[x\u00d7X*]\s?(?P<length>\d{1,4}(?:[.,]\d)?)(?:\s?mm)?)?(?![\w])"
)
# IEC 60062: the letter stands where the point does; behind it may be one for the tolerance.
_CODE = re.compile(
    r"(?<![\w.,/-])(?P<above>\d{1,4}(?:[.,]\d{1,2})?)?(?P<mark>[RrKkMpnuµμ])(?P<below>\d{1,3})?[BDFGJKM]?(?![\w/])"
)
_OHM, _FARAD, _HENRY = UNITS["Ω"][2], UNITS["F"][2], UNITS["H"][2]
_MARKS: dict[str, tuple[float, tuple[str, ...]]] = {
    "R": (1.0, (_OHM,)), "r": (1.0, (_OHM,)), "K": (1e3, (_OHM,)), "k": (1e3, (_OHM,)), "M": (1e6, (_OHM,)),
    "p": (1e-12, (_FARAD,)), "n": (1e-9, (_FARAD, _HENRY)), "u": (1e-6, (_FARAD, _HENRY)),
    "µ": (1e-6, (_FARAD, _HENRY)), "μ": (1e-6, (_FARAD, _HENRY)),
}  # fmt: skip
# Beside these words, or the size of a chip, `100k` is a resistance.
_OF_RESISTORS = re.compile(
    r"(?i:r[eé]sist|potentiom|trimmer|pull-?(?:up|down)|резист|电阻|\b(?:0201|0402|0603|0805|1206|1210|2010|2512)\b)"
)
# A number without a unit under one of these names is in the base unit; of a length or a mass nobody can tell.
_NAMED = {
    "capacitance": _FARAD, "inductance": _HENRY, "resistance": _OHM, "voltage": UNITS["V"][2], "current": "A",
    "power": UNITS["W"][2], "frequency": UNITS["Hz"][2],
}  # fmt: skip
# Where a quantity, a thread or a code can begin at all: most that has a digit is the number of a part.
_MAY_BEGIN = re.compile(rf"(?<!{_LETTER})(?:[-+]?\d|[A-Z]?[mM]\s?\d|[RrKkpnuµμ]\d)")
_HEAD = re.compile(r"[^(@-]*")
_BARE = re.compile(r"[-+]?\d{1,20}(?:\.\d{1,20})?(?:[eE][-+]?\d{1,2})?")
_THING = {_FARAD: "capacitor", _OHM: "resistor", _HENRY: "inductor", UNITS["Hz"][2]: "crystal"}
_SERVES = re.compile(
    r"\b(?:for|f/|compatible with|suitable for|replaces|fits|w/o|without)\s+(?P<what>[^.;()]{1,80})", re.IGNORECASE
)
_SERVING = ("for", "f/", "compatible with", "replaces", "fits", "w/o", "without")
_DIGIT = re.compile(r"\d")
_SERIAL = re.compile(r"\d{6,}[A-Za-z]")
_STUCK = re.compile(_LETTER)
_LONGEST, _LONGEST_PIECE, _MOST_WORDS = 1000, 80, 6
_JOINING = frozenset("x X × * ~ to - – — … .. mm".split())  # noqa: RUF001, SIM905 - as people write
Way = tuple[str, ...]
Asked = tuple[str, tuple[Way, ...]]


def measures_in(text: str, *, resistive: bool = False) -> tuple[str, ...]:
    """The quantities that a text of a product states, as tokens."""
    found: dict[str, None] = {}
    for piece in _pieces(text[:_LONGEST]):
        tokens, of_resistors = _stated(piece)
        if tokens:
            found.update(dict.fromkeys(tokens))
        if of_resistors and (resistive := resistive or _OF_RESISTORS.search(text) is not None):
            found.update(dict.fromkeys(of_resistors))
    return tuple(found)


def _pieces(text: str) -> Iterator[str]:
    """What may be a quantity, by the words: many products say the same, so that it is read once."""
    said = text.split()
    at, end = 0, len(said)
    while at < end:
        word = said[at]
        at += 1
        if not _has_digit(word):
            continue
        start = at - 1
        last = min(end, start + _MOST_WORDS)
        while at < last and (word[-1].isdigit() or not _JOINING.isdisjoint((word, said[at]))):
            word = said[at]
            at += 1
        yield (word if at - start == 1 else " ".join(said[start:at]))[:_LONGEST_PIECE]


@lru_cache(10_000)
def _has_digit(word: str) -> bool:
    return _DIGIT.search(word) is not None


def measures_of(name: str, text: str) -> tuple[str, ...]:
    """The same of an attribute, whose name may tell what a number without a unit is."""
    folded = name.casefold()
    found = measures_in(text, resistive="resistance" in folded and "thermal" not in folded)
    return found or ((token,) if (token := _named(folded, text)) else ())


def meaning(name: str, text: str) -> str:
    """What an attribute says, such that two that say the same in other units are equal."""
    match = _QUANTITY.fullmatch(text.strip())
    measured = _measured(match["number"], match["unit"]) if match else None
    return _token(*measured) if measured else _named(name.casefold(), text) or text


def _named(name: str, text: str) -> str:
    said = _HEAD.match(name)[0].split()  # type: ignore[index]  # matches nothing at least
    base = _NAMED.get(said[-1]) if said else None
    number = _magnitude(text.strip()[:100]) if base and _BARE.fullmatch(text.strip()) else None
    return "" if base is None or number is None or "thermal" in name else _token(number, base)


@lru_cache(20_000)
def _stated(piece: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tokens of a piece, and those that it has where the text is about resistors."""
    if not _MAY_BEGIN.search(piece) or not any(kind.search(piece) for kind in (_QUANTITY, _CODE, _THREAD, _RANGE)):
        return (), ()
    ways = (
        tuple(dict.fromkeys(token for _, _, ways in found for way in ways for token in way))
        for found in (_found(piece, False, stated=True), _codes(piece, True, stated=True))
    )
    plain, of_resistors = ways
    return plain, tuple(token for token in of_resistors if token not in plain)


def measures_asked(text: str) -> tuple[Asked, ...]:
    """The quantities that a person asks for: (what was typed, ways to have it); of a way all tokens are needed."""
    found: list[Asked] = []
    end = 0
    for start, said, ways in sorted(_found(text[:_LONGEST], None), key=lambda one: (one[0], -len(one[1]))):
        if start >= end:  # of two readings of a text the one that takes more of it
            found.append((said, ways))
            end = start + len(said)
    return tuple(found[:5])


def only_measured(text: str, measures: tuple[Asked, ...]) -> bool:
    """Is it a quantity that is asked for, with words beside it, and hence no part number that was mistyped? What sticks
    to a quantity makes a number of both (`3296W-201`), and so do many digits."""
    rest = text
    for said, _ in measures:
        rest = rest.replace(said, "\0", 1)
    if not measures or any(_SERIAL.fullmatch(said) for said, _ in measures):
        return False
    return not any(
        _STUCK.search(word) if "\0" in word else len(word) > 4 and _DIGIT.search(word) for word in rest.split()
    )


def thing_measured(measures: tuple[Asked, ...]) -> str:
    """What is told by its quantity alone: who types `10 uF` means a capacitor."""
    bases = [way[0].partition(" ")[2] or "thread" for _, ways in measures for way in ways]
    return next((thing for base in bases if (thing := _THING.get(base) or ("screw" if base == "thread" else ""))), "")


def _found(text: str, resistive: bool | None, *, stated: bool = False) -> Iterator[tuple[int, str, tuple[Way, ...]]]:
    """(where, what is written, ways) of each quantity. `stated`: of a product, which may be part of a number there."""
    yield from _threads(text, stated=stated)
    yield from _ranges(text)
    for match in _QUANTITY.finditer(text):
        unit = match["unit"]
        measured = _measured(match["number"], unit)
        if measured is None or (unit in {"in", "IN"} and text[match.end() : match.end() + 2].strip().isdigit()):
            continue  # two in one
        ways = [(_token(*measured),)]
        whole, _, thousands = match["number"].partition(",")
        if len(thousands) == 3 and thousands.isdigit() and len(whole) <= 3 and whole != "0":
            ways.append((_token(*(_measured(whole + thousands, unit) or measured)),))
        yield match.start(), match[0], tuple(ways)
    yield from _codes(text, resistive, stated=stated)


def _threads(text: str, *, stated: bool) -> Iterator[tuple[int, str, tuple[Way, ...]]]:
    for match in _THREAD.finditer(text):
        if match["made"] and not (stated and match["length"]):
            continue
        size = f"m{_float(match['size']):g}"
        if match["length"]:
            length = _float(match["length"])
            yield match.start(), match[0], ((f"{size}x{length:g}",), (size, _token(length / 1000, "m")))
        else:
            yield match.start(), match[0], ((size,),)


def _ranges(text: str) -> Iterator[tuple[int, str, tuple[Way, ...]]]:
    for match in _RANGE.finditer(text):
        own, unit = match["own"] or match["unit"], match["unit"]
        if unit in {"C", "c"}:  # degrees, where there are two
            own = unit = "°C"
        low = _measured(match["low"].lstrip("+-"), own, -1.0 if match["low"][0] == "-" else 1.0)
        high = _measured(match["high"].lstrip("+-"), unit, -1.0 if match["high"][0] == "-" else 1.0)
        if low and high and low[1] == high[1]:
            yield match.start(), match[0], ((_token(*low), _token(*high)),)


def _codes(text: str, resistive: bool | None, *, stated: bool) -> Iterator[tuple[int, str, tuple[Way, ...]]]:
    for match in _CODE.finditer(text):
        above, mark, below = match["above"], match["mark"], match["below"]
        if not (above and below):
            if not (above or below) or mark in "pnuµμ" or (mark not in "Rr" and not above):
                continue
            resistive = _OF_RESISTORS.search(text) is not None if resistive is None else resistive
            if not resistive and (stated or not above or mark != "R"):
                continue
        elif "." in above or "," in above:
            continue
        times, bases = _MARKS[mark]
        value = _float(f"{above or 0}.{below or 0}" if below else above)
        yield match.start(), match[0], tuple((_token(value * times, base),) for base in bases)


def magnitude(text: str) -> float | None:
    """The number that an attribute's text is, in base units where it has a unit; None where it is no number."""
    return _magnitude(text.strip()[:100])


_WHOLE = re.compile(rf"(?P<sign>[-+]?)(?P<number>{_NUMBER})\s?(?P<unit>[^\d\s]*2?)")


@lru_cache(65_536)
def _magnitude(text: str) -> float | None:
    if _BARE.fullmatch(text):
        return number if math.isfinite(number := float(text)) else None
    match = _WHOLE.fullmatch(text)
    if match is None:
        return None
    sign = -1.0 if match["sign"] == "-" else 1.0
    unit = match["unit"]
    if not unit or unit not in SPELLED:
        number = _float(match["number"])
        return None if number is None else sign * number
    measured = _measured(match["number"], unit, sign)
    return None if measured is None else measured[0]


def _measured(number: str, unit: str, sign: float = 1.0) -> tuple[float, str] | None:
    """(magnitude, base unit) of `10`, `uF`; None where it means nothing."""
    known = SPELLED.get(unit) or (SPELLED["°C"] if unit[0] == "°" else None)
    value = _float(number) if known else None
    if value is None or known is None:
        return None
    factor, offset, base = known
    return sign * value * factor + offset, base


def _token(magnitude: float, base: str) -> str:
    return f"{magnitude:.6g} {base}"


def _float(number: str) -> Any:
    """`2,5`, `1/4`, `1 1/4` or `10` as a number; None where it divides by nothing."""
    above, divided, below = number.replace(",", ".").partition("/")
    if not divided:
        return float(number.replace(",", "."))
    if not float(below):
        return None
    whole, _, above = above.strip().replace("-", " ").rpartition(" ")
    return float(whole or 0) + float(above) / float(below)


def served(text: str) -> str:
    """What a text says its thing is for (`stand for tablets` -> `tablets`): who asks for a tablet does not mean it."""
    folded = text.lower()
    if not any(map(folded.__contains__, _SERVING)):  # most are for nothing
        return ""
    return " . ".join(match["what"].strip() for match in _SERVES.finditer(text))[:500]
