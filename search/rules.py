"""How the operator's rules read a text: synonyms and boosts, each everywhere or in a category."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marketplace.kernel.access import SYSTEM, visible
from marketplace.kernel.db import db
from search import numbers, remembering, words
from search.engine import Boost, Words
from search.kinds import plain
from search.models import SearchRule
from search.remembering import remembered

MOST_READINGS, LONGEST_READING = 6, 1000
REMEMBERED_S = 2.0
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is applied; `words` without case and accents. See models.SearchRule."""

    kind: str
    words: tuple[str, ...]
    one_way: bool
    category_path: str
    weight: float


def of_rows(rows: Iterable[SearchRule]) -> tuple[Rule, ...]:
    return tuple(Rule(r.kind, tuple(plain(w) for w in r.words), r.one_way, r.category_path, r.weight) for r in rows)


def same(one: Rule, other: Rule) -> bool:
    """Do both say the same? Words have no order, except the first of a one-way synonym."""
    if (one.kind, one.category_path, set(one.words)) != (other.kind, other.category_path, set(other.words)):
        return False
    if one.kind == "boost":
        return one.weight == other.weight
    return one.one_way == other.one_way and (not one.one_way or one.words[0] == other.words[0])


def in_force() -> tuple[Rule, ...]:
    """The rules of the marketplace, remembered for two seconds."""
    return remembered("rules", _kept, REMEMBERED_S)


def _kept() -> tuple[Rule, ...]:
    return of_rows(db.session.scalars(visible(SYSTEM, SearchRule).order_by(SearchRule.id)))


def forget() -> None:
    """A rule was changed: this process sees it at once, others within two seconds."""
    remembering.forget("rules")


def understand(text: str, category: str | None, rules: Sequence[Rule]) -> Words:
    """What a text asks for in a category (None: everywhere)."""
    typed = _SPACES.sub(" ", text).strip()[:LONGEST_READING]
    if not typed:
        return Words(boosts=_boosts("", rules))
    measures = words.measures_asked(typed)
    return Words(
        text=typed,
        readings=_readings(typed, category, rules),
        measures=measures,
        key=numbers.key_of(typed),
        heads=numbers.heads(typed),
        exactly=words.only_measured(typed, measures),
        boosts=_boosts(plain(typed), rules),
    )


def _readings(typed: str, category: str | None, rules: Sequence[Rule]) -> tuple[str, ...]:
    """The text as typed, then with each word or phrase of a synonym in the place of another; a replaced one is not
    replaced again, so that rules in a circle come to an end."""
    found = [typed]
    folded = plain(typed)
    for rule in rules:
        if rule.kind != "synonym" or not _holds(rule, category):
            continue
        sources = rule.words[:1] if rule.one_way else rule.words
        for source in sources:
            if not _has(folded, source):
                continue
            found += [_instead(folded, source, target) for target in rule.words if target != source]
            if len(found) > 10 * MOST_READINGS:
                break  # some say the same; more than enough do not
    return tuple(dict.fromkeys(one for one in found if len(one) <= LONGEST_READING))[:MOST_READINGS]


def _boosts(folded: str, rules: Sequence[Rule]) -> tuple[Boost, ...]:
    found = [
        Boost(rule.category_path, rule.weight)
        for rule in rules
        if rule.kind == "boost" and (not rule.words or any(_has(folded, word) for word in rule.words))
    ]
    return tuple(found[:20])


def _holds(rule: Rule, category: str | None) -> bool:
    """A synonym of a category holds in it and below it."""
    path = rule.category_path
    return not path or category == path or (category or "").startswith(path + "/")


def _has(folded: str, word: str) -> bool:
    # Every search looks for the words of all rules: few are there at all, and only those are worth an expression.
    return word in folded and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", folded) is not None


def _instead(folded: str, source: str, target: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(source)}(?!\w)", lambda _: target, folded)
