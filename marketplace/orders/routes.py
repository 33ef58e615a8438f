"""Orders over HTTP: the buyer's, each vendor's part of them, and the operator's view of all."""

from typing import Any

from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, paginate
from marketplace.orders import actions, queries, views
from marketplace.orders.models import Order, VendorOrder
from marketplace.orders.schemas import (
    CancelIn,
    HistoryOut,
    OrderArgs,
    OrderForOperatorOut,
    OrderOut,
    OrderPage,
    VendorOrderArgs,
    VendorOrderOut,
    VendorOrderPage,
)

routes = api_blueprint("orders", "What companies bought, and each vendor's part of it.")


@routes.get("/orders")
@requires(Permission.ORDER_READ)
@routes.arguments(OrderArgs, location="query")
@routes.response(200, OrderPage)
def list_orders(args):
    """Orders, newest first."""
    page = paginate(queries.orders(current_actor(), state=args["state"]), args, Order.id)
    return Page([views.summary(whole) for whole in queries.with_parts(page.items)], page.next)


@routes.get("/orders/<uuid:order_id>")
@requires(Permission.ORDER_READ)
@routes.response(200, OrderForOperatorOut)
def get_order(order_id):
    """One order: totals as placed, what is owed now, every vendor's part. Shares and steps are the operator's alone."""
    return _seen_by(current_actor(), queries.whole(current_actor(), order_id))


@routes.get("/orders/<uuid:order_id>/history")
@requires(Permission.ORDER_READ)
@routes.response(200, HistoryOut)
def get_order_history(order_id):
    """What happened to an order, oldest first."""
    whole = queries.whole(current_actor(), order_id)
    return views.history(whole, queries.steps_of(order_id), queries.moves_of(whole.parts))


@routes.post("/orders/<uuid:order_id>/cancel")
@requires(Permission.ORDER_CANCEL)
@routes.arguments(CancelIn)
@routes.response(200, OrderOut)
@routes.alt_response(409, schema=ProblemOut, description="More than is open, or nothing is.")
@idempotent
def cancel_order(wanted, order_id):
    """Cancel what has not shipped: everything, or units of some lines. What was paid too much is refunded."""
    return views.buyer_order(actions.cancel(current_actor(), order_id, _units(wanted), wanted["reason"])), 200


@routes.get("/vendor-orders")
@requires(Permission.VENDOR_ORDER_READ)
@routes.arguments(VendorOrderArgs, location="query")
@routes.response(200, VendorOrderPage)
def list_vendor_orders(args):
    """A vendor's parts of orders, newest first; `late=true`: not confirmed in time."""
    statement = queries.vendor_orders(current_actor(), state=args["state"], late=args["late"])
    page = paginate(statement, args, VendorOrder.id)
    return Page([views.vendor_order(part) for part in queries.vendor_parts(page.items)], page.next)


@routes.get("/vendor-orders/<uuid:vendor_order_id>")
@requires(Permission.VENDOR_ORDER_READ)
@routes.response(200, VendorOrderOut)
def get_vendor_order(vendor_order_id):
    """One vendor order: its lines, its sums, what the vendor gets."""
    return _vendor_view(queries.vendor_order(current_actor(), vendor_order_id))


@routes.post("/vendor-orders/<uuid:vendor_order_id>/confirm")
@requires(Permission.VENDOR_ORDER_FULFIL)
@routes.response(200, VendorOrderOut)
@routes.alt_response(409, schema=ProblemOut, description="Not paid yet, or confirmed before.")
@idempotent
def confirm_vendor_order(vendor_order_id):
    """The vendor will deliver."""
    return _vendor_view(actions.confirm(current_actor(), vendor_order_id)), 200


@routes.post("/vendor-orders/<uuid:vendor_order_id>/cancel")
@requires(Permission.VENDOR_ORDER_CANCEL)
@routes.arguments(CancelIn)
@routes.response(200, VendorOrderOut)
@routes.alt_response(409, schema=ProblemOut, description="More than is open, or nothing is.")
@idempotent
def cancel_vendor_order(wanted, vendor_order_id):
    """The vendor cannot deliver: all of it, or units of some lines. Other vendors' parts stay."""
    actor = current_actor()
    actions.cancel_part(actor, vendor_order_id, _units(wanted), wanted["reason"])
    return _vendor_view(queries.vendor_order(actor, vendor_order_id)), 200


def _units(wanted: dict[str, Any]) -> list[actions.Units] | None:
    if wanted["lines"] is None:
        return None
    return [actions.Units(line["line_id"], line["quantity"]) for line in wanted["lines"]]


def _seen_by(actor: Any, whole: queries.WholeOrder) -> dict[str, Any]:
    if actor.sees_all:
        return views.operator_order(whole, queries.steps_of(whole.order.id))
    return views.buyer_order(whole)


def _vendor_view(part: VendorOrder) -> dict[str, Any]:
    return views.vendor_order(queries.vendor_parts([part])[0])
