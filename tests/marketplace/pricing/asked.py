"""Short ways to write orders and policies of the specification down by hand."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from marketplace.pricing.facts import (
    Charge,
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


def line(name: str, quantity: int, *prices: str | tuple[int, str], **facts: Any) -> Line:
    """A line of the vendor that its first letter names; a bare price counts from one unit on."""
    tiers = tuple(PriceTier(1, Decimal(p)) if isinstance(p, str) else PriceTier(p[0], Decimal(p[1])) for p in prices)
    terms = {"tax_rate": "0", "commission_rate": "0.10", "restocking_rate": "0"} | {
        key: facts.pop(key) for key in ("tax_rate", "commission_rate", "restocking_rate") if key in facts
    }
    rates = {key: Decimal(rate) for key, rate in terms.items()}
    return Line(
        **{"id": name, "vendor": name[0], "quantity": quantity, "prices": tiers, "delivery": None} | rates | facts
    )


def percent(name: str, share: str, *steps: tuple[int, str], lines: tuple[str, ...] | None = None) -> Promotion:
    return Promotion(name, tuple(PromotionStep(at, Decimal(rate)) for at, rate in steps), Decimal(share), {}, lines)


def fixed(name: str, share: str, *steps: tuple[int, int], lines: tuple[str, ...] | None = None) -> Promotion:
    return Promotion(name, tuple(PromotionStep(at, None, sum_) for at, sum_ in steps), Decimal(share), {}, lines)


def delivery(name: str, seller: str, price: int, free_from: int | None = None, **facts: Any) -> Delivery:
    terms = {"free_basis": FreeBasis.GROUP, "tax_rate": Decimal(0)} | facts
    return Delivery(name, seller, price, free_from, **terms)


def order(*lines: Line, inclusive: bool = False, promotions: Any = (), deliveries: Any = ()) -> Order:
    return Order("EUR", inclusive, lines, tuple(promotions), tuple(deliveries))


def back(*entries: tuple[str, str, int], charges: tuple[tuple[str, str, int], ...] = ()) -> State:
    returned = tuple(Returned(name, Fault(fault), quantity) for name, fault, quantity in entries)
    return State(returned, tuple(Charge(*charge) for charge in charges))


def b2b(**terms: Any) -> Any:
    return replace(B2B, **terms)
