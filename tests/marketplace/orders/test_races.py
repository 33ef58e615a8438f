"""Many at once: the last units are sold once, and what races on one order adds up. Real processes, real commits."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from marketplace.carts import actions as carts
from marketplace.carts.models import Cart, CartLine
from marketplace.catalogue.models import OfferStock, Reservation
from marketplace.catalogue.stock import StockTooLow
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, new_id, transaction
from marketplace.kernel.errors import Conflict
from marketplace.orders import actions, queries
from marketplace.orders.models import Order, OrderMoney
from marketplace.orders.states import OrderState
from tests.builders.catalogue import an_offer
from tests.builders.orders import a_cart, a_market, an_order, line_named

pytestmark = pytest.mark.processes

BUYERS, PROCESSES, UNITS = 200, 8, 50


def buy(app, actor, cart_ids, go, told):
    """One process of 25 buyers, with connections of its own: each checks out his cart and tells whether he got it."""
    with app.app_context():
        db.engine.dispose(close=False)  # the parent's connections are the parent's
        go.wait(30)
        for cart_id in cart_ids:
            try:
                with transaction():
                    carts.checkout(actor, cart_id, accept_changes=True)
                told.put("sold")
            except StockTooLow:
                told.put("short")
            db.session.remove()
        db.engine.dispose()


def many_carts(market):
    """A cart per buyer, as rows: both offers, half of them in the one order of lines, half in the other."""
    made = []
    for number in range(BUYERS):
        cart = Cart(
            id=new_id(),
            company_id=market.buyer.id,
            created_by=market.actor.person_id,
            currency="EUR",
            delivery_address_id=market.address.id,
        )
        made.append((cart, "AB" if number % 2 else "BA"))
    db.session.add_all([cart for cart, _ in made])
    db.session.flush()
    db.session.add_all(
        [
            CartLine(
                id=new_id(),
                cart_id=cart.id,
                company_id=cart.company_id,
                offer_id=market.offers[name].id,
                quantity=1,
                seen_unit_price=10,
            )
            for cart, names in made
            for name in names
        ]
    )
    return [cart.id for cart, _ in made]


@pytest.fixture
def market(own_app):
    with own_app.app_context():
        with transaction():
            made = a_market()
            made.offers["A"] = an_offer(made.vendors["A"], sku="A", stock=UNITS)
            made.offers["B"] = an_offer(made.vendors["B"], sku="B", stock=1000)
        yield made
        db.session.remove()


def test_two_hundred_buyers_for_the_last_fifty_units(own_app, market):
    with transaction():
        ids = many_carts(market)
    db.engine.dispose()
    fork = multiprocessing.get_context("fork")
    go, told = fork.Event(), fork.Queue()
    crowd = [
        fork.Process(target=buy, args=(own_app, market.actor, ids[number::PROCESSES], go, told))
        for number in range(PROCESSES)
    ]
    for process in crowd:
        process.start()
    go.set()
    outcomes = [told.get(timeout=60) for _ in ids]
    for process in crowd:
        process.join(30)
    assert [process.exitcode for process in crowd] == [0] * PROCESSES
    assert (outcomes.count("sold"), outcomes.count("short")) == (UNITS, BUYERS - UNITS)
    assert {name: (row.on_hand, row.reserved) for name, row in both(market)} == {"A": (50, 50), "B": (1000, 50)}
    assert db.session.query(Order).count() == UNITS
    assert db.session.query(Reservation).count() == 2 * UNITS


def both(market):
    return [(name, db.session.get(OfferStock, market.offers[name].id, populate_existing=True)) for name in "AB"]


def at_once(app, *calls):
    """Run each call in a thread and a transaction of its own, all let go together; their refusals, or None."""
    gate = Barrier(len(calls))

    def run(call):
        with app.app_context():
            gate.wait()
            try:
                with transaction():
                    call()
            except Conflict as refused:
                return refused
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def paid(market, quantities):
    with transaction():
        whole = an_order(market, quantities)
        actions.record_payment(SYSTEM, whole.order.id, whole.order.owed_minor, "EUR", f"p:{whole.order.id}")
    return whole


def test_two_cancellations_of_different_lines_refund_each_its_part(own_app, market):
    whole = paid(market, {"A": 4, "B": 4})
    wants = [[actions.Units(line_named(whole, sku).id, 4)] for sku in "AB"]
    refused = at_once(own_app, *(lambda w=w: actions.cancel(market.actor, whole.order.id, w) for w in wants))
    assert refused == [None, None]
    db.session.expire_all()
    steps = queries.steps_of(whole.order.id)
    assert [step.number for step in steps] == [0, 1, 2]
    assert sum(step.refund_minor for step in steps) == whole.order.total_minor
    assert actions.net_paid(whole.order.id) == 0
    assert [row.reserved for _, row in both(market)] == [0, 0]


def test_the_same_units_are_cancelled_once(own_app, market):
    whole = paid(market, {"A": 4})
    refused = at_once(own_app, *[lambda: actions.cancel(market.actor, whole.order.id)] * 3)
    assert len([one for one in refused if one is not None]) == 2
    db.session.expire_all()
    assert actions.net_paid(whole.order.id) == 0
    assert len(queries.steps_of(whole.order.id)) == 2


def test_a_cancellation_that_races_a_payment(own_app, market):
    """Either order of the two: the order ends cancelled, and all that was paid is a refund or an excess."""
    for number in range(4):
        with transaction():
            whole = an_order(market, {"A": 2, "B": 2})
        order_id, total = whole.order.id, whole.order.total_minor
        recorded = []
        refused = at_once(
            own_app,
            lambda i=order_id: actions.cancel(market.actor, i),
            lambda i=order_id, t=total, n=number, r=recorded: r.append(
                actions.record_payment(SYSTEM, i, t, "EUR", f"race:{n}")
            ),
        )
        assert refused == [None, None]
        db.session.expire_all()
        assert queries.whole(SYSTEM, order_id).state is OrderState.CANCELLED
        refunded = queries.last_step(order_id).refund_minor
        assert refunded + recorded[0].excess_minor == total
        assert actions.net_paid(order_id) == total - refunded
    assert [row.reserved for _, row in both(market)] == [0, 0]


def test_a_cart_that_is_checked_out_twice_at_once_is_ordered_once(own_app, market):
    with transaction():
        cart_id = a_cart(market, {"A": 1}).cart.id
    refused = at_once(own_app, *[lambda: carts.checkout(market.actor, cart_id)] * 3)
    assert len([one for one in refused if one is None]) == 1
    assert db.session.query(Order).count() == 1


def test_a_payment_that_is_recorded_by_several_at_once_counts_once(own_app, market):
    with transaction():
        whole = an_order(market, {"A": 1})
    pay = [lambda: actions.record_payment(SYSTEM, whole.order.id, whole.order.owed_minor, "EUR", "same")] * 3
    assert at_once(own_app, *pay) == [None] * 3
    assert db.session.query(OrderMoney).count() == 1
