"""Many at once: money is assigned once, an invoice is reminded of once. Real processes, real commits."""

import multiprocessing
from datetime import timedelta

import pytest

from marketplace.credit import queries as credit
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.kernel.errors import Refusal
from marketplace.orders import queries as order_queries
from settlements.ledger import books
from settlements.receivables import actions, jobs, queries
from settlements.receivables.actions import Allocation
from settlements.receivables.models import DunningNotice
from tests.builders.receivables import a_transfer, example_on_terms, invoiced
from tests.cast import make_cast

pytestmark = pytest.mark.processes
PROCESSES = 4


@pytest.fixture
def market(own_app):
    with own_app.app_context():
        with transaction():
            cast = make_cast()
            placed = example_on_terms(cast)
            invoiced(placed.order)
        yield cast, placed, [item.id for item in queries.of_order(placed.order.id)]
        db.session.remove()


def crowd(app, work):
    """`work(number)` in several processes let go together; what each returned."""
    db.session.remove()
    db.engine.dispose()
    fork = multiprocessing.get_context("fork")
    go, told = fork.Event(), fork.Queue()

    def run(number):
        with app.app_context():
            db.engine.dispose(close=False)
            go.wait(30)
            told.put(work(number))
            db.session.remove()
            db.engine.dispose()

    processes = [fork.Process(target=run, args=(number,)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    go.set()
    found = [told.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    return found


def attempt(call):
    try:
        with transaction():
            call()
    except Refusal as refusal:
        return type(refusal).__name__
    return "done"


def right():
    return [str(difference) for difference in books.check_books()] == []


def test_a_transfer_is_matched_once_by_whoever_comes_first(own_app, market):
    cast, placed, _ = market
    with transaction():
        ids = [a_transfer(10_000, placed.order.number).id for _ in range(6)]

    def work(number):
        order = ids[number:] + ids[:number]
        return [attempt(lambda one=one: actions.match_by_reference(one)) for one in order]

    crowd(own_app, work)
    assert order_queries.net_paid(placed.order.id) == 43_674
    left = sum(queries.transfer(SYSTEM, one).left_minor for one in ids)  # what came when nothing was open any more
    assert left in {0, 10_000}
    assert actions.credit_of(cast.buyer_company.id, "EUR") == 60_000 - 43_674 - left
    assert credit.account_of(cast.buyer_company.id, "EUR").used_minor == 0
    assert right()


def test_the_same_money_is_not_given_twice_by_hand(own_app, market):
    cast, _, items = market
    with transaction():
        transfer_id = a_transfer(10_000).id
        wanted = {item: queries.receivable(SYSTEM, item).open_minor for item in items}

    def work(number):
        item = items[number % 2]
        amount = min(6_000, wanted[item])
        return attempt(lambda: actions.match(cast.operator, transfer_id, [Allocation(item, amount)]))

    found = crowd(own_app, work)
    assert sorted(found) == ["MoreThanIsLeft"] * 3 + ["done"]
    assert queries.transfer(SYSTEM, transfer_id).left_minor == 4_000
    assert right()


def test_one_reminder_whoever_runs(own_app, market):
    _, _, items = market

    def work(_number):
        with clock.moved(timedelta(days=41)):
            jobs.remind_overdue()
        return "done"

    crowd(own_app, work)
    assert db.session.query(DunningNotice).count() == len(items)
    assert right()


def test_credit_is_not_used_beyond_what_there_is(own_app, market):
    cast, _, items = market
    with transaction():
        row = a_transfer(2_000)
        actions.keep_as_credit(cast.operator, row.id, cast.buyer_company.id, 2_000)

    def work(number):
        return attempt(lambda: actions.set_off(cast.operator, items[number % len(items)], 1_500))

    found = crowd(own_app, work)
    assert found.count("done") == 1
    assert actions.credit_of(cast.buyer_company.id, "EUR") == 500
    assert right()
