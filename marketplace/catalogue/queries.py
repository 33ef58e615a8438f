"""Every SELECT of the catalogue; what an actor may not know of is not found."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from marketplace.catalogue.keys import normalise
from marketplace.catalogue.models import Category, Document, Offer, OfferStock, Product, ProductText
from marketplace.catalogue.states import OfferState
from marketplace.companies.models import Company
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.kernel.errors import NotFound
from marketplace.kernel.web import Page, paginate


class CategoryUnknown(NotFound):
    """There is no such category."""


class ProductUnknown(NotFound):
    """There is no such product."""


class ProductTextUnknown(NotFound):
    """The product has no text in this language."""


class OfferUnknown(NotFound):
    """There is no such offer, or not for you."""


class DocumentUnknown(NotFound):
    """There is no such document."""


@dataclass(frozen=True, slots=True)
class OwnOffer:
    """An offer as its vendor sees it: with its product and its stock."""

    offer: Offer
    product: Product
    stock: OfferStock


def categories(actor: Actor) -> list[Category]:
    """All categories, each before those below it, siblings by position and name."""
    return in_tree_order(db.session.scalars(visible(actor, Category)).all())


def in_tree_order(rows: Sequence[Category]) -> list[Category]:
    """Depth first; siblings by position, then name."""
    below: dict[uuid.UUID | None, list[Category]] = {}
    for row in sorted(rows, key=lambda c: (c.position, c.name, c.path), reverse=True):
        below.setdefault(row.parent_id, []).append(row)
    ordered: list[Category] = []
    waiting = below.get(None, [])[:]
    while waiting:
        row = waiting.pop()
        ordered.append(row)
        waiting += below.get(row.id, [])
    return ordered


def category(actor: Actor, category_id: uuid.UUID) -> Category:
    """Raises CategoryUnknown."""
    row = db.session.scalars(visible(actor, Category).where(Category.id == category_id)).one_or_none()
    if row is None:
        raise CategoryUnknown
    return row


def categories_by_path(paths: Iterable[str]) -> dict[str, Category]:
    """The categories with these paths; unknown ones are absent. For feeds."""
    rows = db.session.scalars(visible(SYSTEM, Category).where(Category.path.in_(set(paths))))
    return {row.path: row for row in rows}


def category_paths(category_ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """The path of each category."""
    wanted = {i for i in category_ids if i is not None}
    rows = db.session.execute(
        visible(SYSTEM, Category).with_only_columns(Category.id, Category.path).where(Category.id.in_(wanted))
    )
    return {row.id: row.path for row in rows}


def subtree(path: str) -> Select[tuple[Category]]:
    """The category of this path and all below it."""
    return visible(SYSTEM, Category).where(
        or_(Category.path == path, Category.path.startswith(path + "/", autoescape=True))
    )


def product_ids_below(path: str) -> list[uuid.UUID]:
    """The products in a category and below it."""
    inside = subtree(path).with_only_columns(Category.id)
    statement = visible(SYSTEM, Product).with_only_columns(Product.id).where(Product.category_id.in_(inside))
    return list(db.session.scalars(statement))


def category_in_use(row: Category) -> bool:
    """Does it hold products, or categories below it?"""
    children = visible(SYSTEM, Category).where(Category.parent_id == row.id).limit(1)
    products = visible(SYSTEM, Product).where(Product.category_id == row.id).limit(1)
    return db.session.scalar(children) is not None or db.session.scalar(products) is not None


def product(actor: Actor, product_id: uuid.UUID, *, lock: bool = False, keep: bool = False) -> Product:
    """The product, or the one it was merged into. `lock` it, or `keep` it from being merged until the transaction ends.

    Raises ProductUnknown.
    """
    statement = visible(actor, Product)
    if keep:
        statement = statement.with_for_update(of=Product, read=True, key_share=True)
    elif lock:
        statement = _locked(statement, Product)
    if lock or keep:
        statement = statement.execution_options(populate_existing=True)
    row = db.session.scalars(statement.where(Product.id == product_id)).one_or_none()
    if row is not None and row.merged_into is not None:
        row = db.session.scalars(statement.where(Product.id == row.merged_into)).one_or_none()
    if row is None:
        raise ProductUnknown
    return row


def products_by_id(actor: Actor, product_ids: Iterable[uuid.UUID]) -> list[Product]:
    """The products, or those they were merged into, each once, in the order of the ids. Raises ProductUnknown."""
    asked = dict.fromkeys(product_ids)
    found: dict[uuid.UUID, Product] = {}
    wanted = set(asked)
    while wanted:
        rows = db.session.scalars(visible(actor, Product).where(Product.id.in_(wanted)))
        found |= {row.id: row for row in rows}
        if wanted - found.keys():
            raise ProductUnknown
        wanted = {row.merged_into for row in found.values() if row.merged_into is not None} - found.keys()
    return [found[one] for one in dict.fromkeys(found[one].merged_into or one for one in asked)]


def products(actor: Actor, args: Mapping[str, Any]) -> Page:
    """Products, newest first, of an EAN, a manufacturer, a part number (however spelled) or a category's subtree; the
    numbers of a merged product lead to its survivor."""
    statement = visible(actor, Product).where(Product.merged_into.is_(None))
    numbers = [Product.ean == args["ean"]] if args.get("ean") else []
    named = [name for name in ("manufacturer", "part_number") if args.get(name)]
    numbers += [getattr(Product, f"{name}_key") == normalise(args[name]) for name in named]
    if numbers:
        meant = visible(actor, Product).with_only_columns(_survivor()).where(*numbers)
        statement = statement.where(Product.id.in_(meant))
    if args.get("category"):
        inside = subtree(args["category"]).with_only_columns(Category.id)
        statement = statement.where(Product.category_id.in_(inside))
    return paginate(statement, args, Product.id)


def products_matching(
    wanted: Sequence[tuple[str | None, str, str]],
) -> dict[tuple[str | None, str, str], uuid.UUID]:
    """The product that each (EAN, manufacturer, part number) means, in one query; those unknown are absent.

    The EAN decides; else manufacturer and part number together, however spelled.
    """
    eans = {ean for ean, _, _ in wanted if ean}
    keys = {key for _, maker, part in wanted if all(key := (normalise(maker), normalise(part)))}
    statement = visible(SYSTEM, Product).with_only_columns(
        _survivor(), Product.ean, Product.manufacturer_key, Product.part_number_key
    )
    same_part = and_(
        Product.part_number_key != "",
        Product.manufacturer_key != "",
        tuple_(Product.part_number_key, Product.manufacturer_key).in_({(part, maker) for maker, part in keys}),
    )
    rows = db.session.execute(statement.where(or_(Product.ean.in_(eans), same_part))).all()
    by_ean = {row.ean: row.id for row in rows if row.ean}
    by_part = {(row.manufacturer_key, row.part_number_key): row.id for row in rows}
    found = {}
    for ean, maker, part in wanted:
        key = (normalise(maker), normalise(part))
        match = (by_ean.get(ean) if ean else None) or (by_part.get(key) if all(key) else None)
        if match is not None:
            found[ean, maker, part] = match
    return found


def _survivor() -> ColumnElement[uuid.UUID]:
    return func.coalesce(Product.merged_into, Product.id).label("id")


def stray_offers() -> list[tuple[uuid.UUID, uuid.UUID]]:
    """(merged product, its survivor) where an offer still stands on the former."""
    statement = visible(SYSTEM, Product).with_only_columns(Product.id, Product.merged_into)
    offered = visible(SYSTEM, Offer).with_only_columns(Offer.id).where(Offer.product_id == Product.id).exists()
    return [(own, into) for own, into in db.session.execute(statement.where(Product.merged_into.is_not(None), offered))]


def offered_by_others(row: Product) -> bool:
    """Does a company other than the product's maker offer it?"""
    statement = visible(SYSTEM, Offer).where(Offer.product_id == row.id, Offer.vendor_id != row.created_by)
    return db.session.scalar(statement.limit(1)) is not None


