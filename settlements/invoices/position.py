"""What an issuer has sold to the buyer in one state of an order, thing by thing: two such positions differ by what an
invoice's correction has to say, and their sums are the formula's.

Pure. An issuer is a vendor, by his id, or the marketplace. Sums leave tax out, whether prices include it or not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from marketplace.pricing.facts import BUYER, MARKETPLACE, Charge, DeliveryValue, LineValue, Order, State, Valuation
from marketplace.pricing.policy import Policy, TaxBase
from marketplace.pricing.taxes import tax_on

GOODS, FEE, DELIVERY, CHARGE = "goods", "restocking_fee", "delivery", "charge"
Key = tuple[str, str]  # what kind of thing, and the id of its line or delivery


@dataclass(frozen=True, slots=True)
class Sold:
    """One thing sold, as far as it is kept.

    list_minor is what it costs before discounts; market_minor is the part of net and tax that the marketplace pays for
    the buyer. unit_price is without tax, None where prices include it. taxed: whether its own line's rate applies.
    """

    units: int
    unit_price: Decimal | None
    list_minor: int
    net_minor: int
    tax_minor: int
    market_minor: int = 0
    taxed: bool = True

    @property
    def buyer_minor(self) -> int:
        """What the buyer himself owes for it."""
        return self.net_minor + self.tax_minor - self.market_minor


@dataclass(frozen=True, slots=True)
class Case:
    """An order of the formula with its policy: what every position of it is read by."""

    order: Order
    policy: Policy


def position(case: Case, issuer: str, state: State, worth: Valuation) -> dict[Key, Sold]:
    """What `issuer` has sold in this state, in the order of the order's lines."""
    found: dict[Key, Sold] = {}
    for line in worth.lines:
        if line.vendor == issuer:
            found.update(_of_line(case, line))
    for delivery in worth.deliveries:
        if delivery.seller == issuer:
            found[DELIVERY, delivery.id] = _of_delivery(case, delivery)
    found.update(_of_charges(issuer, state))
    return found


def _of_line(case: Case, line: LineValue) -> Iterator[tuple[Key, Sold]]:
    contained = case.order.prices_include_tax
    discount = line.vendor_discount_minor
    market = line.market_discount_minor
    if case.policy.tax_base is TaxBase.BUYER_PRICE:
        discount, market = discount + market, 0
    net = line.gross_minor - discount - (line.tax_minor if contained else 0)
    listed = line.gross_minor
    if contained:
        micros = case.order.lines[case.order.position[line.id]].tax_micros
        listed = net if discount == 0 else max(net, line.gross_minor - tax_on(line.gross_minor, micros, contained=True))
    price = None if contained else line.unit_price
    yield (GOODS, line.id), Sold(line.kept, price, listed, net, line.tax_minor, market)
    if line.restocking_fee_minor:
        tax = line.restocking_tax_minor
        fee = line.restocking_fee_minor - (tax if contained else 0)
        yield (FEE, line.id), Sold(1, None, fee, fee, tax, taxed=case.policy.restocking_taxed)


def _of_delivery(case: Case, delivery: DeliveryValue) -> Sold:
    net = delivery.amount_minor - (delivery.tax_minor if case.order.prices_include_tax else 0)
    return Sold(1 if delivery.amount_minor else 0, None, net, net, delivery.tax_minor)


def _of_charges(issuer: str, state: State) -> Mapping[Key, Sold]:
    """What the buyer owes the issuer besides, or the issuer him: damages, which no tax is due on."""
    amount = 0
    for charge in _charges(issuer, state):
        amount += charge.amount_minor if charge.payee == issuer else -charge.amount_minor
    return {(CHARGE, ""): Sold(1, None, amount, amount, 0, taxed=False)} if amount else {}


def _charges(issuer: str, state: State) -> list[Charge]:
    return [charge for charge in state.charges if {charge.payer, charge.payee} == {BUYER, issuer}]


def marketplace_issues(order: Order, states: Iterable[State]) -> bool:
    """Does the marketplace sell a delivery, or is there something between it and the buyer in any of these states?"""
    sells = any(delivery.seller == MARKETPLACE for delivery in order.deliveries)
    return sells or any(_charges(MARKETPLACE, state) for state in states)
