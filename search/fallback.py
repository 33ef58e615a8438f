"""Two engines, where so configured: the one in the database answers while the one outside is away."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from search.documents import Document
from search.engine import Buyer, Refused, SearchAway, SearchEngine, SearchRequest, SearchResult

T = TypeVar("T")


class FallbackEngine:
    """See SearchEngine; for searching only: each of both indexes follows by itself (indexing.engines)."""

    outside = True

    def __init__(self, first: SearchEngine, second: SearchEngine) -> None:
        self.first, self.second = first, second
        self.name = f"{first.name}, else {second.name}"

    def search(self, request: SearchRequest) -> SearchResult:
        return self._either(lambda engine: engine.search(request))

    def complete(self, prefix: str, buyer: Buyer, limit: int) -> tuple[tuple[uuid.UUID, str], ...]:
        return self._either(lambda engine: engine.complete(prefix, buyer, limit))

    def related(self, product_id: uuid.UUID, buyer: Buyer, limit: int) -> tuple[uuid.UUID, ...]:
        return self._either(lambda engine: engine.related(product_id, buyer, limit))

    def _either(self, ask: Callable[[SearchEngine], T]) -> T:
        try:
            return ask(self.first)
        except SearchAway:
            return ask(self.second)

    def write(self, documents: Sequence[Document]) -> list[Refused]:
        return [*self.first.write(documents), *self.second.write(documents)]

    def remove(self, gone: Sequence[tuple[uuid.UUID, int]]) -> None:
        self.first.remove(gone)
        self.second.remove(gone)

    def rebuild(self, batches: Iterator[Sequence[Document]]) -> int:
        raise NotImplementedError("each engine is rebuilt by itself")

    def versions(self, after: uuid.UUID | None, limit: int) -> list[tuple[uuid.UUID, int]]:
        return self.first.versions(after, limit)
