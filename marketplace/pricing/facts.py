"""What the formula reads and answers: frozen facts that refuse, when they are made, what could not be valued.

Sums are whole minor units of the order's currency. Unit prices are Decimals in major units and rates Decimal
fractions of one, both of at most six decimals; the attributes that end in micros hold the same numbers times
10**6 as whole numbers, which is what the arithmetic runs on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeVar

from marketplace.kernel.money import is_currency
from marketplace.pricing.policy import Fault
from marketplace.pricing.refusals import (
    MICROS,
    Refused,
    check_limit,
    check_unlike,
    in_micros,
    is_whole,
    rate_in_micros,
)

MAX_QUANTITY = 10**12
BUYER = "buyer"
MARKETPLACE = "marketplace"
K = TypeVar("K")


class ChargeKind(StrEnum):
    """What a charge is for; the books choose the account by it, the formula does not look at it."""

    OTHER = "other"
    LABEL = "label"  # what sending the goods back cost
    DAMAGE = "damage"
    GOODWILL = "goodwill"
    WAIVED_DEFICIT = "waived_deficit"  # what the buyer would still have to pay, let go
    FAULT_SHARE = "fault_share"  # a fault that several parties share, as a sum
    CARRIER_CLAIM = "carrier_claim"  # what the marketplace will claim from the carrier


class FreeBasis(StrEnum):
    """What has to reach the sum from which a delivery is free: its own lines or the whole order."""

    GROUP = "group"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class PriceTier:
    """From this quantity on, every unit of the line costs unit_price."""

    from_quantity: int
    unit_price: Decimal
    micros: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "micros", in_micros(self.unit_price))
        if not is_whole(self.from_quantity) or self.from_quantity < 1 or self.micros < 0:
            raise Refused("a price is not negative, a tier starts at 1 or more")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one vendor; quantity in the smallest sold unit; delivery: the id of its delivery, if any."""

    id: str
    vendor: str
    quantity: int
    prices: tuple[PriceTier, ...]
    tax_rate: Decimal
    commission_rate: Decimal
    delivery: str | None
    restocking_rate: Decimal
    tax_micros: int = field(init=False, repr=False, compare=False)
    commission_micros: int = field(init=False, repr=False, compare=False)
    restocking_micros: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not is_whole(self.quantity) or self.quantity < 1:
            raise Refused("a quantity is at least 1")
        if self.quantity > MAX_QUANTITY:
            raise Refused("a quantity is larger than can be valued")
        if not self.prices:
            raise Refused("a line needs a price")
        if self.vendor in {BUYER, MARKETPLACE}:
            raise Refused("a vendor is called neither buyer nor marketplace")
        for lower, upper in zip(self.prices, self.prices[1:], strict=False):
            if upper.from_quantity <= lower.from_quantity or upper.micros > lower.micros:
                raise Refused("tiers must rise in quantity and not in price")
        object.__setattr__(self, "tax_micros", rate_in_micros(self.tax_rate))
        object.__setattr__(self, "commission_micros", rate_in_micros(self.commission_rate))
        object.__setattr__(self, "restocking_micros", rate_in_micros(self.restocking_rate))


@dataclass(frozen=True, slots=True)
class PromotionStep:
    """From this sum on, a promotion takes off either a rate or an amount."""

    from_minor: int
    rate: Decimal | None = None
    amount_minor: int | None = None
    rate_micros: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.amount_minor is None):
            raise Refused("a step takes off either a rate or an amount")
        micros = 0 if self.rate is None else in_micros(self.rate)
        object.__setattr__(self, "rate_micros", micros)
        check_limit(self.from_minor, "a step")
        check_limit(self.amount_minor, "a step")
        if micros < 0:
            raise Refused("a step is not negative")
        if micros > MICROS:
            raise Refused("a percent is at most 100")

    @property
    def worth(self) -> int:
        """What the step takes off, comparable among steps of one kind."""
        return self.rate_micros if self.amount_minor is None else self.amount_minor


