"""What changed since the buyer last saw his cart, each change named with where it is, what was and what is."""

from typing import Any

from marketplace.carts.facts import Priced
from marketplace.carts.queries import Item
from marketplace.kernel.fields import plain_decimal

Change = dict[str, Any]


def all_changes(priced: Priced) -> list[Change]:
    """Everything to know before ordering: prices, stock, and lines or choices that are not to be had any more."""
    return [*price_changes(priced), *not_orderable(priced), *stock_changes(priced), *map(dict, priced.lost)]


def price_changes(priced: Priced) -> list[Change]:
    """The lines whose unit price is another than the buyer last saw."""
    return [
        _of(item, "price_changed", old=plain_decimal(item.line.seen_unit_price), new=plain_decimal(new))
        for item in priced.items
        if (new := priced.unit_price(item)) != item.line.seen_unit_price
    ]


def stock_changes(priced: Priced) -> list[Change]:
    """The lines of which less is available than wanted."""
    return [
        _of(item, "stock_low", wanted=item.line.quantity, available=item.offer.available)
        for item in priced.items
        if item.offer is not None and item.offer.available < item.line.quantity
    ]


def not_orderable(priced: Priced) -> list[Change]:
    """The lines that cannot be ordered any more, with the reason."""
    return [
        _of(problem.item, "not_orderable", reason=problem.reason, detail=problem.detail) for problem in priced.problems
    ]


def _of(item: Item, kind: str, **facts: Any) -> Change:
    return {
        "kind": kind,
        "pointer": item.pointer,
        "line_id": str(item.line.id),
        "offer_id": str(item.line.offer_id),
        "sku": item.offer.sku if item.offer else None,
        **facts,
    }
