"""An order on account takes its sum of the credit, keeps its stock, and gives back what falls away."""

from datetime import timedelta

import pytest

from marketplace.carts import actions as carts
from marketplace.catalogue import stock
from marketplace.catalogue.models import OfferStock, Reservation
from marketplace.credit import actions, queries
from marketplace.credit.refusals import CreditFrozen, CreditLimitExceeded, NoPaymentTerms
from marketplace.credit.terms import TermsKind
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.models import Order
from marketplace.orders.states import OrderState, VendorOrderState
from tests.builders.credit import on_account
from tests.builders.orders import a_cart, line_named, part_of

ALL = {"A1": 10, "A2": 3, "B1": 7}
TOTAL = 43674


def ordered(market, quantities=ALL):
    with transaction():
        return carts.checkout(market.actor, a_cart(market, quantities).cart.id, on_terms=True)


def credit_of(market):
    account = queries.account_of(market.buyer.id, "EUR")
    return account.used_minor, account.free_minor


def test_an_order_on_terms_waits_for_nobody_but_its_vendors(market):
    with transaction():
        on_account(market.buyer, limit_minor=50_000, days=14)
    whole = ordered(market)
    assert whole.order.payment_terms == {"kind": "net", "days": 14, "text": "14 days net"}
    assert (whole.order.owed_minor, whole.order.pay_until) == (TOTAL, None)
    assert {part.state for part in whole.parts} == {VendorOrderState.TO_CONFIRM}
    assert all(part.confirm_by for part in whole.parts)
    assert whole.state is OrderState.ON_TERMS
    assert [row.id for row in db.session.scalars(order_queries.orders(SYSTEM, state=OrderState.ON_TERMS))] == [
        whole.order.id
    ]
    assert list(db.session.scalars(order_queries.orders(SYSTEM, state=OrderState.PAID))) == []
    assert credit_of(market) == (TOTAL, 50_000 - TOTAL)
    with transaction():
        orders.confirm(SYSTEM, part_of(whole, market.vendors["A"]).id)
    assert order_queries.whole(SYSTEM, whole.order.id).state is OrderState.IN_FULFILMENT


def test_its_stock_is_kept_without_an_end(market):
    with transaction():
        on_account(market.buyer)
    whole = ordered(market)
    held = db.session.query(Reservation).filter_by(order_id=whole.order.id).all()
    assert {(row.state.value, row.expires_at) for row in held} == {("held", None)}
    with transaction(), clock.moved(timedelta(days=400)):
        stock.expire()
        assert orders.cancel_unpaid(whole.order.id) is False
    assert db.session.get(OfferStock, market.offers["A1"].id, populate_existing=True).reserved == 10


def test_what_is_cancelled_and_paid_is_free_again(market):
    with transaction():
        on_account(market.buyer, limit_minor=TOTAL)
    whole = ordered(market)
    assert credit_of(market) == (TOTAL, 0)
    with transaction():
        after = orders.cancel(market.actor, whole.order.id, [orders.Units(line_named(whole, "B1").id, 7)])
    assert credit_of(market) == (after.order.owed_minor, TOTAL - after.order.owed_minor)
    with transaction():
        orders.record_payment(SYSTEM, whole.order.id, 10_000, "EUR", "match:1")
    assert credit_of(market)[0] == after.order.owed_minor - 10_000
    with transaction():
        orders.record_unpaid(whole.order.id, 4_000, "match:2")
    assert credit_of(market)[0] == after.order.owed_minor - 6_000
    with transaction():
        orders.cancel(market.actor, whole.order.id)
    assert credit_of(market) == (0, TOTAL)
    assert order_queries.whole(SYSTEM, whole.order.id).state is OrderState.CANCELLED
    assert queries.miscounted() == []


def test_what_is_given_up_is_not_waited_for(market):
    with transaction():
        on_account(market.buyer, limit_minor=TOTAL)
    whole = ordered(market)
    with transaction():
        orders.record_payment(SYSTEM, whole.order.id, 40_000, "EUR", "match:1")
        actions.give_up(whole.order.id, 3_674, 3_674)
    assert credit_of(market) == (0, TOTAL)
    with transaction():
        orders.record_payment(SYSTEM, whole.order.id, 3_674, "EUR", "match:2")
    assert credit_of(market) == (0, TOTAL)


def test_nothing_on_account_without_terms(market):
    with pytest.raises(NoPaymentTerms) as refused:
        ordered(market)
    assert refused.value.text == "Your company buys nothing on account in EUR: pay in advance."
    assert db.session.query(Order).count() == 0


def test_nor_once_they_were_taken_back(market):
    with transaction():
        on_account(market.buyer)
    with clock.moved(timedelta(days=3)):
        with transaction():
            facts = {"currency": "EUR", "valid_from": queries.today(), "kind": TermsKind.NONE, "days": 0}
            actions.grant_terms(SYSTEM, market.buyer.id, facts)
        with pytest.raises(NoPaymentTerms):
            ordered(market)
    ordered(market)


def test_nor_beyond_the_limit_which_says_how_much_is_free(market):
    with transaction():
        on_account(market.buyer, limit_minor=60_000)
    ordered(market)
    reserved = db.session.get(OfferStock, market.offers["A1"].id, populate_existing=True).reserved
    with pytest.raises(CreditLimitExceeded) as refused:
        ordered(market)
    assert refused.value.text == "This comes to 436.74 EUR, and 163.26 EUR of your credit is free."
    assert refused.value.facts == {
        "currency": "EUR", "limit_minor": 60_000, "used_minor": TOTAL, "free_minor": 16_326, "wanted_minor": TOTAL,
    }  # fmt: skip
    db.session.expire_all()
    assert credit_of(market) == (TOTAL, 16_326)
    assert db.session.get(OfferStock, market.offers["A1"].id, populate_existing=True).reserved == reserved
    assert db.session.query(Order).count() == 1


def test_nor_while_it_is_frozen(market):
    with transaction():
        account = on_account(market.buyer)
        actions.freeze(SYSTEM, account, "K-1 is overdue.")
    with pytest.raises(CreditFrozen, match="K-1 is overdue"):
        ordered(market)
    with transaction():
        assert actions.release_paid(market.buyer.id, "EUR") is False  # a person froze it, so a person releases it
        actions.release(SYSTEM, queries.account_of(market.buyer.id, "EUR"), "Settled by phone.")
    ordered(market)
