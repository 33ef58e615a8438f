"""What the index is made from, and what a search shows: products by their ids, with this buyer's prices."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from flask import current_app

from marketplace.agreements.queries import offers_of_products
from marketplace.catalogue.models import Category, Offer, Product
from marketplace.catalogue.states import OfferState
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.kernel.web import cursor_values, make_cursor
from search.engine import Document, SearchEngine, SearchRequest


def engine() -> SearchEngine:
    """The engine of this app."""
    chosen: SearchEngine = current_app.extensions["kontor_search"]
    return chosen


def results(actor: Actor, args: Mapping[str, Any]) -> dict[str, Any]:
    """A page of hits with this company's prices, as of SearchPage; `args` as of SearchArgs. Raises CursorUnknown,
    PageTooFar."""
    offset = abs(cursor_values(args["cursor"], [int])[0]) if args.get("cursor") else 0
    request = SearchRequest(args.get("q") or "", args.get("category"), args.get("vendor"), args["limit"], offset)
    found = engine().search(request)
    offers = offers_of_products(actor, found.items, currency=args.get("currency"), vendor=request.vendor)
    items = [_item(orjson.loads(offers[product_id])) for product_id in found.items if product_id in offers]
    return {"items": items, "total": found.total, "next": make_cursor([found.next]) if found.next else None}


def _item(offers: list[dict[str, Any]]) -> dict[str, Any]:
    return {"product": offers[0]["product"], "category": offers[0]["category"], "offers": offers}


def documents(product_ids: Sequence[uuid.UUID]) -> list[Document]:
    """The documents of these products as they are now; three queries however many. Unknown ids are left out."""
    products = db.session.scalars(
        visible(SYSTEM, Product).where(Product.id.in_(product_ids)).execution_options(populate_existing=True)
    ).all()
    categories = _categories({p.category_id for p in products if p.category_id})
    offers = _live_offers(product_ids)
    return [_document(p, categories.get(p.category_id), offers[p.id]) for p in products]


def product_ids(batch: int) -> Iterator[list[uuid.UUID]]:
    """The ids of all products, a batch at a time."""
    last = uuid.UUID(int=0)
    while True:
        statement = visible(SYSTEM, Product).with_only_columns(Product.id).where(Product.id > last)
        ids = list(db.session.scalars(statement.order_by(Product.id).limit(batch)))
        if not ids:
            return
        yield ids
        last = ids[-1]


def _categories(ids: set[uuid.UUID]) -> dict[uuid.UUID | None, Category]:
    return {row.id: row for row in db.session.scalars(visible(SYSTEM, Category).where(Category.id.in_(ids)))}


def _live_offers(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[tuple[str, uuid.UUID]]]:
    statement = visible(SYSTEM, Offer).with_only_columns(Offer.product_id, Offer.sku, Offer.vendor_id)
    rows = db.session.execute(statement.where(Offer.product_id.in_(ids), Offer.state == OfferState.LIVE))
    found: dict[uuid.UUID, list[tuple[str, uuid.UUID]]] = defaultdict(list)
    for row in rows:
        found[row.product_id].append((row.sku, row.vendor_id))
    return found


def _document(product: Product, category: Category | None, offers: list[tuple[str, uuid.UUID]]) -> Document:
    return Document(
        product_id=product.id,
        version=product.search_version,
        name=product.name,
        manufacturer=product.manufacturer,
        part_number=product.part_number,
        ean=product.ean,
        category_path=category.path if category else "",
        category_name=category.name if category else "",
        description=product.description,
        attributes=tuple(f"{a['name']} {a['value']} {a.get('unit', '')}".strip() for a in product.attributes),
        skus=tuple(sorted({sku for sku, _ in offers})),
        vendor_ids=tuple(sorted({vendor_id for _, vendor_id in offers})),
    )
