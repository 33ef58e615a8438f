"""Confirming, shipping, delivering: each vendor his own part, announced once."""

import pytest

from marketplace.kernel import outbox
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import transaction
from marketplace.kernel.states import IllegalMove
from marketplace.orders import actions, queries
from marketplace.orders.events import VendorOrderConfirmed, VendorOrderDelivered, VendorOrderShipped
from marketplace.orders.refusals import LineNotInOrder, UnitsNotOpen, VendorOrderUnknown
from marketplace.orders.states import OrderState, VendorOrderState
from tests.builders.orders import a_confirmed_order, a_paid_order, an_order, line_named, part_of


@pytest.fixture
def announced(monkeypatch):
    seen = []
    monkeypatch.setattr(outbox, "publish", seen.append)
    return seen


def test_a_part_goes_its_way_and_the_order_follows(market, announced):
    with transaction():
        whole = a_paid_order(market, {"A1": 2, "B1": 3})
        announced.clear()
        a, b = whole.parts
        actions.confirm(market.vendor_actor("A"), a.id)
        assert not actions.units_shipped(SYSTEM, a, {line_named(whole, "A1").id: 1})
        assert a.state is VendorOrderState.PART_SHIPPED
        assert actions.units_shipped(SYSTEM, a, {line_named(whole, "A1").id: 1})
        assert actions.delivered(SYSTEM, a)
        assert not actions.delivered(SYSTEM, a)
    ids = (whole.order.id, a.id)
    assert announced == [VendorOrderConfirmed(*ids), VendorOrderShipped(*ids), VendorOrderDelivered(*ids)]
    assert a.delivered_at is not None
    assert b.state is VendorOrderState.TO_CONFIRM
    assert queries.whole(SYSTEM, whole.order.id).state is OrderState.IN_FULFILMENT
    with transaction():
        assert actions.close(SYSTEM, a).state is VendorOrderState.CLOSED


def test_nothing_is_confirmed_before_it_is_paid_and_nothing_twice(market):
    with transaction():
        whole = an_order(market, {"A1": 1})
    with pytest.raises(IllegalMove), transaction():
        actions.confirm(SYSTEM, whole.parts[0].id)
    with transaction():
        paid = a_confirmed_order(market, {"A1": 1})
    with pytest.raises(IllegalMove), transaction():
        actions.confirm(SYSTEM, paid.parts[0].id)


def test_a_vendor_confirms_his_own_only(market):
    with transaction():
        whole = a_paid_order(market, {"A1": 1, "B1": 1})
    with pytest.raises(VendorOrderUnknown), transaction():
        actions.confirm(market.vendor_actor("B"), part_of(whole, market.vendors["A"]).id)


def test_more_than_is_open_does_not_ship(market):
    with transaction():
        whole = a_confirmed_order(market, {"A1": 2, "B1": 3})
    a, _ = whole.parts
    with pytest.raises(UnitsNotOpen) as refused, transaction():
        actions.units_shipped(SYSTEM, a, {line_named(whole, "A1").id: 3})
    assert refused.value.pointer == "/lines/0/quantity"
    with pytest.raises(LineNotInOrder), transaction():
        actions.units_shipped(SYSTEM, a, {line_named(whole, "B1").id: 1})
    assert [line.shipped_quantity for line in queries.lines_of(whole.order.id)] == [0, 0]


def test_an_unconfirmed_or_cancelled_part_does_not_ship(market):
    with transaction():
        whole = a_paid_order(market, {"A1": 2})
    units = {whole.lines[0].id: 1}
    with pytest.raises(IllegalMove), transaction():
        actions.units_shipped(SYSTEM, whole.parts[0], units)
    with transaction():
        actions.cancel(market.actor, whole.order.id)
    with pytest.raises(UnitsNotOpen), transaction():
        actions.units_shipped(SYSTEM, whole.parts[0], units)
