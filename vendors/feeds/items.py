"""Goods of files that have no columns: each is a list of (column, value) as a feed names them, read by the same reader.

What a file says beyond what a feed can take is left out and named in the warnings.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from marketplace.kernel.errors import Invalid
from vendors.feeds.columns import Layout, read_header
from vendors.feeds.rows import Fault, RowReader, Wanted, would_run

Item = list[tuple[str, str]]
MOST_ATTRIBUTES = 250


class ItemFile(ABC):
    """A file on its way in; `skipped` counts by name what was left out of it."""

    broken: ClassVar[type[Invalid]]
    one: ClassVar[str]  # what an item is called in such a file

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped: Counter[str] = Counter()

    @abstractmethod
    def items(self) -> Iterator[tuple[int, Item]]:
        """(number as of a row, the header counting as the first; what the item says). Raises `broken`."""

    @property
    def warnings(self) -> list[str]:
        return [f"{name} was skipped ({count} times)." for name, count in self.skipped.most_common(50)]

    def count(self) -> int:
        """How many items the file has. Raises `broken`."""
        number = sum(1 for _ in self.items())
        if not number:
            raise self.broken(f"The file has no {self.one}.", pointer="/file")
        return number


class ItemReader:
    """Reads items as RowReader reads rows. A category that the marketplace has not is left out, not refused."""

    def __init__(self, categories: Mapping[str, Any]) -> None:
        self.categories = categories
        self._reader = lru_cache(512)(self._reader_of)

    def _reader_of(self, header: tuple[str, ...]) -> RowReader:
        return RowReader(_layout(header), self.categories, price_needed=False)

    def sku_of(self, item: Item) -> str:
        return next((value.strip()[:120] for name, value in item if name == "sku"), "")

    def read(self, number: int, item: Item) -> Wanted | Fault:
        kept = [(name, value) for name, value in item if name != "category" or value in self.categories]
        header = tuple(name for name, _ in kept)
        return self._reader(header).read(number, [_shown(name, value) for name, value in kept])


def _shown(name: str, value: str) -> str:
    """A text that begins as a formula does (`-40 °C`) stands behind a dot, so that no spreadsheet runs it."""
    return f"· {value}" if name in {"name", "description"} and would_run(value) else value


def _layout(header: tuple[str, ...]) -> Layout:
    layout = read_header(header)
    return layout if "sku" in layout.positions else read_header((*header, "sku"))
