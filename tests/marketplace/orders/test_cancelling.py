"""Cancelling before shipping: a state of the same formula, refused where it is not possible, one part at a time."""

import uuid
from datetime import timedelta

import pytest

from marketplace.kernel import clock, outbox
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions, jobs, queries
from marketplace.orders.actions import Cause, Reason
from marketplace.orders.events import OrderStepTaken, VendorOrderShipped
from marketplace.orders.models import OrderStep
from marketplace.orders.refusals import (
    LineNamedTwice,
    LineNotInOrder,
    NothingIsOpen,
    OrderCannotBeValued,
    OrderUnknown,
    UnitsNotOpen,
    VendorOrderUnknown,
)
from marketplace.orders.states import OrderState, VendorOrderState
from marketplace.pricing.facts import BUYER, MARKETPLACE, Charge, Returned, State
from marketplace.pricing.policy import Fault
from marketplace.rules.models import Promotion
from tests.builders.catalogue import an_offer
from tests.builders.companies import a_company, an_actor
from tests.builders.orders import (
    EXAMPLE,
    a_confirmed_order,
    a_market,
    a_paid_order,
    an_order,
    line_named,
    part_of,
)
from tests.builders.rules import a_promotion


@pytest.fixture
def whole(market):
    with transaction():
        return a_paid_order(market, EXAMPLE)


@pytest.fixture
def unheard(monkeypatch):
    """Events reach nobody: nobody upstairs moves the parts on."""
    seen = []
    monkeypatch.setattr(outbox, "publish", seen.append)
    return seen


def units(whole, **wanted):
    return [actions.Units(line_named(whole, sku).id, quantity) for sku, quantity in wanted.items()]


def as_it_is(order_id):
    db.session.expire_all()
    found = queries.whole(SYSTEM, order_id)
    lines = [(line.cancelled_quantity, line.shipped_quantity) for line in found.lines]
    return found.order.owed_minor, found.net_paid_minor, lines, len(queries.steps_of(order_id))


@pytest.mark.parametrize(
    ("wanted", "refusal", "pointer"),
    [
        ({"A1": 11}, UnitsNotOpen, "/lines/0/quantity"),
        ({"A1": 1, "B1": 8}, UnitsNotOpen, "/lines/1/quantity"),
    ],
)
def test_more_than_is_open_is_refused_and_nothing_changed(market, whole, wanted, refusal, pointer):
    before = as_it_is(whole.order.id)
    with pytest.raises(refusal) as refused, transaction():
        actions.cancel(market.actor, whole.order.id, units(whole, **wanted))
    assert refused.value.pointer == pointer
    assert as_it_is(whole.order.id) == before


def test_a_line_that_is_none_of_the_order_or_named_twice(market, whole):
    before = as_it_is(whole.order.id)
    with pytest.raises(LineNotInOrder), transaction():
        actions.cancel(market.actor, whole.order.id, [actions.Units(uuid.uuid4(), 1)])
    with pytest.raises(LineNamedTwice), transaction():
        actions.cancel(market.actor, whole.order.id, units(whole, A1=1) * 2)
    assert as_it_is(whole.order.id) == before


def test_a_vendor_cancels_no_line_of_another(market, whole):
    before = as_it_is(whole.order.id)
    with pytest.raises(LineNotInOrder), transaction():
        actions.cancel_part(market.vendor_actor("B"), part_of(whole, market.vendors["B"]).id, units(whole, A1=1))
    with pytest.raises(VendorOrderUnknown), transaction():
        actions.cancel_part(market.vendor_actor("B"), part_of(whole, market.vendors["A"]).id)
    with pytest.raises(OrderUnknown), transaction():
        actions.cancel(an_actor(a_company("Other")), whole.order.id)
    assert as_it_is(whole.order.id) == before


def test_units_that_came_back_unshipped_are_not_cancelled_as_well(market, whole):
    line, gift = line_named(whole, "A1"), Charge(MARKETPLACE, BUYER, 100)
    with transaction():
        order, parts = queries.order(SYSTEM, whole.order.id, locked=True), queries.parts_of(whole.order.id, locked=True)
        state = State((Returned(str(line.id), Fault.VENDOR, 10),), (gift,))
        actions.take_step(order, parts, state, Reason(SYSTEM, Cause.RETURNED))
    before = as_it_is(whole.order.id)
    with pytest.raises(OrderCannotBeValued), transaction():
        actions.cancel(market.actor, whole.order.id, units(whole, A1=1))
    assert as_it_is(whole.order.id) == before


def test_cancelling_twice_finds_nothing_open(market, whole):
    with transaction():
        actions.cancel(market.actor, whole.order.id)
    with pytest.raises(NothingIsOpen), transaction():
        actions.cancel(market.actor, whole.order.id)
    assert len(queries.steps_of(whole.order.id)) == 2


def test_unit_by_unit_comes_to_the_same_as_at_once(market, whole):
    """The refunds of a path add up to that of its end."""
    with transaction():
        for _ in range(7):
            actions.cancel(market.actor, whole.order.id, units(whole, B1=1))
    step_by_step = as_it_is(whole.order.id)
    with transaction():
        other = a_paid_order(market, EXAMPLE)
        actions.cancel(market.actor, other.order.id, units(other, B1=7))
    assert step_by_step[:3] == as_it_is(other.order.id)[:3]
    steps = queries.steps_of(whole.order.id)
    assert sum(step.refund_minor for step in steps) == 43674 - step_by_step[0]
    assert [step.number for step in steps] == list(range(8))


