"""What a text was meant to say, where nothing was found of what it says: pure.

A word that the catalogue has not becomes the nearest that it has, with the same first letter: one slip away, or two of
a word of eight letters; of equally near ones first what fingers do most, then the commonest. Two neighbours that are
one word in the catalogue are joined (`lap top`), a word that stands apart in it is parted (`ballbearing`). An engine
looks up what there is; see `Spelling`.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from marketplace.kernel.lazily import lazily
from search import numbers
from search.engine import SearchRequest
from search.kinds import plain

rapidfuzz: Any = lazily("rapidfuzz")

MOST_WORDS, MOST_WAYS, MOST_NEAR = 10, 3, 20
SHORTEST, SHORTEST_TWICE, LONGEST = 4, 8, 30  # letters of a word that may have a slip, two slips, and any at all
_SHORTEST_PART = 3
_WORD = re.compile(r"\w+")
# A space too many or too few is the smallest slip; a word that nobody knows is worse than any.
_SPACE, _UNKNOWN, _RARE = 0.5, 2.5, 0.2
# A phrase of one of these and a word is found where the word is: an index of text leaves them out.
_SAID = "and are but for into not such that the their then there these they this was will with".split()  # noqa: SIM905
_SAY_NOTHING = frozenset(_SAID)
Near = Mapping[str, Sequence[tuple[str, int]]]
_Change = tuple[int, int, str]  # from, to, what stands there instead


class _Said(NamedTuple):
    start: int
    end: int
    word: str  # folded; nothing where it is left as it is


class Spelling:
    """A text that may be misspelt. An engine has to look up which of `words` and `phrases` it knows, and near ones for
    each of `asked`, with the number of documents that each is in."""

    def __init__(self, request: SearchRequest) -> None:
        self.request, self.text = request, request.words.text
        words = request.words
        kept = [(start, start + len(said)) for said, _ in words.measures if (start := words.text.find(said)) >= 0]
        self._said: list[_Said] = []
        for match in _WORD.finditer(words.text):
            if len(self._said) == MOST_WORDS:
                break
            inside = any(start <= match.start() < end for start, end in kept)
            # Who asks for `100nF` does not mean `100uF`: what has a digit is no misspelt word.
            word = "" if inside or not match[0].isalpha() or len(match[0]) > LONGEST else plain(match[0])
            self._said.append(_Said(match.start(), match.end(), word))
        own = dict.fromkeys(said.word for said in self._said if said.word)
        self.asked = tuple(word for word in own if len(word) >= SHORTEST)
        self.words = tuple(dict.fromkeys([*own, *filter(None, map(self._joined, range(len(self._said) - 1)))]))
        self.phrases = tuple(phrase for word in own for phrase in _parted(word))

    def ways(self, known: Collection[str], near: Near) -> list[SearchRequest]:
        """The search with each text that may be meant, the likeliest first; `known` of the words and phrases."""
        ends: list[list[tuple[float, tuple[_Change, ...]]]] = [[] for _ in range(len(self._said) + 1)]
        ends[0].append((0.0, ()))
        for at in range(len(self._said)):
            steps = list(self._steps(at, known, near))
            for cost, changes in sorted(ends[at])[: MOST_WAYS + 1]:  # one of them changes nothing
                for more, taken, change in steps:
                    ends[at + taken].append((cost + more, (*changes, *change)))
        changed = [self._written(changes) for _, changes in sorted(ends[-1]) if changes]
        meant = list(dict.fromkeys(changed))[:MOST_WAYS]
        own = self.request.words
        return [replace(self.request, words=replace(own, text=m, readings=(m,), key="", heads=())) for m in meant]

    def _steps(self, at: int, known: Collection[str], near: Near) -> Iterator[tuple[float, int, tuple[_Change, ...]]]:
        """What the word at a place may be: (how unlikely, how many words it takes, the change)."""
        start, end, word = self._said[at]
        is_known = not word or word in known
        yield 0.0 if is_known else _UNKNOWN, 1, ()
        if at + 1 < len(self._said) and (joined := self._joined(at)) in known:
            yield _SPACE, 2, ((start, self._said[at + 1].end, joined),)
        if is_known:
            return
        for phrase in filter(known.__contains__, _parted(word)):
            yield _SPACE, 1, ((start, end, phrase),)
        for cost, other in sorted(_near(word, near.get(word, ())))[:MOST_WAYS]:
            yield cost, 1, ((start, end, other),)

    def _joined(self, at: int) -> str:
        """The word at a place with the next in one; nothing where that cannot be."""
        one, other = self._said[at], self._said[at + 1]
        joined = one.word + other.word
        apart = one.word and other.word and self.text[one.end : other.start] in {" ", "-"}
        return joined if apart and SHORTEST <= len(joined) <= LONGEST else ""

    def _written(self, changes: Sequence[_Change]) -> str:
        parts, at = [], 0
        for start, end, instead in changes:
            parts += [self.text[at:start], instead]
            at = end
        return "".join([*parts, self.text[at:]])


def _parted(word: str) -> list[str]:
    """A word in two, in every way in which each half may be one."""
    cuts = range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
    halves = [(word[:cut], word[cut:]) for cut in cuts]
    return [f"{one} {other}" for one, other in halves if _SAY_NOTHING.isdisjoint((one, other))]


def _near(word: str, others: Sequence[tuple[str, int]]) -> Iterator[tuple[float, str]]:
    """(how unlikely, word) of those that are near enough."""
    most = 1 if len(word) < SHORTEST_TWICE else 2
    for other, documents in others:
        distance = rapidfuzz.distance.DamerauLevenshtein.distance(word, other, score_cutoff=most)
        if 0 < distance <= most and other[0] == word[0] and other.isalpha():
            yield numbers.closeness(word, (), other) + _RARE / (1 + math.log2(max(documents, 1))), other
