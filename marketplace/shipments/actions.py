"""Ship, deliver, lose: what a vendor does with parcels; his vendor order follows.

Locks are taken in one order: the vendor order, then the parcel.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import current_app

from marketplace.kernel import clock, history
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict, Invalid, NotFound
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.models import OrderLine, VendorOrder
from marketplace.orders.states import VendorOrderState
from marketplace.shipments import queries
from marketplace.shipments.models import Parcel, ParcelLine
from marketplace.shipments.states import ParcelVerb

_MAY_SHIP = {VendorOrderState.CONFIRMED, VendorOrderState.PART_SHIPPED}


class ParcelUnknown(NotFound):
    """No such parcel."""


class NotReadyToShip(Conflict):
    """A vendor order is confirmed before it ships."""

    message = "Only a confirmed vendor order can be shipped."


class NothingToShip(Conflict):
    """Everything has left already."""


class LineNotOfVendorOrder(Invalid):
    """The line belongs to another vendor order."""


class LineNamedTwice(Invalid):
    """Each line once per parcel."""


class MoreThanOpen(Conflict):
    """More units than have not left yet."""


def ship(actor: Actor, vendor_order_id: uuid.UUID, wanted: Mapping[str, Any]) -> Parcel:
    """Pack units of a vendor order into a parcel and, unless `announce_only`, send it off.

    `wanted` as of ParcelIn. Raises VendorOrderUnknown, NotReadyToShip, NothingToShip, LineNotOfVendorOrder,
    LineNamedTwice, MoreThanOpen.
    """
    vendor_order = order_queries.vendor_order(actor, vendor_order_id, locked=True)
    if vendor_order.state not in _MAY_SHIP:
        raise NotReadyToShip(state=vendor_order.state.value)
    packed = queries.announced_units(vendor_order.id)
    lines = order_queries.lines_of(vendor_order.order_id, vendor_order.id)
    units = _wanted_units(wanted["lines"], lines, packed)

    parcel = Parcel(
        order_id=vendor_order.order_id,
        vendor_order_id=vendor_order.id,
        company_id=vendor_order.company_id,
        vendor_id=vendor_order.vendor_id,
        number=queries.last_number(vendor_order.id) + 1,
        carrier=wanted["carrier"],
        tracking_number=wanted["tracking_number"],
    )
    db.session.add(parcel)
    db.session.flush()
    db.session.add_all(_parcel_line(parcel, line_id, quantity) for line_id, quantity in units.items())
    if not wanted["announce_only"]:
        _depart(actor, parcel, vendor_order, units)
    db.session.flush()
    return parcel


def depart(actor: Actor, parcel_id: uuid.UUID) -> Parcel:
    """An announced parcel leaves. A second time: nothing."""
    parcel, vendor_order = _locked(actor, parcel_id)
    units = {line["line_id"]: line["quantity"] for line in queries.lines_of([parcel.id])[parcel.id]}
    _depart(actor, parcel, vendor_order, units)
    return parcel


def deliver(actor: Actor, parcel_id: uuid.UUID) -> Parcel:
    """A parcel arrived; with the last one the vendor order is delivered. A second time: nothing, but where it only
    counted as delivered it was reported now; the time that has run since then runs on."""
    parcel, vendor_order = _locked(actor, parcel_id)
    if history.move(parcel, ParcelVerb.DELIVER, actor):
        parcel.delivered_at = clock.now()
        close_delivery(actor, vendor_order)
    parcel.delivery_assumed = False
    return parcel


def assume_delivered(actor: Actor, parcel_id: uuid.UUID) -> Parcel:
    """Nobody reported in time what became of it: it counts as delivered, and says so. Raises IllegalMove where it is
    not under way."""
    parcel, vendor_order = _locked(actor, parcel_id)
    note = f"Nobody reported it within {term(parcel.tracking_number).days} days."
    history.move(parcel, ParcelVerb.ASSUME_DELIVERED, actor, note=note)
    parcel.delivered_at, parcel.delivery_assumed = clock.now(), True
    close_delivery(actor, vendor_order, note)
    return parcel


def term(tracking_number: str) -> timedelta:
    """So long after it left a parcel counts as delivered; of one with a number its carrier may still tell."""
    settings = current_app.extensions["kontor_settings"]
    days = settings.delivered_after_shipping_days if tracking_number else settings.earned_after_shipping_days
    return timedelta(days=days)


def lose(actor: Actor, parcel_id: uuid.UUID, note: str = "") -> Parcel:
    """The carrier lost it: the units stay shipped; who bears the loss is decided with the buyer's claim."""
    return _end(actor, parcel_id, ParcelVerb.LOSE, note)


