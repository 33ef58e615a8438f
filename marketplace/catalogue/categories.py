"""The operator's tree of categories: a path always spells the slugs from the root, also after a move."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.catalogue import queries
from marketplace.catalogue.actions import search_changed
from marketplace.catalogue.events import CategoryMoved
from marketplace.catalogue.models import Category
from marketplace.kernel.access import Actor
from marketplace.kernel.db import advisory_lock, db
from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.outbox import publish

_MOVE_BELOW = text("""
    UPDATE category SET path = :path || substr(path, length(:old) + 1)
    WHERE starts_with(path, :old || '/')
""")


class CategoryPathTaken(Conflict):
    """Two categories below one parent cannot share a slug."""

    message = "There is a category with this slug at this place."


class CategoryBelowItself(Invalid):
    """A category cannot move below itself."""

    message = "A category cannot move below itself."


class CategoryInUse(Conflict):
    """Products or other categories stand below it."""

    message = "Move the products and categories below it first."


def create(actor: Actor, facts: Mapping[str, Any]) -> Category:
    """`facts`: slug, name, optionally parent_id, position. Raises CategoryUnknown, CategoryPathTaken."""
    hold_tree()
    row = Category(**{"parent_id": None} | dict(facts))
    row.path = _path(actor, row)
    return _saved(row)


def edit(actor: Actor, category_id: uuid.UUID, changes: Mapping[str, Any]) -> Category:
    """Rename, reorder or move; everything below moves along, and so does what names it. Raises CategoryUnknown,
    CategoryPathTaken, CategoryBelowItself."""
    hold_tree()
    row = queries.category(actor, category_id)
    old = row.path
    if changes.get("parent_id") is not None:
        parent = queries.category(actor, changes["parent_id"])
        if parent.path == old or parent.path.startswith(f"{old}/"):
            raise CategoryBelowItself(pointer="/parent_id")

    for name, value in changes.items():
        setattr(row, name, value)
    row.path = _path(actor, row)
    _saved(row)
    if row.path != old:
        db.session.execute(_MOVE_BELOW, {"path": row.path, "old": old})
        db.session.expire_all()
        db.session.refresh(row)
        publish(CategoryMoved(old, row.path))
    search_changed(queries.product_ids_below(row.path))
    return row


def remove(actor: Actor, category_id: uuid.UUID) -> None:
    """Raises CategoryUnknown, CategoryInUse."""
    hold_tree()
    row = queries.category(actor, category_id)
    if queries.category_in_use(row):
        raise CategoryInUse

    db.session.delete(row)
    db.session.flush()


def hold_tree() -> None:
    """One change of the tree at a time: two moves could otherwise hang each below the other, and who names a category
    by its path could write down one that has just moved away. Before any other lock."""
    advisory_lock("category tree")


def _path(actor: Actor, row: Category) -> str:
    return f"{queries.category(actor, row.parent_id).path}/{row.slug}" if row.parent_id else row.slug


def _saved(row: Category) -> Category:
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as failure:
        raise CategoryPathTaken(pointer="/slug") from failure
    return row
