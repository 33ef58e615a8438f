"""The one place where the formula's facts are gathered: a cart becomes an order and a policy that value() can price.

The number of queries does not depend on the number of lines. Lines that cannot be ordered are left out and named.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from marketplace.agreements import queries as agreements
from marketplace.agreements.queries import OfferPrice
from marketplace.carts import queries
from marketplace.carts.assembly import Group, OrderFacts, Taxes
from marketplace.carts.models import Cart
from marketplace.carts.queries import Destination, Item, Party
from marketplace.carts.refusals import AddressUnknown, DeliveryNotOffered, VendorNotInCart
from marketplace.catalogue.states import OfferState
from marketplace.kernel import clock
from marketplace.kernel.db import new_id
from marketplace.orders.actions import DeliveryTerms, LineTerms
from marketplace.orders.formula import in_words, valued
from marketplace.pricing import facts as pricing
from marketplace.pricing.policy import Policy
from marketplace.pricing.wire import policy_from_json
from marketplace.rules import queries as rules
from marketplace.rules.queries import InForce, OfferedDelivery, RunningPromotion

COMPANIES, CONSUMERS = "b2b", "consumer"  # the profiles of return policies


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line cannot be ordered; `pointer` is where the request, or the cart, names what is wrong."""

    pointer: str
    reason: str
    detail: str
    item: Item
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        named = {"pointer": self.pointer, "reason": self.reason, "detail": self.detail}
        return named | {"offer_id": str(self.item.line.offer_id)} | dict(self.facts)


@dataclass(frozen=True, slots=True)
class Priced:
    """A cart with everything it comes to. `facts` and `valuation` are None where no line can be ordered.

    items: the lines that count, in the order of the facts'; `promotions` in that of the facts'; `options`: the delivery
    rates that each vendor's lines may take; `lost`: what the buyer had chosen and is not to be had any more.
    """

    cart: Cart
    buyer: Party
    addresses: Mapping[uuid.UUID, Destination]
    all_items: Sequence[Item]
    items: Sequence[Item]
    problems: Sequence[Problem]
    prices: Mapping[uuid.UUID, OfferPrice]
    groups: Sequence[Group]
    promotions: Sequence[RunningPromotion]
    options: Mapping[uuid.UUID, Sequence[OfferedDelivery]]
    lost: Sequence[Mapping[str, Any]]
    facts: pricing.Order | None
    policy: Policy
    policy_version: str
    valuation: pricing.Valuation | None
    lines: Sequence[LineTerms]
    deliveries: Sequence[DeliveryTerms]
    terms: Mapping[uuid.UUID, agreements.Terms]

    @property
    def total_minor(self) -> int:
        return self.valuation.buyer_owes_minor if self.valuation else 0

    def unit_price(self, item: Item) -> Decimal:
        return agreements.unit_price(self.prices[item.line.offer_id].tiers, item.line.quantity)


def gather(cart: Cart, items: Sequence[Item], *, strict: Collection[str] = ()) -> Priced:
    """Price a cart with these lines. `strict` names what the caller has just chosen (codes, deliveries, addresses).

    What was chosen wrongly is then refused, with its pointer, instead of being left out: raises PromotionCodeUnknown,
    PromotionCodeNotRunning, DeliveryNotOffered, VendorNotInCart, AddressUnknown. Always raises TaxRateMissing,
    VendorHasNoTerms and OrderCannotBeValued.
    """
    day = agreements.today()
    buyer, operator = queries.buyer_and_operator(cart.company_id)
    addresses = _addresses(cart, strict)
    delivered_to = addresses.get(cart.delivery_address_id) if cart.delivery_address_id else None
    country = delivered_to.country if delivered_to else buyer.country
    wanted, tax = [item.line.offer_id for item in items], cart.prices_include_tax
    prices = agreements.prices_for(cart.company_id, wanted, cart.currency, includes_tax=tax, day=day)
    problems = [problem for item in items if (problem := problem_of(item, cart, prices)) is not None]
    bad = {id(problem.item) for problem in problems}
    good = [item for item in items if id(item) not in bad]
    by_vendor = _by_vendor(good)
    rules_now = rules.in_force(
        profile=CONSUMERS if cart.prices_include_tax else COMPANIES,
        currency=cart.currency,
        country=country,
        countries=_countries(good, operator, country),
        vendor_ids=by_vendor,
        codes=cart.codes,
        moment=clock.now(),
        day=day,
    )
    lost = _lost_codes(cart, rules_now, strict="codes" in strict)
    options = rules_now.delivery_rates(by_vendor)
    groups, lost_deliveries = _deliveries(cart, by_vendor, options, strict="deliveries" in strict)
    taxes = Taxes(buyer=buyer, operator=operator, country=country, rates=rules_now.tax_rates)
    terms = agreements.terms_on(day, by_vendor) if by_vendor else {}
    made = OrderFacts(cart, good, prices, groups, rules_now.promotions, taxes, _commissions(good, terms))
    with in_words():
        policy = _policy(rules_now.policy)
        facts = made.order() if good else None
    return Priced(
        cart=cart,
        buyer=buyer,
        addresses=addresses,
        all_items=items,
        items=good,
        problems=problems,
        prices=prices,
        groups=groups,
        promotions=made.applied,
        options=options,
        lost=[*lost, *lost_deliveries],
        facts=facts,
        policy=policy,
        policy_version=rules_now.policy_version,
        valuation=valued(facts, policy) if facts else None,
        lines=made.line_terms(),
        deliveries=made.delivery_terms(),
        terms=terms,
    )


