"""What search asks of an engine, in its own words: engines answer alike, and an index is never a source of truth."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from marketplace.kernel.errors import Invalid


class PageTooFar(Invalid):
    """A search shows its first hits; nobody pages through all of them."""

    message = "A search can be paged up to its first 10,000 hits; narrow it by words, category or vendor."


DEEPEST = 10_000


@dataclass(frozen=True, slots=True)
class Document:
    """What is searched of one product. `version` is product.search_version: of two writes the higher one stays.

    `skus` and `vendor_ids` are those of its live offers; `attributes` are texts of name and value.
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
    attributes: tuple[str, ...]
    skus: tuple[str, ...]
    vendor_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """`q`: words or a part number, empty for everything; `category`: a path with its subtree; `vendor`: his offers."""

    q: str = ""
    category: str | None = None
    vendor: uuid.UUID | None = None
    limit: int = 20
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Product ids, the best hit first; how many there are in all; the offset of the next page or None."""

    items: tuple[uuid.UUID, ...]
    total: int
    next: int | None


class SearchEngine(Protocol):
    """Finds products that somebody who may sell offers live at this moment, whatever the index remembers."""

    def search(self, request: SearchRequest) -> SearchResult:
        """Never fails on what a person typed; raises PageTooFar."""
        ...

    def write(self, documents: Sequence[Document]) -> None:
        """Store the documents, unless a newer version is stored."""
        ...

    def remove(self, gone: Sequence[tuple[uuid.UUID, int]]) -> None:
        """Forget products (id, version); the version is kept, so that a late write cannot bring one back."""
        ...

    def clear(self) -> None:
        """Forget everything: before a rebuild."""
        ...
