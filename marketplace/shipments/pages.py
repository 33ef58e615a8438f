"""One order as its buyer follows it: every vendor's part, its parcels, its money, and what happened to it."""

import uuid

from flask import render_template, url_for
from marshmallow import fields
from werkzeug.wrappers import Response

from marketplace.kernel import forms
from marketplace.kernel.access import Actor, Permission, current_actor, requires
from marketplace.kernel.fields import Text
from marketplace.kernel.web import pages_blueprint
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders import views as order_views
from marketplace.shipments import queries, views

routes = pages_blueprint("shipments", __name__)


class CancelForm(forms.PageForm):
    everything = fields.Boolean(load_default=False)
    reason = Text(max_length=500, allow_empty=True, load_default="")


@routes.get("/orders/<uuid:order_id>")
@requires(Permission.ORDER_READ)
def order(order_id: uuid.UUID) -> str:
    """An order with its vendor parts; the operator sees everyone's share."""
    actor = current_actor()
    whole = order_queries.whole(actor, order_id)
    steps, moves = order_queries.steps_of(order_id), order_queries.moves_of(whole.parts)
    return render_template(
        "shipments/order.html",
        order=_seen_by(actor, whole),
        parcels=views.with_lines(queries.of_order(actor, order_id)),
        money=order_queries.money_of(order_id),
        history=order_views.history(whole, steps, moves)["items"],
    )


@routes.post("/orders/<uuid:order_id>")
@requires(Permission.ORDER_CANCEL)
@forms.refused_on(order)
def cancel(order_id: uuid.UUID) -> Response:
    """Cancel what has not shipped: everything, or some units."""
    wanted = forms.load(CancelForm())
    units = None if wanted["everything"] else units_chosen("cancel")

    def effect() -> str:
        orders.cancel(current_actor(), order_id, units, wanted["reason"])
        return url_for(".order", order_id=order_id)

    return forms.once(effect)


def units_chosen(prefix: str) -> list[orders.Units]:
    """The units of lines that the form names as `prefix-<line id>`. Raises ValidationError where there are none."""
    chosen = forms.some_quantities(prefix, "Say how many units of which line.")
    return [orders.Units(line_id, quantity) for line_id, quantity in chosen.items()]


def _seen_by(actor: Actor, whole: order_queries.WholeOrder) -> dict[str, object]:
    if actor.sees_all:
        return order_views.operator_order(whole, order_queries.steps_of(whole.order.id))
    return order_views.buyer_order(whole)
