"""The first worked example, through cart, checkout, payment and cancelling, to the cent."""

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import transaction
from marketplace.orders import actions, queries
from marketplace.orders.states import OrderState, VendorOrderState
from tests.builders.orders import EXAMPLE, a_paid_order, an_order, line_named, part_of


def test_the_placed_order_is_that_of_the_example(market):
    with transaction():
        whole = an_order(market, EXAMPLE)
    order = whole.order
    assert (order.goods_minor, order.discount_minor, order.total_minor) == (37269, 3727, 43674)
    assert order.delivery_minor == 990 + 1490
    assert [(p.payable_minor, p.commission_minor) for p in whole.parts] == [(24515, 1440 + 1152), (14888, 2127)]
    rows = [
        (line.sku, line.gross_minor, line.vendor_discount_minor, line.market_discount_minor, line.tax_minor)
        for line in whole.lines
    ]
    assert rows == [("A1", 12500, 500, 750, 2400), ("A2", 9999, 400, 600, 1920), ("B1", 14770, 591, 886, 2836)]
    assert [line.buyer_owes_minor for line in whole.lines] == [13650, 10919, 16129]
    assert [(d.vendor_id, d.amount_minor, d.tax_minor) for d in whole.deliveries] == [
        (market.vendors["A"].id, 990, 198),
        (None, 1490, 298),
    ]
    assert whole.parts[0].buyer_owes_minor == 13650 + 10919 + 990 + 198
    assert whole.state is OrderState.AWAITING_PAYMENT


def test_the_first_step_freezes_the_valuation(market):
    with transaction():
        whole = an_order(market, EXAMPLE)
    (step,) = queries.steps_of(whole.order.id)
    assert (step.number, step.cause, step.refund_minor) == (0, "placed", 0)
    valuation = step.valuation
    assert valuation["buyer_owes_minor"] == 43674
    assert valuation["market_discount_minor"] == 2236
    assert valuation["operator_delivery_minor"] == 1788


def test_two_units_that_the_vendor_cannot_deliver_are_refunded_as_in_the_example(market):
    """B declines 2 of B1, the buyer cancels 3 of A1: together the refund of the example, 92.14."""
    with transaction():
        whole = a_paid_order(market, EXAMPLE)
        part = part_of(whole, market.vendors["B"])
        actions.cancel_part(
            market.vendor_actor("B"), part.id, [actions.Units(line_named(whole, "B1").id, 2)], "none left"
        )
        after = actions.cancel(market.actor, whole.order.id, [actions.Units(line_named(whole, "A1").id, 3)])
    assert [step.refund_minor for step in queries.steps_of(whole.order.id)] == [0, 4608 + 511, 4095]
    assert after.order.owed_minor == 34460
    assert after.net_paid_minor == 34460
    assert [p.payable_minor for p in after.parts] == [20627, 10635]
    assert [p.state for p in after.parts] == [VendorOrderState.TO_CONFIRM] * 2


def test_everything_cancelled_gives_everything_back(market):
    with transaction():
        whole = a_paid_order(market, EXAMPLE)
        after = actions.cancel(market.actor, whole.order.id)
    assert (after.order.owed_minor, after.net_paid_minor) == (0, 0)
    assert [p.payable_minor for p in after.parts] == [0, 0]
    assert after.state is OrderState.CANCELLED
    assert queries.last_step(whole.order.id).refund_minor == 43674


def test_one_vendors_cancellation_leaves_the_other_part_alone(market):
    with transaction():
        whole = a_paid_order(market, EXAMPLE)
        before = part_of(whole, market.vendors["A"]).payable_minor
        after = actions.cancel_part(market.vendor_actor("B"), part_of(whole, market.vendors["B"]).id, None, "sold out")
    assert part_of(after, market.vendors["B"]).state == VendorOrderState.CANCELLED
    assert part_of(after, market.vendors["A"]).state == VendorOrderState.TO_CONFIRM
    assert part_of(after, market.vendors["A"]).payable_minor == before
    assert actions.net_paid(whole.order.id) == after.order.owed_minor == 13650 + 10919 + 1188
    assert queries.whole(SYSTEM, whole.order.id).state is OrderState.PAID
