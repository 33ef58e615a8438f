"""The cart as a page: what is typed is kept, what changed is named, and it is ordered at the total that was shown."""

import uuid
from typing import Any

from flask import flash, redirect, render_template, url_for
from marshmallow import fields
from werkzeug.wrappers import Response

from marketplace.agreements.pages import product
from marketplace.carts import actions, queries, views
from marketplace.carts.models import Cart
from marketplace.carts.refusals import LinesNotOrderable
from marketplace.carts.schemas import PayMethod
from marketplace.catalogue import queries as catalogue
from marketplace.companies import queries as companies
from marketplace.credit import queries as credit
from marketplace.credit.queries import Standing
from marketplace.kernel import forms, pages
from marketplace.kernel.access import Actor, Permission, Side, current_actor, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.fields import Minor, Quantity, Text
from marketplace.kernel.pages import NavItem
from marketplace.kernel.web import pages_blueprint

routes = pages_blueprint("carts", __name__)
navigation = [NavItem("Cart", "carts_pages.cart", Permission.CART_USE, Side.BUYER)]


class AddForm(forms.PageForm):
    offer_id = fields.UUID(required=True)
    quantity = Quantity(required=True)
    back = fields.String(load_default="/offers")


class CartForm(forms.PageForm):
    """Everything on the page that can be chosen; lines and deliveries are named after their ids."""

    delivery_address_id = fields.UUID(load_default=None)
    billing_address_id = fields.UUID(load_default=None)
    reference = Text(load_default="", max_length=100, allow_empty=True)
    codes = fields.List(Text(max_length=50), load_default=list)
    remove = fields.UUID(load_default=None)
    expected_total_minor = Minor(load_default=None)
    payment = fields.Enum(PayMethod, by_value=True, load_default=PayMethod.NOW)


@routes.get("/cart")
@requires(Permission.CART_USE)
def cart() -> Response | str:
    """The cart this person is filling."""
    actor = current_actor()
    present = queries.present_cart(actor)
    if present is None:
        return render_template("carts/empty.html", others=queries.open_carts(actor))
    return one_cart(cart_id=present.id)


@routes.get("/cart/<uuid:cart_id>")
@requires(Permission.CART_USE)
def one_cart(cart_id: uuid.UUID) -> Response | str:
    """A cart as it is priced now, with what changed since it was last seen; one that was ordered leads to its order."""
    actor = current_actor()
    with transaction():
        priced, changes = actions.look(actor, cart_id)
    if priced.cart.order_id is not None:
        return redirect(url_for("order_pages.order", order_id=priced.cart.order_id), 303)
    shown = views.whole(priced, changes)
    own = companies.addresses(actor, {"limit": 100}).items
    return render_template(
        "carts/cart.html",
        cart=shown,
        addresses=own,
        others=queries.open_carts(actor, cart_id),
        account=_on_account(actor, priced.cart),
    )


def _on_account(actor: Actor, shown: Cart) -> Standing | None:
    """The company's credit in the cart's currency, for those who may use it."""
    if not actor.may(Permission.CREDIT_READ) or shown.company_id != actor.company_id:
        return None
    found = (row for row in credit.standings(shown.company_id) if row.account.currency == shown.currency)
    return next((row for row in found if row.terms is not None), None)


def offered() -> str:
    """The product of the offer that a refused form named: there it can be mended."""
    offer_id = forms.load(AddForm(only=["offer_id"]))["offer_id"]
    return product(product_id=catalogue.offer(current_actor(), offer_id).product_id)


@routes.post("/cart/lines")
@requires(Permission.CART_USE)
@forms.refused_on(offered)
def add() -> Response:
    """Put some units of an offer into the cart this person is filling, into a new one where there is none."""
    wanted = forms.load(AddForm())
    actor = current_actor()
    line = actions.WantedLine(wanted["offer_id"], wanted["quantity"])
    with transaction():
        present = queries.present_cart(actor)
        if present is None:
            _new_cart([line])
        else:
            actions.add_more(actions.open_cart(actor, present.id), line)
    return forms.done("It is in your cart.", pages.local_path(wanted["back"]))