def problem_of(item: Item, cart: Cart, prices: Mapping[uuid.UUID, OfferPrice]) -> Problem | None:
    """Why a line cannot be ordered as it stands, the first reason that holds; stock is the checkout's to judge."""
    return next(_problems(item, cart, prices), None)


def _problems(item: Item, cart: Cart, prices: Mapping[uuid.UUID, OfferPrice]) -> Iterator[Problem]:
    offer, quantity = item.offer, item.line.quantity
    at_offer, at_quantity = f"{item.pointer}/offer_id", f"{item.pointer}/quantity"
    if offer is None:
        yield Problem(at_offer, "offer_unknown", "There is no such offer.", item)
        return
    if offer.state != OfferState.LIVE:
        yield Problem(at_offer, "offer_not_on_sale", "This offer is not on sale.", item)
    if not offer.vendor_may_sell:
        yield Problem(at_offer, "vendor_not_selling", "This vendor does not sell at the moment.", item)
    if offer.vendor_id == cart.company_id:
        yield Problem(at_offer, "own_offer", "A company does not order from itself.", item)
    if offer.id not in prices:
        detail = f"This offer has no price in {cart.currency} {_mode(cart)}."
        yield Problem(at_offer, "no_price", detail, item, {"currency": cart.currency})
    if quantity < offer.min_quantity:
        detail = f"At least {offer.min_quantity} are ordered."
        yield Problem(at_quantity, "below_minimum", detail, item, {"min_quantity": offer.min_quantity})
    if quantity % offer.pack_size:
        detail = f"Sold in multiples of {offer.pack_size}."
        yield Problem(at_quantity, "off_pack_size", detail, item, {"pack_size": offer.pack_size})


def _mode(cart: Cart) -> str:
    return "including tax" if cart.prices_include_tax else "excluding tax"


def _addresses(cart: Cart, strict: Collection[str]) -> dict[uuid.UUID, Destination]:
    found = queries.addresses(cart.company_id, [cart.delivery_address_id, cart.billing_address_id])
    for name in ("delivery_address_id", "billing_address_id"):
        if name in strict and getattr(cart, name) is not None and getattr(cart, name) not in found:
            raise AddressUnknown(pointer=f"/{name}")
    return found


def _countries(items: Sequence[Item], operator: Party | None, country: str) -> set[str]:
    countries = {country} if operator is None else {country, operator.country}
    for item in items:
        if item.offer is not None:
            countries |= {item.offer.ship_from_country, item.offer.vendor_country}
    return countries


def _commissions(
    items: Sequence[Item], terms: Mapping[uuid.UUID, agreements.Terms]
) -> Mapping[tuple[uuid.UUID, str | None], Decimal]:
    wanted = {(item.offer.vendor_id, item.offer.category_path) for item in items if item.offer is not None}
    return {(vendor_id, path): agreements.rate_for(terms[vendor_id], path) for vendor_id, path in wanted}


@lru_cache(16)
def _policy(content: str) -> Policy:
    """Policies are published rarely, and each is read once."""
    return policy_from_json(orjson.loads(content))


def _lost_codes(cart: Cart, rules_now: InForce, *, strict: bool) -> list[dict[str, Any]]:
    """The codes of the cart that do not count any more."""
    lost = rules_now.not_running(cart.codes)
    if strict and lost:
        raise rules.code_refused(cart.currency, cart.codes, lost[0])
    return [{"kind": "code_not_running", "pointer": f"/codes/{cart.codes.index(code)}", "code": code} for code in lost]


def _by_vendor(items: Sequence[Item]) -> dict[uuid.UUID, list[Item]]:
    by_vendor: dict[uuid.UUID, list[Item]] = {}
    for item in items:
        if item.offer is not None:
            by_vendor.setdefault(item.offer.vendor_id, []).append(item)
    return by_vendor


def _deliveries(
    cart: Cart,
    by_vendor: Mapping[uuid.UUID, list[Item]],
    options: Mapping[uuid.UUID, Sequence[OfferedDelivery]],
    *,
    strict: bool,
) -> tuple[list[Group], list[dict[str, Any]]]:
    """The groups that follow from what was chosen of each vendor's options, and choices that are not to be had."""
    if strict:
        for vendor in cart.deliveries:
            if uuid.UUID(vendor) not in options:
                raise VendorNotInCart(pointer=f"/deliveries/{vendor}")
    groups: dict[uuid.UUID, Group] = {}
    lost: list[dict[str, Any]] = []
    for vendor_id, own in by_vendor.items():
        wanted = cart.deliveries.get(str(vendor_id))
        rate = next((rate for rate in options[vendor_id] if str(rate.id) == wanted), None)
        if wanted is not None and rate is None:
            if strict:
                raise DeliveryNotOffered(pointer=f"/deliveries/{vendor_id}")
            lost.append({"kind": "delivery_not_offered", "pointer": f"/deliveries/{vendor_id}", "rate_id": wanted})
        rate = rate or next(iter(options[vendor_id]), None)
        if rate is not None:
            # Vendors who chose the same rate of the operator share one delivery; a vendor's own rate is his alone.
            groups.setdefault(rate.id, Group(new_id(), rate, [])).items.extend(own)
    return list(groups.values()), lost
