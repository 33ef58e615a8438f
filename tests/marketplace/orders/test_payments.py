"""Payments: recorded once, in one currency; what covers the order lets its vendors begin."""

import pytest
from sqlalchemy.exc import DBAPIError

from marketplace.kernel import outbox
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions, queries
from marketplace.orders.events import OrderPaid, OrderPlaced
from marketplace.orders.models import OrderMoney
from marketplace.orders.refusals import AmountNotPositive, CurrencyDiffers, OrderUnknown
from marketplace.orders.states import OrderState, VendorOrderState
from tests.builders.catalogue import an_offer
from tests.builders.orders import EXAMPLE, a_market, an_order


@pytest.fixture
def announced(monkeypatch):
    seen = []
    monkeypatch.setattr(outbox, "publish", seen.append)
    return seen


@pytest.fixture
def order(market):
    with transaction():
        return an_order(market, EXAMPLE).order


def test_a_payment_in_full_pays_every_part(order, announced):
    with transaction():
        recorded = actions.record_payment(SYSTEM, order.id, 43674, "EUR", "pi_1")
    assert recorded == actions.RecordedPayment(43674, 43674, 0, True)
    parts = queries.parts_of(order.id)
    assert {part.state for part in parts} == {VendorOrderState.TO_CONFIRM}
    assert all(part.confirm_by is not None for part in parts)
    assert order.pay_until is None
    assert announced == [OrderPaid(order.id, order.company_id)]


def test_part_payments_add_up_and_the_last_one_pays(order, announced):
    with transaction():
        first = actions.record_payment(SYSTEM, order.id, 20000, "EUR", "pi_1")
    assert (first.net_paid_minor, first.fully_paid, announced) == (20000, False, [])
    with transaction():
        second = actions.record_payment(SYSTEM, order.id, 24000, "EUR", "pi_2")
    assert (second.net_paid_minor, second.excess_minor, second.fully_paid) == (44000, 326, True)
    assert len(announced) == 1


def test_a_repeat_does_nothing(order, announced):
    with transaction():
        actions.record_payment(SYSTEM, order.id, 43674, "EUR", "pi_1")
        again = actions.record_payment(SYSTEM, order.id, 43674, "EUR", "pi_1")
    assert again.repeated
    assert again.net_paid_minor == 43674
    assert len(announced) == 1


def test_another_currency_is_refused(order):
    with pytest.raises(CurrencyDiffers), transaction():
        actions.record_payment(SYSTEM, order.id, 43674, "USD", "pi_1")
    assert actions.net_paid(order.id) == 0


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_is_no_payment(order, amount):
    with pytest.raises(AmountNotPositive), transaction():
        actions.record_payment(SYSTEM, order.id, amount, "EUR", "pi_1")


def test_an_order_that_does_not_exist(market):
    with pytest.raises(OrderUnknown), transaction():
        actions.record_payment(SYSTEM, market.buyer.id, 1, "EUR", "pi_1")


def test_a_payment_of_a_cancelled_order_is_all_excess(market, order, announced):
    with transaction():
        actions.cancel(market.actor, order.id)
        announced.clear()
        recorded = actions.record_payment(SYSTEM, order.id, 43674, "EUR", "pi_1")
    assert (recorded.owed_minor, recorded.excess_minor) == (0, 43674)
    assert announced == []
    assert queries.whole(SYSTEM, order.id).state is OrderState.CANCELLED


def test_refunds_lower_what_was_paid_and_failed_ones_raise_it(order):
    with transaction():
        actions.record_payment(SYSTEM, order.id, 50000, "EUR", "pi_1")
        assert actions.record_refund(order.id, 6326, "re_1")
        assert not actions.record_refund(order.id, 6326, "re_1")
    assert actions.net_paid(order.id) == 43674
    with transaction():
        assert actions.record_refund_failed(order.id, 6326, "re_1:failed")
    assert actions.net_paid(order.id) == 50000


def test_money_is_append_only(order):
    with transaction():
        actions.record_payment(SYSTEM, order.id, 1, "EUR", "pi_1")
    with pytest.raises(DBAPIError, match="append-only"), db.session.begin_nested():
        db.session.query(OrderMoney).delete()


def test_an_order_that_costs_nothing_is_paid_at_once(session, announced):
    market = a_market()
    market.offers["gift"] = an_offer(market.vendors["A"], price="0.00")
    with transaction():
        whole = an_order(market, {"gift": 2})
    assert whole.order.owed_minor == 0
    assert whole.state is OrderState.PAID
    assert [type(event) for event in announced] == [OrderPlaced, OrderPaid]


def test_cancelling_down_to_what_was_paid_pays_the_rest(market, announced):
    """Half of it was paid; when the buyer cancels the other half, the vendors may begin."""
    with transaction():
        whole = an_order(market, EXAMPLE)
        actions.record_payment(SYSTEM, whole.order.id, 30000, "EUR", "pi_1")
        b1 = next(line for line in whole.lines if line.sku == "B1")
        after = actions.cancel(market.actor, whole.order.id, [actions.Units(b1.id, 7)])
    assert after.order.owed_minor == 25757
    assert after.net_paid_minor == 25757
    assert queries.last_step(whole.order.id).refund_minor == 30000 - 25757
    assert after.state is OrderState.PAID
    assert OrderPaid(whole.order.id, whole.order.company_id) in announced
