"""Which offers are of one product, where neither EAN nor manufacturer and part number say so: a score, pure.

Two titles are of one product if the words that tell products apart are the same: numbers, model names and sizes weigh
more than colours and small talk, and a number that only one of them has speaks against it.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from search.documents import plain

PROPOSED, SURE = 0.5, 0.65  # a person is asked from the first on; the second is as good as the same number
MOST_SHARED = 150  # a word that more titles have does not make two of them candidates
_WORD = re.compile(r"[^\W_]+")
_UNIT = re.compile(r"(\d+)\s+(gb|tb|mb|mm|cm|kg|l|w|mp|inch|ghz|mhz|kwh)\b")


def words_of(title: str) -> tuple[str, ...]:
    """The words of a title, a number with its unit as one."""
    return tuple(_WORD.findall(_UNIT.sub(r"\1\2", plain(title))))


class Titles:
    """Titles that are compared; how rare a word is among them says how much it tells."""

    def __init__(self, titles: Sequence[str]) -> None:
        self.words = [frozenset(words_of(title)) for title in titles]
        counts = Counter(word for words in self.words for word in words)
        total = max(1, len(titles))
        self.weight: Mapping[str, float] = {
            word: math.log(1 + total / count) * (1.6 if any(c.isdigit() for c in word) else 1.0)
            for word, count in counts.items()
        }
        self.counts = counts

    def score(self, one: int, other: int) -> float:
        """From 0 to 1: the weight of what both say, against that of what the shorter and what either says."""
        left, right = self.words[one], self.words[other]
        shared = self._sum(left & right)
        either = self._sum(left | right)
        if not either:
            return 0.0
        shorter = min(self._sum(left), self._sum(right))
        alike = 0.5 * shared / either + 0.5 * shared / (shorter or 1.0)
        return alike * (0.75 if self._contradict(left, right) else 1.0)

    def _sum(self, words: Iterable[str]) -> float:
        return sum(self.weight[word] for word in words)

    def _contradict(self, left: frozenset[str], right: frozenset[str]) -> bool:
        """Does each name a number that the other has not? `64gb` and `256gb` are two products."""
        sides = (left - right, right - left)
        return all(any(self.weight[w] and any(c.isdigit() for c in w) for w in side) for side in sides)

    def pairs(self, least: float = PROPOSED) -> Iterator[tuple[int, int, float]]:
        """Pairs that reach the score; only those are looked at that share a word that few have."""
        having: dict[str, list[int]] = defaultdict(list)
        for at, words in enumerate(self.words):
            for word in words:
                if self.counts[word] <= MOST_SHARED:
                    having[word].append(at)
        seen: set[tuple[int, int]] = set()
        for at, words in enumerate(self.words):
            near = {other for word in words for other in having.get(word, ()) if other > at}
            for other in near:
                if (at, other) not in seen and (score := self.score(at, other)) >= least:
                    seen.add((at, other))
                    yield at, other, score
