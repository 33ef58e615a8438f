"""Stock: taken whole or not at all, given back once, renewed while it lasts."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.catalogue import stock
from marketplace.catalogue.models import OfferStock, Reservation
from marketplace.catalogue.states import RESERVATION_STATES, ReservationState, ReservationVerb
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import QueryCounter, db, transaction
from marketplace.kernel.states import IllegalMove, advance
from marketplace.orders import actions, jobs, queries
from tests.builders.catalogue import an_offer
from tests.builders.orders import a_confirmed_order, a_market, a_paid_order, an_order, line_named


@pytest.fixture
def market(session):
    with transaction():
        made = a_market()
        for name, vendor, amount in (("a", "A", 10), ("b", "B", 5)):
            made.offers[name] = an_offer(made.vendors[vendor], sku=name, stock=amount)
    return made


def on_stock(market, name):
    row = db.session.get(OfferStock, market.offers[name].id, populate_existing=True)
    return row.on_hand, row.reserved


def held(order_id):
    rows = db.session.query(Reservation).filter_by(order_id=order_id).populate_existing()
    return sorted((row.quantity, row.state.value, row.expires_at is None) for row in rows)


def wants(market, **quantities):
    return [
        stock.Wanted(uuid.uuid4(), market.offers[name].id, quantity, f"/lines/{index}")
        for index, (name, quantity) in enumerate(quantities.items())
    ]


def test_reserving_raises_reserved_in_one_statement(market):
    with transaction(), QueryCounter() as seen:
        stock.reserve(wants(market, a=10, b=3))
    assert [s for s in seen.statements if "SAVEPOINT" not in s] == seen.statements[-1:]
    assert (on_stock(market, "a"), on_stock(market, "b")) == ((10, 10), (5, 3))


def test_short_stock_names_every_line_and_takes_nothing(market):
    with pytest.raises(stock.StockTooLow) as refused, transaction():
        stock.reserve(wants(market, b=6, a=11))
    errors = refused.value.facts["errors"]
    assert [(e["pointer"], e["wanted"], e["available"]) for e in errors] == [("/lines/0", 6, 5), ("/lines/1", 11, 10)]
    assert (on_stock(market, "a"), on_stock(market, "b")) == ((10, 0), (5, 0))


def test_one_short_line_leaves_the_others_untaken(market):
    with transaction():
        with pytest.raises(stock.StockTooLow):
            stock.reserve(wants(market, a=1, b=6))
        assert on_stock(market, "a") == (10, 0)


def test_an_offer_without_stock_has_none(market):
    with transaction(), pytest.raises(stock.StockTooLow) as refused:
        stock.reserve([stock.Wanted(uuid.uuid4(), uuid.uuid4(), 1, "/lines/0")])
    assert refused.value.facts["errors"][0]["available"] == 0


def test_two_lines_of_one_offer_count_together(market):
    twice = [*wants(market, b=3), *wants(market, b=3)]
    with transaction(), pytest.raises(stock.StockTooLow):
        stock.reserve(twice)


def test_an_order_holds_its_units_for_a_time_and_once_paid_without_end(market):
    with transaction():
        whole = an_order(market, {"a": 4, "b": 1})
    assert held(whole.order.id) == [(1, "held", False), (4, "held", False)]
    with transaction():
        actions.record_payment(SYSTEM, whole.order.id, whole.order.owed_minor, "EUR", "p1")
    assert held(whole.order.id) == [(1, "held", True), (4, "held", True)]
    assert on_stock(market, "a") == (10, 4)


def test_expiry_gives_back_once(market, monkeypatch):
    with transaction():
        whole = an_order(market, {"a": 4})
    later = datetime.now(UTC) + timedelta(minutes=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    jobs.expire_reservations()
    jobs.expire_reservations()
    assert held(whole.order.id) == [(0, "expired", False)]
    assert on_stock(market, "a") == (10, 0)


def test_a_payment_after_the_end_reserves_again(market, monkeypatch):
    with transaction():
        whole = an_order(market, {"a": 4, "b": 2})
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(minutes=31))
    jobs.expire_reservations()
    with transaction():
        actions.record_payment(SYSTEM, whole.order.id, whole.order.owed_minor, "EUR", "p1")
    assert held(whole.order.id) == [(2, "held", True), (4, "held", True)]
    assert (on_stock(market, "a"), on_stock(market, "b")) == ((10, 4), (5, 2))


def test_a_late_payment_reports_the_line_whose_stock_is_gone(market, monkeypatch):
    with transaction():
        whole = an_order(market, {"a": 4, "b": 4})
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(minutes=31))
    jobs.expire_reservations()
    with transaction():
        an_order(market, {"b": 3})
        actions.record_payment(SYSTEM, whole.order.id, whole.order.owed_minor, "EUR", "p1")
    after = queries.whole(SYSTEM, whole.order.id)
    assert [line.short_quantity for line in after.lines] == [0, 4]
    assert on_stock(market, "b") == (5, 3)
    with transaction():
        actions.cancel_part(SYSTEM, after.parts[1].id)
    assert on_stock(market, "b") == (5, 3)
    assert queries.lines_of(whole.order.id)[1].short_quantity == 0


def test_a_partial_cancellation_gives_back_its_units_only(market):
    with transaction():
        whole = an_order(market, {"a": 4})
        actions.cancel(market.actor, whole.order.id, [actions.Units(whole.lines[0].id, 1)])
    assert held(whole.order.id) == [(3, "held", False)]
    assert on_stock(market, "a") == (10, 3)


def test_shipping_lowers_both(market):
    with transaction():
        whole = a_confirmed_order(market, {"a": 4})
        actions.units_shipped(SYSTEM, whole.parts[0], {whole.lines[0].id: 3})
    assert on_stock(market, "a") == (7, 1)
    with transaction():
        actions.units_shipped(SYSTEM, whole.parts[0], {whole.lines[0].id: 1})
    assert on_stock(market, "a") == (6, 0)
    assert held(whole.order.id) == [(0, "used", True)]


def test_shipping_what_the_feed_counted_out_already_stops_at_nothing(market):
    with transaction():
        whole = a_confirmed_order(market, {"a": 4})
        db.session.get(OfferStock, market.offers["a"].id).on_hand = 2
        db.session.flush()
        actions.units_shipped(SYSTEM, whole.parts[0], {whole.lines[0].id: 4})
    assert on_stock(market, "a") == (0, 0)


def test_an_unpaid_order_is_cancelled_when_its_time_is_over(market, monkeypatch):
    with transaction():
        whole = an_order(market, {"a": 4})
        paid = a_paid_order(market, {"b": 1})
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(hours=73))
    jobs.expire_unpaid()
    jobs.expire_unpaid()
    after = queries.whole(SYSTEM, whole.order.id)
    assert after.state.value == "cancelled"
    assert [step.cause for step in queries.steps_of(whole.order.id)] == ["placed", "payment_expired"]
    assert (on_stock(market, "a"), on_stock(market, "b")) == ((10, 0), (5, 1))
    assert queries.whole(SYSTEM, paid.order.id).state.value == "paid"
    assert line_named(after, "a").cancelled_quantity == 4


R, W = ReservationState, ReservationVerb
TABLE = {
    (R.HELD, W.USE): R.USED,
    (R.HELD, W.EXPIRE): R.EXPIRED,
    (R.HELD, W.RELEASE): R.RELEASED,
    (R.EXPIRED, W.RENEW): R.HELD,
}


@pytest.mark.parametrize("state", R)
@pytest.mark.parametrize("verb", W)
def test_every_pair_of_state_and_verb(state, verb):
    if (state, verb) in TABLE:
        assert advance(RESERVATION_STATES, state, verb) is TABLE[state, verb]
    else:
        with pytest.raises(IllegalMove):
            advance(RESERVATION_STATES, state, verb)
