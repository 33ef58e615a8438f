"""One order as its buyer follows it: every vendor's part, its parcels, what came back of it, its money, and what
happened to it."""

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
from marketplace.orders.pages import units_chosen
from marketplace.returns import queries, views
from marketplace.shipments import queries as parcel_queries
from marketplace.shipments import views as parcel_views

routes = pages_blueprint("order", __name__)


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
    cases = queries.of_order(actor, order_id)
    lines = queries.lines_of_cases(actor, [case.id for case in cases])
    return render_template(
        "returns/order.html",
        order=_seen_by(actor, whole),
        parcels=parcel_views.with_lines(parcel_queries.of_order(actor, order_id)),
        cases=[views.summary(case, lines[case.id]) for case in cases],
        replacements=views.replaced(queries.replaced(actor, [line.id for line in whole.lines])),
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


def _seen_by(actor: Actor, whole: order_queries.WholeOrder) -> dict[str, object]:
    if actor.sees_all:
        return order_views.operator_order(whole, order_queries.steps_of(whole.order.id))
    return order_views.buyer_order(whole)
