"""Orders of the worked examples over real companies, and entries for the books."""

import uuid
from decimal import Decimal

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
from marketplace.pricing.policy import Fault
from settlements.ledger.chart import CHART, AccountKind, Party, PostingKind
from settlements.ledger.postings import Line as PostingLine
from settlements.ledger.postings import OrderFacts

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
