"""What is charged in the buyer's favour gives him no more than he owes, so that no refund is more than was paid."""

from dataclasses import replace

from marketplace.pricing.facts import BUYER, Charge, ChargeKind, Order, State
from marketplace.pricing.policy import Policy
from marketplace.pricing.valuation import value


def as_far_as_owed(order: Order, policy: Policy, state: State) -> State:
    """The state with the charges that the buyer gets lowered to what he owes without them: first deficits that were let
    go, which there are none of any more, then the latest of the others."""
    given = [charge for charge in state.charges if charge.payee == BUYER]
    if not given:
        return state
    others = tuple(charge for charge in state.charges if charge.payee != BUYER)
    left = value(order, policy, State(state.returned, others)).buyer_owes_minor
    if sum(charge.amount_minor for charge in given) <= left:
        return state
    parts: dict[int, Charge] = {}
    for number in sorted(range(len(state.charges)), key=lambda one: _is_let_go(state.charges[one])):
        charge = state.charges[number]
        amount = min(charge.amount_minor, left) if charge.payee == BUYER else charge.amount_minor
        left -= amount if charge.payee == BUYER else 0
        if amount:
            parts[number] = replace(charge, amount_minor=amount)
    return State(state.returned, tuple(parts[number] for number in sorted(parts)))


def _is_let_go(charge: Charge) -> bool:
    return charge.kind is ChargeKind.WAIVED_DEFICIT
