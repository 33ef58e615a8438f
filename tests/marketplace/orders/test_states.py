"""Every pair of state and verb of a vendor order, and the order's state from its parts, in Python and in SQL."""

import itertools

import pytest

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.kernel.states import IllegalMove, advance
from marketplace.orders import queries
from marketplace.orders.models import Order
from marketplace.orders.states import VENDOR_ORDER_STATES, OrderState, VendorOrderState, VendorOrderVerb, order_state
from tests.builders.orders import an_order, the_example

S, V = VendorOrderState, VendorOrderVerb
# Said again in the test's own words: from, verb, to.
ALLOWED = """
placed pay to_confirm; to_confirm pay to_confirm; confirmed pay confirmed; part_shipped pay part_shipped;
shipped pay shipped; delivered pay delivered; to_confirm confirm confirmed; confirmed ship_part part_shipped;
part_shipped ship_part part_shipped; confirmed ship shipped; part_shipped ship shipped; shipped ship shipped;
part_shipped close_short shipped; shipped deliver delivered; delivered deliver delivered; delivered close closed;
placed decline cancelled; to_confirm decline cancelled; confirmed decline cancelled; placed cancel cancelled;
to_confirm cancel cancelled; confirmed cancel cancelled; placed begin_on_terms to_confirm
"""
TABLE = {(S(a), V(verb)): S(b) for a, verb, b in (row.split() for row in ALLOWED.split(";"))}


@pytest.mark.parametrize(("state", "verb"), list(itertools.product(S, V)))
def test_every_pair_of_state_and_verb(state, verb):
    if (state, verb) in TABLE:
        assert advance(VENDOR_ORDER_STATES, state, verb) is TABLE[state, verb]
    else:
        with pytest.raises(IllegalMove):
            advance(VENDOR_ORDER_STATES, state, verb)


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ("placed placed", "awaiting_payment"),
        ("placed cancelled", "awaiting_payment"),
        ("to_confirm to_confirm", "paid"),
        ("to_confirm cancelled", "paid"),
        ("to_confirm confirmed", "in_fulfilment"),
        ("confirmed cancelled", "in_fulfilment"),
        ("part_shipped delivered", "in_fulfilment"),
        ("to_confirm delivered", "in_fulfilment"),
        ("shipped shipped", "in_fulfilment"),
        ("delivered closed", "completed"),
        ("delivered cancelled", "partly_cancelled"),
        ("cancelled cancelled", "cancelled"),
    ],
)
def test_the_state_of_an_order(parts, state):
    assert order_state([S(part) for part in parts.split()]) == OrderState(state)


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ("to_confirm to_confirm", "on_terms"),
        ("to_confirm cancelled", "on_terms"),
        ("to_confirm confirmed", "in_fulfilment"),
        ("delivered closed", "completed"),
        ("cancelled cancelled", "cancelled"),
    ],
)
def test_the_state_of_an_order_on_terms(parts, state):
    assert order_state([S(part) for part in parts.split()], on_terms=True) == OrderState(state)


@pytest.mark.parametrize("on_terms", [False, True])
def test_the_filter_in_sql_says_the_same_for_every_pair_of_parts(session, on_terms):
    with transaction():
        whole = an_order(the_example(), {"A1": 1, "B1": 1})
        whole.order.payment_terms = {"kind": "net", "days": 30, "text": "30 days net"} if on_terms else None
    parts = queries.parts_of(whole.order.id)
    for states in itertools.product(S, repeat=2):
        for part, state in zip(parts, states, strict=True):
            part.state = state
        session.flush()
        found = {
            state
            for state in OrderState
            if session.scalar(queries.orders(SYSTEM, state=state).with_only_columns(Order.id)) == whole.order.id
        }
        assert found == {order_state(states, on_terms=on_terms)}, states
    db.session.expire_all()
