"""What the index is made from, and what a buyer's search is about."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from flask import current_app
from sqlalchemy import func

from marketplace.agreements.queries import today
from marketplace.catalogue.models import ProductText
from marketplace.companies.models import Company
from marketplace.kernel import reads
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from marketplace.kernel.errors import NotFound
from marketplace.kernel.web import Page, cursor_values, paginate
from search import remembering, rules
from search.beginnings import Beginnings
from search.documents import Attribute, Document, OfferEntry, price_rows
from search.engine import Buyer, FacetName, Finder, Range, SearchRequest, Sort
from search.models import SearchRule
from search.remembering import remembered

HIDDEN_REMEMBERED_S = 0.2  # one look in dozens of searches, where there are many
_DOCUMENTS = """
    SELECT p.id, p.search_version, p.name, p.manufacturer, p.part_number, p.ean, c.path, c.name, p.description,
           p.attributes,
           (SELECT array_agg(d.title ORDER BY d.id) FROM document d WHERE d.product_id = p.id),
           (SELECT json_agg(json_build_array(t.language, t.name, t.description)) FROM product_text t
            WHERE t.product_id = p.id),
           offers.held
    FROM product p
    LEFT JOIN category c ON c.id = p.category_id
    LEFT JOIN (
        SELECT o.product_id, json_agg(json_build_array(
                   o.id, o.vendor_id, o.sku, o.lead_time_days, s.on_hand - s.reserved,
                   (o.min_quantity + o.pack_size - 1) / o.pack_size * o.pack_size, prices.lists)) AS held
        FROM offer o
        JOIN company v ON v.id = o.vendor_id AND v.may_sell
        JOIN offer_stock s ON s.offer_id = o.id
        CROSS JOIN LATERAL (
            SELECT json_agg(json_build_array(l.id, l.kind = 'public', l.currency, x.quantities, x.unit_prices)
                            ORDER BY l.currency, l.rank, l.id DESC) AS lists
            FROM (
                SELECT p.price_list_id, array_agg(p.from_quantity ORDER BY p.from_quantity) AS quantities,
                       array_agg(p.unit_price::text ORDER BY p.from_quantity) AS unit_prices
                FROM price p WHERE p.offer_id = o.id GROUP BY p.price_list_id
            ) x
            -- A few lists of an offer are looked up one by one, where a join would read all that there are.
            CROSS JOIN LATERAL (
                SELECT * FROM price_list l WHERE l.id = x.price_list_id AND NOT l.includes_tax LIMIT 1
            ) l
        ) prices
        WHERE o.product_id = ANY(%(ids)s) AND o.state = 'live'
        GROUP BY o.product_id
    ) offers ON offers.product_id = p.id
    WHERE p.id = ANY(%(ids)s) AND p.merged_into IS NULL
"""
_BUYER = """
    SELECT asked.currency,
           ARRAY(
               SELECT l.id FROM price_list_company m JOIN price_list l ON l.id = m.price_list_id
               WHERE m.company_id = %(company)s AND l.currency = asked.currency AND NOT l.includes_tax
                 AND l.kind IN ('contract', 'company')
                 AND (l.valid_from IS NULL OR l.valid_from <= %(day)s) AND (l.valid_to IS NULL OR l.valid_to >= %(day)s)
               UNION ALL
               SELECT l.id FROM price_list l
               WHERE l.kind = 'campaign' AND l.currency = asked.currency AND NOT l.includes_tax
                 AND (l.valid_from IS NULL OR l.valid_from <= %(day)s) AND (l.valid_to IS NULL OR l.valid_to >= %(day)s)
           ),
           ARRAY(SELECT h.vendor_id FROM search_hidden_vendor h)
    FROM (SELECT coalesce(%(currency)s::text, (SELECT b.currency FROM company b WHERE b.id = %(company)s),
                          %(default)s) AS currency) asked
