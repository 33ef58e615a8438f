"""Files of JSON objects, one a line, read by a mapping that any vendor with such a file may name.

A mapping is data: `mappings.toml` says for each column of a feed which field it comes from.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from marketplace.kernel.errors import Invalid
from vendors.feeds.items import MOST_ATTRIBUTES, Item
from vendors.feeds.rows import would_run

MAPPINGS: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("mappings.toml").read_text())
MAX_LINES, LONGEST_LINE = 1_000_000, 1_000_000
LONGEST = {"name": 290, "description": 19_000, "manufacturer": 200}


class JsonLinesBroken(Invalid):
    """A line of the file is no JSON object."""


class JsonLines:
    """A file on its way in; `skipped` counts by name what was left out of it."""

    def __init__(self, path: Path, mapping: str) -> None:
        self.path = path
        self.mapping = MAPPINGS[mapping]
        self.skipped: Counter[str] = Counter()

    @property
    def warnings(self) -> list[str]:
        return [f"{name} was skipped ({count} times)." for name, count in self.skipped.most_common(50)]

    def count(self) -> int:
        """How many objects the file has. Raises JsonLinesBroken."""
        number = sum(1 for _ in self.items())
        if not number:
            raise JsonLinesBroken("The file has no line.", pointer="/file")
        return number

    def items(self) -> Iterator[tuple[int, Item]]:
        """(number as of a row, the header counting as the first; what the object says). Raises JsonLinesBroken."""
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
        places = Decimals(self.mapping.get("price_minor_digits", 0))
        if "tiers" not in self.mapping:
            return [("price", places.text(row.get(self.mapping["price"])))]
        names = self.mapping["tiers"]
        steps = [(int(step[names["from"]]), step[names["price"]]) for step in row.get(names["field"]) or ()]
        lowest, found = None, []
        for quantity, price in sorted(steps):
            if lowest is not None and price >= lowest:
                continue  # the same price again says nothing
            column = f"price_from_{quantity}" if found else "price"
            found.append((column, places.text(price)))
            lowest = price
        return found

    def _attributes(self, row: dict[str, Any]) -> Item:
        prefix = self.mapping.get("attribute_prefix")
        if prefix:
            said = {
                name.removeprefix(prefix).partition("_")[2]: v for name, v in row.items() if name.startswith(prefix)
            }
        else:
            said = row.get(self.mapping.get("attributes", ""), {})
        found: Item = []
        for name, value in said.items():
            text = _plain(value)
            fits = text and name.strip() and len(text) <= 500 and not would_run(text) and len(found) < MOST_ATTRIBUTES
            if fits and not isinstance(value, dict | list):
                found.append((f"attr:{name.replace('_', ' ').replace('[', '(').replace(']', ')')[:120]}", text))
            else:
                self.skipped["an attribute without value, too long, or like a formula"] += 1
        return found


class Decimals:
    """Prices as text; in minor units where the file has them so."""

    def __init__(self, digits: int) -> None:
        self.digits = digits

    def text(self, value: Any) -> str:
        if value is None:
            return ""
        if not self.digits:
            return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        whole, rest = divmod(int(value), 10**self.digits)
        return f"{whole}.{rest:0{self.digits}d}"


def _joined(row: dict[str, Any], names: list[str]) -> str:
    """The fields' values, one behind the other; of a list its first."""
    return " ".join(text for name in names if (text := _plain(row.get(name))))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else None
    if value is None or value is False or isinstance(value, dict):
        return ""
    return "yes" if value is True else f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
