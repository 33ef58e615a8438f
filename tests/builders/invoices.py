"""Sales of every kind of tax, placed, paid and shipped by real companies, and what comes back of them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from marketplace.companies.models import Company
from marketplace.kernel.access import SYSTEM, Actor, Role
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.actions.steps import Cause, Reason, take_step
from marketplace.orders.models import Order as OrderRow
from marketplace.pricing.facts import (
    MARKETPLACE,
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
from marketplace.pricing.policy import B2B, Fault, Policy
from tests.builders.catalogue import an_offer
from tests.builders.companies import a_company, an_actor, an_address

VAT_IDS = {"DE": "DE136695976", "FR": "FR40303265045", "AT": "ATU13585627", "NL": "NL004495445B01"}
REASONS = {
    "S": "Supply of goods within DE (art. 31 and 32).",
    "Z": "Supply of goods within DE (art. 31 and 32); zero rate.",
    "E": "Supply of goods within DE (art. 31 and 32); exempt goods (art. 132 to 136).",
    "AE": "Reverse charge: the supplier is not established in DE, the customer owes the VAT (art. 194).",
    "K": "Intra-Community supply from DE to FR, exempt (art. 138 (1)).",
    "G": "Export from DE to CH, exempt (art. 146 (1)).",
    "O": "Supplied outside the Union (art. 32); the customer owes the VAT on the import into DE (art. 201).",
}


@dataclass(frozen=True)
class Want:
    """A line to be sold: `Want("A", 3, "12.50")`, by the vendor of that name."""

    vendor: str
    quantity: int
    price: str
    rate: str = "0.19"
    category: str = "S"
    delivery: str | None = None
    restocking: str = "0"
    unit: str = "piece"
    tiers: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Carry:
    """A delivery: seller is a vendor's name, or None for the operator."""

    seller: str | None
    price_minor: int
    rate: str = "0.19"
    category: str = "S"
    free_from_minor: int | None = None


@dataclass
class Traders:
    """An operator, a buyer and vendors, each with an address and a VAT id."""

    operator: Company
    buyer: Company
    actor: Actor
    vendors: dict[str, Company] = field(default_factory=dict)


@dataclass
class Sale:
    """An order, with the ids of its lines in the order in which they were wanted."""

    order: OrderRow
    lines: list[uuid.UUID]
    parts: dict[str, uuid.UUID]


def traders(*vendors: str, buyer_country: str = "DE", vendor_country: str = "DE") -> Traders:
    """Companies that can trade; inside a transaction of the caller."""
    operator = _company("Kontor Marktplatz GmbH", "DE", is_operator=True)
    buyer = _company("Käufer & Söhne <AG>", buyer_country)
    found = Traders(operator, buyer, an_actor(buyer, Role.BUYER, Role.ADMINISTRATOR))
    for name in vendors:
        found.vendors[name] = _company(f"Vendor {name} #{{7*7}}", vendor_country, may_sell=True)
    return found


def _company(name: str, country: str, **others: Any) -> Company:
    vat_id = VAT_IDS.get(country, f"{country}E107787577")
    facts = {"registration_number": "HRB 4711", "email": "office@company.example", "vat_id": vat_id}
    company = a_company(name, country, **(facts | others))
    an_address(company)
    return company


def a_sale(
    who: Traders,
    wants: Sequence[Want],
    *,
    deliveries: Mapping[str, Carry] | None = None,
    promotions: Sequence[Promotion] = (),
    inclusive: bool = False,
    policy: Policy = B2B,
    ship_to: str | None = None,
    currency: str = "EUR",
    payment_terms: Mapping[str, Any] | None = None,
) -> Sale:
    """Placed and, unless it is on terms, paid in full; inside a transaction of the caller."""
    ids = [uuid.uuid4() for _ in wants]
    carried = {name: (uuid.uuid4(), carry) for name, carry in (deliveries or {}).items()}
    facts = Order(
        currency,
        inclusive,
        tuple(_line(who, want, ids[n], carried) for n, want in enumerate(wants)),
        tuple(promotions),
        tuple(_delivery(who, delivery_id, carry) for delivery_id, carry in carried.values()),
    )
    country = ship_to or who.buyer.country
    address = {"recipient": "Gate 2", "line1": "Kai 1", "postal_code": "20457", "city": "Town", "country": country}
    placed = orders.place(
        who.actor,
        orders.Placement(
            company_id=who.buyer.id,
            company_name=who.buyer.name,
            placed_by=who.actor.person_id,
            facts=facts,
            policy=policy,
            policy_version="b2b/1",
            lines=[_line_terms(who, want, ids[n]) for n, want in enumerate(wants)],
            deliveries=[_delivery_terms(who, delivery_id, carry) for delivery_id, carry in carried.values()],
            vendor_names={vendor.id: vendor.name for vendor in who.vendors.values()},
            delivery_address=address,
            billing_address=address,
            reference="PO-4711",
            payment_terms=payment_terms,
        ),
    )
    order = placed.order
    if payment_terms is None and order.owed_minor:
        orders.record_payment(SYSTEM, order.id, order.owed_minor, order.currency, f"test:{order.id}")
    names = {vendor.id: name for name, vendor in who.vendors.items()}
    return Sale(order, ids, {names[part.vendor_id]: part.id for part in placed.parts})


