"""Tax is rounded once per vendor and rate, and the taxes of the lines add up to it."""

from collections.abc import Sequence

from marketplace.kernel.money import allocate, round_half_up
from marketplace.pricing.facts import Order
from marketplace.pricing.refusals import MICROS


def tax_on(base: int, rate_micros: int, contained: bool) -> int:
    """The tax on a base, or the tax contained in it where prices include tax."""
    return round_half_up(base * rate_micros, MICROS + rate_micros if contained else MICROS)


def line_taxes(order: Order, bases: Sequence[int]) -> list[int]:
    """The tax of every line: that of its vendor and rate, by the bases of the lines."""
    taxes = [0] * len(bases)
    for (_, rate_micros), positions in order.by_tax.items():
        if rate_micros == 0:
            continue
        weights = [bases[index] for index in positions]
        whole = tax_on(sum(weights), rate_micros, order.prices_include_tax)
        for index, part in zip(positions, allocate(whole, weights), strict=True):
            taxes[index] = part
    return taxes