@dataclass(frozen=True, slots=True)
class Promotion:
    """A discount over lines (None: all of them), its vendor_share paid by each line's vendor, the rest by the market.

    vendor_share_by: another share for a vendor, by his id; a vendor without a line is passed over.
    """

    id: str
    steps: tuple[PromotionStep, ...]
    vendor_share: Decimal
    vendor_share_by: Mapping[str, Decimal] = field(default_factory=dict)
    lines: tuple[str, ...] | None = None
    thresholds: tuple[int, ...] = field(init=False, repr=False, compare=False)
    share_micros: int = field(init=False, repr=False, compare=False)
    share_micros_by: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for lower, upper in zip(self.steps, self.steps[1:], strict=False):
            if (lower.rate is None) != (upper.rate is None):
                raise Refused("steps of one promotion are of one kind")
            if upper.from_minor <= lower.from_minor or upper.worth < lower.worth:
                raise Refused("steps must rise")
        shares = {vendor: rate_in_micros(rate, "share") for vendor, rate in self.vendor_share_by.items()}
        object.__setattr__(self, "thresholds", tuple(step.from_minor for step in self.steps))
        object.__setattr__(self, "share_micros", rate_in_micros(self.vendor_share, "share"))
        object.__setattr__(self, "share_micros_by", shares)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery of some lines, sold by seller: a vendor's id or "marketplace". free_from_minor None: never free."""

    id: str
    seller: str
    price_minor: int
    free_from_minor: int | None
    free_basis: FreeBasis
    tax_rate: Decimal
    tax_micros: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_limit(self.price_minor, "a price")
        check_limit(self.free_from_minor, "a limit")
        if not isinstance(self.free_basis, FreeBasis):
            raise Refused("an unknown basis of free delivery")
        object.__setattr__(self, "tax_micros", rate_in_micros(self.tax_rate))


