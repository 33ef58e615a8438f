"""Parcels over HTTP: vendors ship and report, buyers follow."""

import uuid
from typing import Any

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import StrictSchema, Text
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.web import ProblemOut, api_blueprint
from marketplace.orders import queries as orders
from marketplace.shipments import actions, queries, views
from marketplace.shipments.schemas import ParcelIn, ParcelOut, ParcelsOut

routes = api_blueprint("shipments", "What has left, and what has arrived.")


class Note(StrictSchema):
    note = Text(load_default="", max_length=500, allow_empty=True)


@routes.post("/vendor-orders/<uuid:vendor_order_id>/parcels")
@requires(Permission.VENDOR_ORDER_FULFIL)
@routes.arguments(ParcelIn)
@routes.response(201, ParcelOut)
@routes.alt_response(409, schema=ProblemOut)
@idempotent
def ship_parcel(wanted: dict[str, Any], vendor_order_id: uuid.UUID) -> Any:
    """Ship units of a confirmed vendor order, all or in part, with a tracking number."""
    parcel = actions.ship(current_actor(), vendor_order_id, wanted)
    return ParcelOut().dump(views.with_lines([parcel])[0]), 201


@routes.get("/vendor-orders/<uuid:vendor_order_id>/parcels")
@requires(Permission.VENDOR_ORDER_READ)
@routes.response(200, ParcelsOut)
def vendor_order_parcels(vendor_order_id: uuid.UUID) -> Any:
    """The parcels of a vendor order."""
    orders.vendor_order(current_actor(), vendor_order_id)
    return {"items": views.with_lines(queries.of_vendor_order(current_actor(), vendor_order_id))}


@routes.get("/orders/<uuid:order_id>/parcels")
@requires(Permission.ORDER_READ)
@routes.response(200, ParcelsOut)
def order_parcels(order_id: uuid.UUID) -> Any:
    """The parcels of an order, of all its vendors."""
    orders.order(current_actor(), order_id)
    return {"items": views.with_lines(queries.of_order(current_actor(), order_id))}


@routes.post("/parcels/<uuid:parcel_id>/depart")
@requires(Permission.VENDOR_ORDER_FULFIL)
@routes.response(200, ParcelOut)
def depart_parcel(parcel_id: uuid.UUID) -> Any:
    """An announced parcel leaves."""
    with transaction():
        parcel = actions.depart(current_actor(), parcel_id)
    return views.with_lines([parcel])[0]


@routes.post("/parcels/<uuid:parcel_id>/deliver")
@requires(Permission.VENDOR_ORDER_FULFIL)
@routes.response(200, ParcelOut)
def deliver_parcel(parcel_id: uuid.UUID) -> Any:
    """A parcel arrived; with the last one the vendor order is delivered."""
    with transaction():
        parcel = actions.deliver(current_actor(), parcel_id)
    return views.with_lines([parcel])[0]


@routes.post("/parcels/<uuid:parcel_id>/lose")
@requires(Permission.VENDOR_ORDER_FULFIL)
@routes.arguments(Note)
@routes.response(200, ParcelOut)
def lose_parcel(told: dict[str, Any], parcel_id: uuid.UUID) -> Any:
    """The carrier lost a parcel."""
    with transaction():
        parcel = actions.lose(current_actor(), parcel_id, told["note"])
    return views.with_lines([parcel])[0]


@routes.post("/parcels/<uuid:parcel_id>/return")
@requires(Permission.VENDOR_ORDER_FULFIL)
@routes.arguments(Note)
@routes.response(200, ParcelOut)
def return_parcel(told: dict[str, Any], parcel_id: uuid.UUID) -> Any:
    """A parcel came back undelivered."""
    with transaction():
        parcel = actions.return_to_sender(current_actor(), parcel_id, told["note"])
    return views.with_lines([parcel])[0]
