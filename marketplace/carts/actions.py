"""A cart is filled, looked at and ordered; it is never ordered for another sum than its buyer saw or confirmed."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.orm.attributes import flag_modified

from marketplace.carts import changes, queries
from marketplace.carts.facts import Priced, Problem, gather
from marketplace.carts.models import Cart, CartLine
from marketplace.carts.queries import Destination, Item
from marketplace.carts.quick import QuickLine, offers_meant
from marketplace.carts.refusals import (
    CartEmpty,
    CartLineUnknown,
    CartNotOpen,
    CartNotOrderable,
    DeliveryAddressMissing,
    LinesNotOrderable,
    PricesChanged,
    TooManyLines,
)
from marketplace.carts.states import CartState, CartVerb
from marketplace.credit import queries as credit
from marketplace.kernel import history, writes
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id
from marketplace.orders import actions as orders
from marketplace.orders.queries import WholeOrder

MAX_LINES = 500
_SETTABLE = ("name", "reference", "delivery_address_id", "billing_address_id", "codes", "deliveries")


@dataclass(frozen=True, slots=True)
class WantedLine:
    """A quantity of an offer."""

    offer_id: uuid.UUID
    quantity: int


def create(
    actor: Actor,
    *,
    currency: str,
    lines: Sequence[WantedLine] = (),
    prices_include_tax: bool = False,
    **chosen: Any,
) -> Priced:
    """A new cart, filled at once with `lines`. `chosen`: name, reference, codes, deliveries ({vendor id: rate id}),
    delivery_address_id, billing_address_id.

    Raises LinesNotOrderable naming every line at fault, TooManyLines, and what `gather` raises for what was chosen.
    """
    cart = Cart(
        id=new_id(),
        company_id=actor.company_id,
        created_by=actor.person_id,
        currency=currency,
        prices_include_tax=prices_include_tax,
        state=CartState.OPEN,
        codes=[],
        deliveries={},
    )
    _set(cart, chosen)
    items = _new_items(cart, [], lines)
    priced = gather(cart, items, strict=chosen)
    _refuse(priced.problems)

    _see(priced)
    writes.all_of_it([cart], [item.line for item in items])
    return priced


def open_cart(actor: Actor, cart_id: uuid.UUID) -> Cart:
    """The cart, locked. Raises CartUnknown, CartNotOpen."""
    cart = queries.cart(actor, cart_id, locked=True)
    if cart.state != CartState.OPEN:
        raise CartNotOpen(
            f"This cart was {cart.state.value}.",
            state=cart.state.value,
            order_id=str(cart.order_id) if cart.order_id else None,
        )
    return cart


def look(actor: Actor, cart_id: uuid.UUID) -> tuple[Priced, list[changes.Change]]:
    """The cart as it is priced now, and what changed since the buyer last saw it; from now on he has seen this."""
    cart = queries.cart(actor, cart_id)
    priced = gather(cart, queries.items(cart))
    found = changes.all_changes(priced)
    if cart.state == CartState.OPEN and not actor.sees_all:
        _saw(priced)
    return priced, found


def edit(cart: Cart, chosen: Mapping[str, Any]) -> Priced:
    """Choose another name, reference, address, codes or deliveries for a locked cart. Raises as `create` does."""
    items = queries.items(cart)
    with db.session.no_autoflush:  # what was chosen wrongly is refused before it reaches the database
        _set(cart, chosen)
        priced = gather(cart, items, strict=chosen)
    _see(priced)
    db.session.flush()
    return priced


def add_lines(cart: Cart, lines: Sequence[WantedLine]) -> Priced:
    """Add offers to a locked cart: all of them, or LinesNotOrderable naming every one at fault, or TooManyLines."""
    return _add(cart, [*lines])


def add_more(cart: Cart, wanted: WantedLine) -> Priced:
    """More of an offer in a locked cart: on the line that has it, else on a new one. Raises as `add_lines` does."""
    present = next((item.line for item in queries.items(cart) if item.line.offer_id == wanted.offer_id), None)
    if present is None:
        return add_lines(cart, [wanted])
    return change_quantity(cart, present.id, present.quantity + wanted.quantity)


def quick_order(cart: Cart, lines: Sequence[QuickLine]) -> Priced:
    """Add offers by SKU or part number to a locked cart.

    Raises LinesNotOrderable naming the lines that are unknown, or ambiguous with the offers to choose from.
    """
    return _add(
        cart, [WantedLine(offer_id, line.quantity) for offer_id, line in zip(offers_meant(lines), lines, strict=True)]
    )


def change_quantity(cart: Cart, line_id: uuid.UUID, quantity: int) -> Priced:
    """Another quantity for a line of a locked cart. Raises CartLineUnknown, LinesNotOrderable (pointer `/quantity`)."""
    items = queries.items(cart)
    item = _item(items, line_id)
    item.line.quantity = quantity
    with db.session.no_autoflush:
        priced = gather(cart, items)
        _refuse([_at_root(problem) for problem in priced.problems if problem.item is item])
    return _touched(cart, priced)


def remove_line(cart: Cart, line_id: uuid.UUID) -> Priced:
    """Take a line out of a locked cart. Raises CartLineUnknown."""
    items = queries.items(cart)
    item = _item(items, line_id)
    db.session.delete(item.line)
    db.session.flush()
    left = [Item(i.line, i.offer, f"/lines/{n}") for n, i in enumerate(i for i in items if i is not item)]
    return _touched(cart, gather(cart, left))


def discard(actor: Actor, cart: Cart) -> None:
    """Throw a locked cart away."""
    history.move(cart, CartVerb.DISCARD, actor)


def checkout(
    actor: Actor,
    cart_id: uuid.UUID,
    *,
    expected_total_minor: int | None = None,
    accept_changes: bool = False,
    on_terms: bool = False,
) -> WholeOrder:
    """Order what is in the cart, at the prices of this moment; `on_terms`: on account, paid by invoice afterwards.

    Where it costs something else than the buyer last saw, PricesChanged names what changed, unless he expects this very
    total or accepts changes; another total than the expected one is always refused. Raises CartUnknown, CartNotOpen,
    CartEmpty, DeliveryAddressMissing, CartNotOrderable, StockTooLow, what `gather` raises, and on terms NoPaymentTerms,
    CreditFrozen, CreditLimitExceeded.
    """
    cart = open_cart(actor, cart_id)
    terms = credit.terms_for(cart.company_id, cart.currency).as_json() if on_terms else None
    priced = gather(cart, queries.items(cart))
    if not priced.all_items:
        raise CartEmpty
    delivered_to = priced.addresses.get(cart.delivery_address_id) if cart.delivery_address_id else None
    if delivered_to is None:
        raise DeliveryAddressMissing(pointer="/delivery_address_id")
    if priced.problems:
        raise CartNotOrderable(errors=[problem.as_json() for problem in priced.problems])
    _refuse_changes(priced, expected_total_minor, accept_changes)

    placement = _placement(actor, priced, delivered_to, terms)
    with db.session.no_autoflush:  # the cart is written together with the order that it points to
        history.move(cart, CartVerb.CHECK_OUT, actor)
        cart.order_id = placement.order_id
        return orders.place(actor, placement, priced.valuation)


def _refuse_changes(priced: Priced, expected_total_minor: int | None, accept_changes: bool) -> None:
    total = priced.total_minor
    if expected_total_minor is not None:
        if expected_total_minor == total:
            return
    elif accept_changes:
        return
    named = [*changes.price_changes(priced), *map(dict, priced.lost)]
    seen = priced.cart.seen_total_minor
    if expected_total_minor is not None or named or seen != total:
        raise PricesChanged(
            errors=[change | {"detail": _told(change)} for change in named],
            seen_total_minor=seen,
            expected_total_minor=expected_total_minor,
            total_minor=total,
            currency=priced.cart.currency,
        )


def _told(change: Mapping[str, Any]) -> str:
    if change["kind"] == "price_changed":
        return f"The unit price was {change['old']} and is {change['new']}."
    if change["kind"] == "code_not_running":
        return "This code is not valid any more."
    return "This delivery is not offered any more."


def _placement(
    actor: Actor, priced: Priced, delivered_to: Destination, payment_terms: Mapping[str, Any] | None
) -> orders.Placement:
    cart = priced.cart
    billed_to = priced.addresses.get(cart.billing_address_id, delivered_to) if cart.billing_address_id else delivered_to
    assert priced.facts is not None
    assert actor.person_id is not None
    return orders.Placement(
        company_id=cart.company_id,
        company_name=priced.buyer.name,
        placed_by=actor.person_id,
        facts=priced.facts,
        policy=priced.policy,
        policy_version=priced.policy_version,
        lines=priced.lines,
        deliveries=priced.deliveries,
        vendor_names={item.offer.vendor_id: item.offer.vendor_name for item in priced.items if item.offer},
        delivery_address=address_as_json(delivered_to),
        billing_address=address_as_json(billed_to),
        reference=cart.reference,
        payment_terms=payment_terms,
        vendor_terms={vendor_id: terms.settlement for vendor_id, terms in priced.terms.items()},
    )


def address_as_json(address: Destination) -> dict[str, str]:
    """What an order keeps of an address."""
    names = ("recipient", "line1", "line2", "postal_code", "city", "region", "country", "phone")
    return {name: getattr(address, name) for name in names}


def _set(cart: Cart, chosen: Mapping[str, Any]) -> None:
    for name in _SETTABLE:
        if name in chosen:
            value = chosen[name]
            if name == "deliveries":
                value = {str(vendor): str(rate) for vendor, rate in value.items()}
            setattr(cart, name, value)


def _new_items(cart: Cart, present: Sequence[Item], wanted: Sequence[WantedLine]) -> list[Item]:
    """Lines not written yet, pointing into the request. An offer that is there already, or twice, is refused."""
    if len(present) + len(wanted) > MAX_LINES:
        raise TooManyLines(pointer="/lines", most=MAX_LINES)
    known = queries.offers(line.offer_id for line in wanted) if wanted else {}
    there = {item.line.offer_id for item in present}
    items, twice = [], []
    for index, want in enumerate(wanted):
        line = CartLine(
            id=new_id(),
            cart_id=cart.id,
            company_id=cart.company_id,
            offer_id=want.offer_id,
            quantity=want.quantity,
            seen_unit_price=Decimal(0),
        )
        item = Item(line, known.get(want.offer_id), f"/lines/{index}")
        items.append(item)
        if want.offer_id in there:
            detail = "This offer is in the cart already; change its quantity instead."
            twice.append(Problem(f"/lines/{index}/offer_id", "offer_twice", detail, item))
        there.add(want.offer_id)
    _refuse(twice)
    return items


def _add(cart: Cart, wanted: Sequence[WantedLine]) -> Priced:
    present = queries.items(cart)
    new = _new_items(cart, present, wanted)
    priced = gather(cart, [*present, *new])
    _refuse([problem for problem in priced.problems if any(problem.item is item for item in new)])

    db.session.add_all([item.line for item in new])
    return _touched(cart, priced)


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise LinesNotOrderable(errors=[problem.as_json() for problem in problems])


def _at_root(problem: Problem) -> Problem:
    """The same problem of the one line that a request is about."""
    pointer = problem.pointer.removeprefix(problem.item.pointer)
    return Problem(pointer, problem.reason, problem.detail, problem.item, problem.facts)


def _item(items: Sequence[Item], line_id: uuid.UUID) -> Item:
    found = next((item for item in items if item.line.id == line_id), None)
    if found is None:
        raise CartLineUnknown
    return found


def _touched(cart: Cart, priced: Priced) -> Priced:
    """The cart's lines are part of it: its version rises with theirs."""
    _see(priced)
    flag_modified(cart, "reference")
    db.session.flush()
    return priced


def _see(priced: Priced) -> None:
    """What an edit answers, the buyer has seen."""
    priced.cart.seen_total_minor = priced.total_minor
    for item in priced.items:
        price = priced.unit_price(item)
        if item.line.seen_unit_price != price:
            item.line.seen_unit_price = price


def _saw(priced: Priced) -> None:
    """Looking is not editing: what was seen is written where it differs, without raising the cart's version."""
    if priced.cart.seen_total_minor != priced.total_minor:
        db.session.execute(
            update(Cart.__table__).where(Cart.__table__.c.id == priced.cart.id),  # type: ignore[arg-type, attr-defined]
            {"seen_total_minor": priced.total_minor},
        )
    differ = [
        {"line": item.line.id, "price": price}
        for item in priced.items
        if (price := priced.unit_price(item)) != item.line.seen_unit_price
    ]
    if differ:
        table = CartLine.__table__
        statement = update(table).where(table.c.id == bindparam("line")).values(seen_unit_price=bindparam("price"))  # type: ignore[arg-type]
        db.session.execute(statement, differ)
