"""How long one call of value() takes on an order of 1,000 lines over 50 vendors; needs no server.

Run alone: python benchmarks/valuation.py. The last line is one JSON object.
"""

import gc
import json
import random
import statistics
import sys
import time
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from marketplace.pricing.facts import (
    Delivery,
    FreeBasis,
    Line,
    Order,
    PriceTier,
    Promotion,
    PromotionStep,
    Returned,
    State,
)
from marketplace.pricing.policy import B2B, Fault
from marketplace.pricing.valuation import value

LINES, VENDORS, ROUNDS = 1000, 50, 60
TAXES = [Decimal("0.19"), Decimal("0.07"), Decimal("0")]


def line(rng: random.Random, index: int) -> Line:
    vendor = f"vendor-{index % VENDORS}"
    micros = rng.randrange(10_000, 99_999_999)
    tiers = tuple(
        PriceTier(quantity, Decimal(micros * tenths // 10).scaleb(-6))
        for quantity, tenths in ((1, 10), (50, 9), (100, 8))
    )
    rate = Decimal("0.05")
    return Line(f"line-{index}", vendor, rng.randrange(2, 200), tiers, rng.choice(TAXES), rate * 2, vendor, rate)


def order_of(lines: int) -> Order:
    """An order with tiers, three promotions and a delivery per vendor, every tenth sold by the marketplace."""
    rng = random.Random(lines)
    chosen = tuple(line(rng, index) for index in range(lines))
    promotions = (
        Promotion(
            "steps", (PromotionStep(0, Decimal("0.03")), PromotionStep(100_000, Decimal("0.07"))), Decimal("0.4")
        ),
        Promotion("fixed", (PromotionStep(50_000, amount_minor=2_500),), Decimal("0.5")),
        Promotion("scoped", (PromotionStep(0, Decimal("0.1")),), Decimal("1"), {}, tuple(x.id for x in chosen[::3])),
    )
    deliveries = tuple(
        Delivery(seller, "marketplace" if number % 10 == 0 else seller, 990, 50_000, FreeBasis.GROUP, TAXES[0])
        for number, seller in enumerate(dict.fromkeys(x.vendor for x in chosen))
    )
    return Order("EUR", False, chosen, promotions, deliveries)


def returned_from(order: Order) -> State:
    """Some units of two lines in three back, by every fault in turn."""
    faults = list(Fault)
    return State(
        tuple(
            Returned(line.id, faults[index % len(faults)], max(1, line.quantity // 2))
            for index, line in enumerate(order.lines)
            if index % 3
        )
    )


def median_ms(order: Order, state: State, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        value(order, B2B, state)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def main() -> None:
    large, small = order_of(LINES), order_of(3)
    gc.collect()
    placed = median_ms(large, State(), ROUNDS)
    partly = median_ms(large, returned_from(large), ROUNDS)
    tiny = median_ms(small, State(), ROUNDS * 50)
    print(f"value() on {LINES} lines of {VENDORS} vendors, 3 tiers a line, 3 promotions, {VENDORS} deliveries, B2B")
    print(f"policy; median of {ROUNDS} calls in one process, the order already in memory; ms is the slower state.")
    print(f"as placed {placed:.2f} ms, with units of two lines in three back {partly:.2f} ms, 3 lines {tiny:.4f} ms")
    figures = {"ms": max(placed, partly), "placed_ms": placed, "returned_ms": partly, "three_lines_ms": tiny}
    print(json.dumps({"lines": LINES, "vendors": VENDORS, **{key: round(ms, 4) for key, ms in figures.items()}}))


if __name__ == "__main__":
    main()
