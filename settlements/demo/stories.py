"""The orders of the demonstration: told step by step through the actions of those who took them, each on its day.

A step that was taken is not taken again, so a telling that broke off goes on where it stopped.
"""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from marketplace.carts import actions as carts
from marketplace.carts.models import Cart
from marketplace.companies import queries as companies
from marketplace.kernel import clock
from marketplace.kernel.access import Actor
from marketplace.kernel.db import transaction
from marketplace.kernel.money import Money
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.actions import Cause, Units
from marketplace.orders.models import Order, OrderLine, VendorOrder
from marketplace.orders.states import VendorOrderState
from marketplace.shipments import actions as shipments
from settlements.demo import acting, cast, queries
from settlements.invoices import jobs as invoice_jobs
from settlements.payments import actions as payments
from settlements.payments import jobs as payment_jobs
from settlements.payments import queries as payment_queries
from settlements.payments.states import OPEN, PaymentState
from settlements.receivables import actions as receivables
from settlements.receivables import queries as receivable_queries

_FILE = Path(__file__).with_name("stories.toml")
_METHOD = "pm_card_visa"
_IBAN = "DE02120300000000202051"  # a bank's example


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A cart of `buyer`, filled so many days ago; `then` None: it stays open. See stories.toml."""

    reference: str
    buyer: str
    days: float
    lines: tuple[str, ...]
    codes: tuple[str, ...] = ()
    terms: bool = False  # bought on account
    then: tuple[tuple[Any, ...], ...] | None = None


def stories() -> list[Story]:
    """The oldest first."""
    return [Story(**row) for row in tomllib.loads(_FILE.read_text("utf-8"))["story"]]


def all_told() -> bool:
    """Was the last one told to its end? It is a cart left open, so its cart is all there is of it."""
    return queries.cart_of(stories()[-1].reference) is not None


def tell() -> None:
    """Tell what is not told yet."""
    for story in stories():
        buyer = acting.person(story.buyer)
        with clock.moved(timedelta(days=-story.days)):
            cart = _fill(buyer, story)
            order = _order(buyer, story, cart)
        for days, verb, *facts in story.then or ():
            with clock.moved(timedelta(days=-days)):
                _VERBS[verb](buyer, order, *facts)
                if order is not None:
                    invoice_jobs.follow(order.id)  # on that day, before a worker does it today


def _fill(buyer: Actor, story: Story) -> Cart:
    known = queries.cart_of(story.reference)
    if known is not None:
        return known
    wanted = _quantities(story.lines)
    offers = queries.offers_of(wanted)
    assert buyer.company_id is not None
    address = companies.default_address(buyer.company_id)
    assert address is not None
    with transaction():
        priced = carts.create(
            buyer,
            currency="EUR",
            lines=[carts.WantedLine(offers[sku], quantity) for sku, quantity in wanted.items()],
            reference=story.reference,
            delivery_address_id=address.id,
            codes=list(story.codes),
        )
    return priced.cart


def _order(buyer: Actor, story: Story, cart: Cart) -> Order | None:
    if story.then is None:
        return None
    if cart.order_id is not None:
        return order_queries.order(buyer, cart.order_id)
    with transaction():
        return carts.checkout(buyer, cart.id, on_terms=story.terms).order


def _pay(buyer: Actor, order: Order, method: str = _METHOD) -> None:
    for begun in payment_queries.payments_of(buyer, order.id):
        if begun.state in OPEN:
            payment_jobs.look_up(begun.id)
    ended = {payment.state for payment in payment_queries.payments_of(buyer, order.id)}
    if PaymentState.CAPTURED in ended or ("Declined" in method and PaymentState.FAILED in ended):
        return
    with transaction():
        payment = payments.reserve(buyer, order.id)
    payment_jobs.take(payment.id, method)


def _expire(_: Actor, order: Order) -> None:
    with transaction():
        orders.cancel_unpaid(order.id)


def _confirm(_: Actor, order: Order, vendor: str) -> None:
    part = _part(order, vendor)
    if part.state == VendorOrderState.TO_CONFIRM:
        with transaction():
            orders.confirm(acting.clerk(vendor), part.id)


def _ship(_: Actor, order: Order, vendor: str, carrier: str, tracking_number: str, *some: str) -> None:
    if queries.parcel_exists(tracking_number):
        return
    part = _part(order, vendor)
    lines = [{"line_id": unit.line_id, "quantity": unit.quantity} for unit in _units(order, some)] if some else None
    facts = {"carrier": carrier, "tracking_number": tracking_number, "lines": lines, "announce_only": False}
    with transaction():
        shipments.ship(acting.clerk(vendor), part.id, facts)


def _deliver(_: Actor, order: Order, vendor: str) -> None:
    actor, part = acting.clerk(vendor), _part(order, vendor)
    for parcel_id in queries.parcels_under_way(actor, part.id):
        with transaction():
            shipments.deliver(actor, parcel_id)


def _decline(_: Actor, order: Order, vendor: str, reason: str, *some: str) -> None:
    part = _part(order, vendor)
    if not _was_cancelled(order, Cause.CANCELLED_BY_VENDOR, reason):
        with transaction():
            orders.cancel_part(acting.chief(vendor), part.id, _units(order, some) or None, reason)


def _cancel(buyer: Actor, order: Order, reason: str, *some: str) -> None:
    if not _was_cancelled(order, Cause.CANCELLED_BY_BUYER, reason):
        with transaction():
            orders.cancel(buyer, order.id, _units(order, some) or None, reason)


def _bank(_: Actor, order: Order, bank_id: str, share: str, reference: str = "") -> None:
    """A share of what is open arrives; without another reference it names the order."""
    still_open = sum(item.open_minor for item in receivable_queries.of_order(order.id))
    amount = Money(still_open, order.currency).times(Decimal(share)).minor
    if amount < 1:
        return
    text = reference or f"Order {order.number}"
    arrived = receivables.Arrived(
        bank_id, amount, order.currency, receivable_queries.today(), order.company_name, _IBAN, text
    )
    with transaction():
        if not receivable_queries.told_by_bank([bank_id]):  # a share of what is open was another sum before it came
            receivables.take_in(acting.chief("kontor"), [arrived])
        waiting = receivable_queries.to_match(100)
    for transfer_id in waiting:
        with transaction():
            receivables.match_by_reference(transfer_id)


def _remind(_: Actor, order: Order) -> None:
    with transaction():
        for item in receivable_queries.of_order(order.id):
            receivables.remind(item.id, receivable_queries.today())


_VERBS: dict[str, Callable[..., None]] = {
    "bank": _bank,
    "remind": _remind,
    "pay": _pay,
    "expire": _expire,
    "confirm": _confirm,
    "ship": _ship,
    "deliver": _deliver,
    "decline": _decline,
    "cancel": _cancel,
}


def _was_cancelled(order: Order, cause: Cause, reason: str) -> bool:
    return any(step.cause == cause and step.reason == reason for step in order_queries.steps_of(order.id))


def _part(order: Order, vendor: str) -> VendorOrder:
    name = cast.companies()[vendor].name
    return next(part for part in order_queries.parts_of(order.id) if part.vendor_name == name)


def _units(order: Order, some: Sequence[str]) -> list[Units]:
    lines: dict[str, OrderLine] = {line.sku: line for line in order_queries.lines_of(order.id)}
    return [Units(lines[sku].id, quantity) for sku, quantity in _quantities(some).items()]


def _quantities(lines: Iterable[str]) -> dict[str, int]:
    """`["V-7 12"]` -> `{"V-7": 12}`."""
    pairs = (line.rpartition(" ") for line in lines)
    return {sku: int(quantity) for sku, _, quantity in pairs}