"""


def engine() -> Finder:
    """The engine of this app."""
    chosen: Finder = current_app.extensions["kontor_search"]
    return chosen


def buyer_of(actor: Actor, currency: str | None = None) -> Buyer:
    """Whose prices count for this actor, in one statement."""
    values = {
        "company": actor.company_id,
        "currency": currency,
        "day": today(),
        "default": current_app.extensions["kontor_settings"].default_currency,
    }
    ((chosen, lists, hidden),) = reads.fetch(_BUYER, values)
    return Buyer(actor.company_id, chosen, tuple(lists), tuple(hidden))


def searcher_of(actor: Actor, args: Mapping[str, Any]) -> Buyer:
    """Whose prices count in the search that `args` ask for: which lists are his is looked up where the engine itself
    has to know his prices; those that are shown come from the database in any case."""
    by_price = args.get("sort") in {Sort.PRICE, Sort.PRICE_DOWN} or FacetName.PRICE in (args.get("facets") or ())
    if by_price or args.get("price_min") is not None or args.get("price_max") is not None or not actor.company_id:
        return buyer_of(actor, args.get("currency"))
    return Buyer(actor.company_id, args.get("currency") or "", (), hidden_vendors())


def request_of(actor: Actor, args: Mapping[str, Any]) -> SearchRequest:
    """The search that `args`, as of SearchArgs, ask for. Raises CursorUnknown."""
    category, language = args.get("category"), args.get("language") or "en"
    low, high = args.get("price_min"), args.get("price_max")
    return SearchRequest(
        words=rules.understand(args.get("q") or "", category, rules.in_force()),
        category=category,
        vendors=tuple(args.get("vendor") or ()),
        attributes=gathered(args.get("attribute") or ()),
        ranges=tuple(args.get("range") or ()),
        price=Range("price", low, high) if low is not None or high is not None else None,
        in_stock=bool(args.get("in_stock")),
        lead_time_days=args.get("lead_time_days"),
        quantity=args.get("quantity"),
        sort=args.get("sort") or Sort.RELEVANCE,
        facets=tuple(dict.fromkeys(args.get("facets") or ())),
        language=language,
        highlight=bool(args.get("highlight")),
        buyer=searcher_of(actor, args),
        limit=args["limit"],
        offset=abs(cursor_values(args["cursor"], [int])[0]) if args.get("cursor") else 0,
    )


def gathered(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Values by name."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return tuple((name, tuple(values)) for name, values in found.items())


def categories_in_order() -> dict[str, tuple[int, str]]:
    """(place, name) of all categories by path, each before those below it."""
    return remembered(
        "categories",
        lambda: {path: (at, name) for at, (path, name) in enumerate(reads.fetch(_CATEGORIES, {}))},
        rules.REMEMBERED_S,
    )


def hidden_vendors() -> tuple[uuid.UUID, ...]:
    """Who may not sell. Hits are looked up before they are shown, so that nothing of theirs is; for the blink of an eye
    another process may still count them."""
    return remembered("hidden", lambda: tuple(row[0] for row in reads.fetch(_HIDDEN, {})), HIDDEN_REMEMBERED_S)


def forget_hidden() -> None:
    """Who may sell has changed."""
    remembering.forget("hidden")


_CATEGORIES = "SELECT path, name FROM category ORDER BY string_to_array(path, '/')"
_HIDDEN = "SELECT vendor_id FROM search_hidden_vendor"
_VENDORS = "SELECT id, name FROM company WHERE id = ANY(%(ids)s)"
_SELLING = "SELECT id, name FROM company WHERE may_sell ORDER BY name, id"


def vendor_names(ids: Sequence[str]) -> dict[str, str]:
    """The name of each company."""
    known: dict[str, str] = remembered("vendors", dict, rules.REMEMBERED_S)
    if missing := [one for one in ids if one not in known]:
        rows = reads.fetch(_VENDORS, {"ids": [uuid.UUID(one) for one in missing]})
        known.update((str(company_id), name) for company_id, name in rows)
    return known


def vendors(actor: Actor, most: int) -> list[Company]:
    """Companies that may sell, by their names."""
    statement = visible(actor, Company).where(Company.may_sell).order_by(func.lower(Company.name), Company.id)
    return list(db.session.scalars(statement.limit(most)))


def texts_of(ids: Sequence[uuid.UUID], language: str) -> dict[uuid.UUID, str]:
    """The names of these products in a language that is not the default; those without one are absent."""
    if language == "en" or not ids:
        return {}
    statement = visible(SYSTEM, ProductText).with_only_columns(ProductText.product_id, ProductText.name)
    rows = db.session.execute(statement.where(ProductText.language == language, ProductText.product_id.in_(ids)))
    return {row.product_id: row.name for row in rows}


def documents(product_ids: Sequence[uuid.UUID]) -> list[Document]:
    """The documents of these products as they are now, in one statement. Unknown ids are left out."""
    return [_document(row) for row in reads.fetch(_DOCUMENTS, {"ids": list(product_ids)})]


def _document(row: Sequence[Any]) -> Document:
    product_id, version, name, maker, part, ean, path, category, description, attributes, papers, texts, offers = row
    return Document(
        product_id=product_id,
        version=version,
        name=name,
        manufacturer=maker,
        part_number=part,
        ean=ean,
        category_path=path or "",
        category_name=category or "",
        description=description,
        attributes=tuple([Attribute(a["name"], str(a["value"]), a.get("unit") or "") for a in attributes]),
        offers=tuple(_offer(offer) for offer in offers or ()),
        papers=tuple(papers or ()),
        texts=tuple((language, own, text) for language, own, text in texts or ()),
    )


def _offer(offer: Sequence[Any]) -> OfferEntry:
    offer_id, vendor_id, sku, lead_days, available, least, held = offer
    prices = (
        (_id(list_id), is_open, currency, quantity, Decimal(price))
        for list_id, is_open, currency, quantities, unit_prices in held or ()
        for quantity, price in zip(quantities, unit_prices, strict=True)
    )
    rows = price_rows(prices, least)
    return OfferEntry(uuid.UUID(offer_id), _id(vendor_id), sku, lead_days, available >= least, rows)


_id = lru_cache(10_000)(uuid.UUID)  # of lists and vendors, which many offers have in common


def product_ids(batch: int) -> Iterator[list[uuid.UUID]]:
    """The ids of all products, a batch at a time."""
    last = uuid.UUID(int=0)
    while True:
        ids = [row[0] for row in reads.fetch(_IDS, {"batch": batch, "last": last})]
        if not ids:
            return
        yield ids
        last = ids[-1]


_IDS = "SELECT id FROM product WHERE id > %(last)s AND merged_into IS NULL ORDER BY id LIMIT %(batch)s"
_VERSIONS = """
    SELECT id, search_version FROM product WHERE id > %(last)s AND merged_into IS NULL ORDER BY id LIMIT %(batch)s
