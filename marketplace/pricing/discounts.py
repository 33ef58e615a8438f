"""Promotions shared out to lines and to who pays for them, so that every cent of a discount is somebody's."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.kernel.money import allocate, round_half_up, share
from marketplace.pricing.facts import Order, Promotion
from marketplace.pricing.refusals import MICROS


@dataclass(frozen=True, slots=True)
class Cuts:
    """Per promotion and position what the line's vendor and what the marketplace takes off, and both summed up."""

    vendor: list[list[int]]
    market: list[list[int]]
    by_vendor: list[int]
    by_market: list[int]


def earned(order: Order, listed: Sequence[int]) -> tuple[int, ...]:
    """Per promotion the last step that the list values in its scope reach, before any promotion; -1 for none."""
    whole = sum(listed)
    return tuple(
        bisect_right(
            promotion.thresholds,
            whole if promotion.lines is None else sum(listed[i] for part in scope.values() for i in part),
        )
        - 1
        for promotion, scope in zip(order.promotions, order.scopes, strict=True)
    )


def cuts_of(order: Order, gross: Sequence[int], steps: Sequence[int]) -> Cuts:
    """Every promotion in turn, each on what the earlier ones left of the lines in its scope."""
    left = list(gross)
    vendor: list[list[int]] = []
    market: list[list[int]] = []
    for number, promotion in enumerate(order.promotions):
        paid_by_vendor, paid_by_market = [0] * len(left), [0] * len(left)
        vendor.append(paid_by_vendor)
        market.append(paid_by_market)
        if steps[number] < 0:
            continue
        scope = order.scopes[number]
        positions = sorted(index for part in scope.values() for index in part)
        weights = [left[index] for index in positions]
        taken = allocate(_off(promotion, steps[number], sum(weights)), weights)
        for index, part in zip(positions, taken, strict=True):
            left[index] -= part
            paid_by_market[index] = part
        for party, part_positions in scope.items():
            parts = [paid_by_market[index] for index in part_positions]
            micros = promotion.share_micros_by.get(party, promotion.share_micros)
            borne = allocate(round_half_up(sum(parts) * micros, MICROS), parts)
            for index, part in zip(part_positions, borne, strict=True):
                paid_by_vendor[index] = part
                paid_by_market[index] -= part
    return _summed(vendor, market, len(left))


def in_percent(order: Order, steps: Sequence[int]) -> list[bool]:
    """Per promotion whether the step that is earned takes off a rate."""
    return [
        step >= 0 and promotion.steps[step].rate is not None
        for promotion, step in zip(order.promotions, steps, strict=True)
    ]


def rescale(cuts: Cuts, percent: Sequence[bool], index: int, gross: int, ratio: tuple[int, int]) -> None:
    """Scale, in place, the percent cuts of a line whose list value became gross; amounts stay what they were.

    ratio: the new unit price over the old one, as numerator and denominator. What exceeds the list value by
    rounding is cut from the last bucket backwards.
    """
    pairs = list(zip(cuts.vendor, cuts.market, strict=True))
    for pair, scaled in zip(pairs, percent, strict=True):
        for bucket in pair if scaled else ():
            bucket[index] = round_half_up(bucket[index] * ratio[0], ratio[1])
    buckets = [bucket for pair in pairs for bucket in pair]
    excess = sum(bucket[index] for bucket in buckets) - gross
    for bucket in reversed(buckets):
        if excess <= 0:
            break
        cut = min(excess, bucket[index])
        bucket[index] -= cut
        excess -= cut
    cuts.by_vendor[index] = sum(bucket[index] for bucket in cuts.vendor)
    cuts.by_market[index] = sum(bucket[index] for bucket in cuts.market)


def kept_cuts(cuts: Cuts, index: int, kept: int, ordered: int) -> tuple[int, int]:
    """What vendor and marketplace take off the kept units of a line.

    Shares of running sums, so that the parts never exceed the line.
    """
    by_vendor = by_market = running = before = 0
    for vendor, market in zip(cuts.vendor, cuts.market, strict=True):
        if part := vendor[index]:
            running += part
            after = share(running, kept, ordered)
            by_vendor += after - before
            before = after
        if part := market[index]:
            running += part
            after = share(running, kept, ordered)
            by_market += after - before
            before = after
    return by_vendor, by_market


def copied(cuts: Cuts) -> Cuts:
    """A copy whose lists may be changed without touching the original."""
    vendor = [list(bucket) for bucket in cuts.vendor]
    market = [list(bucket) for bucket in cuts.market]
    return Cuts(vendor, market, list(cuts.by_vendor), list(cuts.by_market))


def _off(promotion: Promotion, step: int, base: int) -> int:
    chosen = promotion.steps[step]
    if chosen.amount_minor is None:
        return round_half_up(base * chosen.rate_micros, MICROS)
    return min(chosen.amount_minor, base)


def _summed(vendor: list[list[int]], market: list[list[int]], size: int) -> Cuts:
    if not vendor:
        return Cuts(vendor, market, [0] * size, [0] * size)
    by_vendor = [sum(column) for column in zip(*vendor, strict=True)]
    by_market = [sum(column) for column in zip(*market, strict=True)]
    return Cuts(vendor, market, by_vendor, by_market)
