"""The orders of a company, the operator's of all: where each of them stands at a glance."""

from flask import render_template, request
from marshmallow import fields

from marketplace.kernel import forms
from marketplace.kernel.access import Permission, Side, current_actor, requires
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint, paginate
from marketplace.orders import actions, queries, views
from marketplace.orders.models import Order
from marketplace.orders.states import OrderState

routes = pages_blueprint("orders", __name__)
navigation = [
    NavItem("Orders", "orders_pages.orders", Permission.ORDER_READ, Side.BUYER),
    NavItem("Orders", "orders_pages.orders", Permission.ORDER_READ, Side.OPERATOR, "Trade"),
]


class OrdersAsked(forms.ListAsked):
    state = fields.Enum(OrderState, by_value=True, load_default=None)


@routes.get("/orders")
@requires(Permission.ORDER_READ)
def orders() -> str:
    """Orders, newest first."""
    asked = forms.load(OrdersAsked(), request.args)
    page = paginate(queries.orders(current_actor(), state=asked["state"]), asked, Order.id)
    found = [views.summary(whole) for whole in queries.with_parts(page.items)]
    return render_template("orders/orders.html", orders=found, next=page.next, state=asked["state"], states=OrderState)


def units_chosen(prefix: str) -> list[actions.Units]:
    """The units of lines that a form names as `prefix-<line id>`. Raises ValidationError where there are none."""
    chosen = forms.some_quantities(prefix, "Say how many units of which line.")
    return [actions.Units(line_id, quantity) for line_id, quantity in chosen.items()]