"""
_MERGED = "SELECT id, search_version FROM product WHERE id = ANY(%(ids)s) AND merged_into IS NOT NULL"


def merged(product_ids: Sequence[uuid.UUID]) -> list[tuple[uuid.UUID, int]]:
    """Those of the products that became one with another, with the version at which they left the index."""
    return [(product_id, version) for product_id, version in reads.fetch(_MERGED, {"ids": list(product_ids)})]


def versions_after(last: uuid.UUID | None, batch: int) -> list[tuple[uuid.UUID, int]]:
    """Products by id with the version that the index should hold."""
    rows = reads.fetch(_VERSIONS, {"last": last or uuid.UUID(int=0), "batch": batch})
    return [(product_id, version) for product_id, version in rows]


_TOGETHER = """
    SELECT coalesce(p.merged_into, p.id) AS together FROM order_line own
    JOIN order_line other ON other.order_id = own.order_id AND other.product_id <> own.product_id
    JOIN product p ON p.id = other.product_id AND coalesce(p.merged_into, p.id) <> %(product)s
    WHERE own.product_id = ANY(ARRAY(SELECT id FROM product WHERE id = %(product)s OR merged_into = %(product)s))
    GROUP BY together ORDER BY count(DISTINCT own.order_id) DESC, together LIMIT %(limit)s
