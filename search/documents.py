"""What is searched of one product, and how an index keeps it: pure.

Prices are kept per list and tier, each with the lists that would win over its own, so that which price is a buyer's is
a filter on the lists he has, and a new day, campaign or contract partner changes no document.
"""

import struct
import uuid
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from search import kinds, numbers, words
from search.numbers import normalise

MAX_TEXT, MAX_PAIR, MAX_PAIRS, MAX_NUMBERS = 20_000, 300, 500, 1_000
NO_LIMIT = 2**31 - 1
LANGUAGES = ("en", "fr", "es", "zh", "ru")


class PriceRow(NamedTuple):
    """A unit price of a list from a quantity to below another. `better`: lists of the offer that win over this one;
    `open`: everyone's list."""

    list_id: uuid.UUID
    open: bool
    currency: str
    from_quantity: int
    until: int
    unit_price: Decimal
    better: tuple[uuid.UUID, ...] = ()


class OfferEntry(NamedTuple):
    """A live offer; `in_stock`: the least quantity can be ordered now."""

    offer_id: uuid.UUID
    vendor_id: uuid.UUID
    sku: str
    lead_time_days: int
    in_stock: bool
    prices: tuple[PriceRow, ...] = ()


class Attribute(NamedTuple):
    """A fact of a product, as written."""

    name: str
    value: str
    unit: str = ""

    @property
    def text(self) -> str:
        return f"{self.value} {self.unit}" if self.unit else self.value


class Read(NamedTuple):
    """What is searched of one attribute: `kind` where it says what kind of thing it is of, `qualities` are the words
    that may say how it is, `shades` those of a colour, `said` where it says so in words, `scale` of a number."""

    line: str
    pair: str
    kind: str
    qualities: tuple[str, ...]
    shades: tuple[str, ...]
    said: str
    scale: str
    measures: tuple[str, ...]


@lru_cache(20_000)
def read(attribute: Attribute) -> Read:
    """Many products have the same attributes, and most of what a document costs is to read them."""
    name, text = attribute.name, attribute.text
    qualities, folded = kinds.words_of(attribute.value), name.casefold()
    number = words.magnitude(text[:200])
    return Read(
        line=f"{name} {text}"[:1000],
        pair=pair(name, text) if text else "",
        kind=attribute.value if folded.split()[-1:] == ["type"] else "",
        qualities=qualities,
        shades=qualities if "color" in folded or "colour" in folded else (),
        said="" if _wordless(attribute.value) else attribute.value[:300],
        scale="" if number is None else scale(name, number),
        measures=words.measures_of(name, text[:200]),
    )