def test_an_unpaid_order_owes_less_and_refunds_nothing(market):
    with transaction():
        whole = an_order(market, EXAMPLE)
        after = actions.cancel(market.actor, whole.order.id, units(whole, A1=3))
    assert after.order.owed_minor == 43674 - 4095
    assert after.order.total_minor == 43674
    assert queries.last_step(whole.order.id).refund_minor == 0
    assert after.state is OrderState.AWAITING_PAYMENT


def test_what_has_shipped_stays_and_the_rest_may_be_cancelled(market, unheard):
    with transaction():
        whole = a_confirmed_order(market, EXAMPLE)
        part = part_of(whole, market.vendors["B"])
        actions.units_shipped(SYSTEM, part, {line_named(whole, "B1").id: 5})
    with pytest.raises(UnitsNotOpen), transaction():
        actions.cancel(market.actor, whole.order.id, units(whole, B1=3))
    with transaction():
        after = actions.cancel(market.actor, whole.order.id, units(whole, B1=2))
    assert part_of(after, market.vendors["B"]).state is VendorOrderState.SHIPPED
    assert line_named(after, "B1").cancelled_quantity == 2


def test_the_last_open_units_of_a_part_shipped_one_announce_that_it_has_shipped(market, unheard):
    with transaction():
        whole = a_confirmed_order(market, EXAMPLE)
        part = part_of(whole, market.vendors["B"])
        actions.units_shipped(SYSTEM, part, {line_named(whole, "B1").id: 5})
        unheard.clear()
        actions.cancel_part(SYSTEM, part.id)
    step = queries.last_step(whole.order.id)
    assert unheard == [
        OrderStepTaken(whole.order.id, step.id, 1),
        VendorOrderShipped(whole.order.id, part.id),
    ]


def test_the_whole_order_cancels_what_has_not_shipped(market, unheard):
    with transaction():
        whole = a_confirmed_order(market, EXAMPLE)
        actions.units_shipped(SYSTEM, part_of(whole, market.vendors["B"]), {line_named(whole, "B1").id: 7})
        after = actions.cancel(market.actor, whole.order.id)
    assert part_of(after, market.vendors["A"]).state is VendorOrderState.CANCELLED
    assert part_of(after, market.vendors["B"]).state is VendorOrderState.SHIPPED
    assert line_named(after, "B1").cancelled_quantity == 0


def test_a_lost_step_moves_the_other_vendor_too(session):
    """10 percent from 1000.00, 5 percent from 500.00, half paid by each line's vendor: the published figures."""
    with transaction():
        market = a_market(vendors=("A", "B", "C"), country="US")
        for name, price in (("A", "150.00"), ("B", "84.00"), ("C", "80.00")):
            market.offers[name] = an_offer(market.vendors[name], price=price, sku=name)
        a_promotion(
            vendor_share="0.5",
            steps=[{"from_minor": 50000, "rate": "0.05"}, {"from_minor": 100000, "rate": "0.10"}],
        )
        whole = a_paid_order(market, {"A": 4, "B": 5, "C": 1})
        before = [part.payable_minor for part in whole.parts]
        after = actions.cancel(market.actor, whole.order.id, units(whole, A=1))
    assert whole.order.total_minor == 99000
    moved = [part.payable_minor - was for part, was in zip(after.parts, before, strict=True)]
    assert moved == [-11813, 945, 180]
    assert queries.last_step(whole.order.id).refund_minor == 8750


def test_a_vendors_fault_keeps_the_step(session):
    with transaction():
        market = a_market(vendors=("A",), country="US")
        market.offers["A"] = an_offer(market.vendors["A"], price="100.00", sku="A")
        a_promotion(steps=[{"from_minor": 100000, "rate": "0.10"}])
        whole = a_paid_order(market, {"A": 10})
        actions.cancel_part(SYSTEM, whole.parts[0].id, units(whole, A=1))
    assert queries.last_step(whole.order.id).refund_minor == 9000


def test_an_order_keeps_its_terms_when_the_rules_change(market, whole):
    with transaction():
        db.session.query(Promotion).delete()
        actions.cancel(market.actor, whole.order.id, units(whole, A1=3))
    assert queries.last_step(whole.order.id).refund_minor == 4095


def test_a_refund_recorded_by_a_listener_is_not_recorded_again(market, whole, monkeypatch):
    def listen(event):
        step = db.session.get(OrderStep, event.step_id)
        actions.record_refund(step.order_id, step.refund_minor, f"refund:{step.id}")

    with transaction():
        monkeypatch.setattr(outbox, "publish", listen)
        after = actions.cancel(market.actor, whole.order.id, units(whole, A1=3))
    assert after.net_paid_minor == actions.net_paid(whole.order.id) == 43674 - 4095


def test_an_order_that_cannot_be_cancelled_by_time_stops_no_other(market, monkeypatch):
    with transaction():
        stuck, whole = an_order(market, {"A1": 1}), an_order(market, {"A1": 1})
    cancel = actions.cancel_unpaid

    def fails(order_id):
        if order_id == stuck.order.id:
            raise ValueError
        return cancel(order_id)

    monkeypatch.setattr(actions, "cancel_unpaid", fails)
    with clock.moved(timedelta(days=30)):
        jobs.expire_unpaid()
    assert as_it_is(stuck.order.id)[0] > 0
    assert as_it_is(whole.order.id)[0] == 0
