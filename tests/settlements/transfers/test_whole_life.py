"""Example 1 from the buyer's payment to the vendor's bank, and back: table 3.4 with real rows across all rooms."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import transaction
from marketplace.orders import actions as orders
from marketplace.orders import formula
from marketplace.orders import queries as order_queries
from marketplace.pricing.policy import Fault
from settlements.earnings import jobs as earning_jobs
from settlements.earnings import queries as earning_queries
from settlements.gateway.connect import PayoutRequest
from settlements.ledger import books
from settlements.ledger.chart import AccountKind as A
from settlements.refunds import jobs as refund_jobs
from settlements.refunds import queries as refund_queries
from settlements.transfers import actions, jobs
from tests.builders.settlements import deliver
from tests.builders.transfers import standing

DUE, RESERVE, CAME_BACK = 22064, 2451, 3888


@pytest.fixture
def paid_out(placed, pay, account, vendor, gateway, cast):
    """A's part was paid, delivered and fell due; 220.64 were transferred, linked to the charge, and are at his bank."""
    assert pay(placed.order).status_code == 201
    with transaction():
        deliver(placed)
    with clock.moved(timedelta(days=4)):
        earning_jobs.fall_due()
    assert standing(vendor) == {"payable": DUE, "reserve": RESERVE}
    with transaction():
        (transfer,) = actions.request(vendor, "EUR", DUE, "test:1", SYSTEM)
    jobs.send(transfer.id)
    assert (transfer.charge_id, standing(vendor)) == (
        next(iter(gateway.payments.values())).charge_id,
        {"reserve": RESERVE},
    )
    gateway.create_payout(PayoutRequest(key="k", account=account, amount_minor=DUE, currency="EUR"))
    return placed


def three_come_back(placed, cast):
    with transaction():
        order = order_queries.order(SYSTEM, placed.order.id, locked=True)
        parts = order_queries.parts_of(order.id, locked=True)
        _, _, state = formula.facts_of(order)
        after = formula.with_units(state, {placed.lines["A1"]: 3}, Fault.BUYER)
        orders.take_step(order, parts, after, orders.Reason(cast.operator, orders.Cause.RETURNED))


def test_the_buyer_has_his_refund_while_the_vendor_still_owes(paid_out, cast, vendor, gateway):
    three_come_back(paid_out, cast)
    (refund,) = refund_queries.refunds_of(SYSTEM, paid_out.order.id)
    refund_jobs.send(refund.id)
    assert refund.state.value == "confirmed"
    assert standing(vendor) == {"payable": -CAME_BACK, "reserve": RESERVE}
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance_minor()


def test_the_reserve_pays_what_came_back_and_is_not_released_a_second_time(paid_out, cast, vendor, gateway):
    three_come_back(paid_out, cast)
    jobs.recover_waiting()
    assert standing(vendor) == {"payable": RESERVE - CAME_BACK}  # row 5; 14.37 are carried
    assert earning_queries.earning(paid_out.parts[vendor].id).reserve_left_minor == 0
    with clock.moved(timedelta(days=60)):
        earning_jobs.release_reserves()
    assert standing(vendor) == {"payable": RESERVE - CAME_BACK}
    assert [str(difference) for difference in books.check_books()] == []


def test_what_arrived_since_goes_first(paid_out, cast, vendor, account, gateway):
    gateway._move(account, "topup", 1500, "EUR", "tu_1")
    three_come_back(paid_out, cast)
    jobs.recover_waiting()
    jobs.take_back_waiting()
    jobs.recover_waiting()
    assert standing(vendor) == {"reserve": RESERVE - (CAME_BACK - 1500)}
    with clock.moved(timedelta(days=60)):
        earning_jobs.release_reserves()
    assert standing(vendor) == {"payable": RESERVE - (CAME_BACK - 1500)}
    assert books.balance(A.PSP_CLEARING, None, "EUR") == gateway.balance_minor()
    assert [str(difference) for difference in books.check_books()] == []
