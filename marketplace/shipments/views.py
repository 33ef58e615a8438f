"""Parcels with what is in them, for the API and the pages."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from marketplace.shipments import actions, queries
from marketplace.shipments.models import Parcel
from marketplace.shipments.states import ParcelState


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
            "delivery_assumed": parcel.delivery_assumed,
            "counts_as_delivered_at": _counts_as_delivered_at(parcel),
            "lines": lines.get(parcel.id, []),
        }
        for parcel in shown
    ]


def _counts_as_delivered_at(parcel: Parcel) -> datetime | None:
    """Until when somebody may report what became of a parcel that is under way."""
    if parcel.state is not ParcelState.IN_TRANSIT or parcel.shipped_at is None:
        return None
    return parcel.shipped_at + actions.term(parcel.tracking_number)
