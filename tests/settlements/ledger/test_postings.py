"""The postings of example 1, to the cent, as the table of postings has them; debit above zero."""

import uuid
from collections import Counter

import pytest

from marketplace.pricing.facts import Charge, State
from marketplace.pricing.policy import B2B, CONSUMER
from marketplace.pricing.valuation import value
from settlements.ledger.chart import AccountKind, PostingKind
from settlements.ledger.postings import orders as order_postings
from settlements.ledger.postings import refunds as refund_postings
from settlements.ledger.postings.orders import Buyer
from tests.builders.settlements import example_one, facts_of, returned, sums_by_account

VENDOR_A, VENDOR_B, ORDER = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
NAMES = {VENDOR_A: "A", VENDOR_B: "B", ORDER: "O1"}
A, K = AccountKind, PostingKind


@pytest.fixture
def order():
    return example_one(VENDOR_A, VENDOR_B)


@pytest.fixture
def facts(order):
    return facts_of(order, ORDER)


def test_order_paid_by_card(order, facts):
    lines = order_postings.order_paid(facts, None, value(order, B2B, State()), Buyer(), 42994, 680)
    assert sums_by_account(lines, NAMES) == {
        "promo_deferred": 2236,
        "psp_clearing": 42994,
        "psp_fees": 680,
        "commission_deferred": -4719,
        "shipping_deferred": -1490,
        "tax_deferred": -298,
        "vendor_pending:A": -24515,
        "vendor_pending:B": -14888,
    }


def test_a_vendors_postings_are_split_by_kind(order, facts):
    lines = order_postings.order_paid(facts, None, value(order, B2B, State()), Buyer(), 42994, 680)
    of_a = Counter({line.kind: -line.amount_minor for line in lines if line.party == VENDOR_A})
    assert of_a == {
        K.GOODS: 22499 - 1350,
        K.MARKET_DISCOUNT: 1350,
        K.VENDOR_DISCOUNT: -900,
        K.TAX: 4320 + 198,
        K.DELIVERY: 990,
        K.COMMISSION: -2592,
    }
    assert {line.vendor_order_id for line in lines if line.party == VENDOR_A} == {facts.vendor_orders[VENDOR_A]}
    deferred = {line.vendor_order_id: line.amount_minor for line in lines if line.account is A.COMMISSION_DEFERRED}
    assert deferred == {facts.vendor_orders[VENDOR_A]: -2592, facts.vendor_orders[VENDOR_B]: -2127}


def test_part_goes_back_before_delivery(order, facts):
    before = value(order, B2B, State())
    after = value(order, B2B, returned(("A1", "buyer", 3), ("B1", "vendor", 2)))
    lines = order_postings.step_taken(facts, before, after, Buyer(refund_minor=9214))
    assert sums_by_account(lines, NAMES) == {
        "commission_deferred": 1040,
        "shipping_deferred": 426,
        "tax_deferred": 85,
        "vendor_pending:A": 3888,
        "vendor_pending:B": 4253,
        "promo_deferred": -478,
        "refunds_payable:O1": -9214,
    }


def test_a_refund_is_sent_bounces_and_leaves_by_bank(facts):
    sent = refund_postings.refund_sent(ORDER, 9214, "EUR")
    assert sums_by_account(sent, NAMES) == {"refunds_payable:O1": 9214, "psp_clearing": -9214}
    bounced = refund_postings.refund_bounced(ORDER, 9214, "EUR")
    assert sums_by_account(bounced, NAMES) == {"psp_clearing": 9214, "refunds_payable:O1": -9214}
    by_bank = refund_postings.refund_by_bank(ORDER, 9214, "EUR")
    assert sums_by_account(by_bank, NAMES) == {"refunds_payable:O1": 9214, "bank": -9214}


def test_a_fee_on_a_refund_is_our_expense():
    assert sums_by_account(refund_postings.refund_sent(ORDER, 100, "EUR", 25), NAMES) == {
        "refunds_payable:O1": 100,
        "psp_fees": 25,
        "psp_clearing": -125,
    }


def test_everything_cancelled_leaves_nothing(order, facts):
    before = value(order, B2B, State())
    everything = returned(("A1", "cancelled", 10), ("A2", "cancelled", 3), ("B1", "cancelled", 7))
    after = value(order, B2B, everything)
    paid = order_postings.order_paid(facts, None, before, Buyer(), 42994, 680)
    back = order_postings.step_taken(facts, before, after, Buyer(refund_minor=43674))
    left = Counter()
    for name, amount in [*sums_by_account(paid, NAMES).items(), *sums_by_account(back, NAMES).items()]:
        left[name] += amount
    assert {name: amount for name, amount in left.items() if amount} == {
        "psp_clearing": 42994,
        "psp_fees": 680,
        "refunds_payable:O1": -43674,
    }


def test_too_much_money_is_owed_back(order, facts):
    lines = order_postings.order_paid(facts, None, value(order, B2B, State()), Buyer(refund_minor=326), 44000, 0)
    assert sums_by_account(lines, NAMES)["refunds_payable:O1"] == -326
    assert sum(line.amount_minor for line in lines) == 0


def test_too_little_money_is_a_deficit_that_the_next_payment_settles(order, facts):
    first = order_postings.order_paid(facts, None, value(order, B2B, State()), Buyer(deficit_minor=674), 42900, 100)
    assert sums_by_account(first, NAMES)["buyer_clawback:O1"] == 674
    second = order_postings.order_paid(facts, None, None, Buyer(deficit_minor=-674), 650, 24)
    assert sums_by_account(second, NAMES) == {"psp_clearing": 650, "psp_fees": 24, "buyer_clawback:O1": -674}


def test_taxes_inside_the_prices_are_taken_out_of_goods_and_delivery():
    order = example_one(VENDOR_A, VENDOR_B, inclusive=True)
    valuation = value(order, CONSUMER, State())
    lines = order_postings.order_paid(facts_of(order, ORDER), None, valuation, Buyer(), valuation.buyer_owes_minor, 0)
    sums = sums_by_account(lines, NAMES)
    assert sums["shipping_deferred"] + sums["tax_deferred"] == -1490
    assert sums["tax_deferred"] == -248
    assert -sums["vendor_pending:A"] == valuation.vendors_minor[str(VENDOR_A)]
    assert sum(sums.values()) == 0


def test_charges_and_compensation_find_their_accounts(order, facts):
    charges = (
        Charge("marketplace", "buyer", 500),
        Charge("buyer", "marketplace", 120),
        Charge(str(VENDOR_B), "buyer", 70),
    )
    state = State(returned(("A1", "operator", 2)).returned, charges)
    before, after = value(order, B2B, State()), value(order, B2B, state)
    owed_less = before.buyer_owes_minor - after.buyer_owes_minor
    lines = order_postings.step_taken(facts, before, after, Buyer(refund_minor=owed_less))
    assert sum(line.amount_minor for line in lines) == 0
    sums = sums_by_account(lines, NAMES)
    assert sums["operator_loss"] == after.compensation_minor > 500
    charged = [line.amount_minor for line in lines if line.kind is K.CHARGE]
    assert sorted(charged) == [-120, 70]
