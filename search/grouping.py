"""Which products are one and the same, where neither EAN nor manufacturer and part number say so: groups, pure.

The likeliest pair is put together first, then the next, as long as no seller would have the product twice, no numbers
contradict, and the members of both sides are alike on average.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from search.likeness import Weighed, contradict, sizes_contradict

PROPOSED = 0.4  # from this chance on a person is asked
LINKED = 0.2  # so alike, on average, are the members of two groups that become one
NEAREST = 30  # of each product, so many others are looked at
MOST_SHARED = 600  # a word that more names have brings no two of them together
_MOST_ROOTED, _ROOT_WEIGHT = 200, 30.0


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two products that are put together."""

    one: int
    other: int
    score: float


class Groups(Weighed):
    """Products of a category, put together where they are one."""

    def pairs(self, about: Collection[int] | None = None) -> Iterator[tuple[float, int, int]]:
        """(score, one, other) of near pairs that may be one product; of `about` with any, or of all."""
        having, rooted = self._having()
        seen: set[tuple[int, int]] = set()
        for at in range(len(self.items)) if about is None else sorted(about):
            for other in self._near(at, having, rooted):
                pair = (at, other) if at < other else (other, at)
                if pair not in seen and not self.apart(*pair):
                    seen.add(pair)
                    yield self.score(*pair), *pair

    def apart(self, one: int, other: int) -> bool:
        """Can these not be one product, whatever they are called?"""
        mine, theirs = self.items[one], self.items[other]
        if not mine.sellers.isdisjoint(theirs.sellers) or contradict(mine, theirs):
            return True
        return sizes_contradict(self.readings[one], self.readings[other])

    def _having(self) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        having: dict[str, list[int]] = defaultdict(list)
        rooted: dict[str, list[int]] = defaultdict(list)
        for at, reading in enumerate(self.readings):
            for word in reading.words:
                if self.counts[word] <= MOST_SHARED:
                    having[word].append(at)
            for root in reading.roots:
                rooted[root].append(at)
        return having, {root: held for root, held in rooted.items() if len(held) <= _MOST_ROOTED}

    def _near(self, at: int, having: dict[str, list[int]], rooted: dict[str, list[int]]) -> Sequence[int]:
        told: dict[int, float] = defaultdict(float)
        reading = self.readings[at]
        for word in reading.words:
            weight = self.weight[word] ** 2
            for other in having.get(word, ()):
                told[other] += weight
        for root in reading.roots:
            for other in rooted.get(root, ()):
                told[other] += _ROOT_WEIGHT
        told.pop(at, None)
        return heapq.nlargest(NEAREST, told, key=lambda other: (told[other] / self.norms[other], -other))

    def meetings(self, about: Collection[int] | None = None, least: float = PROPOSED) -> list[Meeting]:
        """What is put together, the likeliest first; a group of n products comes of n - 1 meetings."""
        likely = sorted((pair for pair in self.pairs(about) if pair[0] >= least), key=lambda p: (-p[0], p[1], p[2]))
        group = {at: [at] for _, one, other in likely for at in (one, other)}
        found = []
        for score, one, other in likely:
            mine, theirs = group[one], group[other]
            if mine is not theirs and self._may_join(mine, theirs):
                mine.extend(theirs)
                group.update(dict.fromkeys(theirs, mine))
                found.append(Meeting(one, other, score))
        return found

    def _may_join(self, mine: Sequence[int], theirs: Sequence[int]) -> bool:
        crossing = [(one, other) for one in mine for other in theirs]
        if any(self.apart(*pair) for pair in crossing):
            return False
        if len(crossing) == 1:
            return True
        return sum(self.score(*pair) for pair in crossing) >= LINKED * len(crossing)


def groups_of(count: int, meetings: Sequence[Meeting]) -> list[list[int]]:
    """All products in their groups, those that are alone too."""
    group = {at: [at] for at in range(count)}
    for meeting in meetings:
        mine, theirs = group[meeting.one], group[meeting.other]
        mine.extend(theirs)
        group.update(dict.fromkeys(theirs, mine))
    return list({id(members): members for members in group.values()}.values())
