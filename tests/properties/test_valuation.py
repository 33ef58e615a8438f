"""What holds for every order, policy and state: no cent is lost, no path matters, no one pays for another."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.kernel.money import round_half_up
from marketplace.pricing.answers import valuation_from_json, valuation_to_json
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
from marketplace.pricing.policy import (
    B2B,
    CommissionPolicy,
    DeliveryRefund,
    DiscountPolicy,
    Fault,
    FreeDeliveryPolicy,
    LossBearer,
    Policy,
    TaxBase,
    TierPolicy,
)
from marketplace.pricing.valuation import decide, value
from marketplace.pricing.wire import order_from_json, order_to_json, policy_from_json, policy_to_json

QUICK = settings(max_examples=60, deadline=None)
MUST_PROTECT = frozenset({Fault.VENDOR, Fault.CARRIER, Fault.OPERATOR})
KEEPING = {
    "discount": DiscountPolicy.PROPORTIONAL,
    "tier": TierPolicy.KEEP,
    "free_delivery": FreeDeliveryPolicy.KEEP,
}
rates = st.sampled_from(["0", "0.07", "0.19", "0.20", "0.08875"]).map(Decimal)
shares = st.integers(0, 10**6).map(lambda micros: Decimal(micros).scaleb(-6))
micros_of_prices = st.one_of(st.just(0), st.integers(0, 10**6), st.integers(0, 2 * 10**8))
prices = micros_of_prices.map(lambda micros: Decimal(micros).scaleb(-6))
caps = st.none() | st.integers(0, 2000)


@st.composite
def lines(draw, name, vendor, delivered):
    count = draw(st.integers(1, 3))
    starts = sorted(draw(st.sets(st.integers(1, 30), min_size=count, max_size=count)))
    costs = sorted((draw(prices) for _ in range(count)), reverse=True)
    tiers = tuple(PriceTier(start, cost) for start, cost in zip(starts, costs, strict=True))
    restocking = draw(st.sampled_from(["0", "0.05", "0.15"]).map(Decimal))
    commission = draw(st.sampled_from(["0", "0.10", "0.032505"]).map(Decimal))
    group = draw(st.sampled_from([None, *delivered]))
    return Line(name, vendor, draw(st.integers(1, 40)), tiers, draw(rates), commission, group, restocking)


@st.composite
def promotions(draw, name, ids, vendors):
    starts = sorted(draw(st.sets(st.integers(0, 60000), min_size=1, max_size=3)))
    if draw(st.booleans()):
        worths = sorted(draw(shares) for _ in starts)
        steps = tuple(PromotionStep(start, worth) for start, worth in zip(starts, worths, strict=True))
    else:
        amounts = sorted(draw(st.integers(0, 20000)) for _ in starts)
        steps = tuple(PromotionStep(start, None, amount) for start, amount in zip(starts, amounts, strict=True))
    scope = draw(st.none() | st.lists(st.sampled_from(ids), min_size=1, unique=True).map(tuple))
    return Promotion(name, steps, draw(shares), draw(st.dictionaries(st.sampled_from(vendors), shares)), scope)


@st.composite
def deliveries(draw, name, seller):
    free_from = draw(st.none() | st.integers(0, 60000))
    return Delivery(name, seller, draw(st.integers(0, 3000)), free_from, draw(st.sampled_from(FreeBasis)), draw(rates))


@st.composite
def orders(draw):
    vendors = draw(st.lists(st.sampled_from("ABC"), min_size=1, max_size=5))
    chosen = tuple(draw(lines(f"L{number}", vendor, ("gM", f"g{vendor}"))) for number, vendor in enumerate(vendors))
    groups = {line.delivery for line in chosen if line.delivery}
    sold = tuple(draw(deliveries(name, MARKETPLACE if name == "gM" else name[1])) for name in sorted(groups))
    ids = [line.id for line in chosen]
    discounts = tuple(draw(promotions(f"P{number}", ids, vendors)) for number in range(draw(st.integers(0, 3))))
    return Order("EUR", draw(st.booleans()), chosen, discounts, sold)


@st.composite
def policies(draw, **terms):
    drawn = {
        "discount": draw(st.sampled_from(DiscountPolicy)),
        "tier": draw(st.sampled_from(TierPolicy)),
        "free_delivery": draw(st.sampled_from(FreeDeliveryPolicy)),
        "protected_faults": MUST_PROTECT | draw(st.sets(st.sampled_from([Fault.BUYER, Fault.CANCELLED]))),
        "delivery_refund": {fault: draw(st.sampled_from(DeliveryRefund)) for fault in Fault},
        "loss_borne_by": {fault: draw(st.sampled_from(LossBearer)) for fault in Fault},
        "tax_base": draw(st.sampled_from(TaxBase)),
        "commission": draw(st.sampled_from(CommissionPolicy)),
        "commission_fee_rate": Decimal("0.2"),
        "commission_fee_cap_minor": draw(caps),
        "restocking_taxed": draw(st.booleans()),
        "restocking_cap_minor": draw(caps),
    }
    return Policy(**(drawn | terms))


def packets_of(draw, order, faults=tuple(Fault)):
    """Some units of the order in packets, in the order in which they come back."""
    left = {line.id: line.quantity for line in order.lines}
    packets = []
    for _ in range(draw(st.integers(1, 6))):
        open_lines = [name for name, units in left.items() if units]
        if not open_lines:
            break
        name = draw(st.sampled_from(open_lines))
        packets.append((name, draw(st.sampled_from(faults)), draw(st.integers(1, left[name]))))
        left[name] -= packets[-1][2]
    return packets


def state_of(packets):
    units = {}
    for name, fault, quantity in packets:
        units[name, fault] = units.get((name, fault), 0) + quantity
    return State(tuple(Returned(name, fault, quantity) for (name, fault), quantity in units.items()))


def all_back(order, fault):
    return State(tuple(Returned(line.id, fault, line.quantity) for line in order.lines))


@QUICK
@given(st.data(), orders(), policies())
def test_every_state_is_funded_to_the_cent(data, order, policy):
    state = state_of(packets_of(data.draw, order))
    parties = ["buyer", MARKETPLACE, *order.by_vendor]
    payer, payee = data.draw(st.permutations(parties))[:2]
    for charges in ((), (Charge(payer, payee, 1),)):
        if payee == "buyer" and value(order, policy, state).buyer_owes_minor == 0:
            continue
        known = value(order, policy, replace(state, charges=charges))
        funded = known.buyer_owes_minor + known.market_discount_minor + known.compensation_minor
        assert funded == sum(known.vendors_minor.values()) + known.commission_minor + known.operator_delivery_minor
        assert valuation_from_json(valuation_to_json(known)) == known
    assert order_from_json(order_to_json(order)) == order
    assert policy_from_json(policy_to_json(policy)) == policy


def off(promotion, step, base):
    """What a promotion takes off a base, worked out from the words of the specification."""
    if step < 0:
        return 0
    chosen = promotion.steps[step]
    if chosen.rate is None:
        return min(chosen.amount_minor, base)
    numerator, denominator = (chosen.rate * base).as_integer_ratio()
    return round_half_up(numerator, denominator)


@QUICK
@given(orders(), policies())
def test_discounts_are_shared_out_whole_and_none_exceeds_its_line(order, policy):
    one = replace(order, promotions=order.promotions[:1])
    known = value(one, policy, State())
    total = 0
    for promotion, step in zip(one.promotions, known.promotion_steps, strict=True):
        scope = {line.id for line in one.lines} if promotion.lines is None else set(promotion.lines)
        total = off(promotion, step, sum(line.gross_minor for line in known.lines if line.id in scope))
        by_vendor = {vendor: [line for line in known.lines if line.vendor == vendor] for vendor in one.by_vendor}
        for vendor, his in by_vendor.items():
            discount = sum(line.vendor_discount_minor + line.market_discount_minor for line in his)
            share = promotion.vendor_share_by.get(vendor, promotion.vendor_share)
            numerator, denominator = (share * discount).as_integer_ratio()
            assert sum(line.vendor_discount_minor for line in his) == round_half_up(numerator, denominator)
    assert sum(line.vendor_discount_minor + line.market_discount_minor for line in known.lines) == total
    for line in value(order, policy, State()).lines:
        assert 0 <= line.vendor_discount_minor + line.market_discount_minor <= line.gross_minor


@QUICK
@given(orders(), policies())
def test_placed_taxes_add_up_to_the_tax_of_their_vendor_and_rate(order, policy):
    known = value(order, policy, State())
    groups = {}
    for line, valued in zip(order.lines, known.lines, strict=True):
        base = valued.gross_minor - valued.vendor_discount_minor
        if policy.tax_base is TaxBase.BUYER_PRICE:
            base -= valued.market_discount_minor
        bases, taxes = groups.setdefault((line.vendor, line.tax_rate), ([], []))
        bases.append(base)
        taxes.append(valued.tax_minor)
    for (_, rate), (bases, taxes) in groups.items():
        numerator, denominator = rate.as_integer_ratio()
        whole = denominator + numerator if order.prices_include_tax else denominator
        assert sum(taxes) == round_half_up(sum(bases) * numerator, whole)


@QUICK
@given(st.data(), orders(), policies())
def test_refunds_follow_the_highest_target_and_a_retry_refunds_nothing(data, order, policy):
    before = value(order, policy, State())
    placed = net_paid = before.buyer_owes_minor
    packets = packets_of(data.draw, order)
    highest = 0
    for number in range(1, len(packets) + 1):
        after = value(order, policy, state_of(packets[:number]))
        decision = decide(before, after, net_paid)
        assert 0 <= decision.refund_minor <= net_paid
        assert decision.refund_minor * decision.deficit_minor == 0
        assert all(line.buyer_owes_minor >= 0 for line in after.lines)
        net_paid -= decision.refund_minor
        assert decide(after, after, net_paid).refund_minor == 0
        highest = max(highest, placed - after.buyer_owes_minor)
        assert placed - net_paid == highest
        before = after


@QUICK
@given(st.data(), orders(), policies())
def test_the_order_and_the_packets_of_returns_do_not_matter(data, order, policy):
    packets = packets_of(data.draw, order)
    single = [(name, fault, 1) for name, fault, quantity in packets for _ in range(quantity)]
    known = value(order, policy, state_of(packets))
    assert value(order, policy, state_of(data.draw(st.permutations(packets)))) == known
    assert value(order, policy, state_of(single)) == known


@QUICK
@given(orders(), policies(), st.sampled_from(sorted(MUST_PROTECT)))
def test_everything_back_by_a_protected_fault_leaves_nobody_owing(order, policy, fault):
    terms = replace(
        policy,
        commission=CommissionPolicy.REVERSE,
        delivery_refund=B2B.delivery_refund,
        loss_borne_by=dict.fromkeys(Fault, LossBearer.VENDOR),
    )
    known = value(order, terms, all_back(order, fault))
    assert (known.buyer_owes_minor, known.market_discount_minor, known.compensation_minor) == (0, 0, 0)
    assert (known.commission_minor, known.operator_delivery_minor) == (0, 0)
    assert set(known.vendors_minor.values()) == {0}


@QUICK
@given(st.data(), orders(), policies(discount=DiscountPolicy.REQUALIFY) | policies(**KEEPING))
def test_a_return_moves_another_vendor_only_by_a_step_or_a_free_delivery(data, order, policy):
    placed, after = (
        value(order, policy, State()),
        value(order, policy, state_of(packets := packets_of(data.draw, order))),
    )
    steps_moved = placed.promotion_steps != after.promotion_steps
    free_moved = [part.free for part in placed.deliveries] != [part.free for part in after.deliveries]
    if (policy.discount, policy.free_delivery) == (DiscountPolicy.PROPORTIONAL, FreeDeliveryPolicy.KEEP):
        assert not steps_moved
        assert not free_moved
    if not steps_moved and not free_moved:
        touched = {order.lines[order.position[name]].vendor for name, _, _ in packets}
        for vendor in order.by_vendor.keys() - touched:
            assert after.vendors_minor[vendor] == placed.vendors_minor[vendor]


def rises(order, policy, packets):
    """By how much what the buyer owes goes up on each packet that comes back."""
    owed = [value(order, policy, state_of(packets[:number])).buyer_owes_minor for number in range(len(packets) + 1)]
    return [later - earlier for earlier, later in pairwise(owed)]


@QUICK
@given(st.data(), orders(), policies(**KEEPING))
def test_keeping_every_price_leaves_no_deficit_beyond_roundings(data, order, policy):
    plain = replace(order, lines=tuple(replace(line, restocking_rate=Decimal(0)) for line in order.lines))
    packets = packets_of(data.draw, order)
    # List value and discount of one line are rounded apart; a fee rounds its base, itself, its tax and the line's tax.
    assert all(rise <= 1 for rise in rises(plain, policy, packets))
    assert all(rise <= 7 for rise in rises(order, policy, packets))


def test_the_rounding_that_keeping_every_price_may_leave_is_one_minor_unit():
    line = Line("L0", "A", 10, (PriceTier(1, Decimal("0.005")),), Decimal(0), Decimal(0), None, Decimal(0))
    order = Order("EUR", False, (line,), (Promotion("P", (PromotionStep(0, None, 2),), Decimal(0)),))
    packets = [("L0", Fault.BUYER, 1)] * 10
    assert rises(order, replace(B2B, **KEEPING), packets) == [0, -1, 1, -1, 0, -1, 0, 0, 0, -1]
