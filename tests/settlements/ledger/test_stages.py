"""An order's step is posted to the accounts of the stage of each of its parts: the table of postings, to the cent."""

import uuid
from collections import Counter

import pytest

from marketplace.pricing.facts import Charge, State
from marketplace.pricing.policy import B2B
from marketplace.pricing.valuation import value
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings import earnings as earning_postings
from settlements.ledger.postings import orders as order_postings
from settlements.ledger.postings.earnings import Part, Share
from settlements.ledger.postings.orders import (
    DELIVERY_EARNED,
    DUE,
    EARNED,
    INVOICED,
    PENDING,
    Buyer,
    Stages,
)
from tests.builders.settlements import example_one, facts_of, returned, sums_by_account

VENDOR_A, VENDOR_B, ORDER = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
NAMES = {VENDOR_A: "A", VENDOR_B: "B", ORDER: "O1"}
K = PostingKind
BACK = (("A1", "buyer", 3), ("B1", "vendor", 2))


@pytest.fixture
def order():
    return example_one(VENDOR_A, VENDOR_B)


@pytest.fixture
def facts(order):
    return facts_of(order, ORDER)


def stages(facts, of_a, of_b, delivery=DELIVERY_EARNED):
    return Stages({facts.vendor_orders[VENDOR_A]: of_a, facts.vendor_orders[VENDOR_B]: of_b}, {"gB": delivery})


def step(order, facts, in_stages, *entries):
    before, after = value(order, B2B, State()), value(order, B2B, returned(*entries))
    buyer = Buyer(refund_minor=before.buyer_owes_minor - after.buyer_owes_minor)
    return sums_by_account(order_postings.step_taken(facts, before, after, buyer, in_stages), NAMES)


def test_a_return_when_both_vendors_are_due(order, facts):
    assert step(order, facts, stages(facts, DUE, DUE), *BACK) == {
        "commission_revenue": 1040,
        "shipping_revenue": 426,
        "tax_payable": 85,
        "vendor_payable:A": 3888,
        "vendor_payable:B": 4253,
        "promo_expense": -478,
        "refunds_payable:O1": -9214,
    }


def test_each_part_is_posted_in_its_own_stage(order, facts):
    sums = step(order, facts, Stages({facts.vendor_orders[VENDOR_A]: EARNED}), *BACK)
    assert sums == {
        "commission_revenue": 432,
        "commission_deferred": 608,
        "shipping_deferred": 426,
        "tax_deferred": 85,
        "vendor_earned:A": 3888,
        "vendor_pending:B": 4253,
        "promo_expense": -225,
        "promo_deferred": -253,
        "refunds_payable:O1": -9214,
    }


def test_on_net_terms_the_vendor_waits_while_the_rest_is_revenue(order, facts):
    before = value(order, B2B, State())
    lines = order_postings.entitled(facts, None, before, stages(facts, INVOICED, INVOICED))
    assert sums_by_account(lines, NAMES) == {
        "promo_expense": 2236,
        "commission_revenue": -4719,
        "shipping_revenue": -1490,
        "tax_payable": -298,
        "vendor_pending:A": -24515,
        "vendor_pending:B": -14888,
    }


def test_a_charge_for_a_label_is_revenue_in_every_stage(order, facts):
    before = value(order, B2B, State())
    after = value(order, B2B, State(charges=(Charge(str(VENDOR_B), "marketplace", 600),)))
    for stage, account in ((PENDING, "vendor_pending:B"), (DUE, "vendor_payable:B")):
        lines = order_postings.step_taken(facts, before, after, Buyer(), stages(facts, stage, stage))
        assert sums_by_account(lines, NAMES) == {account: 600, "shipping_revenue": -600}


def shares_of(lines, part):
    sums = Counter()
    for line in lines:
        if line.vendor_order_id == part:
            sums[line.account, line.kind] += line.amount_minor
    return [Share(account, kind, amount) for (account, kind), amount in sums.items()]


def test_delivered_then_due_with_a_tenth_held_back(order, facts):
    paid = order_postings.order_paid(facts, None, value(order, B2B, State()), Buyer(), 42994, 680)
    earned, due = [], []
    for vendor, reserve in ((VENDOR_A, 2451), (VENDOR_B, 1488)):
        own = Part(ORDER, facts.vendor_orders[vendor], vendor, "EUR")
        moved = earning_postings.moved(own, shares_of(paid, own.vendor_order_id), PENDING, EARNED, K.EARNED)
        earned += moved
        due += earning_postings.moved(own, shares_of(moved, own.vendor_order_id), EARNED, DUE, K.DUE)
        due += earning_postings.reserve_held(own, reserve)
    earned += earning_postings.delivery_earned(ORDER, "EUR", 1490, 298)
    assert sums_by_account(earned, NAMES) == {
        "commission_deferred": 4719,
        "shipping_deferred": 1490,
        "tax_deferred": 298,
        "vendor_pending:A": 24515,
        "vendor_pending:B": 14888,
        "promo_expense": 2236,
        "commission_revenue": -4719,
        "promo_deferred": -2236,
        "shipping_revenue": -1490,
        "tax_payable": -298,
        "vendor_earned:A": -24515,
        "vendor_earned:B": -14888,
    }
    assert sums_by_account(due, NAMES) == {
        "vendor_earned:A": 24515,
        "vendor_earned:B": 14888,
        "vendor_payable:A": -22064,
        "vendor_payable:B": -13400,
        "vendor_reserve:A": -2451,
        "vendor_reserve:B": -1488,
    }
    payable = [line for line in due if (line.account, line.party) == (AccountKind.VENDOR_PAYABLE, VENDOR_A)]
    assert {line.kind: -line.amount_minor for line in payable} == {
        K.GOODS: 22499 - 1350,
        K.MARKET_DISCOUNT: 1350,
        K.VENDOR_DISCOUNT: -900,
        K.TAX: 4320 + 198,
        K.DELIVERY: 990,
        K.COMMISSION: -2592,
        K.RESERVE_HELD: -2451,
    }