@dataclass(frozen=True, slots=True)
class Order:
    """What was ordered, lines in their frozen order and promotions in the order of application.

    The attributes without a parameter are derived once: positions of lines by vendor, by delivery, by vendor and
    tax rate, and per promotion by vendor.
    """

    currency: str
    prices_include_tax: bool
    lines: tuple[Line, ...]
    promotions: tuple[Promotion, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    position: Mapping[str, int] = field(init=False, repr=False, compare=False)
    by_vendor: Mapping[str, list[int]] = field(init=False, repr=False, compare=False)
    by_delivery: Mapping[str, list[int]] = field(init=False, repr=False, compare=False)
    by_tax: Mapping[tuple[str, int], list[int]] = field(init=False, repr=False, compare=False)
    scopes: tuple[Mapping[str, list[int]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not is_currency(self.currency):
            raise Refused("a currency is three capital letters")
        check_unlike((line.id for line in self.lines), "lines need ids of their own")
        check_unlike((promotion.id for promotion in self.promotions), "promotions need ids of their own")
        check_unlike((delivery.id for delivery in self.deliveries), "deliveries need ids of their own")
        lines = self.lines
        everything = range(len(lines))
        position = {line.id: index for index, line in enumerate(lines)}
        object.__setattr__(self, "position", position)
        object.__setattr__(self, "by_vendor", grouped((lines[i].vendor, i) for i in everything))
        object.__setattr__(self, "by_tax", grouped(((lines[i].vendor, lines[i].tax_micros), i) for i in everything))
        object.__setattr__(self, "by_delivery", self._delivered())
        scopes = tuple(
            self.by_vendor
            if promotion.lines is None
            else grouped((lines[i].vendor, i) for i in _scope(promotion.lines, position))
            for promotion in self.promotions
        )
        object.__setattr__(self, "scopes", scopes)

    def _delivered(self) -> dict[str, list[int]]:
        groups: dict[str, list[int]] = {delivery.id: [] for delivery in self.deliveries}
        for index, line in enumerate(self.lines):
            if line.delivery is None:
                continue
            if line.delivery not in groups:
                raise Refused("a line names an unknown delivery")
            groups[line.delivery].append(index)
        for delivery in self.deliveries:
            if delivery.seller != MARKETPLACE and delivery.seller not in self.by_vendor:
                raise Refused("a delivery is sold by an unknown party")
            if not groups[delivery.id]:
                raise Refused("a delivery needs a line")
            vendors = {self.lines[index].vendor for index in groups[delivery.id]}
            if delivery.seller != MARKETPLACE and vendors != {delivery.seller}:
                raise Refused("a vendor delivers only his own lines")
        return groups


@dataclass(frozen=True, slots=True)
class Returned:
    """How many units of a line came back, all in all, by one fault."""

    line: str
    fault: Fault
    quantity: int

    def __post_init__(self) -> None:
        if not is_whole(self.quantity) or self.quantity < 1:
            raise Refused("a returned quantity is at least 1")
        if not isinstance(self.fault, Fault):
            raise Refused("an unknown fault")


@dataclass(frozen=True, slots=True)
class Charge:
    """A sum that payer owes payee besides the goods: a label, damage, goodwill. Parties as in the formula."""

    payer: str
    payee: str
    amount_minor: int
    kind: ChargeKind = ChargeKind.OTHER

    def __post_init__(self) -> None:
        if not is_whole(self.amount_minor) or self.amount_minor < 1 or self.payer == self.payee:
            raise Refused("a charge moves a positive sum between two parties of the order")
        if not isinstance(self.kind, ChargeKind):
            raise Refused("an unknown kind of charge")
        check_limit(self.amount_minor, "a charge")


@dataclass(frozen=True, slots=True)
class State:
    """All that has come back of an order so far, each line and fault named once, and the charges besides."""

    returned: tuple[Returned, ...] = ()
    charges: tuple[Charge, ...] = ()

    def __post_init__(self) -> None:
        check_unlike(
            ((entry.line, entry.fault) for entry in self.returned),
            "a state names each line and fault once, with all that came back",
        )


class LineValue(NamedTuple):
    """What one line comes to in a state; the sums of the kept units unless said otherwise.

    gross_minor is the list value before discounts; tax_minor leaves out the tax of the restocking fee; in
    buyer_owes_minor the fee is contained and, where prices exclude tax, both taxes. unit_price is the price used,
    rounded to six decimals where what all of the line cost caps it. A named tuple, since a large order makes
    thousands and it is made in a fraction of the time of a frozen dataclass.
    """

    id: str
    vendor: str
    kept: int
    unit_price: Decimal
    gross_minor: int
    vendor_discount_minor: int
    market_discount_minor: int
    tax_minor: int
    commission_minor: int
    restocking_fee_minor: int
    restocking_tax_minor: int
    compensation_minor: int
    buyer_owes_minor: int


@dataclass(frozen=True, slots=True)
class DeliveryValue:
    """What one delivery comes to in a state; amount_minor excludes tax exactly where the order's prices do."""

    id: str
    seller: str
    amount_minor: int
    tax_minor: int
    compensation_minor: int
    free: bool


@dataclass(frozen=True, slots=True)
class Valuation:
    """What every party owes or is entitled to in one state of an order, charges included.

    buyer_owes + market_discount + compensation = sum of vendors + commission + operator_delivery, always.
    promotion_steps: per promotion the step that is earned, from 0, or -1.
    """

    buyer_owes_minor: int
    market_discount_minor: int
    compensation_minor: int
    commission_minor: int
    operator_delivery_minor: int
    vendors_minor: Mapping[str, int]
    promotion_steps: tuple[int, ...]
    lines: tuple[LineValue, ...]
    deliveries: tuple[DeliveryValue, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What entering a state moves: refund_minor goes back now, deficit_minor is still to be paid.

    The other sums are the differences after less before, per party: a vendor below zero is debited.
    """

    refund_minor: int
    deficit_minor: int
    buyer_owes_minor: int
    market_discount_minor: int
    compensation_minor: int
    commission_minor: int
    operator_delivery_minor: int
    vendors_minor: Mapping[str, int]


def grouped(pairs: Iterable[tuple[K, int]]) -> dict[K, list[int]]:
    """Positions by key, keys in the order of their first position."""
    groups: dict[K, list[int]] = {}
    for key, index in pairs:
        groups.setdefault(key, []).append(index)
    return groups


def _scope(named: tuple[str, ...], position: Mapping[str, int]) -> list[int]:
    check_unlike(named, "a promotion names each line once")
    for name in named:
        if name not in position:
            raise Refused("a promotion names an unknown line")
    return sorted(position[name] for name in named)
