"""What cannot be valued is refused in words, when the fact is made or when it meets its order."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketplace.pricing.facts import Delivery, FreeBasis, Line, PriceTier, Promotion, PromotionStep, Returned, State
from marketplace.pricing.policy import B2B, Fault
from marketplace.pricing.refusals import Refused
from marketplace.pricing.valuation import decide, value
from tests.marketplace.pricing.asked import b2b, back, delivery, fixed, line, order, percent

PARTIES = "a charge moves a positive sum between two parties of the order"
LIMIT = "is not negative"
RATE = "a rate is between 0 and 1"
A1 = line("A1", 3, "10.00")
REFUSED = {
    "two lines of one id": (lambda: order(A1, A1), "lines need ids of their own"),
    "two promotions of one id": (
        lambda: order(A1, promotions=[percent("P", "0", (0, "0.1")), fixed("P", "0", (0, 1))]),
        "promotions need ids of their own",
    ),
    "two deliveries of one id": (
        lambda: order(A1, deliveries=[delivery("g", "A", 1), delivery("g", "A", 1)]),
        "deliveries need ids of their own",
    ),
    "no quantity": (lambda: line("A1", 0, "1"), "a quantity is at least 1"),
    "half a unit": (lambda: line("A1", 1.5, "1"), "a quantity is at least 1"),
    "a boolean quantity": (lambda: line("A1", True, "1"), "a quantity is at least 1"),
    "an endless quantity": (lambda: line("A1", 10**13, "1"), "larger than can be valued"),
    "no price": (lambda: line("A1", 1), "a line needs a price"),
    "a negative price": (lambda: line("A1", 1, "-0.01"), "a price is not negative, a tier starts at 1 or more"),
    "a tier from 0": (lambda: line("A1", 1, (0, "1")), "a price is not negative, a tier starts at 1 or more"),
    "seven decimals": (lambda: line("A1", 1, "0.0000001"), "at most six decimals"),
    "thirteen digits": (lambda: line("A1", 1, "1000000000000"), "at most twelve digits"),
    "a huge exponent": (lambda: line("A1", 1, "1E+999999"), "at most twelve digits"),
    "no number": (lambda: line("A1", 1, "NaN"), "decimal number"),
    "a signalling no number": (lambda: line("A1", 1, "sNaN"), "decimal number"),
    "no end": (lambda: line("A1", 1, "Infinity"), "decimal number"),
    "a float": (lambda: PriceTier(1, 0.5), "decimal number"),
    "tiers of one quantity": (lambda: line("A1", 1, (5, "2"), (5, "1")), "tiers must rise in quantity"),
    "tiers that rise in price": (lambda: line("A1", 1, (1, "1"), (5, "2")), "tiers must rise in quantity"),
    "a tax above one": (lambda: line("A1", 1, "1", tax_rate="1.000001"), RATE),
    "a commission below 0": (lambda: line("A1", 1, "1", commission_rate="-0.1"), RATE),
    "a restocking rate above one": (lambda: line("A1", 1, "1", restocking_rate="2"), RATE),
    "a vendor called buyer": (lambda: line("A1", 1, "1", vendor="buyer"), "neither buyer nor marketplace"),
    "an unknown delivery": (lambda: order(line("A1", 1, "1", delivery="g")), "unknown delivery"),
    "a delivery without a line": (
        lambda: order(A1, deliveries=[delivery("g", "A", 1)]), "a delivery needs a line",
    ),
    "a delivery of a stranger": (
        lambda: order(line("A1", 1, "1", delivery="g"), deliveries=[delivery("g", "Z", 1)]), "unknown party",
    ),
    "another's line delivered": (
        lambda: order(
            line("A1", 1, "1", delivery="g"), line("B1", 1, "1", delivery="g"), deliveries=[delivery("g", "A", 1)]
        ),
        "a vendor delivers only his own lines",
    ),
    "a negative delivery price": (lambda: delivery("g", "A", -1), LIMIT),
    "a negative limit": (lambda: delivery("g", "A", 1, -1), LIMIT),
    "a fractional delivery price": (lambda: delivery("g", "A", 1.5), "whole number"),
    "an endless delivery price": (lambda: delivery("g", "A", 10**16), "larger than can be booked"),
    "a delivery tax above one": (lambda: delivery("g", "A", 1, tax_rate=Decimal(2)), RATE),
    "a basis of its own": (lambda: Delivery("g", "A", 1, None, "all", Decimal(0)), "unknown basis"),
    "steps at one threshold": (lambda: percent("P", "0", (5, "0.1"), (5, "0.2")), "steps must rise"),
    "steps of falling worth": (lambda: fixed("P", "0", (5, 10), (6, 9)), "steps must rise"),
    "a negative threshold": (lambda: fixed("P", "0", (-5, 10)), LIMIT),
    "a negative amount": (lambda: fixed("P", "0", (5, -10)), LIMIT),
    "a negative percent": (lambda: percent("P", "0", (5, "-0.1")), LIMIT),
    "above 100 percent": (lambda: percent("P", "0", (5, "1.000001")), "a percent is at most 100"),
    "steps of two kinds": (
        lambda: Promotion("P", (PromotionStep(1, Decimal(0)), PromotionStep(2, None, 1)), Decimal(0)),
        "steps of one promotion are of one kind",
    ),
    "a step of both kinds": (lambda: PromotionStep(1, Decimal(0), 1), "either a rate or an amount"),
    "a step of no kind": (lambda: PromotionStep(1), "either a rate or an amount"),
    "a share above one": (lambda: percent("P", "1.1", (0, "0.1")), "a share is between 0 and 1"),
    "a vendor's share below 0": (
        lambda: Promotion("P", (), Decimal(0), {"A": Decimal(-1)}), "a share is between 0 and 1",
    ),
    "a promotion of an unknown line": (
        lambda: order(A1, promotions=[fixed("P", "0", (0, 1), lines=("Z9",))]), "unknown line",
    ),
    "a promotion of one line twice": (
        lambda: order(A1, promotions=[fixed("P", "0", (0, 1), lines=("A1", "A1"))]), "each line once",
    ),
    "a currency in words": (lambda: replace(order(A1), currency="euro"), "three capital letters"),
    "nothing returned": (lambda: back(("A1", "buyer", 0)), "a returned quantity is at least 1"),
    "a fault by its name": (lambda: Returned("A1", "buyer", 1), "unknown fault"),
    "one line and fault twice": (lambda: back(("A1", "buyer", 1), ("A1", "buyer", 1)), "each line and fault once"),
    "a charge to oneself": (lambda: back(charges=(("A", "A", 5),)), PARTIES),
    "a charge of nothing": (lambda: back(charges=(("A", "buyer", 0),)), PARTIES),
    "an unprotected vendor's fault": (
        lambda: b2b(protected_faults=frozenset({Fault.CARRIER, Fault.OPERATOR})), "may not cost him a tier",
    ),
    "a policy with a gap": (lambda: b2b(delivery_refund={}), "for every fault"),
    "a policy term by its name": (lambda: b2b(discount="requalify"), "a policy says one of"),
    "a negative cap": (lambda: b2b(restocking_cap_minor=-1), LIMIT),
    "a negative fee cap": (lambda: b2b(commission_fee_cap_minor=-1), LIMIT),
    "a fee above one": (lambda: b2b(commission_fee_rate=Decimal(2)), RATE),
}  # fmt: skip


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_fact_that_cannot_be_valued_is_not_made(make, reason):
    with pytest.raises(Refused, match=reason):
        make()


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (back(("Z9", "buyer", 1)), "unknown line returned"),
        (back(("A1", "buyer", 2), ("A1", "vendor", 2)), "returned more than was delivered"),
        (back(charges=(("Z", "buyer", 5),)), PARTIES),
        (back(charges=(("buyer", "Z", 5),)), PARTIES),
        (back(charges=(("marketplace", "buyer", 3001),)), "charges in the buyer's favour exceed what he owes"),
    ],
)
def test_a_state_that_does_not_fit_its_order_is_refused(state, reason):
    with pytest.raises(Refused, match=reason):
        value(order(A1), B2B, state)


def test_goodwill_up_to_what_is_owed_is_not_refused():
    assert value(order(A1), B2B, back(charges=(("marketplace", "buyer", 3000),))).buyer_owes_minor == 0


def test_an_order_larger_than_can_be_booked_is_refused():
    huge = line("A1", 10**12, "999999999999")
    with pytest.raises(Refused, match="an order is larger than can be booked"):
        value(order(huge), B2B, State())


def test_a_payment_below_nothing_is_refused():
    placed = value(order(A1), B2B, State())
    with pytest.raises(Refused, match="not negative"):
        decide(placed, placed, -1)


def test_a_vendor_with_a_share_but_without_a_line_is_passed_over():
    promotion = Promotion("P", (PromotionStep(0, Decimal("0.1")),), Decimal(0), {"Z": Decimal(1), "A": Decimal("0.5")})
    part = value(order(A1, promotions=[promotion]), B2B, State()).lines[0]
    assert (part.vendor_discount_minor, part.market_discount_minor) == (150, 150)


def test_facts_are_frozen():
    with pytest.raises(AttributeError):
        A1.quantity = 4
    assert isinstance(replace(A1, quantity=4), Line)
    assert FreeBasis.GROUP in {delivery("g", "A", 1).free_basis}
