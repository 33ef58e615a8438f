"""Many at once on one order, in real processes with real commits: one effect each, books balanced."""

import multiprocessing
import os

import pytest

from marketplace.catalogue.models import OfferStock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.kernel.errors import Conflict
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.returns import actions, queries
from marketplace.shipments import actions as shipments
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.payments import jobs as payment_jobs
from settlements.payments.actions import reserve
from settlements.refunds import jobs as refund_jobs
from settlements.refunds import queries as refund_queries
from tests.builders.orders import an_order, line_named, the_example
from tests.builders.returns import SHIP_ALL, a_case, line_of, received, ship_all, wanted
from tests.conftest import close
from tests.settlements.memory_gateway import MemoryGateway

pytestmark = pytest.mark.processes
TRIES, PROCESSES = 100, 4
ALL = {"A1": 100, "A2": 3, "B1": 7}


@pytest.fixture
def app(own_database, make_app):
    made = make_app(own_database, MemoryGateway())
    with made.app_context():
        yield made
        db.session.remove()
    close(made)


@pytest.fixture
def market(app):
    with transaction():
        made = the_example()
        for offer in made.offers.values():
            db.session.get(OfferStock, offer.id).on_hand = 1000
    return made


def paid(market, *, ship=True):
    """An order paid through the provider, confirmed and, unless told otherwise, delivered."""
    with transaction():
        whole = an_order(market, ALL)
        payment = reserve(market.actor, whole.order.id)
    payment_jobs.take(payment.id, "pm_card_visa")
    with transaction():
        for part in whole.parts:
            orders.confirm(SYSTEM, part.id)
        if ship:
            ship_all(order_queries.whole(SYSTEM, whole.order.id))
    return order_queries.whole(SYSTEM, whole.order.id)


def at_once(app, tries, *works):
    """Each try by a process of `PROCESSES`, all let go together: how many of each outcome there were."""
    db.session.remove()
    db.engine.dispose()
    fork = multiprocessing.get_context("fork")
    go, told = fork.Event(), fork.Queue()

    def run(number):
        with app.app_context():
            db.engine.dispose(close=False)  # the parent's connections are the parent's
            go.wait(30)
            for one in range(number, tries, PROCESSES):
                try:
                    works[one % len(works)](one)
                    told.put("done")
                except Conflict as refusal:
                    told.put(type(refusal).__name__)
                except Exception as failure:
                    told.put(repr(failure))
                db.session.remove()
        told.close()
        told.join_thread()
        os._exit(0)

    crowd = [fork.Process(target=run, args=(number,)) for number in range(PROCESSES)]
    for process in crowd:
        process.start()
    go.set()
    outcomes = [told.get(timeout=120) for _ in range(tries)]
    for process in crowd:
        process.join(30)
    return outcomes


def in_one(action, *arguments, **more):
    with transaction():
        return action(*arguments, **more)


def proven(whole):
    """The books are right, and the order was never refunded beyond what was paid."""
    db.session.expire_all()
    found = order_queries.whole(SYSTEM, whole.order.id)
    assert [str(difference) for difference in books.check_books()] == []
    assert 0 <= found.net_paid_minor == found.order.owed_minor
    refunds = sum(refund.amount_minor for refund in refund_queries.refunds_of(SYSTEM, found.order.id))
    assert refunds == found.order.total_minor - found.net_paid_minor
    return found


def test_a_hundred_returns_for_the_last_forty_units(app, market):
    """Each asks for one unit; forty are there: forty come back, sixty are refused, no unit is counted twice."""
    whole = paid(market)
    line = line_named(whole, "A1")
    with transaction():
        a_case(market, whole, ("A1", 60, "change_of_mind"))

    def ask(_):
        case = in_one(actions.open_case, market.actor, whole.order.id, wanted(whole, ("A1", 1, "change_of_mind")))
        with transaction():
            received(market, case)
        with transaction():
            found = actions.decide(SYSTEM, case.id, [{"line_id": line_of(case, "A1").id}])
            actions.settle_found(SYSTEM, found)

    outcomes = at_once(app, TRIES, ask)
    assert (outcomes.count("done"), outcomes.count("UnitsNotReturnable")) == (40, 60)
    found = proven(whole)
    assert line_named(found, "A1").returned_quantity == 100
    state = found.order.formula_state["returned"]
    assert state == [{"line": str(line.id), "fault": "buyer", "quantity": 40}]
    assert [step.number for step in order_queries.steps_of(whole.order.id)] == list(range(41))


