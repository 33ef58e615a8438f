"""The operator steers search by rules; who may not sell is hidden at once."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert

from marketplace.catalogue.categories import hold_tree
from marketplace.catalogue.queries import categories_by_path
from marketplace.kernel.access import Actor
from marketplace.kernel.db import advisory_lock, db
from marketplace.kernel.errors import Conflict, Invalid
from search import queries, rules
from search.kinds import plain
from search.models import HiddenVendor, SearchRule

MOST_RULES = 5_000
_RENAME = text("""
    UPDATE search_rule SET version = version + 1, category_path = :new || substr(category_path, length(:old) + 1)
    WHERE category_path = :old OR starts_with(category_path, :old || '/')
""")


class SynonymNeedsTwo(Invalid):
    """A synonym says that two words or phrases mean the same."""

    message = "A synonym needs two words or phrases that differ."


class SynonymsInCircle(Conflict):
    """One-way synonyms that lead back to where they began say nothing."""


class RuleThereAlready(Conflict):
    """The same rule twice says nothing more, and taking one away would change nothing."""

    message = "There is such a rule already; it is in force."


class BoostNeedsCategory(Invalid):
    """A boost says which category counts more or less."""

    message = "Name the category whose hits count more or less."


class CategoryNotThere(Invalid):
    """There is no such category."""

    message = "There is no category with this path."


class TooManyRules(Conflict):
    """Every search reads all rules."""

    message = f"There are {MOST_RULES} rules already; remove some first."


def show_vendor(vendor_id: uuid.UUID, *, allowed: bool) -> None:
    """Hide a vendor's offers from search, or no longer, whatever the index remembers."""
    if allowed:
        db.session.execute(delete(HiddenVendor).where(HiddenVendor.vendor_id == vendor_id))
    else:
        db.session.execute(insert(HiddenVendor).values(vendor_id=vendor_id).on_conflict_do_nothing())
    queries.forget_hidden()


def add_rule(actor: Actor, facts: Mapping[str, Any]) -> SearchRule:
    """`facts`: kind, words, one_way, category_path, weight. Raises SynonymNeedsTwo, SynonymsInCircle,
    BoostNeedsCategory, CategoryNotThere, RuleThereAlready, TooManyRules."""
    _hold(facts)
    if queries.rule_count() >= MOST_RULES:
        raise TooManyRules
    row = draft(facts)
    _check_new(row)
    db.session.add(row)
    db.session.flush()
    rules.forget()
    return row


def edit_rule(actor: Actor, rule_id: uuid.UUID, changes: Mapping[str, Any]) -> SearchRule:
    """Raises RuleUnknown, and the refusals of add_rule."""
    _hold(changes)
    row = queries.rule(actor, rule_id)
    with db.session.no_autoflush:
        for name, value in changes.items():
            setattr(row, name, value)
        _check(row)
        _check_new(row)
    db.session.flush()
    rules.forget()
    return row


def remove_rule(actor: Actor, rule_id: uuid.UUID) -> None:
    """Raises RuleUnknown."""
    db.session.delete(queries.rule(actor, rule_id))
    db.session.flush()
    rules.forget()


def follow_category(old: str, new: str) -> None:
    """A category that rules may name has moved, with all below it."""
    db.session.flush()
    db.session.execute(_RENAME, {"old": old, "new": new})
    rules.forget()


def _hold(facts: Mapping[str, Any]) -> None:
    """The tree where a category is named, then the rules: two that are made at once see each other."""
    if facts.get("category_path"):
        hold_tree()
    advisory_lock("search rules")


def draft(facts: Mapping[str, Any]) -> SearchRule:
    """A rule that is looked at before it is saved. Raises the refusals of add_rule."""
    row = SearchRule(**{"words": [], "one_way": False, "category_path": "", "weight": 1.0} | dict(facts))
    _check(row)
    return row


def _check(row: SearchRule) -> None:
    row.words = list(dict.fromkeys(" ".join(word.split()) for word in row.words if plain(word).strip()))
    if row.kind == "synonym" and len({plain(word) for word in row.words}) < 2:
        raise SynonymNeedsTwo(pointer="/words")
    if row.kind == "boost" and not row.category_path:
        raise BoostNeedsCategory(pointer="/category_path")
    if row.category_path and row.category_path not in categories_by_path([row.category_path]):
        raise CategoryNotThere(pointer="/category_path")
    if row.kind == "synonym" and row.one_way:
        _check_circle(row)


def _check_new(row: SearchRule) -> None:
    (wanted,) = rules.of_rows([row])
    others = [other for other in queries.rules_like(row) if other.id != row.id]
    if any(rules.same(wanted, other) for other in rules.of_rows(others)):
        raise RuleThereAlready


def _check_circle(row: SearchRule) -> None:
    """From the words that this one leads to, no way leads back to it."""
    leads: dict[str, set[str]] = {}
    for other in queries.one_way_rules():
        if other.id != row.id:
            leads.setdefault(plain(other.words[0]), set()).update(plain(word) for word in other.words[1:])
    start = plain(row.words[0])
    waiting, seen = [plain(word) for word in row.words[1:]], set[str]()
    while waiting:
        word = waiting.pop()
        if word == start:
            raise SynonymsInCircle(f"'{row.words[0]}' would lead back to itself.", pointer="/words")
        if word not in seen:
            seen.add(word)
            waiting += leads.get(word, ())
