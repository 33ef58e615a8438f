"""Which columns a feed has: the header is understood whole, or the file is refused with what is missing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from marketplace.kernel.errors import Invalid

REQUIRED = ("sku", "name", "price")
# Every column with what the template shows for it.
COLUMNS: dict[str, str] = {
    "sku": "BOLT-M8-40",
    "name": "Hexagon bolt M8 x 40, galvanised",
    "price": "0.1250",
    "price_from_100": "0.1100",
    "price_from_1000": "0.0975",
    "currency": "EUR",
    "stock": "25000",
    "ean": "4006381333931",
    "manufacturer": "Nordwerk",
    "part_number": "NW-931-M8-40",
    "category": "fasteners/bolts",
    "description": "Strength class 8.8, partly threaded.",
    "unit": "piece",
    "pack_size": "100",
    "min_quantity": "100",
    "lead_time_days": "2",
    "tax_category": "standard",
    "attr:Thread": "M8",
    "attr:Length [mm]": "40",
}
_TIER = re.compile(r"price_from_(\d{1,9})", re.ASCII)
_ATTRIBUTE = re.compile(r"attr:\s*(?P<name>[^\[\]]{1,120}?)\s*(?:\[(?P<unit>[^\[\]]{1,40})\])?\s*", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
MAX_COLUMNS = 300


class ColumnsMissing(Invalid):
    """The file lacks columns without which no row can be taken."""


class ColumnTwice(Invalid):
    """Two columns have the same name, so it is unclear which counts."""


class TooManyColumns(Invalid):
    """The file has more columns than a feed may have."""

    message = f"A feed has at most {MAX_COLUMNS} columns."


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each column stands. tiers: (position, from quantity, header) rising; attributes: (position, name, unit)."""

    width: int
    positions: dict[str, int]
    tiers: tuple[tuple[int, int, str], ...]
    attributes: tuple[tuple[int, str, str | None], ...]
    unknown: tuple[str, ...]

    @property
    def warnings(self) -> list[str]:
        return [f"The column '{name}' is not known and was left out." for name in self.unknown]

    @property
    def known(self) -> int:
        """How many columns are understood."""
        return len(self.positions) + len(self.tiers) + len(self.attributes)


def layout_of(header: Sequence[str]) -> Layout:
    """The layout of a header row. Raises ColumnsMissing, ColumnTwice and TooManyColumns."""
    if len(header) > MAX_COLUMNS:
        raise TooManyColumns(pointer="/file")
    layout = read_header(header)
    missing = [name for name in REQUIRED if name not in layout.positions]
    if missing:
        raise ColumnsMissing(f"Row 1 lacks the columns {', '.join(missing)}.", pointer="/file", missing=missing, row=1)
    named = [heading_key(cell) for cell in header if cell.strip()]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise ColumnTwice(f"Row 1 names {', '.join(twice)} more than once.", pointer="/file", columns=twice, row=1)
    return layout


def read_header(header: Sequence[str]) -> Layout:
    """What is understood of a header row, without a judgement."""
    positions: dict[str, int] = {}
    tiers, attributes, unknown = [], [], []
    for position, cell in enumerate(header):
        key = heading_key(cell)
        if tier := _TIER.fullmatch(key):
            tiers.append((position, int(tier[1]), key))
        elif attribute := attribute_of(cell):
            attributes.append((position, *attribute))
        elif key in COLUMNS:
            positions.setdefault(key, position)
        elif key:
            unknown.append(plain_heading(cell)[:100])
    tiers.sort(key=lambda tier: tier[1])
    return Layout(len(header), positions, tuple(tiers), tuple(attributes), tuple(unknown))


@lru_cache(10_000)
def attribute_of(header: str) -> tuple[str, str | None] | None:
    """(name, unit) of a heading such as `attr:Length [mm]`, None of another."""
    attribute = _ATTRIBUTE.fullmatch(plain_heading(header))
    return (attribute["name"], attribute["unit"]) if attribute else None


def heading_key(cell: str) -> str:
    """A heading without its case and spaces."""
    return plain_heading(cell).lower().replace(" ", "_")


def plain_heading(cell: str) -> str:
    """A heading without control characters, of which workbooks may have some that no database keeps."""
    return " ".join(_CONTROL.sub(" ", cell).split())