def a_promotion(rate: str = "0.10", *, vendor_share: str = "0", from_minor: int = 0, amount_minor: int | None = None):
    """Off the whole order; what is not the vendors' share is the marketplace's."""
    step = PromotionStep(from_minor, None if amount_minor is not None else Decimal(rate), amount_minor)
    return Promotion("P", (step,), Decimal(vendor_share))


def ship(sale: Sale, *names: str) -> None:
    """All that is left of these vendors' parts leaves (of everybody's, where none is named)."""
    for name in names or sale.parts:
        part = order_queries.vendor_order(SYSTEM, sale.parts[name])
        if part.confirmed_at is None:
            orders.confirm(SYSTEM, part.id)
        lines = order_queries.lines_of(sale.order.id, part.id)
        orders.units_shipped(SYSTEM, part, {row.id: orders.open_units(row) for row in lines if orders.open_units(row)})


def come_back(sale: Sale, *units: tuple[int, int, str], charges: Sequence[Charge] = ()) -> None:
    """(line, units, fault) that came back by now, all in all, and what is charged besides: a step of the order."""
    returned = tuple(Returned(str(sale.lines[line]), Fault(fault), quantity) for line, quantity, fault in units)
    order = order_queries.order(SYSTEM, sale.order.id, locked=True)
    parts = order_queries.parts_of(order.id, locked=True)
    take_step(order, parts, State(returned, tuple(charges)), Reason(SYSTEM, Cause.RETURNED))


def _seller(who: Traders, carry: Carry) -> Company:
    return who.operator if carry.seller is None else who.vendors[carry.seller]


def _line(who: Traders, want: Want, line_id: uuid.UUID, carried: Mapping[str, tuple[uuid.UUID, Carry]]) -> Line:
    prices = [PriceTier(1, Decimal(want.price)), *(PriceTier(start, Decimal(cost)) for start, cost in want.tiers)]
    delivery = None if want.delivery is None else str(carried[want.delivery][0])
    vendor, rate = str(who.vendors[want.vendor].id), Decimal(want.rate)
    return Line(
        str(line_id), vendor, want.quantity, tuple(prices), rate, Decimal("0.10"), delivery, Decimal(want.restocking)
    )


def _delivery(who: Traders, delivery_id: uuid.UUID, carry: Carry) -> Delivery:
    seller = MARKETPLACE if carry.seller is None else str(_seller(who, carry).id)
    free_from, rate = carry.free_from_minor, Decimal(carry.rate)
    return Delivery(str(delivery_id), seller, carry.price_minor, free_from, FreeBasis.GROUP, rate)


def _tax(who: Traders, seller: Company, category: str, rate: str) -> dict[str, Any]:
    return {
        "supplier_country": seller.country,
        "supplier_vat_id": seller.vat_id,
        "buyer_vat_id": who.buyer.vat_id,
        "buyer_vat_valid": True,
        "category": category,
        "rate": rate,
        "reason": REASONS[category],
    }


def _line_terms(who: Traders, want: Want, line_id: uuid.UUID) -> orders.LineTerms:
    vendor = who.vendors[want.vendor]
    offer = an_offer(vendor, stock=10**6)
    return orders.LineTerms(
        id=line_id,
        vendor_id=vendor.id,
        offer_id=offer.id,
        product_id=offer.product_id,
        sku=offer.sku,
        name='Bolt M8 "x" *40* \\ #sym',
        unit=want.unit,
        price_source={"kind": "public"},
        tax=_tax(who, vendor, want.category, want.rate),
    )


def _delivery_terms(who: Traders, delivery_id: uuid.UUID, carry: Carry) -> orders.DeliveryTerms:
    vendor_id = None if carry.seller is None else who.vendors[carry.seller].id
    tax = _tax(who, _seller(who, carry), carry.category, carry.rate)
    return orders.DeliveryTerms(id=delivery_id, vendor_id=vendor_id, name="Parcel", tax=tax)