def documents_of(actor: Actor, product_id: uuid.UUID) -> list[Document]:
    """The documents of a product, oldest first."""
    return list(
        db.session.scalars(visible(actor, Document).where(Document.product_id == product_id).order_by(Document.id))
    )


def documents_of_products(actor: Actor, product_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Document]]:
    """The documents of each product, oldest first; a product without any is absent."""
    found: dict[uuid.UUID, list[Document]] = {}
    for row in db.session.scalars(
        visible(actor, Document).where(Document.product_id.in_(product_ids)).order_by(Document.id)
    ):
        found.setdefault(row.product_id, []).append(row)
    return found


def document(actor: Actor, document_id: uuid.UUID) -> Document:
    """Raises DocumentUnknown."""
    row = db.session.scalars(visible(actor, Document).where(Document.id == document_id)).one_or_none()
    if row is None:
        raise DocumentUnknown
    return row


def product_text(product_id: uuid.UUID, language: str) -> ProductText | None:
    """What a product is called in another language."""
    statement = visible(SYSTEM, ProductText).where(
        ProductText.product_id == product_id, ProductText.language == language
    )
    return db.session.scalars(statement).one_or_none()


def product_text_seen(actor: Actor, product_id: uuid.UUID, language: str) -> ProductText:
    """The same as anybody reads it. Raises ProductUnknown, ProductTextUnknown."""
    row = product_text(product(actor, product_id).id, language)
    if row is None:
        raise ProductTextUnknown
    return row


