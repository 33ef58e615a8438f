"""Vendors meet on one product: a second one of the same number is refused by the name of the first."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError

from marketplace.catalogue import queries
from marketplace.catalogue.actions import search_changed
from marketplace.catalogue.keys import normalise
from marketplace.catalogue.models import Document, Product, ProductText
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict, Forbidden


class ProductExists(Conflict):
    """A product with this EAN, or this part number of this manufacturer, is known: offer that one."""

    message = "This product is known already; make your offer on it."


class NotYourProduct(Forbidden):
    """The product was brought by another company."""

    message = "Only the company that brought this product, or the operator, may change it."


class ProductIsShared(Forbidden):
    """Other vendors offer the product by now, so its description is no longer one vendor's to change."""

    message = "Other vendors offer this product too; ask the operator to change it."


class NotYourDocument(Forbidden):
    """The document was added by another company."""

    message = "Only the company that added this document, or the operator, may remove it."


def create(actor: Actor, facts: Mapping[str, Any]) -> Product:
    """A new product. `facts`: name, and optionally description, manufacturer, part_number, ean (compact), category_id,
    attributes [{name, value, unit?}]. Raises ProductExists with the `product_id` of the first, CategoryUnknown."""
    _check_category(actor, facts)
    product = Product(**_with_keys(facts), created_by=actor.company_id)
    key = (facts.get("ean"), facts.get("manufacturer", ""), facts.get("part_number", ""))
    if key in (found := queries.products_matching([key])):
        raise ProductExists(product_id=str(found[key]))

    _save(product, key)
    search_changed([product.id])
    return product


def edit(actor: Actor, product_id: uuid.UUID, changes: Mapping[str, Any]) -> Product:
    """Change a product: its bringer as long as nobody else offers it, then the operator only.

    Raises ProductUnknown, NotYourProduct, ProductIsShared, ProductExists, CategoryUnknown.
    """
    product = queries.product(actor, product_id)
    _check_editor(actor, product)
    _check_category(actor, changes)

    for name, value in _with_keys(changes).items():
        setattr(product, name, value)
    _save(product, (product.ean, product.manufacturer, product.part_number))
    search_changed([product.id])
    return product


def add_document(actor: Actor, product_id: uuid.UUID, facts: Mapping[str, Any]) -> Document:
    """Name a document of a product by its address. `facts`: kind, title, url. Raises ProductUnknown."""
    product = queries.product(actor, product_id)
    document = Document(product_id=product.id, vendor_id=actor.company_id, **facts)
    db.session.add(document)
    search_changed([product.id])
    return document


def remove_document(actor: Actor, document_id: uuid.UUID) -> None:
    """Raises DocumentUnknown, NotYourDocument."""
    document = queries.document(actor, document_id)
    if not actor.sees_all and document.vendor_id != actor.company_id:
        raise NotYourDocument

    db.session.delete(document)
    search_changed([document.product_id])


def set_text(actor: Actor, product_id: uuid.UUID, language: str, facts: Mapping[str, Any]) -> ProductText:
    """Say name and description of a product in another language; who may edit the product may.

    Raises ProductUnknown, NotYourProduct, ProductIsShared.
    """
    product = queries.product(actor, product_id, lock=True)
    _check_editor(actor, product)
    row = queries.product_text(product.id, language) or ProductText(product_id=product.id, language=language)

    row.name, row.description = facts["name"], facts.get("description", "")
    db.session.add(row)
    db.session.flush()
    search_changed([product.id])
    return row


def _save(product: Product, key: tuple[str | None, str, str]) -> None:
    """Write it; the unique numbers decide between two who bring the same product at once."""
    try:
        with db.session.begin_nested():
            db.session.add(product)
    except IntegrityError as failure:
        others = queries.products_matching([key])
        raise ProductExists(product_id=str(others.get(key, ""))) from failure


def _with_keys(facts: Mapping[str, Any]) -> dict[str, Any]:
    keys = {f"{name}_key": normalise(facts[name]) for name in ("manufacturer", "part_number") if name in facts}
    return {**facts, **keys}


def _check_editor(actor: Actor, product: Product) -> None:
    if actor.sees_all:
        return
    if product.created_by != actor.company_id:
        raise NotYourProduct
    if queries.offered_by_others(product):
        raise ProductIsShared


def _check_category(actor: Actor, facts: Mapping[str, Any]) -> None:
    if facts.get("category_id") is not None:
        queries.category(actor, facts["category_id"])
