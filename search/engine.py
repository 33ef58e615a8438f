"""What search asks of an engine, in its own words: engines answer alike, and an index is never a source of truth."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from marketplace.kernel.errors import Invalid, Upstream
from marketplace.kernel.problems import ServiceAway
from search.documents import Document

DEEPEST = 10_000


class PageTooFar(Invalid):
    """A search shows its first hits; nobody pages through all of them."""

    message = "A search can be paged up to its first 10,000 hits; narrow it by words, category or vendor."


class SearchAway(ServiceAway):
    """The engine does not answer, or not in time."""

    message = "Search does not answer at the moment. Everything else works; try again shortly."


class Sort(StrEnum):
    """The orders that a search may have; nothing else is one."""

    RELEVANCE = "relevance"
    PRICE = "price"
    PRICE_DOWN = "-price"
    NAME = "name"
    NEWEST = "newest"
    LEAD_TIME = "lead_time"


class FacetName(StrEnum):
    """What hits can be counted by."""

    CATEGORY = "category"
    VENDOR = "vendor"
    ATTRIBUTES = "attributes"
    PRICE = "price"
    STOCK = "stock"
    LEAD_TIME = "lead_time"


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whose prices count: `lists` are those of his company and the campaigns of the day, in this currency; public lists
    count for everyone. Where a search does not ask for prices, neither has to be known. `hidden` vendors may not sell
    at this moment, whatever the index remembers."""

    company_id: uuid.UUID | None = None
    currency: str = "EUR"
    lists: tuple[uuid.UUID, ...] = ()
    hidden: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both included; None is open. Of an attribute in its base unit."""

    name: str
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Boost:
    """Hits in the category (a path, all below it) count `weight` times."""

    category: str
    weight: float


@dataclass(frozen=True, slots=True)
class Words:
    """What the text asks for. `readings`: the words as typed, then as synonyms read them; `measures`: quantities, each
    as it was typed and the ways to have it, in base units; `key`: the normalised text where it may be a part number,
    with `heads`, what stands before its separators; `exactly`: it is a quantity, and no such number mistyped."""

    text: str = ""
    readings: tuple[str, ...] = ()
    measures: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = ()
    key: str = ""
    heads: tuple[str, ...] = ()
    exactly: bool = False
    boosts: tuple[Boost, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """No words: everything. `category`: a path with its subtree; `vendors`: any of them; `attributes`: (name, any of
    the values), all names. `quantity`: prices are those of this many; None: of the least that may be ordered."""

    words: Words = Words()
    category: str | None = None
    vendors: tuple[uuid.UUID, ...] = ()
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    ranges: tuple[Range, ...] = ()
    price: Range | None = None
    in_stock: bool = False
    lead_time_days: int | None = None
    quantity: int | None = None
    sort: Sort = Sort.RELEVANCE
    facets: tuple[FacetName, ...] = ()
    language: str = "en"
    highlight: bool = False
    buyer: Buyer = Buyer()
    limit: int = 20
    offset: int = 0


Marked = tuple[tuple[str, bool], ...]  # pieces of a text; True where the words were found


@dataclass(frozen=True, slots=True)
class Hit:
    """A product; `marked` are its texts with what was found in them, where that was asked for."""

    product_id: uuid.UUID
    marked: Mapping[str, Marked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Count:
    """How many products have this value."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """Counts by value; `name` is that of a FacetName, or of the attribute where `attribute` is true."""

    name: str
    counts: tuple[Count, ...]
    attribute: bool = False


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, the best first; how many there are in all; the offset of the next page or None.

    `meant`: what was searched instead, where nothing was found of what was typed.
    """

    items: tuple[Hit, ...]
    total: int
    next: int | None
    facets: tuple[Facet, ...] = ()
    meant: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that the engine could not take, and why."""

    product_id: uuid.UUID
    reason: str


Reader = Callable[[Sequence[Any]], Sequence[Document]]


class Finder(Protocol):
    """Finds products."""

    name: str
    outside: bool  # a system of its own: it is called with no transaction open, and may be away

    def search(self, request: SearchRequest) -> SearchResult:
        """Never fails on what a person typed. Raises PageTooFar, SearchAway."""
        ...

    def complete(self, prefix: str, buyer: Buyer, limit: int, language: str = "en") -> tuple[uuid.UUID, ...]:
        """Products whose name, the default one or that of the language, has words that begin so, or whose part number
        does."""
        ...

    def related(self, product_id: uuid.UUID, buyer: Buyer, limit: int) -> tuple[uuid.UUID, ...]:
        """Others of the same category that share most attributes."""
        ...


class SearchEngine(Finder, Protocol):
    """A finder with its index. Of two writes of a document the higher version stays; a removed one stays away."""

    def write(self, documents: Sequence[Document]) -> list[Refused]:
        """Store the documents, unless a newer version is stored; those it cannot take are returned."""
        ...

    def remove(self, gone: Sequence[tuple[uuid.UUID, int]]) -> None:
        """Forget products (id, version); the version is kept, so that a late write cannot bring one back."""
        ...

    def rebuild(self, batches: Iterator[Sequence[Any]], read: Reader = list) -> int:
        """Make the index anew beside the one that serves, and let it serve when it is whole; returns how many.

        `read` makes documents of a batch, which is one already unless it is given; an engine outside calls it in forks
        of this process. Raises IndexNotWhole; whatever fails, the old one goes on serving.
        """
        ...

    def versions(self, after: uuid.UUID | None, limit: int) -> list[tuple[uuid.UUID, int]]:
        """Stored documents by id: (product id, version). Tombstones are left out."""
        ...

    def outdated(self) -> bool:
        """Does an index serve that an earlier release made, without what is looked for now? It is made anew; one of a
        later release, which may be at work beside this one, is left alone. Raises SearchAway."""
        ...


class IndexNotWhole(Upstream):
    """A new index does not hold what it was given; the old one goes on serving."""

    message = "The new index does not hold what it was given; the old one goes on serving."
