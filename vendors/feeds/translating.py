"""A record of a vendor's file, whatever its fields are called, becomes the columns of a feed, as a mapping says: pure.

What the mapping has no use for is counted by name; what cannot be read is left for the reader of rows to refuse.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from vendors.feeds.items import MOST_ATTRIBUTES, Item, Skipped
from vendors.feeds.rows import would_run

CUT = {"name": 290, "description": 19_000}  # longer ones are cut off, and counted
LEFT = {"part_number": 120}  # longer ones are none: left out, and counted
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,12})?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MOST_KINDS = 20_000
_MOST_QUANTITY = 10**9
_USED = ("", "")


class Translator:
    """Reads records by one mapping; `mark` is the decimal mark of prices that are text."""

    def __init__(self, content: Mapping[str, Any], mark: str, skipped: Skipped) -> None:
        self.mark, self.skipped = mark, skipped
        self.columns = [(column, tuple(names)) for column, names in content["columns"].items()]
        self.constants = list(content.get("constants", {}).items())
        self.price: Mapping[str, Any] = content["price"]
        self.digits: int = self.price.get("minor_digits", 0)
        self.tiers = [(tier["from_quantity"], tier["field"]) for tier in content.get("tiers", ())]
        attributes = content.get("attributes", {})
        self.prefixes = tuple(attributes.get("prefixes", ()))
        self.holder: str | None = attributes.get("field")
        self.kinds: dict[str, tuple[str, str] | None] = dict.fromkeys(used_fields(content), _USED)
        for one in attributes.get("fields", ()):
            unit = one.get("unit") or ""
            own = _attribute_name(one["field"]) if unit else one["field"]  # which may have its unit in the heading
            self.kinds[one["field"]] = (one.get("name") or own, unit)

    def item(self, record: Mapping[str, Any]) -> Item:
        """What the record says, as a feed names it."""
        found: dict[str, str] = {}
        for column, names in self.columns:
            if text := self._joined(record, names):
                found[column] = self._cut(column, text)
        found.update(self._prices(record, found))
        for column, value in self.constants:
            if column not in found:
                found[column] = value
        found.update(self._attributes(record))
        return [(column, text) for column, text in found.items() if text]

    def _joined(self, record: Mapping[str, Any], names: tuple[str, ...]) -> str:
        if len(names) == 1:
            return self._plain(names[0], record.get(names[0]))
        return " ".join(text for name in names if (text := self._plain(name, record.get(name))))

    def _cut(self, column: str, text: str) -> str:
        if len(text) > LEFT.get(column, len(text)):
            self.skipped.note(f"a {column} of more than {LEFT[column]} characters")
            return ""
        longest = CUT.get(column)
        if longest is None or len(text) <= longest:
            return text
        self.skipped.note(f"the end of a {column} beyond {longest} characters")
        return text[:longest]

    def _plain(self, name: str, value: Any) -> str:
        """A value as text: of a list its first; of what is no text and no number nothing, which is counted."""
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, dict | list):
            self.skipped.note(f"a value of '{name[:80]}' that is no text")
            return ""
        return plain(value)

    def _prices(self, record: Mapping[str, Any], said: Mapping[str, str]) -> Item:
        if "from" in self.price:
            return self._steps(record, said)
        found = [("price", self._amount(record.get(self.price["field"])))]
        found += [(f"price_from_{quantity}", self._amount(record.get(name))) for quantity, name in self.tiers]
        return [(column, text) for column, text in found if text]

    def _steps(self, record: Mapping[str, Any], said: Mapping[str, str]) -> Item:
        """Prices by the quantity from which they hold; the first quantity is the least that is sold."""
        lowest: int | float | None = None
        found: Item = []
        for quantity, price in sorted(self._steps_said(record)):
            if lowest is None:
                found.append(("price", self._amount(price)))
                if quantity > 1 and "min_quantity" not in said:
                    found.append(("min_quantity", str(quantity)))
            elif price < lowest:
                found.append((f"price_from_{quantity}", self._amount(price)))
            elif price > lowest:
                self.skipped.note("a price that rises with the quantity")
                continue
            lowest = price
        return found

    def _steps_said(self, record: Mapping[str, Any]) -> Iterator[tuple[int, int | float]]:
        """(quantity from which it holds, price)."""
        said = record.get(self.price["field"]) or []
        for step in said if isinstance(said, list) else [said]:
            quantity = step.get(self.price["from"]) if isinstance(step, dict) else None
            price = step.get(self.price["amount"]) if isinstance(step, dict) else None
            if _is_number(price) and type(quantity) is int and 1 <= quantity <= _MOST_QUANTITY:
                yield quantity, price
            else:
                self.skipped.note("a price that cannot be read")

    def _amount(self, value: Any) -> str:
        """A price as text. What is no number is left to the reader, which names it."""
        if value is None or value == "":
            return ""
        if isinstance(value, dict | list):
            return "{…}" if isinstance(value, dict) else "[…]"
        if _is_number(value):
            return _number_text(value, self.digits).replace(".", self.mark)
        text = str(value).strip()
        if not self.digits:
            return text
        plainly = text if self.mark == "." else text.replace(".", "\x00").replace(self.mark, ".")
        if not _NUMBER.fullmatch(plainly):
            return text
        return f"{Decimal(plainly).scaleb(-self.digits):f}".replace(".", self.mark)

    def _attributes(self, record: Mapping[str, Any]) -> Item:
        found: Item = []
        kinds = self.kinds
        for name, value in record.items():
            try:
                kind = kinds[name]
            except KeyError:
                kind = self._kind(name)
            if kind is _USED:
                continue
            if kind is None:
                self.skipped.note(f"the field '{name[:80]}'")
            else:
                self._add(found, kind[0], kind[1], value)
        held = record.get(self.holder) if self.holder else None
        if isinstance(held, dict):
            for name, value in held.items():
                self._add(found, _attribute_name(name), "", value)
        elif held:
            self.skipped.note(f"a value of '{str(self.holder)[:80]}' that is no object")
        return found

    def _kind(self, name: str) -> tuple[str, str] | None:
        """(attribute, unit) where the field's name begins as attributes do, else None: of no use."""
        prefix = next((one for one in self.prefixes if name.startswith(one)), None)
        kind = None if prefix is None else (_attribute_name(name.removeprefix(prefix)), "")
        if len(self.kinds) < _MOST_KINDS:
            self.kinds[name] = kind
        return kind

    def _add(self, found: Item, name: str, unit: str, value: Any) -> None:
        if isinstance(value, list) and value:
            value = value[0]
        text = "" if isinstance(value, dict | list) else plain(value)
        if not text or not name or len(text) > 500 or would_run(text) or _CONTROL.search(text):
            self.skipped.note("an attribute without value, too long, or like a formula")
        elif len(found) >= MOST_ATTRIBUTES:
            self.skipped.note(f"an attribute beyond the first {MOST_ATTRIBUTES}")
        else:
            found.append((f"attr:{name}" + (f" [{unit}]" if unit else ""), text))


def used_fields(content: Mapping[str, Any]) -> list[str]:
    """The fields that a mapping reads, or knows to be of no use."""
    names = [name for fields in content["columns"].values() for name in fields]
    names += [content["price"]["field"], *(tier["field"] for tier in content.get("tiers", ()))]
    holder = content.get("attributes", {}).get("field")
    return [*names, *([holder] if holder else []), *content.get("left_out", ())]


def plain(value: Any) -> str:
    """A value of JSON as text; nothing for what says nothing."""
    if isinstance(value, str):
        return " ".join(value.split())
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"
    return str(value)


def _attribute_name(name: str) -> str:
    cleaned = _CONTROL.sub(" ", name).replace("_", " ").replace("[", "(").replace("]", ")")
    return " ".join(cleaned.split())[:120].rstrip()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number_text(value: int | float, digits: int) -> str:
    """A number as text: `digits` where it is in minor units; a float of more than six decimals is rounded to them."""
    if digits:
        return f"{Decimal(str(value)).scaleb(-digits):f}"
    if isinstance(value, int):
        return str(value)
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return text if text != "0" or not value else repr(value)
