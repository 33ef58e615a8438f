"""Charges and losses of a return book to accounts of their own: rows 9 to 12 of the table of postings."""

import uuid
from decimal import Decimal

import pytest

from marketplace.pricing.facts import Charge, ChargeKind, State
from marketplace.pricing.losses import beside
from marketplace.pricing.policy import B2B
from marketplace.pricing.valuation import value
from settlements.ledger.postings import orders as order_postings
from settlements.ledger.postings.orders import DELIVERY_EARNED, DUE, Buyer, Stages
from tests.builders.settlements import (
    Order,
    a_delivery,
    a_line,
    a_promotion,
    example_one,
    facts_of,
    returned,
    sums_by_account,
)

A, B, ONE = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
NAMES = {A: "A", B: "B", ONE: "O"}


def posted(order, state, refund, deficit=0, before=None):
    facts = facts_of(order, ONE)
    start = before or State()
    first, last = value(order, B2B, start), value(order, B2B, state)
    stages = Stages(
        dict.fromkeys(facts.vendor_orders.values(), DUE), {row.id: DELIVERY_EARNED for row in order.deliveries}
    )
    known = beside(order, B2B, start, first), beside(order, B2B, state, last)
    lines = order_postings.step_taken(facts, first, last, Buyer(deficit, refund), stages, known)
    assert sum(line.amount_minor for line in lines) == 0
    return lines


def wrecked(seller):
    """Example 12: 4 x 100.00, tax 20 %, commission 10 %, delivery 20.00."""
    line = a_line("A1", A, 4, "100.00", commission="0.10", delivery="g")
    return Order("EUR", False, (line,), (), (a_delivery("g", seller, 2000),))


def test_the_operators_carrier_wrecks_a_unit():
    lines = posted(wrecked("marketplace"), returned(("A1", "carrier", 1)), 12600)
    assert sums_by_account(lines, NAMES) == {
        "carrier_claims": 9000,
        "commission_revenue": 1000,
        "shipping_revenue": 500,
        "tax_payable": 100,
        "vendor_payable:A": 2000,
        "refunds_payable:O": -12600,
    }


def test_the_operator_is_at_fault():
    lines = posted(wrecked(A), returned(("A1", "operator", 1)), 12600)
    assert sums_by_account(lines, NAMES) == {
        "commission_revenue": 1000,
        "operator_loss": 9500,
        "vendor_payable:A": 2100,
        "refunds_payable:O": -12600,
    }


def test_one_line_lost_by_carrier_and_operator_is_told_apart():
    lines = posted(wrecked("marketplace"), returned(("A1", "carrier", 1), ("A1", "operator", 2)), 37800)
    sums = sums_by_account(lines, NAMES)
    assert (sums["carrier_claims"], sums["operator_loss"]) == (9000, 18000)


@pytest.mark.parametrize(
    ("payer", "payee", "kind", "sums"),
    [
        ("B", "marketplace", "label", {"vendor_payable:B": 600, "shipping_revenue": -600}),
        ("buyer", "marketplace", "label", {"buyer_clawback:O": 600, "shipping_revenue": -600}),
        ("buyer", "A", "damage", {"buyer_clawback:O": 600, "vendor_payable:A": -600}),
        ("A", "B", "fault_share", {"vendor_payable:A": 600, "vendor_payable:B": -600}),
        ("marketplace", "buyer", "goodwill", {"operator_loss": 600, "refunds_payable:O": -600}),
        ("marketplace", "buyer", "waived_deficit", {"promo_expense": 600, "refunds_payable:O": -600}),
        ("marketplace", "A", "carrier_claim", {"carrier_claims": 600, "vendor_payable:A": -600}),
        ("A", "buyer", "goodwill", {"vendor_payable:A": 600, "refunds_payable:O": -600}),
    ],
)
def test_charges_in_every_direction(payer, payee, kind, sums):
    party = {"A": str(A), "B": str(B)}
    charge = Charge(party.get(payer, payer), party.get(payee, payee), 600, ChargeKind(kind))
    lines = posted(
        example_one(A, B),
        State(charges=(charge,)),
        600 if payee == "buyer" else 0,
        600 if payer == "buyer" else 0,
    )
    assert sums_by_account(lines, NAMES) == sums
    of_vendors = {line.kind.value for line in lines if line.account.value == "vendor_payable"}
    assert of_vendors <= {"label" if kind == "label" else "charge"}


def test_a_deficit_is_carried_and_netted_with_the_next_return():
    """Example 11: the discount of 10.00 is lost by A2, 9.50 carried; the next return gives back 0.45."""
    order = Order(
        "EUR",
        False,
        (
            a_line("A1", A, 10, "9.95", commission="0.10", tax=Decimal(0)),
            a_line("A2", A, 1, "0.50", commission="0.10", tax=Decimal(0)),
        ),
        (a_promotion(vendor_share="0", from_minor=10000),),
    )
    first = returned(("A2", "buyer", 1))
    assert sums_by_account(posted(order, first, 0, 950), NAMES) == {
        "buyer_clawback:O": 950,
        "commission_revenue": 5,
        "vendor_payable:A": 45,
        "promo_expense": -1000,
    }
    second = returned(("A2", "buyer", 1), ("A1", "buyer", 1))
    assert sums_by_account(posted(order, second, 45, -950, first), NAMES) == {
        "commission_revenue": 99,
        "vendor_payable:A": 896,
        "buyer_clawback:O": -950,
        "refunds_payable:O": -45,
    }
