"""Parallel checkouts do not pass the limit: real processes, real commits."""

import multiprocessing

import pytest

from marketplace.carts import actions as carts
from marketplace.credit import queries
from marketplace.credit.refusals import CreditLimitExceeded
from marketplace.kernel.db import db, transaction
from marketplace.orders.models import Order
from tests.builders.catalogue import an_offer
from tests.builders.credit import on_account
from tests.builders.orders import a_cart, a_market

pytestmark = pytest.mark.processes
PROCESSES, ORDERS, FIT = 4, 40, 17


def buy(app, actor, cart_ids, go, told):
    """In a process of its own: order each cart on account, and tell what became of it."""
    with app.app_context():
        db.engine.dispose(close=False)
        go.wait(30)
        for cart_id in cart_ids:
            try:
                with transaction():
                    carts.checkout(actor, cart_id, on_terms=True)
                told.put("ordered")
            except CreditLimitExceeded:
                told.put("refused")
            finally:
                db.session.remove()
        db.engine.dispose()


def test_forty_orders_at_once_and_credit_for_seventeen(own_app):
    with own_app.app_context():
        with transaction():
            market = a_market()
            market.offers["A"] = an_offer(market.vendors["A"], sku="A", price="10", stock=1000)
            made = [a_cart(market, {"A": 1}).cart.id for _ in range(ORDERS)]
            on_account(market.buyer, limit_minor=FIT * 1190 + 1189)
        db.session.remove()
        db.engine.dispose()
        fork = multiprocessing.get_context("fork")
        go, told = fork.Event(), fork.Queue()
        crowd = [
            fork.Process(target=buy, args=(own_app, market.actor, made[number::PROCESSES], go, told))
            for number in range(PROCESSES)
        ]
        for process in crowd:
            process.start()
        go.set()
        outcomes = [told.get(timeout=60) for _ in made]
        for process in crowd:
            process.join(30)
        assert [process.exitcode for process in crowd] == [0] * PROCESSES
        assert (outcomes.count("ordered"), outcomes.count("refused")) == (FIT, ORDERS - FIT)
        assert db.session.query(Order).count() == FIT
        assert queries.account_of(market.buyer.id, "EUR").used_minor == FIT * 1190
        assert queries.miscounted() == []
        db.session.remove()
