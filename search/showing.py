"""What a search found, as it is shown: products that are offered at this moment, with this company's own prices."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from marketplace.agreements.queries import offers_of_products
from marketplace.kernel.access import Actor
from marketplace.kernel.web import make_cursor
from search import queries
from search.engine import FacetName, SearchRequest, SearchResult
from search.facets import tree


def shown(actor: Actor, request: SearchRequest, found: SearchResult) -> dict[str, Any]:
    """What a search found as it is shown: what is not offered at this moment is left out, whatever the index says."""
    ids = [hit.product_id for hit in found.items]
    offers = offers_of_products(actor, ids, currency=request.buyer.currency or None)
    names = queries.texts_of(ids, request.language)
    items = []
    for hit in found.items:
        there = _offers(offers.get(hit.product_id, []), request)
        if there:
            name = names.get(hit.product_id)
            marked = {part: [list(piece) for piece in pieces] for part, pieces in hit.marked.items()}
            if name and "".join(piece for piece, _ in hit.marked.get("name", ())) != name:
                marked.pop("name", None)  # found in the default's name, shown by that of the language
            items.append(item(there, name, marked))
    return {
        "items": items,
        "total": max(found.total - (len(ids) - len(items)), 0),
        "next": make_cursor([found.next]) if found.next else None,
        "meant": found.meant,
        "facets": list(_facets(found)),
    }


def _offers(offers: list[dict[str, Any]], request: SearchRequest) -> list[dict[str, Any]]:
    """Those of the vendors asked for, at the price of the quantity asked for, the best first: of a product that was
    found for what one offer has, that one."""
    wanted = set(request.vendors)
    kept = [offer for offer in offers if not wanted or offer["vendor"]["id"] in wanted]
    if request.quantity:
        for offer in kept:
            if offer["price"]:
                amount = max(request.quantity, offer["least_quantity"])
                reached = [t for t in offer["price"]["tiers"] if t["from_quantity"] <= amount]
                offer["price"]["unit_price"] = (reached or offer["price"]["tiers"][:1])[-1]["unit_price"]
        kept.sort(key=lambda o: (o["price"] is None, Decimal(o["price"]["unit_price"]) if o["price"] else 0))
    if request.in_stock or request.lead_time_days is not None or request.price is not None:
        kept.sort(key=lambda offer: not _has(offer, request))
    return kept


def _has(offer: Mapping[str, Any], request: SearchRequest) -> bool:
    """Has the offer itself what is asked for?"""
    if request.in_stock and offer["available"] < offer["least_quantity"]:
        return False
    if request.lead_time_days is not None and offer["lead_time_days"] > request.lead_time_days:
        return False
    if request.price is None:
        return True
    paid = Decimal(offer["price"]["unit_price"]) if offer["price"] else None
    low, high = request.price.low, request.price.high
    return paid is not None and (low is None or paid >= low) and (high is None or paid <= high)


def item(
    offers: list[dict[str, Any]], name: str | None = None, marked: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A product with its offers, as of HitOut."""
    product = offers[0]["product"]
    if name:
        product = product | {"name": name}
        offers = [offer | {"product": product} for offer in offers]
    return {"product": product, "category": offers[0]["category"], "offers": offers, "marked": marked or {}}


def _facets(found: SearchResult) -> Iterator[dict[str, Any]]:
    for facet in found.facets:
        if facet.attribute:
            counts = [{"value": c.value, "label": c.value, "count": c.count} for c in facet.counts]
            yield {"name": "attribute", "attribute": facet.name, "counts": counts}
        elif facet.name == FacetName.CATEGORY:
            nodes = tree(facet.counts, queries.categories_in_order())
            counts = [{"value": n.path, "label": n.name, "depth": n.depth, "count": n.count} for n in nodes]
            yield {"name": facet.name, "attribute": None, "counts": counts}
        else:
            labels = queries.vendor_names([c.value for c in facet.counts]) if facet.name == FacetName.VENDOR else {}
            counts = [{"value": c.value, "label": labels.get(c.value, c.value), "count": c.count} for c in facet.counts]
            yield {"name": facet.name, "attribute": None, "counts": counts}
