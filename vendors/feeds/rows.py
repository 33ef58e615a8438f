"""One row of a feed becomes a wanted offer, or the list of what is wrong with it: pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, NamedTuple

from marketplace.catalogue.keys import compact_ean, normalise
from marketplace.kernel.fields import MAX_QUANTITY, currency_exists
from marketplace.rules.tax import TAX_CATEGORIES
from vendors.feeds.columns import REQUIRED, Layout

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# What a spreadsheet would run: = and @ always, + and - unless a plain measure follows ("-20 to +80 °C").
_FORMULA = re.compile(r"[=@\t\r]|[+-](?!\s?[\d.,]+[^=(|!&*@]*\Z)")
_WHOLE = re.compile(r"\d{1,15}", re.ASCII)
_DECIMAL = re.compile(r"\d{1,12}(?:\.\d{1,6})?", re.ASCII)
_TEXTS = {"sku": 120, "name": 300, "manufacturer": 200, "part_number": 120, "description": 20_000, "unit": 40}
_WHOLES = {
    "stock": (0, MAX_QUANTITY),
    "pack_size": (1, MAX_QUANTITY),
    "min_quantity": (1, MAX_QUANTITY),
    "lead_time_days": (0, 3650),
}
Parser = Callable[[str], Any]
maker_key = lru_cache(maxsize=10_000)(normalise)


class Wanted(NamedTuple):
    """An offer as a row wants it. `values` holds what the row says; what is absent stays as it is. `tiers`: (from
    quantity, unit price), rising; `attributes` None where the file has no such column."""

    row_number: int
    sku: str
    values: dict[str, Any]
    tiers: tuple[tuple[int, Decimal], ...]
    attributes: list[dict[str, str]] | None

    @property
    def part(self) -> tuple[str, str] | None:
        """(part number key, manufacturer key), None unless both are known."""
        values = self.values
        part, maker = values.get("part_number_key", ""), values.get("manufacturer_key", "")
        return (part, maker) if part and maker else None


class Ended(NamedTuple):
    """An offer that the file says is no longer sold."""

    row_number: int
    sku: str


class Fault(NamedTuple):
    """Why a row was not taken."""

    row_number: int
    column: str
    sku: str
    message: str


class Notice(Fault):
    """What of a row that was taken was left out."""


class Said(NamedTuple):
    """What a row says, and everything that is wrong with it as (column, message)."""

    values: dict[str, Any]
    tiers: tuple[tuple[int, Decimal], ...]
    attributes: list[dict[str, str]] | None
    faults: list[tuple[str, str]]


def parsers_of(categories: Mapping[str, Any], decimal_mark: str = ".") -> dict[str, Parser]:
    """How the text of each column is read; a parser raises ValueError with what is wrong."""
    return {
        **{name: partial(_text, limit=limit) for name, limit in _TEXTS.items()},
        **{name: partial(_whole, low=low, high=high) for name, (low, high) in _WHOLES.items()},
        "price": partial(_price, mark=decimal_mark),
        "currency": _currency,
        "ean": _ean,
        "tax_category": _tax_category,
        "category": partial(_category, known=categories),
    }


class RowReader:
    """Reads rows of one layout; `categories` maps a path, or a slug that is the only one of its kind, to its id."""

    def __init__(
        self,
        layout: Layout,
        categories: Mapping[str, Any],
        decimal_mark: str = ".",
        *,
        needed: tuple[str, ...] = REQUIRED,
    ) -> None:
        self.layout = layout
        self.needed = needed
        parsers = parsers_of(categories, decimal_mark)
        self.price = parsers["price"]
        self.fields = [(name, at, parsers[name]) for name, at in layout.positions.items() if name in parsers]

    def sku_of(self, cells: Sequence[str]) -> str:
        at = self.layout.positions["sku"]
        return cells[at].strip()[:120] if at < len(cells) else ""

    def read(self, row_number: int, cells: list[str]) -> Wanted | Fault:
        """What the row wants, or one fault that names everything wrong with it."""
        values, tiers, attributes, faults = self.parse(cells)
        if faults:
            return fault_of(row_number, self.sku_of(cells), faults)
        return Wanted(row_number, values.pop("sku"), values, tiers, attributes)

    def parse(self, cells: list[str]) -> Said:
        """What the row says and everything that is wrong with it."""
        layout = self.layout
        faults: list[tuple[str, str]] = []
        if len(cells) < layout.width:
            cells = cells + [""] * (layout.width - len(cells))
        elif any(cells[layout.width :]):
            faults.append(("", "has more cells than the header"))
        values: dict[str, Any] = {}
        for name, at, parse in self.fields:
            cell = cells[at].strip()
            if not cell:
                continue
            try:
                values[name] = parse(cell)
            except ValueError as wrong:
                faults.append((name, str(wrong)))
        stated = {name for name, _ in faults}
        faults += [(name, "is missing") for name in self.needed if name not in values and name not in stated]
        tiers = self._tiers(values.pop("price", None), cells, faults)
        attributes = self._attributes(cells, faults)
        _add_keys(values)
        return Said(values, tiers, attributes, faults)

    def _tiers(
        self, price: Decimal | None, cells: Sequence[str], faults: list[tuple[str, str]]
    ) -> tuple[tuple[int, Decimal], ...]:
        if price is None:
            return ()
        tiers = [(1, price)]
        for at, from_quantity, header in self.layout.tiers:
            cell = cells[at].strip()
            if not cell:
                continue
            try:
                unit_price = self.price(cell)
            except ValueError as wrong:
                faults.append((header, str(wrong)))
                continue
            if from_quantity < 2:
                faults.append((header, "a tier starts at 2 or more"))
            elif unit_price > tiers[-1][1]:
                faults.append((header, "a larger quantity does not cost more a piece"))
            else:
                tiers.append((from_quantity, unit_price))
        return tuple(tiers)

    def _attributes(self, cells: Sequence[str], faults: list[tuple[str, str]]) -> list[dict[str, str]] | None:
        if not self.layout.attributes:
            return None
        found = []
        for at, name, unit in self.layout.attributes:
            cell = cells[at].strip()
            if not cell:
                continue
            try:
                found.append(attribute_with(name, unit, cell))
            except ValueError as wrong:
                faults.append((f"attr:{name}", str(wrong)))
        return found


def attribute_with(name: str, unit: str | None, value: str) -> dict[str, str]:
    """An attribute as a product has it. Raises ValueError."""
    attribute = {"name": name, "value": _text(value, limit=500)}
    return attribute | {"unit": unit} if unit else attribute


def fault_of(row_number: int, sku: str, faults: list[tuple[str, str]]) -> Fault:
    """One fault for everything that is wrong with a row."""
    column, message = faults[0]
    if len(faults) > 1:
        message = "; ".join(f"{name}: {text}" if name else text for name, text in faults)
    return Fault(row_number, _CONTROL.sub("", column)[:100], _CONTROL.sub("", sku), _CONTROL.sub("", message)[:2000])


def _add_keys(values: dict[str, Any]) -> None:
    if "manufacturer" in values:
        values["manufacturer_key"] = maker_key(values["manufacturer"])
    if "part_number" in values:
        values["part_number_key"] = normalise(values["part_number"])


def would_run(cell: str) -> bool:
    """Would a spreadsheet take the cell for a formula?"""
    return cell[:1] in {"=", "@", "+", "-"} and _FORMULA.match(cell) is not None


def _text(cell: str, limit: int) -> str:
    if len(cell) > limit:
        raise ValueError(f"has more than {limit} characters")
    if would_run(cell):
        raise ValueError(f"starts with '{cell[0]}', which a spreadsheet would run as a formula")
    if _CONTROL.search(cell):
        raise ValueError("contains control characters")
    return cell


def _whole(cell: str, low: int, high: int) -> int:
    if not _WHOLE.fullmatch(cell) or not low <= int(cell) <= high:
        raise ValueError(f"'{cell[:40]}' is not a whole number from {low} to {high}")
    return int(cell)


def _price(cell: str, mark: str) -> Decimal:
    text = cell if mark == "." else cell.replace(".", "\x00").replace(mark, ".")
    if not _DECIMAL.fullmatch(text):
        example = f"12{mark}50"
        raise ValueError(f"'{cell[:40]}' is not a price such as {example}, of at most six decimals and not negative")
    price = Decimal(text)
    if price > MAX_QUANTITY:
        raise ValueError(f"is above {MAX_QUANTITY}")
    return price


@lru_cache(200)
def _currency(cell: str) -> str:
    if len(cell) != 3 or not cell.isupper() or not currency_exists(cell):
        raise ValueError("is not a currency such as EUR")
    return cell


def _ean(cell: str) -> str:
    number = compact_ean(cell)
    if number is None:
        raise ValueError(f"'{cell[:40]}' is not an EAN: its length or check digit is wrong")
    return number


def _tax_category(cell: str) -> str:
    if cell not in TAX_CATEGORIES:
        raise ValueError(f"is none of {', '.join(TAX_CATEGORIES)}")
    return cell


def _category(cell: str, known: Mapping[str, Any]) -> Any:
    try:
        return known[cell]
    except KeyError:
        raise ValueError(f"there is no one category '{cell[:80]}'") from None
