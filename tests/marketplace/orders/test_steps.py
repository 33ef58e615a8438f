"""A decided return moves the order's state like a cancellation does, and no unit comes back twice."""

import pytest
from sqlalchemy.exc import IntegrityError

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions, queries
from marketplace.orders.formula import facts_of, with_units
from marketplace.orders.refusals import UnitsNotReturnable
from marketplace.pricing.facts import Charge, ChargeKind, State
from marketplace.pricing.policy import Fault
from marketplace.pricing.wire import state_from_json
from marketplace.shipments import actions as shipments
from tests.builders.orders import a_confirmed_order, line_named, the_example

SHIP_ALL = {"carrier": "DHL", "tracking_number": "", "lines": None, "announce_only": False}


@pytest.fixture
def whole(session):
    with transaction():
        made = a_confirmed_order(the_example(), {"A1": 10, "A2": 3, "B1": 7})
        for part in made.parts:
            shipments.ship(SYSTEM, part.id, SHIP_ALL)
    return queries.whole(SYSTEM, made.order.id)


def step(whole, state, cause=actions.Cause.RETURNED, **reason):
    order = queries.order(SYSTEM, whole.order.id, locked=True)
    parts = queries.parts_of(order.id, locked=True)
    return actions.take_step(order, parts, state, actions.Reason(SYSTEM, cause, **reason))


def test_the_step_of_the_first_example(whole):
    """E 436.74 -> 344.60; V of A 245.15 -> 206.27, of B 148.88 -> 106.35."""
    _, _, state = facts_of(whole.order)
    state = with_units(state, {line_named(whole, "A1").id: 3}, Fault.BUYER)
    state = with_units(state, {line_named(whole, "B1").id: 2}, Fault.VENDOR)
    with transaction():
        taken = step(whole, state, source="return:r:1")
    assert (taken.step.number, taken.step.cause, taken.step.refund_minor) == (1, "returned", 9214)
    assert (taken.paid_minor, taken.net_paid_minor) == (43674, 34460)
    found = queries.whole(SYSTEM, whole.order.id)
    assert (found.order.owed_minor, found.net_paid_minor) == (34460, 34460)
    assert [part.payable_minor for part in found.parts] == [20627, 10635]
    assert state_from_json(found.order.formula_state) == state


def test_the_same_source_is_one_step(whole):
    with transaction():
        step(whole, State(), source="return:r:1")
    with pytest.raises(IntegrityError), transaction():
        step(whole, State(), source="return:r:1")


def test_a_charge_keeps_what_it_is_for(whole):
    charge = Charge("marketplace", "buyer", 500, ChargeKind.GOODWILL)
    with transaction():
        taken = step(whole, State(charges=(charge,)), actions.Cause.CHARGED)
    assert taken.step.refund_minor == 500
    assert facts_of(queries.order(SYSTEM, whole.order.id))[2].charges == (charge,)


def test_each_unit_is_claimed_once(whole):
    line = line_named(whole, "A1")
    with transaction():
        actions.claim_returns(whole.lines, {line.id: 7})
    with pytest.raises(UnitsNotReturnable) as refused, transaction():
        actions.claim_returns(queries.lines_of(whole.order.id), {line.id: 4})
    assert (refused.value.pointer, refused.value.facts) == ("/lines/0/quantity", {"wanted": 4, "returnable": 3})
    with transaction():
        actions.claim_returns(queries.lines_of(whole.order.id), {line.id: -7})
        actions.claim_returns(queries.lines_of(whole.order.id), {line.id: 10})
    assert actions.returnable_units(line_named(queries.whole(SYSTEM, whole.order.id), "A1")) == 0


def test_the_database_refuses_units_that_have_not_shipped(whole):
    line_named(whole, "A1").returned_quantity = 11
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()
