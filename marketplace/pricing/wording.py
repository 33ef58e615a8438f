"""How the formula's facts are said in words: pure, the same for the API, a page and a document."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from marketplace.kernel.money import Money
from marketplace.pricing.facts import ChargeKind, Promotion
from marketplace.pricing.policy import (
    CommissionPolicy,
    DeliveryRefund,
    DiscountPolicy,
    Fault,
    FreeDeliveryPolicy,
    TaxBase,
    TierPolicy,
)

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

_OF = {fault: f"that come back {words}" for fault, words in BY.items()} | {Fault.CANCELLED: "that were cancelled"}
_DELIVERY = {
    DeliveryRefund.NONE: "Delivery is not given back for goods {}.",
    DeliveryRefund.FULL_ON_FULL: "Delivery is given back for goods {} only where nothing of it is kept.",
    DeliveryRefund.PROPORTIONAL: "Delivery is given back for goods {}, by their value.",
}
RULES = {
    f"discount: {DiscountPolicy.PROPORTIONAL}": "The discount of the order stays on the goods that are kept.",
    f"discount: {DiscountPolicy.REQUALIFY}": "The goods that are kept get the discount that the order still earns.",
    f"discount: {DiscountPolicy.REPRICE_KEPT}": "The discount is worked out anew on the goods that are kept.",
    f"tier: {TierPolicy.KEEP}": "The unit price of the order stays.",
    f"tier: {TierPolicy.RERATE}": "The unit price is that of the volume that still counts.",
    f"free_delivery: {FreeDeliveryPolicy.KEEP}": "Delivery that was free stays free.",
    f"free_delivery: {FreeDeliveryPolicy.CLAWBACK}": "Delivery is free while enough goods for it still count.",
    f"tax_base: {TaxBase.VENDOR_CONSIDERATION}": "Tax is on the price less what the vendor gives of the discount.",
    f"tax_base: {TaxBase.BUYER_PRICE}": "Tax is on the price less the whole discount.",
    f"commission: {CommissionPolicy.REVERSE}": "Commission is taken only on goods that are kept.",
    f"commission: {CommissionPolicy.KEEP}": "Commission stays on goods that come back, unless another bears the loss.",
    f"commission: {CommissionPolicy.REVERSE_MINUS_FEE}": "Commission on goods that come back is given back less a fee.",
    "restocking": "The vendor takes a fee for goods that come back by the buyer's own choice.",
    "restocking_taxed": "The restocking fee is taxed as its goods are.",
    "loss_borne_by": "A loss that is not the vendor's is borne by the marketplace.",
    "charge": "Charged beside the goods.",
    **{
        f"delivery_refund.{fault}: {refund}": words.format(_OF[fault])
        for refund, words in _DELIVERY.items()
        for fault in Fault
    },
}


def why(kind: str, rule: str) -> str:
    """The term of a policy that made a sum, in plain words; "" for one that no policy has any more."""
    if kind == "goods" and rule.startswith("discount: "):
        return "Only goods that are kept are paid."
    return RULES.get(rule, "")


def money(minor: int, currency: str) -> str:
    """`1,204.26 EUR`, without sign: the sentence says who gets it."""
    return Money(abs(minor), currency).format()


def percent(rate: Decimal) -> str:
    """`Decimal("0.125")` -> `12.5 %`."""
    text = format(rate * 100, "f")
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def price(unit_price: Decimal, currency: str) -> str:
    """A unit price with two decimals at least: `12.50 EUR`, `0.0375 EUR`."""
    whole, _, fraction = format(unit_price, ",f").partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')} {currency}"


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
    """`10 % from 1,000.00 EUR`, or `nothing`."""
    if earned < 0:
        return "nothing"
    chosen = promotion.steps[earned]
    off = percent(chosen.rate) if chosen.rate is not None else money(chosen.amount_minor or 0, currency)
    return f"{off} from {money(chosen.from_minor, currency)}" if chosen.from_minor else off
