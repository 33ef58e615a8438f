"""Worked examples of the specification, restated by hand with their sums."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketplace.pricing.facts import Order, State
from marketplace.pricing.policy import B2B, CONSUMER, CommissionPolicy, DiscountPolicy, TaxBase
from marketplace.pricing.valuation import decide, value
from tests.marketplace.pricing.asked import b2b, back, delivery, fixed, line, order, percent

TAX = {"tax_rate": "0.20"}
TWENTY = {"tax_rate": Decimal("0.20")}


def refund_of(asked: Order, state: State, policy=B2B):
    before = value(asked, policy, State())
    return decide(before, value(asked, policy, state), before.buyer_owes_minor)


def test_two_vendors_one_discount_part_comes_back():
    asked = order(
        line("A1", 10, "12.50", commission_rate="0.12", delivery="gA", **TAX),
        line("A2", 3, "33.33", commission_rate="0.12", delivery="gA", **TAX),
        line("B1", 7, "21.10", commission_rate="0.15", delivery="gB", **TAX),
        promotions=[percent("P10", "0.4", (0, "0.10"))],
        deliveries=[delivery("gA", "A", 990, **TWENTY), delivery("gB", "marketplace", 1490, **TWENTY)],
    )
    placed = value(asked, B2B, State())
    assert (placed.buyer_owes_minor, placed.market_discount_minor, placed.compensation_minor) == (43674, 2236, 0)
    assert (placed.commission_minor, placed.operator_delivery_minor) == (4719, 1788)
    assert placed.vendors_minor == {"A": 24515, "B": 14888}
    assert [part.tax_minor for part in placed.lines] == [2400, 1920, 2836]
    after = value(asked, B2B, back(("A1", "buyer", 3), ("B1", "vendor", 2)))
    assert [part.gross_minor for part in after.lines] == [8750, 9999, 10550]
    assert [part.buyer_owes_minor for part in after.lines] == [9555, 10919, 11521]
    decision = decide(placed, after, 43674)
    assert (decision.refund_minor, decision.deficit_minor) == (9214, 0)
    assert decision.vendors_minor == {"A": -3888, "B": -4253}
    assert (decision.commission_minor, decision.operator_delivery_minor) == (-1040, -511)
    assert decision.market_discount_minor == -478
    assert decide(placed, after, 0).deficit_minor == 34460
    assert decide(placed, after, 38000).refund_minor == 3540


def test_a_fixed_amount_over_three_vendors_returned_unit_by_unit_or_at_once():
    asked = order(
        line("A1", 4, "50.00"), line("B1", 1, "200.00"), line("C1", 1, "200.00"),
        promotions=[fixed("P", "0", (0, 10000))],
    )  # fmt: skip
    owed = [value(asked, B2B, back(("A1", "buyer", units))).buyer_owes_minor for units in (1, 2, 4)]
    assert value(asked, B2B, State()).lines[0].market_discount_minor == 3334
    assert owed == [45833, 41667, 33334]


THRESHOLD = (line("A1", 4, "150.00"), line("B1", 5, "84.00"), line("C1", 1, "80.00"))
PERCENT = percent("a", "0.5", (50000, "0.05"), (100000, "0.10"))
FIXED = fixed("b", "0.5", (50000, 4000), (100000, 10000))


@pytest.mark.parametrize(
    ("promotion", "policy", "refund", "vendors", "market"),
    [
        (PERCENT, "proportional", 13500, [-12825, 0, 0], -750),
        (PERCENT, "requalify", 8750, [-11813, 945, 180], -3125),
        (PERCENT, "reprice_kept", 8750, [-11813, 945, 180], -3125),
        (FIXED, "proportional", 13636, [-12886, 0, 0], -682),
        (FIXED, "requalify", 8455, [-11781, 1030, 197], -3272),
        (FIXED, "reprice_kept", 9000, [-11898, 922, 176], -3000),
    ],
)
def test_a_threshold_lost_by_the_return(promotion, policy, refund, vendors, market):
    asked = order(*THRESHOLD, promotions=[promotion])
    decision = refund_of(asked, back(("A1", "buyer", 1)), b2b(discount=DiscountPolicy(policy)))
    assert decision.refund_minor == refund
    assert list(decision.vendors_minor.values()) == vendors
    assert decision.market_discount_minor == market


def test_defective_goods_keep_the_threshold():
    asked = order(*THRESHOLD, promotions=[percent("a", "0", (50000, "0.05"), (100000, "0.10"))])
    decision = refund_of(asked, back(("A1", "vendor", 1)))
    assert decision.refund_minor == 13500
    assert decision.vendors_minor == {"A": -13500, "B": 0, "C": 0}


@pytest.mark.parametrize(
    ("entries", "owed", "commission"),
    [
        ([("A1", "buyer", 60)], 40000, 4000),
        ([("A1", "vendor", 60)], 32000, 3200),
        ([("A1", "vendor", 30), ("A1", "buyer", 30)], 36000, 3600),
        ([("A1", "buyer", 100)], 0, 0),
        ([("A1", "buyer", 1)], 80000, 8000),
        ([("A1", "buyer", 12)], 79200, 7920),
    ],
)
def test_volume_tiers_are_rated_again_but_nobody_pays_more_for_less(entries, owed, commission):
    asked = order(line("A1", 100, (1, "10.00"), (50, "9.00"), (100, "8.00")))
    after = value(asked, B2B, back(*entries))
    assert (after.buyer_owes_minor, after.commission_minor) == (owed, commission)


def test_the_price_used_is_told_to_six_decimals():
    asked = order(line("A1", 100, (1, "10.00"), (50, "9.00"), (100, "8.00")))
    assert value(asked, B2B, State()).lines[0].unit_price == Decimal("8.00")
    assert value(asked, B2B, back(("A1", "buyer", 1))).lines[0].unit_price == Decimal("8.080808")
    assert value(asked, B2B, back(("A1", "buyer", 40))).lines[0].unit_price == Decimal("9.00")


def test_goods_that_cost_nothing_by_their_volume_stay_free():
    free = line("A1", 10, (1, "5.00"), (10, "0"))
    asked = order(free, line("B1", 1, "1.00"), promotions=[percent("P", "0", (0, "0.10"))])
    after = value(asked, B2B, back(("A1", "buyer", 4)))
    assert (after.buyer_owes_minor, after.lines[0].unit_price) == (90, 0)


@pytest.mark.parametrize(
    ("fault", "policy", "delivered", "refund"),
    [("buyer", B2B, (2900, 580, False), 6120), ("buyer", CONSUMER, (0, 0, True), 9600),
     ("vendor", B2B, (0, 0, True), 9600)],
)  # fmt: skip
def test_free_delivery_lost_by_the_return(fault, policy, delivered, refund):
    asked = order(line("A1", 13, "40.00", delivery="g", **TAX), deliveries=[delivery("g", "A", 2900, 50000, **TWENTY)])
    state = back(("A1", fault, 2))
    part = value(asked, policy, state).deliveries[0]
    assert (part.amount_minor, part.tax_minor, part.free) == delivered
    assert refund_of(asked, state, policy).refund_minor == refund


@pytest.mark.parametrize(
    ("fault", "units", "policy", "refund"),
    [("buyer", 2, B2B, 9600), ("vendor", 2, B2B, 10135), ("buyer", 13, B2B, 62400), ("buyer", 13, CONSUMER, 65880),
     ("cancelled", 2, B2B, 9600), ("cancelled", 13, B2B, 65880), ("vendor", 13, B2B, 65880)],
)  # fmt: skip
def test_paid_delivery_goes_back_by_fault(fault, units, policy, refund):
    asked = order(line("A1", 13, "40.00", delivery="g", **TAX), deliveries=[delivery("g", "A", 2900, **TWENTY)])
    assert refund_of(asked, back(("A1", fault, units)), policy).refund_minor == refund


@pytest.mark.parametrize(
    ("base", "taxes", "vendors", "commission"),
    [("vendor_consideration", [3800, 1900], {"A": 21800, "B": 10900}, 3000),
     ("buyer_price", [3481, 1740], {"A": 21768, "B": 10884}, 3048)],
)  # fmt: skip
def test_tax_inclusive_prices_and_the_two_tax_bases(base, taxes, vendors, commission):
    asked = order(
        line("A1", 3, "119.00", tax_rate="0.19"), line("B1", 2, "59.50", tax_rate="0.19"),
        inclusive=True, promotions=[fixed("C", "0", (0, 4000))],
    )  # fmt: skip
    after = value(asked, b2b(tax_base=TaxBase(base)), back(("A1", "vendor", 1)))
    assert [part.tax_minor for part in after.lines] == taxes
    assert after.vendors_minor == vendors
    assert (after.buyer_owes_minor, after.market_discount_minor, after.commission_minor) == (32700, 3000, commission)


@pytest.mark.parametrize(
    ("fault", "terms", "fee", "refund"),
    [("buyer", {}, (5400, 1080), 36720), ("buyer", {"restocking_taxed": False}, (5400, 0), 37800),
     ("buyer", {"restocking_cap_minor": 4000}, (4000, 800), 38400), ("vendor", {}, (0, 0), 43200)],
)  # fmt: skip
def test_restocking_fee_on_what_was_paid(fault, terms, fee, refund):
    asked = order(line("A1", 5, "200.00", restocking_rate="0.15", **TAX), promotions=[percent("P", "1", (0, "0.1"))])
    part = value(asked, b2b(**terms), back(("A1", fault, 2))).lines[0]
    assert (part.restocking_fee_minor, part.restocking_tax_minor) == fee
    assert refund_of(asked, back(("A1", fault, 2)), b2b(**terms)).refund_minor == refund


def test_a_consumer_pays_no_restocking_fee():
    asked = order(line("A1", 5, "200.00", restocking_rate="0.15"))
    assert refund_of(asked, back(("A1", "buyer", 2)), CONSUMER).refund_minor == 40000


def test_a_clawback_larger_than_the_goods_is_carried():
    asked = order(line("A1", 10, "9.95"), line("A2", 1, "0.50"), promotions=[percent("P", "0", (10000, "0.10"))])
    placed, first = value(asked, B2B, State()), value(asked, B2B, back(("A2", "buyer", 1)))
    assert (decide(placed, first, 9000).refund_minor, decide(placed, first, 9000).deficit_minor) == (0, 950)
    second = value(asked, B2B, back(("A2", "buyer", 1), ("A1", "buyer", 1)))
    assert (decide(first, second, 9000).refund_minor, decide(first, second, 9000).deficit_minor) == (45, 0)


@pytest.mark.parametrize(
    ("seller", "fault", "vendor", "commission", "sold", "compensation"),
    [("marketplace", "carrier", -2000, -1000, -600, 9000), ("A", "carrier", -11600, -1000, 0, 0),
     ("A", "operator", -2100, -1000, 0, 9500), ("A", "vendor", -11600, -1000, 0, 0)],
)  # fmt: skip
@pytest.mark.parametrize("policy", CommissionPolicy)
def test_a_vendor_without_fault_is_kept_whole(seller, fault, vendor, commission, sold, compensation, policy):
    asked = order(line("A1", 4, "100.00", delivery="g", **TAX), deliveries=[delivery("g", seller, 2000, **TWENTY)])
    borne_by_vendor = vendor == -11600
    kept = {CommissionPolicy.REVERSE: 0, CommissionPolicy.KEEP: 1000, CommissionPolicy.REVERSE_MINUS_FEE: 200}[policy]
    kept = kept if borne_by_vendor else 0
    decision = refund_of(asked, back(("A1", fault, 1)), b2b(commission=policy))
    assert decision.refund_minor == 12600
    assert decision.vendors_minor == {"A": vendor - kept}
    assert (decision.commission_minor, decision.operator_delivery_minor) == (commission + kept, sold)
    assert decision.compensation_minor == compensation


@pytest.mark.parametrize(("policy", "left"), [("reverse", 0), ("keep", -5175), ("reverse_minus_fee", -500)])
def test_commission_on_returns(policy, left):
    asked = order(line("A1", 1, "345.00", commission_rate="0.15"))
    after = value(asked, b2b(commission=CommissionPolicy(policy)), back(("A1", "buyer", 1)))
    assert (after.vendors_minor, after.commission_minor) == ({"A": left}, -left)


def test_a_fault_decided_differently_after_inspection():
    asked = order(line("A1", 5, "200.00", restocking_rate="0.15", **TAX), promotions=[percent("P", "1", (0, "0.1"))])
    path = [back(("A1", "vendor", 2)), back(("A1", "buyer", 2)), back(("A1", "buyer", 3))]
    before, paid, seen = value(asked, B2B, State()), 108000, []
    for state in path:
        after = value(asked, B2B, state)
        decision = decide(before, after, paid)
        seen.append((after.buyer_owes_minor, decision.refund_minor, decision.deficit_minor))
        before, paid = after, paid - decision.refund_minor
    assert seen == [(64800, 43200, 0), (71280, 0, 6480), (52920, 11880, 0)]


def test_prices_below_a_cent_and_other_minor_units():
    screws = line("A1", 1001, "0.0375")
    assert value(order(screws), B2B, State()).buyer_owes_minor == 3754
    assert value(replace(order(screws), currency="JPY"), B2B, State()).buyer_owes_minor == 38
    assert value(replace(order(screws), currency="KWD"), B2B, State()).buyer_owes_minor == 37538


def test_charges_in_every_direction():
    asked = order(line("A1", 2, "50.00"), line("B1", 1, "10.00"))
    charges = (("buyer", "A", 7), ("marketplace", "buyer", 100), ("A", "B", 20), ("B", "marketplace", 3))
    after = value(asked, B2B, back(charges=charges))
    assert (after.buyer_owes_minor, after.compensation_minor, after.operator_delivery_minor) == (10907, 100, 3)
    assert after.vendors_minor == {"A": 9000 + 7 - 20, "B": 900 + 20 - 3}


def test_an_order_without_lines_comes_to_nothing():
    assert value(order(), B2B, State()).buyer_owes_minor == 0