def return_to_sender(actor: Actor, parcel_id: uuid.UUID, note: str = "") -> Parcel:
    """It came back undelivered: the units stay shipped until a claim decides."""
    return _end(actor, parcel_id, ParcelVerb.RETURN_TO_SENDER, note)


def _end(actor: Actor, parcel_id: uuid.UUID, verb: ParcelVerb, note: str) -> Parcel:
    parcel, vendor_order = _locked(actor, parcel_id)
    history.move(parcel, verb, actor, note=note)
    close_delivery(actor, vendor_order)
    return parcel


def _locked(actor: Actor, parcel_id: uuid.UUID) -> tuple[Parcel, VendorOrder]:
    seen = queries.parcel(actor, parcel_id)
    if seen is None:
        raise ParcelUnknown
    vendor_order = order_queries.vendor_order(actor, seen.vendor_order_id, locked=True)
    parcel = queries.parcel(actor, parcel_id, lock=True)
    if parcel is None:
        raise ParcelUnknown
    return parcel, vendor_order


def _depart(actor: Actor, parcel: Parcel, vendor_order: VendorOrder, units: Mapping[uuid.UUID, int]) -> None:
    if history.move(parcel, ParcelVerb.DEPART, actor):
        parcel.shipped_at = clock.now()
        orders.units_shipped(actor, vendor_order, units)


def close_delivery(actor: Actor, vendor_order: VendorOrder, note: str = "") -> None:
    """The vendor order is delivered once everything of it has shipped and no parcel is under way."""
    db.session.flush()
    if vendor_order.state == VendorOrderState.SHIPPED and queries.all_arrived(vendor_order.id):
        orders.delivered(actor, vendor_order, note)


def _parcel_line(parcel: Parcel, line_id: uuid.UUID, quantity: int) -> ParcelLine:
    return ParcelLine(
        parcel_id=parcel.id,
        order_line_id=line_id,
        vendor_order_id=parcel.vendor_order_id,
        company_id=parcel.company_id,
        vendor_id=parcel.vendor_id,
        quantity=quantity,
    )


def _wanted_units(
    wanted: Sequence[Mapping[str, Any]] | None, lines: Sequence[OrderLine], packed: Mapping[uuid.UUID, int]
) -> dict[uuid.UUID, int]:
    """Units per line that go into the parcel: those asked for, or all that are open."""
    left = {line.id: orders.open_units(line) - packed.get(line.id, 0) for line in lines}
    if wanted is None:
        units = {line_id: quantity for line_id, quantity in left.items() if quantity > 0}
        if not units:
            raise NothingToShip
        return units
    units = {}
    for index, asked in enumerate(wanted):
        line_id, quantity = asked["line_id"], asked["quantity"]
        if line_id not in left:
            raise LineNotOfVendorOrder(pointer=f"/lines/{index}/line_id")
        if line_id in units:
            raise LineNamedTwice(pointer=f"/lines/{index}/line_id")
        if quantity > left[line_id]:
            raise MoreThanOpen(
                f"{quantity} units are more than the {left[line_id]} that have not left.",
                pointer=f"/lines/{index}/quantity",
                open=left[line_id],
            )
        units[line_id] = quantity
    return units
