"""Parcels with what is in them, for the API and the pages."""

from collections.abc import Iterable
from typing import Any

from marketplace.shipments import queries
from marketplace.shipments.models import Parcel


def with_lines(parcels: Iterable[Parcel]) -> list[dict[str, Any]]:
    """Each parcel as a mapping with its lines; the parcels are visible to the actor. One query."""
    shown = list(parcels)
    lines = queries.lines_of(parcel.id for parcel in shown)
    return [
        {
            "id": parcel.id,
            "order_id": parcel.order_id,
            "vendor_order_id": parcel.vendor_order_id,
            "number": parcel.number,
            "state": parcel.state.value,
            "carrier": parcel.carrier,
            "tracking_number": parcel.tracking_number,
            "created_at": parcel.created_at,
            "shipped_at": parcel.shipped_at,
            "delivered_at": parcel.delivered_at,
            "lines": lines.get(parcel.id, []),
        }
        for parcel in shown
    ]
