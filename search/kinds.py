"""What kind of thing words name: pure. `LCD monitor 17"` is a monitor; `monitor arm` and `cable for monitors` are not.

In English the last noun of a phrase says what the thing is and those before it which one, so a name is cut where
phrases end (at punctuation, numbers, prepositions, and words that are only values of the product's own attributes, as
its colour), and the last word of each is kept. Nothing is learned and nothing listed: a product's own row tells.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import filterfalse

_PHRASES = re.compile(r"[,;:()\[\]{}|!?\"“”″•]+|\s[-–—+*]\s|\.(?:\s|$)")  # noqa: RUF001 - as people write
_WORDS = re.compile(r"[\s&®™©]+|(?<=\w)-(?=\w)")
# Behind these stands what a thing is for, of, or comes with; never what it is.
_FOR = "for f with w w/ w/o without compatible suitable fits replaces incl including plus".split()  # noqa: SIM905
_BEHIND = frozenset([*_FOR, *"to of in on by from per via at as is are has the your".split()])  # noqa: SIM905
_LONGEST, _LONGEST_VALUE, MOST = 500, 60, 20
_MARKS = ".'’*_"  # noqa: RUF001
Phrase = list[list[str]]


def kinds_in(name: str, maker: str = "", values: Iterable[str] = ()) -> tuple[str, ...]:
    """The words of a name that say what the thing is, folded; `values` are those of attributes that do not say it, as
    `value_of` gives them."""
    text = name[:_LONGEST]
    if maker and text.casefold().startswith(maker.casefold()):
        text = text[len(maker) :]
    phrases = list(_phrases(text))
    wanted = {word for phrase in phrases for either in phrase for word in either}
    said = _words_of(values, wanted) if wanted else set()
    return tuple(dict.fromkeys(word for phrase in phrases for word in _last(phrase, said)))[:MOST]


def kind_asked(text: str) -> str:
    """The word of a query that says what is wanted; nothing where it is all numbers."""
    return next((" ".join(phrase[-1]) for phrase in _phrases(text[:_LONGEST])), "")


def _last(phrase: Phrase, said: set[str]) -> list[str]:
    for either in reversed(phrase):
        left = [word for word in either if word not in said]
        if left:
            return [word for word in left if len(word) > 1]
    return []


def _phrases(text: str) -> Iterator[Phrase]:
    """Words that stand together, without those behind a preposition; `adapter/inverter` is either of two."""
    for part in _PHRASES.split(fold(text)):
        run: Phrase = []
        behind = False
        for token in _WORDS.split(part):
            ends = token in _BEHIND
            if not ends and token.isalpha():  # most are just a word
                run.append([token])
                continue
            either = [word for one in token.split("/") if (word := one.strip(_MARKS))]
            if not ends and either and all(word.isalpha() for word in either):
                run.append(either)
            elif ends or either:
                if run and not behind:
                    yield run
                run, behind = [], ends
        if run and not behind:
            yield run


@lru_cache(5_000)
def kinds_of(text: str) -> tuple[str, ...]:
    """The same of a text that many products have in common, as the name of a category."""
    return kinds_in(text)


def value_of(text: str) -> str:
    """A value folded; nothing where it is too long to be a value and no description."""
    return fold(text) if len(text) < _LONGEST_VALUE else ""


def _words_of(values: Iterable[str], wanted: set[str]) -> set[str]:
    """Those of the wanted words that are in the values."""
    text = " ".join(values)
    near = [word for word in wanted if word in text]
    return wanted.intersection(re.findall(r"\w+", text)) if near else set()


def fold(text: str) -> str:
    """Without case and accents."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    return "".join(filterfalse(unicodedata.combining, unicodedata.normalize("NFKD", folded)))
