"""Names found by how one of their words begins: pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Beginnings(Generic[T]):
    """What has which name, to be asked again and again: a look costs no more with more names."""

    def __init__(self, named: Iterable[tuple[str, T]]) -> None:
        """`named`: (name, what has it), in the order in which it is told."""
        self._told: list[T] = []
        begun: list[tuple[str, int]] = []
        for place, (name, told) in enumerate(named):
            self._told.append(told)
            begun += [(rest, place) for rest in _rests(name.lower())]
        begun.sort()
        self._rests, self._places = [rest for rest, _ in begun], [place for _, place in begun]

    def of(self, prefix: str, limit: int) -> list[T]:
        """The first of those whose name, from the beginning of a word on, begins so in whatever case."""
        asked = prefix.lower()
        last = bisect_right(self._rests, asked, key=lambda rest: rest[: len(asked)])
        found = self._places[bisect_left(self._rests, asked) : last]
        return [self._told[place] for place in sorted(set(found))[:limit]]


def _rests(name: str) -> Iterator[str]:
    """The name from each of its words on."""
    at = 0
    while True:
        yield name[at:]
        at = name.find(" ", at) + 1
        if not at:
            return
