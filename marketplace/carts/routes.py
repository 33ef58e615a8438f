"""Carts over HTTP: filled over several vendors, priced by the formula, ordered once."""

from collections import Counter
from typing import Any

from marketplace.carts import actions, queries, views
from marketplace.carts.models import Cart
from marketplace.carts.schemas import (
    CartArgs,
    CartEditIn,
    CartIn,
    CartOut,
    CartPage,
    CheckoutIn,
    LinesIn,
    PayMethod,
    QuantityIn,
    QuickOrderIn,
)
from marketplace.kernel.access import Permission, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.web import Page, ProblemOut, api_blueprint, check_match, paginate, tagged
from marketplace.orders import views as order_views
from marketplace.orders.schemas import OrderOut

routes = api_blueprint("carts", "What a company is about to order, from one vendor or several.")


@routes.post("/carts")
@requires(Permission.CART_USE)
@routes.arguments(CartIn)
@routes.response(201, CartOut)
def create_cart(wanted):
    """A new cart, with lines, address, codes and deliveries at once if wanted."""
    actor = current_actor()
    with transaction():
        currency = wanted.pop("currency", None) or queries.currency_of(actor)
        priced = actions.create(actor, currency=currency, **wanted | {"lines": _lines(wanted)})
    return tagged(views.whole(priced), priced.cart, 201)


@routes.get("/carts")
@requires(Permission.CART_USE)
@routes.arguments(CartArgs, location="query")
@routes.response(200, CartPage)
def list_carts(args):
    """The company's carts, newest first."""
    page = paginate(queries.carts(current_actor(), args["state"]), args, Cart.id)
    lines = Counter(queries.line_counts([cart.id for cart in page.items]))
    return Page([views.in_list(cart, lines[cart.id]) for cart in page.items], page.next)


@routes.get("/carts/<uuid:cart_id>")
@requires(Permission.CART_USE)
@routes.response(200, CartOut)
def get_cart(cart_id):
    """A cart as it is priced now; `changes` names what changed since it was last seen, and is seen from now on."""
    with transaction():
        priced, changed = actions.look(current_actor(), cart_id)
    return tagged(views.whole(priced, changed), priced.cart)


@routes.patch("/carts/<uuid:cart_id>")
@requires(Permission.CART_USE)
@routes.arguments(CartEditIn)
@routes.response(200, CartOut)
@routes.alt_response(412, schema=ProblemOut, description="Changed since it was read.")
def edit_cart(chosen, cart_id):
    """Choose addresses, reference, codes, deliveries. Needs If-Match."""
    with transaction():
        cart = actions.open_cart(current_actor(), cart_id)
        check_match(cart)
        priced = actions.edit(cart, chosen)
    return tagged(views.whole(priced), cart)


@routes.delete("/carts/<uuid:cart_id>")
@requires(Permission.CART_USE)
@routes.response(204)
def discard_cart(cart_id):
    """Throw a cart away."""
    with transaction():
        actions.discard(current_actor(), actions.open_cart(current_actor(), cart_id))


@routes.post("/carts/<uuid:cart_id>/lines")
@requires(Permission.CART_USE)
@routes.arguments(LinesIn)
@routes.response(201, CartOut)
@routes.alt_response(422, schema=ProblemOut, description="Names every line that cannot be ordered, and why.")
def add_cart_lines(wanted, cart_id):
    """Add offers: all of them, or none."""
    with transaction():
        cart = actions.open_cart(current_actor(), cart_id)
        priced = actions.add_lines(cart, _lines(wanted))
    return tagged(views.whole(priced), cart, 201)


@routes.post("/carts/<uuid:cart_id>/quick-order")
@requires(Permission.CART_USE)
@routes.arguments(QuickOrderIn)
@routes.response(201, CartOut)
@routes.alt_response(422, schema=ProblemOut, description="Names each line that is unknown or ambiguous.")
def quick_order(wanted, cart_id):
    """Add offers by SKU or part number: all of them, or none."""
    with transaction():
        cart = actions.open_cart(current_actor(), cart_id)
        priced = actions.quick_order(cart, [actions.QuickLine(**line) for line in wanted["lines"]])
    return tagged(views.whole(priced), cart, 201)


@routes.patch("/carts/<uuid:cart_id>/lines/<uuid:line_id>")
@requires(Permission.CART_USE)
@routes.arguments(QuantityIn)
@routes.response(200, CartOut)
@routes.alt_response(412, schema=ProblemOut, description="The cart was changed since it was read.")
def change_cart_line(wanted, cart_id, line_id):
    """Another quantity. Needs If-Match with the cart's ETag."""
    with transaction():
        cart = actions.open_cart(current_actor(), cart_id)
        check_match(cart)
        priced = actions.change_quantity(cart, line_id, wanted["quantity"])
    return tagged(views.whole(priced), cart)


@routes.delete("/carts/<uuid:cart_id>/lines/<uuid:line_id>")
@requires(Permission.CART_USE)
@routes.response(200, CartOut)
def remove_cart_line(cart_id, line_id):
    """Take a line out; answers the cart without it."""
    with transaction():
        cart = actions.open_cart(current_actor(), cart_id)
        priced = actions.remove_line(cart, line_id)
    return tagged(views.whole(priced), cart)


@routes.post("/carts/<uuid:cart_id>/checkout")
@requires(Permission.ORDER_PLACE)
@routes.arguments(CheckoutIn)
@routes.response(201, OrderOut)
@routes.alt_response(
    409, schema=ProblemOut, description="Prices changed, stock or credit is too low, or it was ordered before."
)
@idempotent
def checkout(wanted, cart_id):
    """Order what is in the cart. Its stock is held until it is paid, for a time; on terms until it ships."""
    payment = wanted.pop("payment") or {}
    on_terms = payment.get("method") is PayMethod.TERMS
    whole = actions.checkout(current_actor(), cart_id, **wanted, on_terms=on_terms)
    return order_views.buyer_order(whole), 201


def _lines(wanted: dict[str, Any]) -> list[actions.WantedLine]:
    return [actions.WantedLine(line["offer_id"], line["quantity"]) for line in wanted["lines"]]
