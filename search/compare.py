"""A table of up to six products by their attributes; what is equal in other units does not differ."""

import uuid
from collections.abc import Sequence
from typing import Any

from marketplace.agreements import queries as agreements
from marketplace.kernel.access import Actor
from search.words import meaning


def compared(actor: Actor, product_ids: Sequence[uuid.UUID], currency: str | None = None) -> dict[str, Any]:
    """The products with their offers, and a row for each attribute that one of them has, as of ComparisonOut.

    Raises ProductUnknown.
    """
    found = agreements.products_with_offers(actor, product_ids, currency)
    values = [{a["name"]: _said(a) for a in one.product.attributes} for one in found]
    names = dict.fromkeys(name for attributes in values for name in attributes)
    rows = [_row(name, [attributes.get(name) for attributes in values]) for name in names]
    rows.sort(key=lambda row: -sum(value is not None for value in row["values"]))  # what most have, first
    return {"products": found, "rows": rows}


def _said(attribute: dict[str, Any]) -> str:
    unit = attribute.get("unit")
    return f"{attribute['value']} {unit}" if unit else str(attribute["value"])


def _row(name: str, values: list[str | None]) -> dict[str, Any]:
    return {
        "name": name,
        "values": values,
        "differs": len({None if v is None else meaning(name, v) for v in values}) > 1,
    }
