"""What of an order can still come back, and until when for which reason: the same rules by which a case is opened."""

import uuid
from datetime import datetime
from typing import Any

from marketplace.kernel import clock
from marketplace.kernel.access import Actor
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.models import VendorOrder
from marketplace.returns import queries
from marketplace.rules import queries as rules
from marketplace.rules.return_terms import Reason, ReturnTerms


def lines_of(actor: Actor, order_id: uuid.UUID) -> list[dict[str, Any]]:
    """The lines of an order that has shipped in part or whole. Raises OrderUnknown."""
    order = order_queries.order(actor, order_id)
    parts = {part.id: part for part in order_queries.parts_of(order.id)}
    countries = queries.countries_of({part.vendor_id for part in parts.values()})
    terms = ReturnTerms(rules.return_terms(order.policy_version))
    reasons = {part.id: _reasons(terms, part, countries[part.vendor_id]) for part in parts.values()}
    return [
        {
            "line_id": line.id,
            "vendor_id": line.vendor_id,
            "vendor_name": parts[line.vendor_order_id].vendor_name,
            "sku": line.sku,
            "name": line.name,
            "unit": line.unit,
            "shipped_quantity": line.shipped_quantity,
            "returned_quantity": line.returned_quantity,
            "returnable_quantity": orders.returnable_units(line),
            "reasons": reasons[line.vendor_order_id],
        }
        for line in order_queries.lines_of(order.id)
        if line.shipped_quantity
    ]


def _reasons(terms: ReturnTerms, part: VendorOrder, country: str) -> dict[str, datetime | None]:
    found: dict[str, datetime | None] = {}
    for reason in Reason:
        if terms.never(reason):
            continue
        until = None if part.delivered_at is None else terms.until(reason, part.delivered_at, country)
        if until is None or until >= clock.now():
            found[reason.value] = until
    return found
