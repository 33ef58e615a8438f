"""An order in a state with its units counted and its prices found: what discounts, tax and deliveries are valued on."""

from dataclasses import dataclass

from marketplace.kernel.money import round_half_up_each
from marketplace.pricing.facts import Order, State
from marketplace.pricing.policy import Policy
from marketplace.pricing.tallies import Tally, count
from marketplace.pricing.tiers import Prices, unit_prices


@dataclass(frozen=True, slots=True)
class Rated:
    """placed and counting: the list values, by position, of what was ordered and of what of it still counts."""

    order: Order
    policy: Policy
    tally: Tally
    prices: Prices
    placed: list[int]
    counting: list[int]


def rate(order: Order, policy: Policy, state: State) -> Rated:
    """The order in its state; Refused where the state does not fit the order."""
    tally = count(order, policy, state)
    prices = unit_prices(order, policy, tally)
    listed = (tier.micros * units for tier, units in zip(prices.placed, tally.ordered, strict=True))
    placed = round_half_up_each(listed, prices.per_minor)
    counting = placed
    if tally.qualifying != tally.ordered:
        counting = prices.listed_each(tally.qualifying)
    return Rated(order, policy, tally, prices, placed, counting)
