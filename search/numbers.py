"""Part numbers as people half remember them: pure.

A number is compared as its key, letters and digits only. Whoever mistypes one character types one of the texts that
both numbers come to when one character is left out of them, so those texts are what is looked up; what was found is
then put in order by how little it takes to make one of the other.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from marketplace.catalogue.keys import normalise
from marketplace.kernel.lazily import lazily

rapidfuzz: Any = lazily("rapidfuzz")

__all__ = ["closeness", "cuts", "deletions", "heads", "key_of", "normalise"]

LONGEST, SHORTEST, SHORTEST_ALTERED = 60, 3, 5
_SEPARATOR = re.compile(r"[^0-9a-z]+")
_LONGEST_SUFFIX = 8


def key_of(text: str) -> str:
    """The key of a text that may be a part number: it has a digit and is no longer than one; else nothing."""
    key = normalise(text)
    return key if SHORTEST <= len(key) <= LONGEST and any(c.isdigit() for c in key) else ""


def deletions(key: str) -> tuple[str, ...]:
    """The key with one character left out, in every way; of short and very long ones none."""
    if not SHORTEST_ALTERED <= len(key) <= LONGEST:
        return ()
    return tuple(dict.fromkeys([key[:at] + key[at + 1 :] for at in range(len(key))]))


def heads(text: str) -> tuple[str, ...]:
    """What stands before the separators: `BC847,215` -> `bc847`, the longest first. Packaging is said behind."""
    found = []
    folded = text.casefold()
    for separator in _SEPARATOR.finditer(folded):
        key = key_of(folded[: separator.start()])
        if key:
            found.append(key)
    return tuple(dict.fromkeys(reversed(found)))


def cuts(key: str) -> tuple[str, ...]:
    """The key with its end left out, a character more each time, the longest first."""
    shortest = max(SHORTEST_ALTERED, len(key) - _LONGEST_SUFFIX)
    return tuple(key[:length] for length in range(len(key) - 1, shortest - 1, -1))


@lru_cache(1_024)
def closeness(typed: str, heads_of_it: tuple[str, ...], key: str) -> float:
    """How much it takes to make `typed` of a number's key: 0 nothing, below 1 only what stands behind it."""
    if key == typed:
        return 0.0
    if key in heads_of_it:
        return 0.2 + 0.01 * heads_of_it.index(key)
    distance = rapidfuzz.distance.DamerauLevenshtein.distance(typed, key, score_cutoff=3)
    slip = float(distance)
    if distance == 1:
        slip = 1.0 + _strangeness(typed, key)
    if key.startswith(typed):
        return min(slip, 1.3 + 0.12 * (len(key) - len(typed)))
    if typed.startswith(key):
        return min(slip, 1.25 + 0.12 * (len(typed) - len(key)))
    return slip


def _strangeness(typed: str, key: str) -> float:
    """Of slips of one character: fingers swap, double and drop more often than they hit another key."""
    if len(typed) == len(key):
        return 0.0 if sorted(typed) == sorted(key) else 0.3
    if len(typed) > len(key):
        at = next((n for n, c in enumerate(key) if typed[n] != c), len(key))
        return 0.0 if at and typed[at] == typed[at - 1] else 0.2
    return 0.1


def nearest(typed: str, heads_of_it: tuple[str, ...], keys: Iterable[str]) -> list[int]:
    """The positions of the keys, the nearest first; of equally near ones the shorter, else as they came."""
    found = list(keys)
    order = [(closeness(typed, heads_of_it, key), abs(len(key) - len(typed)), at) for at, key in enumerate(found)]
    return [at for _, _, at in sorted(order)]