@dataclass(frozen=True, slots=True)
class Document:
    """What is searched of one product. `version` is product.search_version: of two writes the higher one stays.

    `papers` are titles of its documents; `texts` are (language, name, description); `read` is what is searched of its
    attributes.
    """

    product_id: uuid.UUID
    version: int
    name: str
    manufacturer: str
    part_number: str
    ean: str | None
    category_path: str
    category_name: str
    description: str
    attributes: tuple[Attribute, ...]
    offers: tuple[OfferEntry, ...]
    papers: tuple[str, ...] = ()
    texts: tuple[tuple[str, str, str], ...] = ()
    read: list[Read] = field(init=False, repr=False, compare=False)
    _qualities: AbstractSet[str] = field(init=False, repr=False, compare=False)
    _shades: AbstractSet[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """What all else is told by is read once."""
        attributes = [read(attribute) for attribute in self.attributes]
        object.__setattr__(self, "read", attributes)
        object.__setattr__(self, "_qualities", frozenset(chain.from_iterable([one.qualities for one in attributes])))
        shades = [one.shades for one in attributes if one.shades]
        object.__setattr__(self, "_shades", frozenset(chain.from_iterable(shades)))

    @property
    def numbers(self) -> tuple[str, ...]:
        """The normalised part number, EAN and SKUs."""
        found = {normalise(n) for n in (self.part_number, self.ean or "", *(offer.sku for offer in self.offers))}
        return tuple(sorted(found - {""}))[:MAX_NUMBERS]

    @property
    def kind(self) -> str:
        """What kind of thing it is: its category, and attributes that say so."""
        said = [one.kind for one in self.read if one.kind]
        return " ".join(dict.fromkeys([self.category_name, *said]))[:MAX_TEXT]

    @property
    def is_a(self) -> tuple[str, ...]:
        """The words of its name, category and product type that say what it is."""
        told = [a.value for a in self.attributes if a.name.casefold() == "product type"]
        others = [word for text in (self.category_name, *told) for word in kinds.kinds_of(text)]
        return tuple(dict.fromkeys([*self._kinds_in(self.name), *others]))

    @property
    def called(self) -> tuple[str, ...]:
        """The words that the beginning of its description calls it by."""
        return self._kinds_in(self.description[:200])

    @property
    def serves(self) -> str:
        """What it says that it is for."""
        return words.served(f"{self.name}. {self.description[:500]}")

    def _kinds_in(self, text: str) -> tuple[str, ...]:
        return kinds.kinds_in(text, self.manufacturer, self._qualities, self._shades)

    @property
    def values(self) -> tuple[str, ...]:
        """What its attributes say in words."""
        return tuple(dict.fromkeys([one.said for one in self.read if one.said]))[:MAX_PAIRS]

    @property
    def measures(self) -> tuple[str, ...]:
        """The quantities of its attributes, name and description, in base units."""
        said = words.measures_in(f"{self.name[:200]} \n {self.description}")
        return tuple(dict.fromkeys(chain(said, *[one.measures for one in self.read])))[:MAX_PAIRS]

    @property
    def scales(self) -> tuple[str, ...]:
        """Its attributes that are numbers, such that text order is that of the numbers."""
        return tuple([one.scale for one in self.read if one.scale][:MAX_PAIRS])

    @property
    def pairs(self) -> tuple[str, ...]:
        """Its attributes as `name=value unit`, for counting and narrowing."""
        return tuple(dict.fromkeys([one.pair for one in self.read if one.pair]))[:MAX_PAIRS]


def price_rows(held: Iterable[tuple[uuid.UUID, bool, str, int, Decimal]], least: int) -> tuple[PriceRow, ...]:
    """The rows of an offer's prices. `held`: (list, is it everyone's, currency, from quantity, unit price), the lists
    of a currency such that each wins over those behind it, quantities rising. Below `least` nothing is sold: the price
    of the least quantity counts from nothing."""
    lists: dict[tuple[str, uuid.UUID], list[tuple[int, Decimal]]] = {}
    everyones = set()
    for list_id, is_open, currency, quantity, unit_price in held:
        lists.setdefault((currency, list_id), []).append((quantity, unit_price))
        if is_open:
            everyones.add(list_id)
    rows: list[PriceRow] = []
    better: dict[str, tuple[uuid.UUID, ...]] = {}
    for (currency, list_id), tiers in lists.items():
        before = better.get(currency, ())
        for start, until, unit_price in _steps(tiers, least):
            rows.append(PriceRow(list_id, list_id in everyones, currency, start, until, unit_price, before))
        better[currency] = (*before, list_id)
    return tuple(rows)


def _steps(tiers: list[tuple[int, Decimal]], least: int) -> Iterable[tuple[int, int, Decimal]]:
    """(from, until, price) without steps between equal prices."""
    first = max((at for at, (quantity, _) in enumerate(tiers) if quantity <= least), default=0)
    kept: list[tuple[int, Decimal]] = []
    for quantity, unit_price in tiers[first:]:
        if not kept or kept[-1][1] != unit_price:
            kept.append((quantity if kept else 0, unit_price))
    ends = [quantity for quantity, _ in kept[1:]] + [NO_LIMIT]
    return ((start, end, unit_price) for (start, unit_price), end in zip(kept, ends, strict=True))


def _wordless(value: str) -> bool:
    return value in {"yes", "no"} or not any(c.isalpha() for c in value)


def pair(name: str, value: str) -> str:
    """One attribute as an index keeps it: the name cannot contain what parts them."""
    return f"{name.replace('=', ' ')}={value}"[:MAX_PAIR]


def scale(name: str, number: float) -> str:
    """Name and number as one text that sorts as the numbers do."""
    bits = struct.unpack(">Q", struct.pack(">d", number + 0.0))[0]
    ordered = bits ^ (0xFFFFFFFFFFFFFFFF if bits >> 63 else 0x8000000000000000)
    return f"{name[:200]}\x1f{ordered:016x}"


def ancestors(path: str) -> list[str]:
    """`a/b/c` -> `a`, `a/b`, `a/b/c`."""
    steps = path.split("/") if path else []
    return ["/".join(steps[: n + 1]) for n in range(len(steps))]


def as_source(document: Document) -> dict[str, Any]:
    """The document as Elasticsearch stores it (search/mapping.py says what each field is for)."""
    part = normalise(document.part_number)
    name, description = document.name[:MAX_TEXT], document.description[:MAX_TEXT]
    source: dict[str, Any] = {
        "product_id": str(document.product_id),
        "name": name,
        "description": description,
        "manufacturer": document.manufacturer,
        "part_number": document.part_number,
        "kind": document.kind,
        "attributes": [one.line for one in document.read[:MAX_PAIRS]],
        "papers": [title[:300] for title in document.papers[:100]],
        "values": list(document.values),
        "is_a": list(document.is_a),
        "called": list(document.called),
        "serves": document.serves,
        "part_key": part[:200],
        "part_length": len(part[:200]),
        "numbers": list(document.numbers),
        "altered": [part[:200], *numbers.deletions(part)] if part else [],
        "category": document.category_path,
        "categories": ancestors(document.category_path),
        "pairs": list(document.pairs),
        "measures": list(document.measures),
        "scales": list(document.scales),
        "vendors": sorted({str(offer.vendor_id) for offer in document.offers}),
        "in_stock": any(offer.in_stock for offer in document.offers),
        "prices": list(_rows(document.offers)),
    }
    if document.offers:
        source["lead_days"] = min(offer.lead_time_days for offer in document.offers)
    if document.texts:
        source["texts"] = {
            language: {"name": own[:MAX_TEXT], "description": text[:MAX_TEXT]}
            for language, own, text in document.texts
            if language in LANGUAGES
        }
    return source


def _rows(offers: Iterable[OfferEntry]) -> Iterable[dict[str, Any]]:
    for offer in offers:
        facts = {"vendor": str(offer.vendor_id), "in_stock": offer.in_stock, "lead_days": offer.lead_time_days}
        if not offer.prices:
            yield facts
        for row in offer.prices:
            kept: dict[str, Any] = {
                **facts,
                "currency": row.currency,
                "from": row.from_quantity,
                "until": row.until,
                "price": float(row.unit_price),
            }
            if row.open:
                kept["open"] = True
            else:
                kept["list"] = str(row.list_id)
            if row.better:
                kept["better"] = [str(i) for i in row.better]
            yield kept