def test_a_hundred_decisions_on_one_case(app, market):
    """Everybody settles the same case at once: one decision, one refund, one journal."""
    whole = paid(market)
    with transaction():
        case = a_case(market, whole, ("A1", 3, "change_of_mind"), ("B1", 2, "visible_defect"))
        received(market, case)
        actions.decide(SYSTEM, case.id, [{"line_id": line.id} for line in queries.lines_of(SYSTEM, case.id)])

    outcomes = at_once(app, TRIES, lambda _: in_one(actions.settle, SYSTEM, case.id))
    assert (outcomes.count("done"), outcomes.count("NothingDecided")) == (1, TRIES - 1)
    proven(whole)
    assert [row.number for row in queries.decisions_of(case.id)] == [1]
    assert len(refund_queries.refunds_of(SYSTEM, whole.order.id)) == 1


def test_returns_race_cancellations_of_what_has_not_shipped(app, market):
    """Fifty of a hundred have shipped: fifty returns and fifty cancellations, each unit goes one way."""
    whole = paid(market, ship=False)
    line = line_named(whole, "A1")
    part = next(part for part in whole.parts if part.id == line.vendor_order_id)
    with transaction():
        parcel = shipments.ship(SYSTEM, part.id, SHIP_ALL | {"lines": [{"line_id": line.id, "quantity": 50}]})
        shipments.deliver(SYSTEM, parcel.id)
    units = [orders.Units(line.id, 1)]

    def give_back(_):
        case = in_one(actions.open_case, market.actor, whole.order.id, wanted(whole, ("A1", 1, "change_of_mind")))
        with transaction():
            received(market, case)
            found = actions.decide(SYSTEM, case.id, [{"line_id": line_of(case, "A1").id}])
            actions.settle_found(SYSTEM, found)

    def cancel(_):
        in_one(orders.cancel, market.actor, whole.order.id, units)

    outcomes = at_once(app, 2 * TRIES, give_back, cancel)
    assert outcomes.count("done") == TRIES
    assert set(outcomes) == {"done", "UnitsNotReturnable", "UnitsNotOpen"}
    found = proven(whole)
    counted = {entry["fault"]: entry["quantity"] for entry in found.order.formula_state["returned"]}
    assert counted == {"buyer": 50, "cancelled": 50}
    moved = line_named(found, "A1")
    assert (moved.shipped_quantity, moved.returned_quantity, moved.cancelled_quantity) == (50, 50, 50)


def test_a_refund_tried_by_many_workers_leaves_once(app, market):
    """The provider is a stand-in of its own process each, so what is counted is what we asked and booked."""
    whole = paid(market)
    with transaction():
        case = a_case(market, whole, ("B1", 2, "visible_defect"))
        received(market, case)
        actions.settle_found(SYSTEM, actions.decide(SYSTEM, case.id, [{"line_id": line_of(case, "B1").id}]))
    (refund,) = refund_queries.refunds_of(SYSTEM, whole.order.id)
    outcomes = at_once(app, TRIES, lambda _: refund_jobs.send(refund.id))
    assert "done" in outcomes
    db.session.expire_all()
    attempts = refund_queries.attempts_of([refund.id])[refund.id]
    assert len({attempt.key for attempt in attempts}) == len(attempts) == 1
    assert books.balance(AccountKind.REFUNDS_PAYABLE, whole.order.id, "EUR") in {0, -refund.amount_minor}
    assert [str(difference) for difference in books.check_books()] == []
