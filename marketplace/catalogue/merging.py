"""Two products that are one become one: the offers move to the survivor, and whoever knew the other is led to it.

What was ordered stays as it was: orders name the product of that day. Merging is not undone: offers of both stand on
the survivor afterwards, and which of them belonged to which is only in the record (`product_merge`).
"""

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.types import Uuid

from marketplace.catalogue import queries
from marketplace.catalogue.actions import NEW_PRODUCTS_LOCK, search_changed
from marketplace.catalogue.models import Document, Product, ProductMerge, ProductText
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import advisory_lock, db
from marketplace.kernel.errors import Conflict

_MOVE_OFFERS = text("""
    UPDATE offer SET product_id = :survivor, updated_at = :now, version = version + 1
    WHERE product_id = :merged RETURNING id
""").bindparams(bindparam("survivor", type_=Uuid()), bindparam("merged", type_=Uuid()))
# As a feed does it: offers first, in the order of their ids, then the lock of new products, then products.
_LOCK_OFFERS = text("SELECT id FROM offer WHERE product_id = :merged ORDER BY id FOR NO KEY UPDATE").bindparams(
    bindparam("merged", type_=Uuid())
)
_FOLLOW = text("UPDATE product SET merged_into = :survivor WHERE merged_into = :merged").bindparams(
    bindparam("survivor", type_=Uuid()), bindparam("merged", type_=Uuid())
)


class SameProduct(Conflict):
    """A product is not merged into itself."""

    message = "These are one product already."


class NumbersContradict(Conflict):
    """EAN, or manufacturer and part number, say that these are two products."""

    message = "EAN or part numbers of these products contradict each other: they are not one."


def merge(
    actor: Actor,
    survivor_id: uuid.UUID,
    merged_id: uuid.UUID,
    check: Callable[[Product, Product], None] | None = None,
) -> Product:
    """Make one product of two; returns the survivor. `check` looks at survivor and merged as nobody changes them any
    more, and may refuse them.

    A vendor who offers both keeps both offers, each with its own SKU, price and stock: carts and orders hold them, and
    which one he wants to end is his to say. Documents, texts, attributes and numbers that the survivor lacks are kept.
    Raises ProductUnknown, SameProduct, NumbersContradict.
    """
    db.session.execute(_LOCK_OFFERS, {"merged": merged_id})
    advisory_lock(NEW_PRODUCTS_LOCK)  # a feed that looked up the other one has written its offers, or will find this
    survivor, merged = _both(actor, survivor_id, merged_id)
    if survivor.id == merged.id:
        raise SameProduct
    if check:
        check(survivor, merged)
    if contradict(survivor, merged):
        raise NumbersContradict

    ids = {"survivor": survivor.id, "merged": merged.id}
    offers = db.session.execute(_MOVE_OFFERS, ids | {"now": clock.now()}).scalars().all()
    taken = _take(survivor, merged)
    db.session.execute(_FOLLOW, ids)
    merged.merged_into = survivor.id
    db.session.add(
        ProductMerge(
            merged_id=merged.id,
            survivor_id=survivor.id,
            person_id=actor.person_id,
            facts={"offers": [str(one) for one in offers], **taken},
        )
    )
    search_changed([survivor.id, merged.id])
    return survivor


def contradict(one: Product, other: Product) -> bool:
    """Have both an EAN, or both manufacturer and part number, and not the same?"""
    if one.ean and other.ean and one.ean != other.ean:
        return True
    numbers = [(p.manufacturer_key, p.part_number_key) for p in (one, other)]
    return all(all(pair) for pair in numbers) and numbers[0][1] != numbers[1][1]


def gather_strays() -> int:
    """Offers that came to a merged product at the moment of its merging go to the survivor; returns how many."""
    strays = queries.stray_offers()
    for merged, survivor in strays:
        db.session.execute(_MOVE_OFFERS, {"merged": merged, "survivor": survivor, "now": clock.now()})
        search_changed([survivor])
    return len(strays)


def _both(actor: Actor, survivor_id: uuid.UUID, merged_id: uuid.UUID) -> tuple[Product, Product]:
    """Locked in the order of their ids, so that two who merge the same pair wait for each other."""
    for one in sorted((survivor_id, merged_id)):
        queries.product(actor, one, lock=True)
    return queries.product(actor, survivor_id), queries.product(actor, merged_id)


def _take(survivor: Product, merged: Product) -> dict[str, Any]:
    """What the survivor lacks, of the other; returns what was taken."""
    taken: list[str] = []
    for name in ("description", "category_id"):
        if not getattr(survivor, name) and getattr(merged, name):
            setattr(survivor, name, getattr(merged, name))
            taken.append(name)
    known = {attribute["name"].casefold() for attribute in survivor.attributes}
    if more := [attribute for attribute in merged.attributes if attribute["name"].casefold() not in known]:
        survivor.attributes = [*survivor.attributes, *more]
        taken.append("attributes")
    taken += _take_numbers(survivor, merged)
    documents = _move_documents(survivor, merged)
    languages = {row.language for row in queries.product_texts(SYSTEM, survivor.id)}
    texts = [row for row in queries.product_texts(SYSTEM, merged.id) if row.language not in languages]
    for row in texts:
        facts = {"language": row.language, "name": row.name, "description": row.description}
        db.session.add(ProductText(product_id=survivor.id, **facts))
    return {"taken": taken, "documents": documents, "texts": [row.language for row in texts]}


def _take_numbers(survivor: Product, merged: Product) -> list[str]:
    """A number moves to the survivor where he has none; another stays with the merged product and leads here."""
    moved: dict[str, Any] = {}
    if survivor.ean is None and merged.ean:
        moved["ean"], merged.ean = merged.ean, None
    if not (survivor.part_number_key and survivor.manufacturer_key) and merged.part_number_key:
        names = ("manufacturer", "manufacturer_key", "part_number", "part_number_key")
        if not survivor.part_number_key or survivor.part_number_key == merged.part_number_key:
            moved |= {name: getattr(merged, name) for name in names if getattr(merged, name)}
            merged.part_number = merged.part_number_key = ""
    db.session.flush()  # the number is free before it is taken
    for name, value in moved.items():
        setattr(survivor, name, value)
    return [name for name in moved if not name.endswith("_key")]


def _move_documents(survivor: Product, merged: Product) -> list[str]:
    """Those whose address the survivor has already stay where they are."""
    known = {row.url for row in queries.documents_of(SYSTEM, survivor.id)}
    moved: list[Document] = [row for row in queries.documents_of(SYSTEM, merged.id) if row.url not in known]
    for row in moved:
        row.product_id = survivor.id
    return [str(row.id) for row in moved]
