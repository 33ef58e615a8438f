"""The goods of the demonstration, read from goods.toml: families of sizes, turned into products."""

import functools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

Size = tuple[str, str, str]  # what tells the size in the name, its part number suffix, its price


@dataclass(frozen=True, slots=True)
class Family:
    """Products that differ in one size. `vendors`: who offers them, the first the cheapest."""

    category: str
    name: str  # with {} where the size goes
    maker: str
    number: str  # part number, with {}
    size_of: str  # the attribute that {} is
    sizes: tuple[Size, ...]
    vendors: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    text: str = ""
    pack: int = 1
    minimum: int = 1
    unit: str = "piece"
    lead: int = 2
    tiers: tuple[tuple[int, str], ...] = ()  # from quantity, share of the price
    sheet: bool = False


@dataclass(frozen=True, slots=True)
class Good:
    """One product with everything that its offers need."""

    family: Family
    name: str
    part_number: str
    ean: str
    price: Decimal
    attributes: list[dict[str, str]] = field(default_factory=list)


_FILE = Path(__file__).with_name("goods.toml")


def categories() -> dict[str, str]:
    """{path: name}, parents before children."""
    return dict(_contents()["categories"])


@functools.cache
def _contents() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text("utf-8"))


def _families() -> Iterator[Family]:
    for row in _contents()["family"]:
        yield Family(**{name: _frozen(value) for name, value in row.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def goods() -> Iterator[Good]:
    """All products, family by family. EANs come from the range for use inside one company, so they meet nobody's."""
    number = 0
    for family in _families():
        for size, suffix, price in family.sizes:
            number += 1
            attributes = [{"name": family.size_of, "value": size}]
            attributes += [{"name": name, "value": value} for name, value in family.facts]
            yield Good(
                family, family.name.format(size), family.number.format(suffix), _ean(number), Decimal(price), attributes
            )


def _ean(number: int) -> str:
    digits = f"29{number:010d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)
