"""Files of JSON objects, one a line, read by a mapping that any vendor with such a file may name.

A mapping is data: `mappings.toml` says for each column of a feed which field it comes from.
"""

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from marketplace.kernel.errors import Invalid
from vendors.feeds.items import MOST_ATTRIBUTES, Item, ItemFile
from vendors.feeds.rows import would_run

MAPPINGS: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("mappings.toml").read_text())
MAX_LINES, LONGEST_LINE = 1_000_000, 1_000_000
LONGEST = {"name": 290, "description": 19_000, "manufacturer": 200}


class JsonLinesBroken(Invalid):
    """A line of the file is no JSON object."""


class JsonLines(ItemFile):
    """See ItemFile."""

    broken, one = JsonLinesBroken, "line"

    def __init__(self, path: Path, mapping: str) -> None:
        super().__init__(path)
        self.mapping = MAPPINGS[mapping]

    def items(self) -> Iterator[tuple[int, Item]]:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=2):
                if number > MAX_LINES or len(line) > LONGEST_LINE:
                    raise JsonLinesBroken(f"Line {number - 1} is too long, or one too many.", pointer="/file")
                try:
                    found = orjson.loads(line)
                except ValueError as failure:
                    raise JsonLinesBroken(f"Line {number - 1} is no JSON: {failure}.", pointer="/file") from failure
                if not isinstance(found, dict):
                    raise JsonLinesBroken(f"Line {number - 1} is no object.", pointer="/file")
                yield number, self._item(found)

    def _item(self, row: dict[str, Any]) -> Item:
        columns = self.mapping["columns"]
        item: Item = [(column, _joined(row, fields)[: LONGEST.get(column, 120)]) for column, fields in columns.items()]
        item += [*self._prices(row), *self._attributes(row)]
        known = {name for fields in columns.values() for name in fields} | set(self.mapping.get("used", ()))
        prefix = self.mapping.get("attribute_prefix")
        for name in row:
            if name not in known and not (prefix and name.startswith(prefix)):
                self.skipped[f"the field '{name[:80]}'"] += 1
        return [(column, value) for column, value in item if value]

    def _prices(self, row: dict[str, Any]) -> Item:
        digits = self.mapping.get("price_minor_digits", 0)
        if "tiers" not in self.mapping:
            return [("price", _price(row.get(self.mapping["price"]), digits))]
        lowest, found = None, []
        for quantity, price in sorted(self._steps(row)):
            if lowest is not None and price >= lowest:
                continue  # the same price again says nothing
            column = f"price_from_{quantity}" if found else "price"
            found.append((column, _price(price, digits)))
            lowest = price
        return found

    def _steps(self, row: dict[str, Any]) -> Iterator[tuple[int, int | float]]:
        """(quantity from which it holds, price)."""
        names = self.mapping["tiers"]
        said = row.get(names["field"]) or []
        for step in said if isinstance(said, list) else [said]:
            quantity, price = (step.get(names["from"]), step.get(names["price"])) if isinstance(step, dict) else (0, "")
            if isinstance(quantity, int) and isinstance(price, int | float):
                yield quantity, price
            else:
                self.skipped["a price that cannot be read"] += 1

    def _attributes(self, row: dict[str, Any]) -> Item:
        prefix = self.mapping.get("attribute_prefix")
        if prefix:
            said = {
                name.removeprefix(prefix).partition("_")[2]: v for name, v in row.items() if name.startswith(prefix)
            }
        else:
            held = row.get(self.mapping.get("attributes", "")) or {}
            said = held if isinstance(held, dict) else {"": held}
        found: Item = []
        for name, value in said.items():
            text = _plain(value)
            fits = text and name.strip() and len(text) <= 500 and not would_run(text) and len(found) < MOST_ATTRIBUTES
            if fits and not isinstance(value, dict | list):
                found.append((f"attr:{name.replace('_', ' ').replace('[', '(').replace(']', ')')[:120]}", text))
            else:
                self.skipped["an attribute without value, too long, or like a formula"] += 1
        return found


def _price(value: Any, digits: int = 0) -> str:
    """A price as text; `digits` where the file has it in minor units. What is no number is left to the reader."""
    if value is None:
        return ""
    if not isinstance(value, int | float):
        return str(value)
    if digits:
        return f"{Decimal(str(value)).scaleb(-digits):f}"
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _joined(row: dict[str, Any], names: list[str]) -> str:
    """The fields' values, one behind the other; of a list its first."""
    return " ".join(text for name in names if (text := _plain(row.get(name))))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else None
    if value is None or value is False or isinstance(value, dict):
        return ""
    return "yes" if value is True else f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
