"""Mappings are kept by whoever they belong to: a vendor his own, the operator those that everybody may use.

A feed keeps the mapping as it was when its file came, so that nothing done here reaches back.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from marketplace.catalogue.categories import hold_tree
from marketplace.catalogue.queries import category_paths
from marketplace.kernel.access import Actor
from marketplace.kernel.db import advisory_lock, db
from marketplace.kernel.errors import Conflict, Forbidden, Invalid
from vendors.feeds import queries
from vendors.feeds.mapping_schemas import FeedMappingIn
from vendors.feeds.models import FeedMapping

MOST_MAPPINGS = 200
_RENAME = text("""
    UPDATE feed_mapping SET version = version + 1, content = jsonb_set(
        content, '{constants,category}',
        to_jsonb(:new || substr(content -> 'constants' ->> 'category', length(:old) + 1))
    )
    WHERE content -> 'constants' ->> 'category' = :old
        OR starts_with(content -> 'constants' ->> 'category', :old || '/')
""")
_OWN = ("name", "format", "note")


class MappingNotYours(Forbidden):
    """A shared mapping is edited by the operator, a vendor's own by the vendor."""

    message = "This mapping is not yours to change; copy it."


class MappingNameTaken(Conflict):
    """Another mapping of the same owner has this name."""

    message = "You have a mapping of this name already."


class TooManyMappings(Conflict):
    """Nobody needs so many."""

    message = f"You have {MOST_MAPPINGS} mappings already; remove some first."


class MappingCategoryUnknown(Invalid):
    """The category that every row is to have is none."""

    message = "There is no one category with this path or name."


def chosen(actor: Actor, wanted: str | None) -> dict[str, Any] | None:
    """The mapping with this id or name as it is now, for a feed to keep. Raises MappingUnknown."""
    if not wanted:
        return None
    try:
        return queries.mapping(actor, uuid.UUID(wanted)).frozen
    except ValueError:
        return queries.mapping_named(actor, wanted).frozen


def create(actor: Actor, wanted: Mapping[str, Any]) -> FeedMapping:
    """`wanted`: as FeedMappingIn loads it. Raises MappingNameTaken, TooManyMappings, MappingCategoryUnknown."""
    owner = _owner(actor)
    _hold_category(wanted)
    advisory_lock(f"feed_mappings.{owner}")
    if queries.mappings_owned(owner) >= MOST_MAPPINGS:
        raise TooManyMappings
    _check_name(owner, wanted["name"])
    row = FeedMapping(vendor_id=owner, content=_content(_placed(wanted)), **_facts(wanted))
    db.session.add(row)
    db.session.flush()
    return row


def edit(actor: Actor, mapping_id: uuid.UUID, changes: Mapping[str, Any]) -> FeedMapping:
    """What is named in `changes` is replaced whole. Raises MappingUnknown, MappingNotYours, ValidationError, and the
    refusals of create."""
    row = _own(actor, mapping_id)
    _hold_category(changes)
    advisory_lock(f"feed_mappings.{row.vendor_id}")
    before = {name: getattr(row, name) for name in _OWN} | row.content
    wanted = FeedMappingIn().load(before | dict(changes))
    _check_name(row.vendor_id, wanted["name"], row.id)
    for name, value in _facts(wanted).items():
        setattr(row, name, value)
    row.content = _content(_placed(wanted))
    db.session.flush()
    return row


def copy(actor: Actor, mapping_id: uuid.UUID, name: str) -> FeedMapping:
    """A mapping of one's own that begins as another. Raises MappingUnknown, and the refusals of create."""
    row = queries.mapping(actor, mapping_id)
    return create(actor, {"name": name, "format": row.format, "note": row.note} | row.content)


def remove(actor: Actor, mapping_id: uuid.UUID) -> None:
    """Feeds that were read by it keep it. Raises MappingUnknown, MappingNotYours."""
    db.session.delete(_own(actor, mapping_id))
    db.session.flush()


def follow_category(old: str, new: str) -> None:
    """A category that mappings may name has moved, with all below it."""
    db.session.flush()
    db.session.execute(_RENAME, {"old": old, "new": new})


def _hold_category(facts: Mapping[str, Any]) -> None:
    if facts.get("constants", {}).get("category"):
        hold_tree()


def draft(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping that is looked at before it is saved; `wanted` as FeedMappingIn loads it."""
    return {"format": wanted["format"], "content": _content(wanted)}


def _owner(actor: Actor) -> uuid.UUID | None:
    return None if actor.sees_all else actor.company_id


def is_own(actor: Actor, row: FeedMapping) -> bool:
    """May the actor change it, if he may change any?"""
    return row.vendor_id == _owner(actor)


def _own(actor: Actor, mapping_id: uuid.UUID) -> FeedMapping:
    row = queries.mapping(actor, mapping_id)
    if not is_own(actor, row):
        raise MappingNotYours
    return row


def _check_name(owner: uuid.UUID | None, name: str, but: uuid.UUID | None = None) -> None:
    if queries.name_taken(owner, name, but):
        raise MappingNameTaken(pointer="/name")


def _placed(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The same with its category by its path: that is followed where it moves, and no other comes to be called so."""
    facts = dict(wanted)
    if category := wanted.get("constants", {}).get("category"):
        category_id = queries.categories_by_name().get(category)
        if category_id is None:
            raise MappingCategoryUnknown(pointer="/constants/category")
        facts["constants"] = wanted["constants"] | {"category": category_paths([category_id])[category_id]}
    return facts


def _facts(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: wanted.get(name, "") for name in _OWN}


def _content(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if name not in _OWN and value}
