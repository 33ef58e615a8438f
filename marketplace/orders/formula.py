"""The formula as orders use it: the facts that an order keeps, and its state after some units more were cancelled."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from marketplace.orders.models import Order, OrderStep
from marketplace.orders.refusals import OrderCannotBeValued
from marketplace.pricing import facts as pricing
from marketplace.pricing.losses import NOTHING_BESIDE, Beside, beside
from marketplace.pricing.policy import Fault, Policy
from marketplace.pricing.refusals import Refused
from marketplace.pricing.valuation import value
from marketplace.pricing.wire import order_from_json, policy_from_json, state_from_json

NOTHING_RETURNED = pricing.State()


@contextmanager
def in_words() -> Iterator[None]:
    """What the formula refuses inside is refused in the words of the API: OrderCannotBeValued."""
    try:
        yield
    except Refused as refused:
        raise OrderCannotBeValued(f"This cannot be priced: {refused.reason}.") from refused


def valued(order: pricing.Order, policy: Policy, state: pricing.State = NOTHING_RETURNED) -> pricing.Valuation:
    """value(). Raises OrderCannotBeValued."""
    with in_words():
        return value(order, policy, state)


def facts_of(order: Order) -> tuple[pricing.Order, Policy, pricing.State]:
    """What an order keeps of its terms: the formula's order, its policy and its present state."""
    return order_from_json(order.facts), policy_from_json(order.policy), state_from_json(order.formula_state)


def beside_of(order: Order, step: OrderStep, valuation: pricing.Valuation) -> Beside:
    """What charges and losses a step's valuation holds; most steps hold none."""
    if not step.formula_state["charges"] and not valuation.compensation_minor:
        return NOTHING_BESIDE
    state = state_from_json(step.formula_state)
    return beside(order_from_json(order.facts), policy_from_json(order.policy), state, valuation)


def with_units(state: pricing.State, units: Mapping[uuid.UUID, int], fault: Fault) -> pricing.State:
    """The state in which units of some lines more came back, or never travelled, by one fault."""
    counts = {(entry.line, entry.fault): entry.quantity for entry in state.returned}
    for line_id, quantity in units.items():
        key = (str(line_id), fault)
        counts[key] = counts.get(key, 0) + quantity
    returned = tuple(pricing.Returned(line, of, quantity) for (line, of), quantity in counts.items())
    return pricing.State(returned, state.charges)