@routes.post("/cart/<uuid:cart_id>")
@requires(Permission.CART_USE)
@forms.refused_on(one_cart)
def change(cart_id: uuid.UUID) -> Response:
    """Take over everything that the page lets choose."""
    _take_over(cart_id, forms.load(CartForm()))
    return redirect(url_for(".one_cart", cart_id=cart_id), 303)


@routes.post("/cart/<uuid:cart_id>/order")
@requires(Permission.ORDER_PLACE)
@forms.refused_on(one_cart)
def place(cart_id: uuid.UUID) -> Response:
    """Take over what was chosen, then order at the total that was shown; at another total it is shown again."""
    wanted = forms.load(CartForm())
    _take_over(cart_id, wanted)

    def effect() -> str:
        whole = actions.checkout(
            current_actor(),
            cart_id,
            expected_total_minor=wanted["expected_total_minor"],
            on_terms=wanted["payment"] is PayMethod.TERMS,
        )
        if whole.order.payment_terms is not None:
            return url_for("order_pages.order", order_id=whole.order.id)
        return url_for("payments_pages.pay", order_id=whole.order.id)

    return forms.once(effect)


def _new_cart(lines: list[actions.WantedLine]) -> None:
    """Delivered to the company's usual address until another is chosen."""
    actor = current_actor()
    company = companies.own_company(actor)
    usual = companies.default_address(company.id)
    chosen = {"delivery_address_id": usual.id} if usual else {}
    actions.create(actor, currency=company.currency, lines=lines, **chosen)


def _take_over(cart_id: uuid.UUID, wanted: dict[str, Any]) -> None:
    """An edit answers the prices of now, so what changed since they were last seen is named with it."""
    with transaction():
        cart = actions.open_cart(current_actor(), cart_id)
        priced, changes = actions.look(current_actor(), cart_id)
        _change_lines(cart, wanted["remove"])
        actions.edit(cart, _chosen(cart, wanted))
    names = {str(item.line.id): item.offer.name for item in priced.all_items if item.offer}
    for change in changes:
        if change["kind"] == "price_changed":
            text = f"{names[change['line_id']]}: the unit price was {change['old']} and is {change['new']}."
            flash(text, "warn")


def _change_lines(cart: Cart, removed: uuid.UUID | None) -> None:
    """Lines before choices, so that a vendor who is gone takes no delivery with him."""
    items = {item.line.id: item for item in queries.items(cart)}
    for line_id, quantity in forms.quantities("quantity").items():
        item = items.get(line_id)
        if item is not None and (quantity == 0 or line_id == removed):
            actions.remove_line(cart, line_id)
        elif item is not None and quantity != item.line.quantity:
            _change_quantity(cart, item, quantity)


def _change_quantity(cart: Cart, item: queries.Item, quantity: int) -> None:
    try:
        actions.change_quantity(cart, item.line.id, quantity)
    except LinesNotOrderable as refusal:
        name = item.offer.name if item.offer else ""
        errors = [error | {"detail": f"{name}: {error['detail']}"} for error in refusal.facts["errors"]]
        raise LinesNotOrderable(errors=errors) from refusal


def _chosen(cart: Cart, wanted: dict[str, Any]) -> dict[str, Any]:
    vendors = {item.offer.vendor_id for item in queries.items(cart) if item.offer}
    deliveries = {
        vendor_id: fields.UUID().deserialize(rate_id)
        for vendor_id, rate_id in forms.named_after_ids("delivery").items()
        if vendor_id in vendors
    }
    names = ("delivery_address_id", "billing_address_id", "reference", "codes")
    return {name: wanted[name] for name in names} | {"deliveries": deliveries}
