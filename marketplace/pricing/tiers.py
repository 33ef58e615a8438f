"""Unit prices by quantity: a return never lowers a price, and nobody pays more for keeping less."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from marketplace.kernel.money import minor_digits, round_half_up, round_half_up_each
from marketplace.pricing.facts import Order, PriceTier
from marketplace.pricing.policy import Policy, TierPolicy
from marketplace.pricing.refusals import MAX_MINOR, MICROS, Refused
from marketplace.pricing.tallies import Tally

_EXACT = Context(prec=40)


@dataclass(frozen=True, slots=True)
class Price:
    """A unit price that is an exact fraction: numerator / denominator, in micros of the major unit."""

    numerator: int
    denominator: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Prices:
    """placed: the tier of each line as it was ordered; rerated: by position, where the state has another price.

    per_minor: micros in one minor unit of the currency.
    """

    placed: list[PriceTier]
    rerated: dict[int, Price]
    per_minor: int

    def listed(self, index: int, quantity: int) -> int:
        """The list value of a quantity of a line at the price of the state, rounded once."""
        price = self.rerated.get(index)
        if price is None:
            return round_half_up(self.placed[index].micros * quantity, self.per_minor)
        return round_half_up(price.numerator * quantity, price.denominator * self.per_minor)

    def listed_each(self, quantities: Sequence[int]) -> list[int]:
        """The list values of a quantity of every line."""
        values = (tier.micros * units for tier, units in zip(self.placed, quantities, strict=True))
        listed = round_half_up_each(values, self.per_minor)
        for index in self.rerated:
            listed[index] = self.listed(index, quantities[index])
        return listed


def tier_of(prices: tuple[PriceTier, ...], quantity: int) -> PriceTier:
    """The last tier that a quantity reaches, the first one below all of them."""
    found = prices[0]
    for tier in prices:
        if tier.from_quantity > quantity:
            break
        found = tier
    return found


def unit_prices(order: Order, policy: Policy, tally: Tally) -> Prices:
    """The prices of the order as it was placed and of the state; Refused where the order is too large to be booked."""
    per_minor = MICROS // 10 ** minor_digits(order.currency)
    placed = [tier_of(line.prices, line.quantity) for line in order.lines]
    # The first tier is the dearest, so no state of the order can come to more than this.
    dearest = sum([line.prices[0].micros * line.quantity for line in order.lines])
    if dearest > MAX_MINOR * per_minor:
        raise Refused("an order is larger than can be booked")
    rerated = _rerated(order, placed, tally) if policy.tier is TierPolicy.RERATE else {}
    return Prices(placed, rerated, per_minor)


def _rerated(order: Order, placed: list[PriceTier], tally: Tally) -> dict[int, Price]:
    changed: dict[int, Price] = {}
    for index in tally.returned:
        ordered, counting = tally.ordered[index], tally.qualifying[index]
        if counting == 0:
            continue
        before, after = placed[index], tier_of(order.lines[index].prices, counting)
        # What cost nothing costs nothing however few of it count: it is capped at the price that it has.
        if before.micros in (0, after.micros):
            continue
        whole = before.micros * ordered
        if after.micros * counting <= whole:
            changed[index] = Price(after.micros, 1, after.unit_price)
        else:
            capped = Decimal(round_half_up(whole, counting)).scaleb(-6, _EXACT)
            changed[index] = Price(whole, counting, capped)
    return changed
