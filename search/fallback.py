"""Two engines, where so configured: the one in the database answers while the one outside is away."""

import uuid
from collections.abc import Callable
from typing import TypeVar

from search.engine import Buyer, Finder, SearchAway, SearchRequest, SearchResult

T = TypeVar("T")


class FallbackEngine:
    """See Finder: it has no index of its own, that of each engine follows by itself (indexing.engines)."""

    outside = True

    def __init__(self, first: Finder, second: Finder) -> None:
        self.first, self.second = first, second
        self.name = f"{first.name}, else {second.name}"

    def search(self, request: SearchRequest) -> SearchResult:
        return self._either(lambda engine: engine.search(request))

    def complete(self, prefix: str, buyer: Buyer, limit: int, language: str = "en") -> tuple[uuid.UUID, ...]:
        return self._either(lambda engine: engine.complete(prefix, buyer, limit, language))

    def related(self, product_id: uuid.UUID, buyer: Buyer, limit: int) -> tuple[uuid.UUID, ...]:
        return self._either(lambda engine: engine.related(product_id, buyer, limit))

    def _either(self, ask: Callable[[Finder], T]) -> T:
        try:
            return ask(self.first)
        except SearchAway:
            return ask(self.second)
