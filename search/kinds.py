"""What kind of thing words name: pure. `LCD monitor 17"` is a monitor; `monitor arm` and `cable for monitors` are not.

In English the last noun of a phrase says what the thing is and those before it which one, so a name is cut where
phrases end (at punctuation, numbers, prepositions, and where only values of the product's own attributes follow, as its
colour), and the last word of each is kept. Nothing is learned and nothing listed: a product's own row tells.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import filterfalse

_PHRASES = re.compile(r"[,;:()\[\]{}|!?\"“”″•]+|\s[-–—+*]\s|\.(?:\s|$)")  # noqa: RUF001 - as people write
_WORD = re.compile(r"\w+")
_WORDS = re.compile(r"[\s&®™©]+|(?<=\w)-(?=\w)")
# Behind these stands what a thing is for, of, or comes with; never what it is.
_FOR = "for f with w w/ w/o without compatible suitable fits replaces incl including plus".split()  # noqa: SIM905
_BEHIND = frozenset([*_FOR, *"to of in on by from per via at as is are has the your".split()])  # noqa: SIM905
_LONGEST, _LONGEST_VALUE, MOST = 500, 60, 20
_MARKS = ".'’*_"  # noqa: RUF001
Phrase = list[tuple[list[str], bool]]  # words that are one or the other, and whether they begin with a capital


def kinds_in(name: str, maker: str = "", values: Iterable[str] = (), shades: Iterable[str] = ()) -> tuple[str, ...]:
    """The words of a name that say what the thing is, folded. `values` are the words of its attributes, as `words_of`
    gives them, `shades` those of colours."""
    text = name[:_LONGEST]
    if maker and text.casefold().startswith(maker.casefold()):
        text = text[len(maker) :]
    phrases = list(_phrases(text))
    wanted = {word for phrase in phrases for either, _ in phrase for word in either}
    said, coloured = wanted.intersection(values), wanted.intersection(shades)
    return tuple(dict.fromkeys(word for phrase in phrases for word in _last(phrase, said, coloured)))[:MOST]


def kind_asked(text: str) -> str:
    """The word of a query that says what is wanted; nothing where it is all numbers."""
    return next((" ".join(phrase[-1][0]) for phrase in _phrases(text[:_LONGEST])), "")


def _last(phrase: Phrase, said: set[str], coloured: set[str]) -> list[str]:
    """The words that end a phrase, before its colour, and before the values that follow a name in small letters
    (`phone case Cover Transparent`; a `Laptop Battery` is a battery, whatever its attributes say)."""
    end = len(phrase)
    while end > 1 and coloured.issuperset(phrase[end - 1][0]):
        end -= 1
    start = end
    while start > 1 and said.issuperset(phrase[start - 1][0]):
        start -= 1
    if start < end and phrase[start][1] and not phrase[start - 1][1]:
        end = start
    return [word for word in phrase[end - 1][0] if len(word) > 1]


def _phrases(text: str) -> Iterator[Phrase]:
    """Words that stand together, without those behind a preposition; `adapter/inverter` is either of two."""
    for part in _PHRASES.split(text):
        run: Phrase = []
        behind = False
        for written in _WORDS.split(part):
            said = plain(written)
            ends = said in _BEHIND
            if not ends and said.isalpha():  # most are just a word
                if said != "and":
                    run.append(([said], written[0].isupper()))
                continue
            either = [word for one in said.split("/") if (word := one.strip(_MARKS))]
            if not ends and either and all(word.isalpha() for word in either):
                run.append((either, written[0].isupper()))
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


def words_of(value: str) -> tuple[str, ...]:
    """The words of a value, folded; none where it is too long to be a value and no description."""
    return tuple(_WORD.findall(plain(value))) if len(value) < _LONGEST_VALUE else ()


def plain(text: str) -> str:
    """Without accents and case, as it is sorted and compared."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    return "".join(filterfalse(unicodedata.combining, unicodedata.normalize("NFKD", folded)))