def product_texts(actor: Actor, product_id: uuid.UUID) -> list[ProductText]:
    """What a product is called in other languages."""
    statement = visible(actor, ProductText).where(ProductText.product_id == product_id)
    return list(db.session.scalars(statement.order_by(ProductText.language)))


def offer(actor: Actor, offer_id: uuid.UUID, *, lock: bool = False) -> Offer:
    """The actor's own in every state, others' while they are live and their vendor may sell. Raises OfferUnknown."""
    statement = visible(actor, Offer).where(Offer.id == offer_id)
    row = db.session.scalars(_locked(statement, Offer) if lock else statement).one_or_none()
    if row is None:
        raise OfferUnknown
    return row


def ended_offer(vendor_id: uuid.UUID, sku: str, product_id: uuid.UUID) -> Offer | None:
    """The vendor's offer of this product that had this SKU and has ended, locked; of several the newest."""
    statement = visible(SYSTEM, Offer).where(
        Offer.vendor_id == vendor_id,
        Offer.sku == sku,
        Offer.product_id == product_id,
        Offer.state == OfferState.ENDED,
    )
    return db.session.scalars(_locked(statement.order_by(Offer.id.desc()).limit(1), Offer)).one_or_none()


def offers_of_ids(offer_ids: Sequence[uuid.UUID]) -> Sequence[Offer]:
    """These offers as they are now, whoever's they are; the caller has locked them."""
    if not offer_ids:
        return []
    statement = visible(SYSTEM, Offer).where(Offer.id.in_(offer_ids))
    return db.session.scalars(statement.order_by(Offer.id).execution_options(populate_existing=True)).all()


def own_offer(actor: Actor, offer_id: uuid.UUID) -> OwnOffer:
    """An offer of the actor's company (the operator: any) with product and stock. Raises OfferUnknown."""
    row = db.session.execute(_own_offers(actor).where(Offer.id == offer_id)).one_or_none()
    if row is None:
        raise OfferUnknown
    return OwnOffer(*row)


def own_offers(actor: Actor, args: Mapping[str, Any]) -> Page:
    """The offers of the actor's company (the operator: all) in every state, newest first; `begins`: how the SKU or the
    product's name does."""
    statement = visible(actor, Offer)
    if not actor.sees_all:
        statement = statement.where(Offer.vendor_id == actor.company_id)
    if args.get("vendor"):
        statement = statement.where(Offer.vendor_id == args["vendor"])
    if args.get("state"):
        statement = statement.where(Offer.state == args["state"])
    if args.get("sku"):
        statement = statement.where(Offer.sku == args["sku"])
    if args.get("begins"):
        named = visible(SYSTEM, Product).with_only_columns(Product.id).where(_begins(Product.name, args["begins"]))
        statement = statement.where(or_(_begins(Offer.sku, args["begins"]), Offer.product_id.in_(named)))
    page = paginate(statement, args, Offer.id)
    rows = db.session.execute(_own_offers(actor).where(Offer.id.in_([row.id for row in page.items])))
    found = {row[0].id: OwnOffer(*row) for row in rows}
    return Page([found[row.id] for row in page.items], page.next)


def _begins(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """In upper or lower case; written so that an index of the lower case serves it, which none does for ILIKE."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return func.lower(column).like(func.lower(escaped + "%"))


def _own_offers(actor: Actor) -> Select[Any]:
    statement = visible(actor, Offer).join(Product, Product.id == Offer.product_id)
    statement = statement.join(OfferStock, OfferStock.offer_id == Offer.id).add_columns(Product, OfferStock)
    return statement if actor.sees_all else statement.where(Offer.vendor_id == actor.company_id)


def vendor_may_sell(vendor_id: uuid.UUID) -> bool:
    """Is the company an active vendor?"""
    return bool(
        db.session.scalar(visible(SYSTEM, Company).with_only_columns(Company.may_sell).where(Company.id == vendor_id))
    )


def company_country(company_id: uuid.UUID) -> str:
    """Where the company sits: goods ship from there unless an offer says otherwise."""
    statement = visible(SYSTEM, Company).with_only_columns(Company.country).where(Company.id == company_id)
    return str(db.session.execute(statement).scalar_one())


def stock(offer_id: uuid.UUID, *, lock: bool = False) -> OfferStock:
    """The stock row of an offer that the caller may see."""
    statement = visible(SYSTEM, OfferStock).where(OfferStock.offer_id == offer_id)
    return db.session.scalars(_locked(statement, OfferStock) if lock else statement).one()


def _locked(statement: Select[Any], model: type[Any]) -> Select[Any]:
    return statement.with_for_update(of=model).execution_options(populate_existing=True)
