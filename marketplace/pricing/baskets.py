"""A basket of lines with discounts, tax and commission, valued as a whole before any of it is shared."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.kernel.money import round_half_up, round_half_up_each
from marketplace.pricing.discounts import Cuts, copied, cuts_of, in_percent, rescale
from marketplace.pricing.facts import Order
from marketplace.pricing.policy import Policy, TaxBase
from marketplace.pricing.rated import Rated
from marketplace.pricing.refusals import MICROS
from marketplace.pricing.taxes import line_taxes, tax_on


@dataclass(frozen=True, slots=True)
class Basket:
    """By position: list value, discounts, tax and commission of all units that the basket holds."""

    gross: list[int]
    cuts: Cuts
    taxes: list[int]
    commissions: list[int]

    def paid(self, index: int) -> int:
        """What the buyer pays for a line, fees and, where prices exclude it, tax apart."""
        return self.gross[index] - self.cuts.by_vendor[index] - self.cuts.by_market[index]

    def earned(self, index: int, contained: bool) -> int:
        """What the vendor earns by a line, net of tax and commission."""
        return (
            self.gross[index]
            - self.cuts.by_vendor[index]
            - self.commissions[index]
            - (self.taxes[index] if contained else 0)
        )


def basket_of(order: Order, policy: Policy, gross: list[int], steps: Sequence[int]) -> Basket:
    """The basket of the given list values at the given steps."""
    cuts = cuts_of(order, gross, steps)
    due = [value - cut for value, cut in zip(gross, cuts.by_vendor, strict=True)]
    bases = due
    if policy.tax_base is TaxBase.BUYER_PRICE:
        bases = [value - cut for value, cut in zip(due, cuts.by_market, strict=True)]
    taxes = line_taxes(order, bases)
    if order.prices_include_tax:
        due = [value - tax for value, tax in zip(due, taxes, strict=True)]
    dues = (value * line.commission_micros for value, line in zip(due, order.lines, strict=True))
    commissions = round_half_up_each(dues, MICROS)
    return Basket(gross, cuts, taxes, commissions)


def rerate(rated: Rated, basket: Basket, steps: Sequence[int]) -> Basket:
    """The basket of all units with its re-rated lines at the price of the state; no other line moves."""
    order, prices = rated.order, rated.prices
    if not prices.rerated:
        return basket
    changed = Basket(list(basket.gross), copied(basket.cuts), list(basket.taxes), list(basket.commissions))
    cuts, contained = changed.cuts, order.prices_include_tax
    percent = in_percent(order, steps)
    for index, price in prices.rerated.items():
        line = order.lines[index]
        gross = prices.listed(index, line.quantity)
        rescale(cuts, percent, index, gross, (price.numerator, price.denominator * prices.placed[index].micros))
        due = gross - cuts.by_vendor[index]
        base = due - cuts.by_market[index] if rated.policy.tax_base is TaxBase.BUYER_PRICE else due
        tax = tax_on(base, line.tax_micros, contained)
        changed.gross[index] = gross
        changed.taxes[index] = tax
        changed.commissions[index] = round_half_up((due - tax if contained else due) * line.commission_micros, MICROS)
    return changed
