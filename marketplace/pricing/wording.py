"""How the formula's facts are said in words: pure, the same for the API, a page and a document."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from marketplace.kernel.money import Money
from marketplace.pricing.facts import ChargeKind, Promotion
from marketplace.pricing.policy import Fault

BY = {
    Fault.BUYER: "by the buyer's own choice",
    Fault.VENDOR: "by the vendor's fault",
    Fault.CARRIER: "by the carrier's fault",
    Fault.OPERATOR: "by the marketplace's fault",
    Fault.CANCELLED: "because they were cancelled",
}
AS = {
    Fault.BUYER: "the buyer's own choice",
    Fault.VENDOR: "the vendor's fault",
    Fault.CARRIER: "the carrier's fault",
    Fault.OPERATOR: "the marketplace's fault",
    Fault.CANCELLED: "cancelled",
}
CHARGES = {
    ChargeKind.OTHER: "a charge",
    ChargeKind.LABEL: "the return label",
    ChargeKind.DAMAGE: "damage",
    ChargeKind.GOODWILL: "goodwill",
    ChargeKind.WAIVED_DEFICIT: "what was still to be paid is let go",
    ChargeKind.FAULT_SHARE: "a share of the fault",
    ChargeKind.CARRIER_CLAIM: "a claim on the carrier",
}


def money(minor: int, currency: str) -> str:
    """`4.26`, without sign: the sentence says who gets it."""
    return Money(abs(minor), currency).major()


def percent(rate: Decimal) -> str:
    """`Decimal("0.125")` -> `12.5 %`."""
    text = format(rate * 100, "f")
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def price(unit_price: Decimal) -> str:
    """A unit price with two decimals at least: `12.50`, `0.0375`."""
    whole, _, fraction = format(unit_price, "f").partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def listed(words: Iterable[str]) -> str:
    """`a, b and c`."""
    *some, last = words
    return f"{', '.join(some)} and {last}" if some else last


def by_faults(units: Mapping[Fault, int]) -> str:
    """`by the vendor's fault`, or `2 by the vendor's fault and 1 by the buyer's own choice`."""
    if len(units) == 1:
        return BY[next(iter(units))]
    return listed(f"{quantity} {BY[fault]}" for fault, quantity in units.items())


def as_faults(units: Mapping[Fault, int]) -> str:
    return listed(f"{AS[fault]} ({quantity})" for fault, quantity in units.items())


def step(promotion: Promotion, earned: int, currency: str) -> str:
    """`10 % from 1000.00`, or `nothing`."""
    if earned < 0:
        return "nothing"
    chosen = promotion.steps[earned]
    off = percent(chosen.rate) if chosen.rate is not None else money(chosen.amount_minor or 0, currency)
    return f"{off} from {money(chosen.from_minor, currency)}" if chosen.from_minor else off
