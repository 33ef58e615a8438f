"""How alike two goods are by what is written of them, as the chance that they are one product, and why: pure.

A name is read into words, codes (model and part numbers, however they are parted), sizes with their unit, plain
numbers, short marks (`s9`, `80d`), colours and variants. How rare a word is among the names compared says how much it
tells.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from search.kinds import plain
from search.numbers import normalise

_UNITS = {
    "gb": "gb", "tb": "tb", "mb": "mb", "mm": "mm", "cm": "cm", "m": "m", "kg": "kg", "g": "g", "l": "l", "lt": "l",
    "ltr": "l", "ltrs": "l", "litre": "l", "litres": "l", "liter": "l", "ml": "ml", "w": "w", "watt": "w", "watts": "w",
    "kw": "kw", "mp": "mp", "megapixel": "mp", "inch": "in", "inches": "in", "zoll": "in", "in": "in", "ghz": "ghz",
    "mhz": "mhz", "hz": "hz", "rpm": "rpm", "v": "v", "volt": "v", "mah": "mah", "ah": "ah", "core": "core",
    "cores": "core", "place": "place", "places": "place", "pcs": "pcs", "pieces": "pcs", "pack": "pcs",
}  # fmt: skip
_TELLING = frozenset(["gb", "tb", "ah", "mah", "pcs"])  # one product has one of these
_SIZE = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)?) ?(" + "|".join(sorted(_UNITS, key=len, reverse=True)) + r")\b")
_TIMES = re.compile(r"(?<=\d)(?: [x\u00d7] |[x\u00d7])(?=\d)")  # `M8 x 40`, `400 x 300 mm`
_WORD = re.compile(r"\d+[.,]\d+|[^\W_]+")
COLOURS = frozenset([
    "black", "white", "silver", "grey", "gray", "gold", "red", "blue", "green", "pink", "purple", "yellow", "orange",
    "brown", "beige", "cream", "graphite", "titanium", "inox", "stainless", "steel", "rose", "schwarz", "weiss",
    "wei", "grau", "rot", "blau", "gruen", "gelb", "noir", "blanc", "chrome", "copper", "bronze", "anthracite",
    "burgundy", "violet",
])  # fmt: skip
VARIANTS = frozenset([
    "plus", "pro", "max", "mini", "lite", "ultra", "premium", "play", "prime", "neo", "edge", "active", "compact",
    "note", "se", "ii", "iii", "iv", "mk2", "mkii", "body", "kit", "twin", "pack", "set", "bundle", "refurbished",
    "v2", "v3", "v4", "v5", "v6", "tray", "box", "oem", "xl", "duos", "dual",
])  # fmt: skip
_FEW = 100  # fewer names are taken for so many: that a word is rare among them says little
_CODE, _LONGEST_RUN, _LONGEST_CODE, _ROOT = 5, 5, 20, 6
_SHORTEST = 4  # a code that is given as a part number
_NO_NUMBERS: frozenset[str] = frozenset()

# Fitted by logistic regression on one half of a catalogue (benchmarks/grouping.py --fit); the order is that of `facts`.
WEIGHTS: Mapping[str, float] = {
    "always": -6.34,
    "cosine": 2.21,
    "cosine_squared": 2.80,
    "contained": 2.33,
    "overlap": -3.71,
    "code_same": -0.79,
    "code_alike": 2.67,
    "code_other": -1.72,
    "code_half_other": -2.28,
    "code_one_sided": -0.09,
    "cosine_code_other": -3.42,
    "rarest_no_code": -1.62,
    "rarest": 7.02,
    "sizes_other": -0.90,
    "sizes_other_no_code": -0.82,
    "sizes_same": -0.28,
    "numbers_other": -0.27,
    "numbers_same": 0.36,
    "marks_other": -1.31,
    "marks_same": 0.40,
    "variants_other": -0.46,
    "colours_other": -0.25,
    "colours_same": 0.78,
    "same_start": 0.93,
}


@dataclass(frozen=True, slots=True)
class Item:
    """What is known of a product: `sellers` offer it, and nobody lists one product twice."""

    name: str
    maker: str = ""
    part: str = ""
    ean: str | None = None
    sellers: frozenset[object] = frozenset()


@dataclass(slots=True)
class Reading:
    """The words of a name in their order, and what kind of word each is."""

    order: list[str]
    codes: frozenset[str]
    sizes: dict[str, frozenset[str]]
    words: frozenset[str] = _NO_NUMBERS
    numbers: frozenset[str] = _NO_NUMBERS
    marks: frozenset[str] = _NO_NUMBERS
    colours: frozenset[str] = _NO_NUMBERS
    variants: frozenset[str] = _NO_NUMBERS

    @property
    def roots(self) -> Iterable[str]:
        """How its codes begin: a suffix for colour, market or packing is often left out."""
        return {code[:_ROOT] for code in self.codes if len(code) >= _ROOT}


def contradict(one: Item, other: Item) -> bool:
    """Do EAN or numbers say that these are two products?"""
    if one.ean and other.ean:
        return one.ean != other.ean
    parts = normalise(one.part), normalise(other.part)
    makers = normalise(one.maker), normalise(other.maker)
    if not all(makers):
        return False
    same_part = parts[0] == parts[1] != ""
    if all(parts) and not same_part:
        return True
    return not same_part and makers[0] not in makers[1] and makers[1] not in makers[0]


def read(items: Sequence[Item]) -> list[Reading]:
    """Each name read, knowing the others: a run of pieces that others write as one code is that code."""
    readings = [_first_look(item) for item in items]
    known = {code for reading in readings for code in reading.codes}
    for reading in readings:
        _join(reading, known)
    return readings


def _first_look(item: Item) -> Reading:
    sizes: dict[str, set[str]] = defaultdict(set)

    def sized(found: re.Match[str]) -> str:
        unit, number = _UNITS[found[2]], _number(found[1])
        sizes[unit].add(number)
        return f" {number if unit == 'in' else number + unit} "

    text = plain(f"{item.name} {item.maker}" if item.maker and item.maker not in item.name else item.name)
    order = [_number(word) for word in _WORD.findall(_SIZE.sub(sized, _TIMES.sub("x", text)))]
    measured = {number + unit for unit, numbers in sizes.items() for number in numbers}
    codes = {word for word in order if len(word) >= _CODE and word not in measured and _mixed(word)}
    part = normalise(item.part)
    if len(part) >= _SHORTEST and any(c.isdigit() for c in part):
        codes.add(part)
        order.append(part)
    return Reading(order, frozenset(codes), {unit: frozenset(numbers) for unit, numbers in sizes.items()})


def _join(reading: Reading, known: set[str]) -> None:
    order: list[str] = []
    codes, at = set(reading.codes), 0
    while at < len(reading.order):
        run = next(_runs(reading.order, at, known), None)
        if run:
            codes -= set(run)
            codes.add("".join(run))
        order.append("".join(run) if run else reading.order[at])
        at += len(run) if run else 1
    measured = {number + unit for unit, numbers in reading.sizes.items() for number in numbers}
    reading.order, reading.codes, reading.words = order, frozenset(codes), frozenset(order)
    reading.numbers = frozenset(word for word in reading.words if word.replace(".", "").isdigit())
    short = (word for word in reading.words if len(word) < _CODE and _mixed(word))
    reading.marks = frozenset(word for word in short if word not in measured)
    reading.colours, reading.variants = reading.words & COLOURS, reading.words & VARIANTS


def _runs(order: Sequence[str], at: int, known: set[str]) -> Iterator[Sequence[str]]:
    """Pieces from here on, the longest first, that together are a known code."""
    for length in range(_LONGEST_RUN, 1, -1):
        run = order[at : at + length]
        joined = "".join(run)
        if len(run) == length and _SHORTEST <= len(joined) <= _LONGEST_CODE and joined in known:
            yield run


def _mixed(word: str) -> bool:
    return any(c.isdigit() for c in word) and any(c.isalpha() for c in word)


def _number(word: str) -> str:
    """`5,50` -> `5.5`; other words as they are."""
    if not word[0].isdigit() or ("." not in word and "," not in word):
        return word
    return word.replace(",", ".").rstrip("0").rstrip(".")


def sizes_contradict(left: Reading, right: Reading) -> bool:
    """Do both say what they hold, or how many are in the pack, and not the same?"""
    both = left.sizes.keys() & right.sizes.keys() & _TELLING
    return any(left.sizes[unit].isdisjoint(right.sizes[unit]) for unit in both) and left.codes.isdisjoint(right.codes)


class Weighed:
    """Names that are compared, and how much each word tells among them."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.readings = read(items)
        self._many = max(len(items), _FEW)
        self.counts = Counter(word for reading in self.readings for word in reading.words)
        self.weight = {word: self._weight(word, count) for word, count in self.counts.items()}
        self.heaviest = 1.5 * math.log(1 + self._many)
        self.sums = [sum(map(self.weight.__getitem__, r.words)) or 1.0 for r in self.readings]
        self.norms = [math.sqrt(sum(self.weight[w] ** 2 for w in r.words)) or 1.0 for r in self.readings]

    def _weight(self, word: str, count: int) -> float:
        told = math.log(1 + self._many / count)
        if word in COLOURS:
            return told * 0.4
        return told * 1.5 if any(c.isdigit() for c in word) else told

    def score(self, one: int, other: int) -> float:
        """The chance, from 0 to 1, that both are one product, by their names alone."""
        told = sum(weight * fact for weight, fact in zip(WEIGHTS.values(), self.facts(one, other), strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, told))))

    def facts(self, one: int, other: int) -> tuple[float, ...]:
        """What the score is made of, in the order of WEIGHTS."""
        left, right = self.readings[one], self.readings[other]
        shared = left.words & right.words
        both = sum(self.weight[word] for word in shared)
        cosine = sum(self.weight[word] ** 2 for word in shared) / (self.norms[one] * self.norms[other])
        rarest = max((self.weight[word] for word in shared), default=0.0) / self.heaviest
        coded = bool(left.codes) + bool(right.codes)
        codes = codes_alike(left.codes, right.codes) if coded == 2 else 0.0
        same, other_sizes = sizes_compared(left, right)
        numbers, marks = _apart(left.numbers, right.numbers), _apart(left.marks, right.marks)
        return (
            1.0,
            cosine,
            cosine * cosine,
            both / min(self.sums[one], self.sums[other]),
            both / (self.sums[one] + self.sums[other] - both),
            float(codes == 1),
            codes if codes < 1 else 0.0,
            float(coded == 2 and codes < 0.5),
            float(0.5 <= codes < 0.8),
            float(coded == 1),
            cosine if coded == 2 and codes < 0.8 else 0.0,
            0.0 if codes else rarest,
            rarest,
            min(other_sizes, 2),
            0 if codes > 0.8 else min(other_sizes, 2),
            min(same, 3),
            min(numbers, 2),
            min(len(left.numbers & right.numbers), 2),
            min(marks, 1),
            min(len(left.marks & right.marks), 2),
            min(len(left.variants ^ right.variants), 3),
            float(bool(left.colours and right.colours) and not left.colours & right.colours),
            float(bool(left.colours & right.colours)),
            float(left.order[:1] == right.order[:1]),
        )

    def why(self, one: int, other: int) -> list[str]:
        """In words, what speaks for one product and what against it."""
        left, right = self.readings[one], self.readings[other]
        found = []
        for title, sides in (("number", (left.codes, right.codes)), ("mark", (left.marks, right.marks))):
            if both := sides[0] & sides[1]:
                found.append(f"Same {title}: {_listed(both)}.")
            elif all(sides):
                alike = title == "number" and codes_alike(*sides) >= 0.5
                found.append(f"{'Similar' if alike else 'Other'} {title}: {_listed(sides[0])} and {_listed(sides[1])}.")
        for unit in sorted(left.sizes.keys() & right.sizes.keys()):
            mine, theirs = left.sizes[unit], right.sizes[unit]
            name = "inch" if unit == "in" else unit
            both = mine & theirs
            found.append(
                f"Same size: {_listed(both)} {name}."
                if both
                else f"Other size: {_listed(mine)} and {_listed(theirs)} {name}."
            )
        if left.colours and right.colours and not left.colours & right.colours:
            found.append(f"Other colour: {_listed(left.colours)} and {_listed(right.colours)}.")
        if differ := left.variants ^ right.variants:
            found.append(f"Only one says {_listed(differ)}.")
        shared = sorted(left.words & right.words, key=lambda word: (-self.weight[word], word))
        return [*found, f"Both say: {', '.join(shared[:8])}."] if shared else found


def codes_alike(left: Iterable[str], right: Iterable[str]) -> float:
    """From 0 to 1: the same code, one that goes on where the other ends, one within the other, or a like start."""
    best = 0.0
    for mine in left:
        for theirs in right:
            if mine == theirs:
                return 1.0
            shorter, longer = sorted((len(mine), len(theirs)))
            begin = next((at for at in range(shorter) if mine[at] != theirs[at]), shorter)
            if begin >= _CODE:
                best = max(best, begin / longer if begin < shorter else 0.5 + 0.5 * begin / longer)
            elif shorter >= _ROOT and (mine in theirs or theirs in mine):
                best = max(best, 0.5 + 0.5 * shorter / longer)
    return best


def sizes_compared(left: Reading, right: Reading) -> tuple[int, int]:
    """In how many units both name the same size, and in how many another."""
    both = left.sizes.keys() & right.sizes.keys()
    same = sum(bool(left.sizes[unit] & right.sizes[unit]) for unit in both)
    return same, len(both) - same


def _apart(left: frozenset[str], right: frozenset[str]) -> int:
    """How many each has that the other has not."""
    return min(len(left - right), len(right - left))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)[:4])
