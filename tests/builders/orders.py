"""Carts and orders made by the same actions as the API's; inside a transaction() of the caller."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marketplace.carts import actions as carts
from marketplace.carts.facts import Priced
from marketplace.catalogue.models import Offer
from marketplace.companies.models import Address, Company
from marketplace.kernel.access import SYSTEM, Actor, Role
from marketplace.orders import actions, queries
from marketplace.orders.queries import WholeOrder
from tests.builders.catalogue import an_offer, terms_for
from tests.builders.companies import a_company, an_actor, an_address
from tests.builders.rows import together
from tests.builders.rules import a_delivery_rate, a_promotion, default_rules


@dataclass
class Market:
    """A small marketplace: an operator, a buyer with an address, vendors with terms, offers by name."""

    operator: Company
    buyer: Company
    actor: Actor
    address: Address
    vendors: dict[str, Company] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    rates: dict[str, Any] = field(default_factory=dict)

    def vendor_actor(self, name: str) -> Actor:
        return an_actor(self.vendors[name], Role.VENDOR_MANAGER)


@together()
def a_market(*, vendors: Sequence[str] = ("A", "B"), country: str = "DE", commission: str = "0.10") -> Market:
    """Rules, an operator, a buyer and vendors with terms; nothing is on sale yet."""
    default_rules()
    operator = a_company("Operator AG", country, is_operator=True)
    buyer = a_company("Buyer GmbH", country)
    market = Market(operator, buyer, an_actor(buyer, Role.BUYER), an_address(buyer))
    for name in vendors:
        vendor = a_company(f"Vendor {name}", country, may_sell=True)
        terms_for(vendor, commission)
        market.vendors[name] = vendor
    return market


EXAMPLE = {"A1": 10, "A2": 3, "B1": 7}  # the units that are ordered in it


@together()
def the_example() -> Market:
    """The first worked example: lines A1, A2, B1; A delivers for 9.90, the operator delivers B's for 14.90; 10 percent
    off, 40 percent of it paid by vendors; tax 20 percent (Austria)."""
    market = a_market(country="AT", vendors=())
    for name, commission in (("A", "0.12"), ("B", "0.15")):
        market.vendors[name] = a_company(f"Vendor {name}", "AT", may_sell=True)
        terms_for(market.vendors[name], commission)
    for name, price in (("A1", "12.50"), ("A2", "33.33"), ("B1", "21.10")):
        market.offers[name] = an_offer(market.vendors[name[0]], price=price, sku=name)
    market.rates["A"] = a_delivery_rate(market.vendors["A"], price_minor=990)
    market.rates["operator"] = a_delivery_rate(name="Carrier", price_minor=1490)
    a_promotion(vendor_share="0.4")
    return market


def wanted(market: Market, quantities: Mapping[str, int]) -> list[carts.WantedLine]:
    """Lines for a cart: `{"A1": 10}`."""
    return [carts.WantedLine(market.offers[name].id, quantity) for name, quantity in quantities.items()]


def a_cart(market: Market, quantities: Mapping[str, int], **chosen: Any) -> Priced:
    """A cart of the buyer with these quantities of named offers, to his address."""
    return carts.create(
        market.actor,
        currency="EUR",
        lines=wanted(market, quantities),
        **({"delivery_address_id": market.address.id} | chosen),
    )


def an_order(market: Market, quantities: Mapping[str, int], **chosen: Any) -> WholeOrder:
    """A cart, checked out."""
    return carts.checkout(market.actor, a_cart(market, quantities, **chosen).cart.id)


def a_paid_order(market: Market, quantities: Mapping[str, int], **chosen: Any) -> WholeOrder:
    """An order that was paid in full."""
    whole = an_order(market, quantities, **chosen)
    order = whole.order
    if order.owed_minor:
        actions.record_payment(SYSTEM, order.id, order.owed_minor, order.currency, f"test:{uuid.uuid4()}")
    return queries.whole(SYSTEM, order.id)


def a_confirmed_order(market: Market, quantities: Mapping[str, int], **chosen: Any) -> WholeOrder:
    """A paid order that every vendor has confirmed."""
    whole = a_paid_order(market, quantities, **chosen)
    for part in whole.parts:
        actions.confirm(SYSTEM, part.id)
    return queries.whole(SYSTEM, whole.order.id)


def line_named(whole: WholeOrder, sku: str) -> Any:
    """The line of an order by the vendor's SKU."""
    return next(line for line in whole.lines if line.sku == sku)


def part_of(whole: WholeOrder, vendor: Company) -> Any:
    """The vendor's part of an order."""
    return next(part for part in whole.parts if part.vendor_id == vendor.id)
