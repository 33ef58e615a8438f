"""The vendor's desk: what to confirm, what to ship, what is under way, and what it will bring."""

import uuid
from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from marshmallow import fields
from werkzeug.wrappers import Response

from marketplace.kernel import forms
from marketplace.kernel.access import Actor, Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders import views as order_views
from marketplace.orders.models import VendorOrder
from marketplace.orders.pages import units_chosen
from marketplace.orders.states import VendorOrderState
from marketplace.returns import queries as return_queries
from marketplace.returns import views as return_views
from marketplace.shipments import actions as shipments
from marketplace.shipments import queries as parcel_queries
from marketplace.shipments import views as parcel_views
from marketplace.shipments.models import Parcel

routes = pages_blueprint("desk", __name__)
navigation = [
    NavItem("Orders to fulfil", "desk_pages.vendor_orders", Permission.VENDOR_ORDER_READ, Side.VENDOR),
]


class VendorOrdersAsked(forms.ListAsked):
    state = fields.Enum(VendorOrderState, by_value=True, load_default=None)
    late = fields.Boolean(load_default=None)


class ShipForm(forms.PageForm):
    carrier = Text(required=True, max_length=80)
    tracking_number = Text(load_default="", max_length=80, allow_empty=True)
    announce_only = fields.Boolean(load_default=False)


class DeclineForm(forms.PageForm):
    everything = fields.Boolean(load_default=False)
    reason = Text(required=True, max_length=500)


TELL: dict[str, Callable[[Actor, uuid.UUID], Parcel]] = {
    "depart": shipments.depart,
    "deliver": shipments.deliver,
    "lose": shipments.lose,
    "return": shipments.return_to_sender,
}


@routes.get("/desk/orders")
@requires(Permission.VENDOR_ORDER_READ)
def vendor_orders() -> str:
    """The vendor's parts of orders, newest first."""
    asked = forms.load(VendorOrdersAsked(), request.args)
    statement = order_queries.vendor_orders(current_actor(), state=asked["state"], late=asked["late"])
    page = paginate(statement, asked, VendorOrder.id)
    parts = [order_views.vendor_order(part) for part in order_queries.vendor_parts(page.items)]
    return render_template("desk/orders.html", parts=parts, next=page.next, asked=asked, states=VendorOrderState)


@routes.get("/desk/orders/<uuid:vendor_order_id>")
@requires(Permission.VENDOR_ORDER_READ)
def vendor_order(vendor_order_id: uuid.UUID) -> str:
    """One vendor order with its parcels, and what can be done with it now."""
    actor = current_actor()
    found = order_queries.vendor_order(actor, vendor_order_id)
    parcels = parcel_queries.of_vendor_order(actor, vendor_order_id)
    part = order_views.vendor_order(order_queries.vendor_parts([found])[0])
    replaced = return_queries.replaced(actor, [line["id"] for line in part["lines"]])
    return render_template(
        "desk/order.html",
        part=part,
        parcels=parcel_views.with_lines(parcels),
        replacements=return_views.replaced(replaced),
        history=order_queries.moves_of([found]),
    )


@routes.post("/desk/orders/<uuid:vendor_order_id>/confirm")
@requires(Permission.VENDOR_ORDER_FULFIL)
@forms.refused_on(vendor_order)
def confirm(vendor_order_id: uuid.UUID) -> Response:
    """The vendor will deliver."""

    def effect() -> str:
        orders.confirm(current_actor(), vendor_order_id)
        return _back_to(vendor_order_id)

    return forms.once(effect)


@routes.post("/desk/orders/<uuid:vendor_order_id>/decline")
@requires(Permission.VENDOR_ORDER_CANCEL)
@forms.refused_on(vendor_order)
def decline(vendor_order_id: uuid.UUID) -> Response:
    """The vendor cannot deliver: all of it, or some units."""
    wanted = forms.load(DeclineForm())
    units = None if wanted["everything"] else units_chosen("decline")

    def effect() -> str:
        orders.cancel_part(current_actor(), vendor_order_id, units, wanted["reason"])
        return _back_to(vendor_order_id)

    return forms.once(effect)


@routes.post("/desk/orders/<uuid:vendor_order_id>/ship")
@requires(Permission.VENDOR_ORDER_FULFIL)
@forms.refused_on(vendor_order)
def ship(vendor_order_id: uuid.UUID) -> Response:
    """Pack units into a parcel, and send it off unless it is only announced."""
    lines = [{"line_id": units.line_id, "quantity": units.quantity} for units in units_chosen("ship")]
    wanted = forms.load(ShipForm()) | {"lines": lines}

    def effect() -> str:
        shipments.ship(current_actor(), vendor_order_id, wanted)
        return _back_to(vendor_order_id)

    return forms.once(effect)


def parcel_page(vendor_order_id: uuid.UUID) -> str:
    """The vendor order to which a form about a parcel belongs."""
    return vendor_order(vendor_order_id=vendor_order_id)


@routes.post("/desk/orders/<uuid:vendor_order_id>/parcels/<uuid:parcel_id>/<any(depart, deliver, lose, return):verb>")
@requires(Permission.VENDOR_ORDER_FULFIL)
@forms.refused_on(parcel_page)
def tell_of_parcel(vendor_order_id: uuid.UUID, parcel_id: uuid.UUID, verb: str) -> Response:
    """What happened to a parcel; telling it twice changes nothing."""
    with transaction():
        TELL[verb](current_actor(), parcel_id)
    return redirect(_back_to(vendor_order_id), 303)


def _back_to(vendor_order_id: uuid.UUID) -> str:
    return url_for(".vendor_order", vendor_order_id=vendor_order_id)
