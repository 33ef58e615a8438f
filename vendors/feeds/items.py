"""Goods of files whose columns are not a feed's own: each is a list of (column, value), read by the reader of rows.

What a file says beyond what a feed can take is left out and named; a record that cannot be read costs its own line of
the report and no other.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from marketplace.kernel.errors import Invalid
from vendors.feeds.columns import Layout, attribute_of, read_header
from vendors.feeds.rows import Ended, Fault, RowReader, Said, Wanted, attribute_with, fault_of, would_run

Item = list[tuple[str, str]]
MOST_ATTRIBUTES = 250
MOST_NAMES = 200  # different things that were left out; what comes after them is counted together
LONGEST_NAME = 200
_OTHERS = "something else"


class Skipped(Counter[str]):
    """How often each thing was left out; the names come from files, so that there is a limit to how many are kept."""

    def note(self, name: str, count: int = 1) -> None:
        name = name.replace("\x00", "")[:LONGEST_NAME]  # no database keeps it
        if name not in self and len(self) >= MOST_NAMES:
            name = _OTHERS
        self[name] += count

    def sentences(self) -> list[str]:
        return [f"{name} was skipped ({count} times)." for name, count in self.most_common(50)]


class Unreadable(NamedTuple):
    """A record that is none, and why; `sku` where it is known all the same."""

    message: str
    sku: str = ""


class NoLongerSold(NamedTuple):
    """A record that ends the offer of this SKU."""

    sku: str


Record = tuple[int, Item | Unreadable | NoLongerSold]


class ItemFile(ABC):
    """A file on its way in; `skipped` counts by name what was left out of it so far."""

    broken: ClassVar[type[Invalid]]
    one: ClassVar[str]  # what an item is called in such a file

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped = Skipped()

    @abstractmethod
    def items(self) -> Iterator[Record]:
        """(number as the file counts: line, row or product; what it says). Raises `broken`."""

    @property
    def warnings(self) -> list[str]:
        return self.skipped.sentences()

    def count(self) -> int:
        """How many items the file has. Raises `broken`."""
        number = sum(1 for _ in self.items())
        if not number:
            raise self.broken(f"The file has no {self.one}.", pointer="/file")
        return number


class ItemReader:
    """Reads items as RowReader reads rows. A category that the marketplace has not is left out and counted; an offer
    that is there already needs no name."""

    def __init__(self, categories: Mapping[str, Any], mark: str, skipped: Skipped) -> None:
        self.categories, self.mark, self.skipped = categories, mark, skipped
        self._reader = lru_cache(512)(self._reader_of)

    def _reader_of(self, header: tuple[str, ...]) -> RowReader:
        return RowReader(_layout(header), self.categories, self.mark, needed=("sku",))

    def sku_of(self, item: Item | Unreadable | NoLongerSold) -> str:
        if isinstance(item, Unreadable):
            return ""
        if isinstance(item, NoLongerSold):
            return item.sku
        return next((value.strip()[:120] for name, value in item if name == "sku"), "")

    def read(self, number: int, item: Item | Unreadable | NoLongerSold) -> Wanted | Ended | Fault:
        if isinstance(item, NoLongerSold):
            return Ended(number, item.sku)
        values, tiers, attributes, faults = self.parse(item)
        if faults:
            return fault_of(number, item.sku if isinstance(item, Unreadable) else self.sku_of(item), faults)
        return Wanted(number, values.pop("sku"), values, tiers, attributes)

    def parse(self, item: Item | Unreadable | NoLongerSold) -> Said:
        """What an item says and everything that is wrong with it."""
        if isinstance(item, NoLongerSold):
            return Said({"sku": item.sku}, (), None, [])
        if isinstance(item, Unreadable):
            return Said({}, (), None, [("", item.message)])
        header, cells, attributes = [], [], []
        for name, value in item:
            if name.startswith("attr:"):
                attributes.append((name, value))
            elif name != "category" or self._known(value):
                header.append(name)
                cells.append(_shown(name, value))
        said = self._reader(tuple(header)).parse(cells)
        if not attributes:
            return said
        return said._replace(attributes=_attributes(attributes, said.faults))

    def _known(self, category: str) -> bool:
        if category in self.categories:
            return True
        self.skipped.note(f"the unknown category '{category[:80]}'")
        return False


def _attributes(said: Item, faults: list[tuple[str, str]]) -> list[dict[str, str]]:
    found = []
    for header, value in said:
        if parts := attribute_of(header):
            try:
                found.append(attribute_with(*parts, value))
            except ValueError as wrong:
                faults.append((f"attr:{parts[0]}", str(wrong)))
    return found


def _shown(name: str, value: str) -> str:
    """A text that begins as a formula does (`-40 °C`) stands behind a dot, so that no spreadsheet runs it."""
    return f"· {value}" if name in {"name", "description"} and would_run(value) else value


def _layout(header: tuple[str, ...]) -> Layout:
    layout = read_header(header)
    return layout if "sku" in layout.positions else read_header((*header, "sku"))
