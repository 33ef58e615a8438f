"""What engines count alike: attributes by name, those that tell hits apart first: pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from search.documents import ancestors
from search.engine import Count, Facet

MOST_ATTRIBUTES, MOST_VALUES = 12, 12


def attribute_facets(pairs: Iterable[tuple[str, int]]) -> list[Facet]:
    """Facets of the names that most hits have and that have more than one value; `pairs`: (`name=value`, hits)."""
    by_name: dict[str, list[Count]] = {}
    for pair, count in pairs:
        name, _, value = pair.partition("=")
        by_name.setdefault(name, []).append(Count(value, count))
    telling = [(name, counts) for name, counts in by_name.items() if len(counts) > 1]
    telling.sort(key=lambda one: (-sum(c.count for c in one[1]), one[0]))
    return [Facet(name, tuple(counts[:MOST_VALUES]), attribute=True) for name, counts in telling[:MOST_ATTRIBUTES]]


@dataclass(frozen=True, slots=True)
class Node:
    """A category with the hits in it and below it, and how deep it stands."""

    path: str
    name: str
    depth: int
    count: int


def tree(counts: Iterable[Count], names: Mapping[str, tuple[int, str]]) -> list[Node]:
    """Counts of single categories summed up the tree; `names`: (place in the order of the tree, name) by path."""
    sums: dict[str, int] = {}
    for one in counts:
        for path in _upwards(one.value):
            sums[path] = sums.get(path, 0) + one.count
    known = sorted((*names[path], path) for path in sums if path in names)
    return [Node(path, name, path.count("/"), sums[path]) for _, name, path in known]


@lru_cache(10_000)
def _upwards(path: str) -> tuple[str, ...]:
    return tuple(ancestors(path))
