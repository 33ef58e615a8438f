"""Orders of the worked examples over real companies, and entries for the books."""

import uuid
from dataclasses import dataclass, replace
from decimal import Decimal

from marketplace.kernel.access import SYSTEM
from marketplace.orders import actions as orders
from marketplace.orders import queries
from marketplace.orders.models import Order as OrderRow
from marketplace.pricing.facts import (
    MARKETPLACE,
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
from settlements.ledger.chart import CHART, AccountKind, Party, PostingKind
from settlements.ledger.postings.lines import Line as PostingLine
from settlements.ledger.postings.orders import OrderFacts
from tests.builders.catalogue import an_offer
from tests.builders.rows import together

A, K = AccountKind, PostingKind
TAX = Decimal("0.20")


def a_line(name, vendor, quantity, price, *, commission="0.12", delivery=None, tax=TAX):
    prices = (PriceTier(1, Decimal(price)),)
    return Line(name, str(vendor), quantity, prices, tax, Decimal(commission), delivery, Decimal(0))


def a_delivery(name, seller, price_minor, *, free_from_minor=None):
    return Delivery(name, str(seller), price_minor, free_from_minor, FreeBasis.GROUP, TAX)


def a_promotion(rate="0.10", *, vendor_share="0.4", from_minor=0):
    return Promotion("P10", (PromotionStep(from_minor, Decimal(rate)),), Decimal(vendor_share))


def example_one(vendor_a, vendor_b, *, inclusive=False, free_from_minor=None):
    """Example 1 of the specification: E 436.74, X 22.36, C 47.19, S 17.88, V 245.15 and 148.88."""
    lines = (
        a_line("A1", vendor_a, 10, "12.50", delivery="gA"),
        a_line("A2", vendor_a, 3, "33.33", delivery="gA"),
        a_line("B1", vendor_b, 7, "21.10", commission="0.15", delivery="gB"),
    )
    deliveries = (
        a_delivery("gA", vendor_a, 990, free_from_minor=free_from_minor),
        a_delivery("gB", MARKETPLACE, 1490),
    )
    return Order("EUR", inclusive, lines, (a_promotion(),), deliveries)


def returned(*entries):
    """A state of the formula: `returned(("A1", "buyer", 3))`."""
    return State(tuple(Returned(line, Fault(fault), quantity) for line, fault, quantity in entries))


def facts_of(order: Order, order_id=None) -> OrderFacts:
    """The facts that postings need of an order of the formula, with new vendor orders."""
    vendors = {uuid.UUID(name): uuid.uuid4() for name in order.by_vendor}
    return OrderFacts(order_id or uuid.uuid4(), order.currency, order.prices_include_tax, vendors)


def a_posting(account, amount_minor, *, party=None, kind=K.PAYMENT, currency="EUR", order_id=None):
    if party is None and CHART[account].party is not Party.OWN:
        party = uuid.uuid4()
    return PostingLine(account, party, kind, amount_minor, currency, order_id)


def sums_by_account(lines, names=None):
    """{"vendor_pending:A": -24515, ...}: what the table of postings shows; `names` by party."""
    sums = {}
    for line in lines:
        name = line.account.value + (f":{(names or {})[line.party]}" if line.party else "")
        sums[name] = sums.get(name, 0) + line.amount_minor
    return sums


@dataclass(frozen=True)
class Example:
    """Example 1 as a placed order: `lines` are the ids of its order lines by their short names."""

    order: OrderRow
    parts: dict
    lines: dict
    facts: Order


USUAL_TERMS = {"hold_days": 3, "reserve_rate": "0.1", "reserve_days": 30, "prefinanced": False}


def place_example_one(buyer, vendor_a, vendor_b, *, stock=1000, on_account=None, terms=USUAL_TERMS) -> Example:
    """Example 1 placed for the actor `buyer` with these two vendors' companies; inside a transaction of the caller."""
    return place(
        buyer,
        example_one(vendor_a.id, vendor_b.id),
        [vendor_a, vendor_b],
        stock=stock,
        terms=terms,
        on_account=on_account,
    )


def place(buyer, wanted: Order, vendors, *, stock=1000, policy=B2B, terms=USUAL_TERMS, on_account=None) -> Example:
    """An order of the formula placed for the actor `buyer`, with offers and stock made for it; `on_account`: a DueRule
    where it is bought on account."""
    ids = {line.id: uuid.uuid4() for line in wanted.lines} | {row.id: uuid.uuid4() for row in wanted.deliveries}
    by_id = {str(vendor.id): vendor for vendor in vendors}
    lines = tuple(replace(line, id=str(ids[line.id]), delivery=_named(ids, line.delivery)) for line in wanted.lines)
    deliveries = tuple(replace(row, id=str(ids[row.id])) for row in wanted.deliveries)
    promotions = tuple(
        replace(row, lines=None if row.lines is None else tuple(str(ids[name]) for name in row.lines))
        for row in wanted.promotions
    )
    facts = replace(wanted, lines=lines, promotions=promotions, deliveries=deliveries)
    with together():
        line_terms = [_line_terms(line, by_id[line.vendor], stock) for line in facts.lines]
    placed = orders.place(
        buyer,
        orders.Placement(
            company_id=buyer.company_id,
            company_name="Buyer",
            placed_by=buyer.person_id,
            facts=facts,
            policy=policy,
            policy_version="b2b/1",
            lines=line_terms,
            deliveries=[_delivery_terms(row) for row in facts.deliveries],
            vendor_names={vendor.id: vendor.name for vendor in vendors},
            delivery_address={"city": "Hamburg"},
            billing_address={"city": "Hamburg"},
            vendor_terms={vendor.id: terms for vendor in vendors},
            payment_terms=on_account.as_json() if on_account else None,
        ),
    )
    parts = {part.vendor_id: part for part in placed.parts}
    return Example(placed.order, parts, {line.id: ids[line.id] for line in wanted.lines}, facts)


def _named(ids, name):
    return None if name is None else str(ids[name])


def _line_terms(line, vendor, stock):
    offer = an_offer(vendor, stock=stock)
    return orders.LineTerms(
        id=uuid.UUID(line.id),
        vendor_id=vendor.id,
        offer_id=offer.id,
        product_id=offer.product_id,
        sku=offer.sku,
        name="Thing",
        unit="piece",
        price_source={"kind": "public"},
        tax={"category": "S", "rate": "0.20"},
    )


def _delivery_terms(row):
    vendor_id = None if row.seller == MARKETPLACE else uuid.UUID(row.seller)
    return orders.DeliveryTerms(id=uuid.UUID(row.id), vendor_id=vendor_id, name="Delivery", tax={"category": "S"})


def deliver(example: Example, *vendors) -> None:
    """Vendors' parts of a paid order are confirmed, shipped and delivered; all parts where none is named. Inside a
    transaction of the caller."""
    for vendor_id, part in example.parts.items():
        if vendors and vendor_id not in {vendor.id for vendor in vendors}:
            continue
        orders.confirm(SYSTEM, part.id)
        lines = queries.lines_of(example.order.id, part.id)
        orders.units_shipped(SYSTEM, part, {line.id: orders.open_units(line) for line in lines})
        orders.delivered(SYSTEM, part)
