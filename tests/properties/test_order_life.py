"""Whatever happens to an order, in whatever sequence, its sums add up and its stock is neither lost nor doubled."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.catalogue.models import OfferStock, Reservation
from marketplace.kernel import outbox
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.kernel.errors import Conflict
from marketplace.kernel.states import IllegalMove
from marketplace.orders import actions, queries
from marketplace.orders.states import order_state
from tests.builders.orders import EXAMPLE, an_order, the_example

HAPPENS = st.one_of(
    st.tuples(st.just("pay"), st.integers(1, 50000)),
    st.tuples(st.just("confirm"), st.integers(0, 1)),
    st.tuples(st.just("cancel"), st.integers(0, 2), st.integers(1, 4)),
    st.tuples(st.just("decline"), st.integers(0, 2), st.integers(1, 4)),
    st.tuples(st.just("ship"), st.integers(0, 2), st.integers(1, 4)),
    st.tuples(st.just("cancel all")),
)


@pytest.fixture
def market(session, monkeypatch):
    monkeypatch.setattr(outbox, "publish", lambda event: None)
    with transaction():
        made = the_example()
        for offer in made.offers.values():
            db.session.get(OfferStock, offer.id).on_hand = 10**6
    return made


def act(market, order_id, number, event):
    whole = queries.whole(SYSTEM, order_id)
    match event:
        case ("pay", amount):
            actions.record_payment(SYSTEM, order_id, amount, "EUR", f"{order_id}:{number}")
        case ("confirm", part):
            actions.confirm(SYSTEM, whole.parts[part].id)
        case ("cancel", line, units):
            actions.cancel(market.actor, order_id, [actions.Units(whole.lines[line].id, units)])
        case ("decline", line, units):
            row = whole.lines[line]
            actions.cancel_part(SYSTEM, row.vendor_order_id, [actions.Units(row.id, units)])
        case ("ship", line, units):
            row = whole.lines[line]
            part = next(part for part in whole.parts if part.id == row.vendor_order_id)
            actions.units_shipped(SYSTEM, part, {row.id: units})
        case ("cancel all",):
            actions.cancel(market.actor, order_id)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(HAPPENS, min_size=1, max_size=8))
def test_an_order_adds_up_after_everything_that_happens_to_it(market, events):
    reserved_before = reserved(market)
    with transaction():
        order_id = an_order(market, EXAMPLE).order.id
    for number, event in enumerate([("pay", 20000), *events]):
        before = picture(order_id)
        try:
            with transaction():
                act(market, order_id, number, event)
        except (Conflict, IllegalMove):
            db.session.expire_all()
            assert picture(order_id) == before
        check(order_id)
    held = sum(row.quantity for row in db.session.query(Reservation).filter_by(order_id=order_id))
    assert reserved(market) - reserved_before == held


def reserved(market):
    return sum(
        db.session.get(OfferStock, offer.id, populate_existing=True).reserved for offer in market.offers.values()
    )


def picture(order_id):
    whole = queries.whole(SYSTEM, order_id)
    lines = [(line.cancelled_quantity, line.shipped_quantity) for line in whole.lines]
    return whole.order.owed_minor, whole.net_paid_minor, lines, [part.state for part in whole.parts]


def check(order_id):
    whole = queries.whole(SYSTEM, order_id)
    steps = queries.steps_of(order_id)
    order, last = whole.order, steps[-1].valuation
    assert [step.number for step in steps] == list(range(len(steps)))
    assert order.owed_minor == last["buyer_owes_minor"]
    sides = last["buyer_owes_minor"] + last["market_discount_minor"] + last["compensation_minor"]
    assert sides == sum(last["vendors_minor"].values()) + last["commission_minor"] + last["operator_delivery_minor"]
    assert {str(p.vendor_id): p.payable_minor for p in whole.parts} == last["vendors_minor"]
    assert sum(p.commission_minor for p in whole.parts) == last["commission_minor"]
    assert whole.net_paid_minor >= 0
    if all(line.cancelled_quantity == line.quantity for line in whole.lines):
        assert order.owed_minor == 0
        assert whole.state.value == "cancelled"
    for line in whole.lines:
        returned = [e["quantity"] for e in order.formula_state["returned"] if e["line"] == str(line.id)]
        assert sum(returned) == line.cancelled_quantity
        assert line.cancelled_quantity + line.shipped_quantity <= line.quantity
    assert whole.state is order_state([part.state for part in whole.parts])