"""
_OFFERED = """
    SELECT p.id, coalesce(
               (SELECT t.name FROM product_text t WHERE t.product_id = p.id AND t.language = %(language)s), p.name)
    FROM product p
    WHERE p.id = ANY(%(ids)s) AND EXISTS (SELECT 1 FROM offer o JOIN company v ON v.id = o.vendor_id AND v.may_sell
                  WHERE o.product_id = p.id AND o.state = 'live')
    UNION ALL SELECT v.id, v.name FROM company v WHERE v.id = ANY(%(vendors)s) AND v.may_sell
"""
_NAMES = "SELECT id, name FROM product WHERE id = ANY(%(ids)s)"


def categories_by_text(prefix: str, limit: int) -> list[tuple[str, str]]:
    """(path, name) of categories with a word that begins so, by path."""
    return remembered("category words", _category_words, rules.REMEMBERED_S).of(prefix, limit)


def _category_words() -> Beginnings[tuple[str, str]]:
    named = ((name, (path, name)) for path, (_, name) in categories_in_order().items())
    return Beginnings(sorted(named, key=lambda category: category[1]))


def vendors_by_text(prefix: str, limit: int) -> list[uuid.UUID]:
    """Vendors with a word in their name that begins so, by name, as of a moment ago."""
    return remembered("vendor words", _vendor_words, rules.REMEMBERED_S).of(prefix, limit)


def _vendor_words() -> Beginnings[uuid.UUID]:
    return Beginnings((name, own) for own, name in reads.fetch(_SELLING, {}))


def bought_together(product_id: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """What stood most often on an order with it, whoever ordered."""
    return [row[0] for row in reads.fetch(_TOGETHER, {"product": product_id, "limit": limit})]


def offered(ids: Sequence[uuid.UUID], vendors: Sequence[uuid.UUID], language: str) -> dict[uuid.UUID, str]:
    """The products that are offered and the vendors who may sell at this moment, whatever the index says, with their
    names, those of products in the language."""
    if not ids and not vendors:
        return {}
    return dict(reads.fetch(_OFFERED, {"ids": list(ids), "vendors": list(vendors), "language": language}))


def product_names(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    return dict(reads.fetch(_NAMES, {"ids": list(ids)}))


class RuleUnknown(NotFound):
    """There is no such rule."""


def rule(actor: Actor, rule_id: uuid.UUID) -> SearchRule:
    """Raises RuleUnknown."""
    row = db.session.scalars(visible(actor, SearchRule).where(SearchRule.id == rule_id)).one_or_none()
    if row is None:
        raise RuleUnknown
    return row


def rules_of(actor: Actor, args: Mapping[str, Any]) -> Page:
    """The operator's rules, newest first."""
    return paginate(visible(actor, SearchRule), args, SearchRule.id)


def rule_count() -> int:
    return db.session.scalar(visible(SYSTEM, SearchRule).with_only_columns(func.count())) or 0


def rules_like(rule: SearchRule) -> list[SearchRule]:
    """Those of the same kind for the same category."""
    statement = visible(SYSTEM, SearchRule)
    return list(
        db.session.scalars(
            statement.where(SearchRule.kind == rule.kind, SearchRule.category_path == rule.category_path)
        )
    )


def one_way_rules() -> list[SearchRule]:
    """Synonyms that lead from their first word to the others."""
    statement = visible(SYSTEM, SearchRule).where(SearchRule.kind == "synonym", SearchRule.one_way)
    return list(db.session.scalars(statement))
