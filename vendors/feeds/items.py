"""Goods of files that have no columns: each is a list of (column, value) as a feed names them, read by the same reader.

What a file says beyond what a feed can take is left out and named in the warnings.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from vendors.feeds.columns import Layout, read_header
from vendors.feeds.rows import Fault, RowReader, Wanted, would_run

Item = list[tuple[str, str]]
MOST_ATTRIBUTES = 250


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
