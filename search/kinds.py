"""What kind of thing words name: pure. `LCD monitor 17"` is a monitor; `monitor arm` and `cable for monitors` are not.

In English the last noun of a phrase says what the thing is and those before it which one, so a name is cut where
phrases end (at punctuation, numbers, prepositions, and where only values of the product's own attributes follow, as its
colour), and the last word of each is kept. Nothing is learned and nothing listed: a product's own row tells.
"""

import re
import unicodedata
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import chain, filterfalse

_PHRASES = re.compile(r"[,;:()\[\]{}|!?\"“”″•]+|^[-–—]+|[-–—.]$|^[+*]$")  # noqa: RUF001 - as people write
_WORD = re.compile(r"\w+")
_WORDS = re.compile(r"[&®™©]+|(?<=\w)-(?=\w)")
# Behind these stands what a thing is for, of, or comes with; never what it is.
_FOR = "for f with w w/ w/o without compatible suitable fits replaces incl including plus".split()  # noqa: SIM905
_BEHIND = frozenset([*_FOR, *"to of in on by from per via at as is are has the your".split()])  # noqa: SIM905
_LONGEST, _LONGEST_VALUE, MOST = 500, 60, 20
_MARKS = ".'’*_"  # noqa: RUF001
Word = tuple[tuple[str, ...], bool]  # what is said, one or the other; whether it begins with a capital
Phrase = list[Word]
_ENDED: Word = ((), False)  # a phrase ends here, and another begins
_NUMBER = (_ENDED,)
_BEGAN: Word = ((), True)  # what follows is no phrase of its own


def kinds_in(
    name: str, maker: str = "", values: AbstractSet[str] = frozenset(), shades: AbstractSet[str] = frozenset()
) -> tuple[str, ...]:
    """The words of a name that say what the thing is, folded. `values` are the words of its attributes, as `words_of`
    gives them, `shades` those of colours."""
    text = name[:_LONGEST]
    if maker and text.casefold().startswith(maker.casefold()):
        text = text[len(maker) :]
    said = [word for phrase in _phrases(text) for word in _last(phrase, values, shades)]
    return tuple(dict.fromkeys(said))[:MOST]


def kind_asked(text: str) -> str:
    """The word of a query that says what is wanted; nothing where it is all numbers."""
    return next((" ".join(phrase[-1][0]) for phrase in _phrases(text[:_LONGEST])), "")


def _last(phrase: Phrase, values: AbstractSet[str], shades: AbstractSet[str]) -> list[str]:
    """The words that end a phrase, before its colour, and before the values that follow a name in small letters
    (`phone case Cover Transparent`; a `Laptop Battery` is a battery, whatever its attributes say)."""
    end = len(phrase)
    while end > 1 and shades and shades.issuperset(phrase[end - 1][0]):
        end -= 1
    start = end
    while start > 1 and values.issuperset(phrase[start - 1][0]):
        start -= 1
    if start < end and phrase[start][1] and not phrase[start - 1][1]:
        end = start
    return [word for word in phrase[end - 1][0] if len(word) > 1]


def _phrases(text: str) -> Iterator[Phrase]:
    """Words that stand together, without those behind a preposition."""
    run: Phrase = []
    behind = False
    for word in chain.from_iterable(map(_said, text.split())):
        if word[0]:
            run.append(word)
            continue
        if run and not behind:
            yield run
        run, behind = [], word is _BEGAN
    if run and not behind:
        yield run


@lru_cache(10_000)
def _said(written: str) -> tuple[Word, ...]:
    """What stands between two spaces: words, and where phrases end. Most of it stands in many names."""
    if written.isalnum():
        if not written.isalpha():
            return _NUMBER
        return (word,) if (word := _word(written)) else ()
    found: list[Word] = []
    for at, part in enumerate(_PHRASES.split(written)):
        found += [_ENDED] if at else []
        found += [word for one in _WORDS.split(part) if (word := _word(one))]
    return tuple(found)


def _word(written: str) -> Word | None:
    """`adapter/inverter` is either of two; None where it says nothing."""
    said = plain(written)
    if said in _BEHIND:
        return _BEGAN
    if said == "and":
        return None
    either = tuple(word for one in said.split("/") if (word := one.strip(_MARKS)))
    if not either:
        return None
    return (either, written[0].isupper()) if all(word.isalpha() for word in either) else _ENDED


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
