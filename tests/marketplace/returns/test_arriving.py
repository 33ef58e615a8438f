"""Goods on their way back: what nobody records arrives by time, and upon what its vendor misses the operator rules."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.kernel.states import IllegalMove
from marketplace.notifications.models import Letter
from marketplace.orders import queries as order_queries
from marketplace.returns import actions, handlers, jobs, queries, views
from marketplace.returns.actions import arriving
from marketplace.returns.events import ReturnMoved
from marketplace.returns.refusals import DecidedByOperator, MoreThanApproved, NotYours
from marketplace.returns.states import LineState
from marketplace.rules import actions as rules
from marketplace.rules import queries as rule_queries
from marketplace.rules.return_terms import ReturnTerms
from tests.builders.orders import EXAMPLE, line_named
from tests.builders.returns import a_case, a_delivered_order, line_of
from tests.pages import see, send

DAY = timedelta(days=1)
NOT_RECORDED = "No arrival was recorded in time: what was announced counts as arrived."


@pytest.fixture
def case(market, whole):
    """10 of A1 and 2 of A2 are approved, nothing is sent yet."""
    market.vendor_actor("A")  # who reads letters
    with transaction():
        made = a_case(market, whole, ("A1", 10, "visible_defect"), ("A2", 2, "visible_defect"))
        for sku in ("A1", "A2"):
            actions.approve(SYSTEM, made.id, line_of(made, sku).id)
    return made


def announced(market, case, **units):
    with transaction():
        lines = [{"line_id": line_of(case, sku).id, "quantity": quantity} for sku, quantity in units.items()]
        return actions.announce(market.actor, case.id, {"lines": lines, "carrier": "DHL"})


def end_turns(after):
    with clock.moved(after):
        jobs.end_turns()
    db.session.expire_all()


def told(case, what, sku):
    with transaction():
        handlers.write_letters([ReturnMoved(case.id, what, [str(line_of(case, sku).id)])])
    letters = db.session.scalars(select(Letter).where(Letter.source.contains(f":{what}:")))
    return {letter.company_id: letter.facts["until"] for letter in letters}


def test_what_is_announced_and_not_recorded_counts_as_arrived(market, whole, case):
    parcel = announced(market, case, A1=10, A2=2)
    line, vendor = line_of(case, "A1"), market.vendors["A"]
    assert line.due_at == parcel.announced_at + 14 * DAY
    assert told(case, "announced", "A1") == {vendor.id: line.due_at.date().isoformat()}
    end_turns(13 * DAY)
    assert line_of(case, "A1").state is LineState.IN_TRANSIT
    end_turns(14 * DAY)
    for sku, quantity in (("A1", 10), ("A2", 2)):
        line = line_of(case, sku)
        assert (line.state, line.received_quantity, line.verdict) == (LineState.RECEIVED, quantity, None)
    (came,) = [move for move in queries.moves_of([line_of(case, "A1")]) if move.to_state == "received"]
    shown = views.case(queries.whole(market.actor, case.id), "buyer")["history"]
    assert [(move["side"], move["note"]) for move in shown if move["to_state"] == "received"] == [
        ("deadline", NOT_RECORDED)
    ] * 2
    country = queries.countries_of([vendor.id])[vendor.id]
    assert line.due_at.date() == ReturnTerms(case.terms).inspect_by(came.at, country).date()
    (parcel,) = queries.parcels_of(case.id)
    assert (parcel.state.value, parcel.received_at.date()) == ("received", came.at.date())
    assert told(case, "counted", "A1") == {market.buyer.id: "", vendor.id: line.due_at.date().isoformat()}
    for days in (23, 25):  # the vendor still says nothing: inspected and settled as claimed
        end_turns(days * DAY)
    assert line_of(case, "A1").state is LineState.SETTLED
    assert line_named(order_queries.whole(SYSTEM, whole.order.id), "A1").returned_quantity == 10


def test_who_has_not_recorded_the_arrival_is_reminded(market, case):
    announced(market, case, A1=10)
    with clock.moved(13 * DAY + timedelta(hours=1)):
        jobs.remind()
    assert line_of(case, "A1").reminded_at is not None
    assert list(told(case, "reminder", "A1")) == [market.vendors["A"].id]


def test_a_turn_that_changes_while_the_job_runs_is_reminded_of_in_its_own_time(market, case, monkeypatch):
    parcel, locked = announced(market, case, A1=10), queries.locked

    def received_before(*wanted):
        monkeypatch.setattr(queries, "locked", locked)
        actions.receive_parcel(SYSTEM, case.id, parcel.id)
        return locked(*wanted)

    monkeypatch.setattr(queries, "locked", received_before)
    with clock.moved(13 * DAY + timedelta(hours=1)):
        jobs.remind()
    line = line_of(case, "A1")
    assert (line.state, line.reminded_at) == (LineState.RECEIVED, None)


def test_the_time_is_a_term_of_the_policys_version(market):
    newest = rule_queries.newest_policy("b2b")
    with transaction():
        rules.publish_policy(SYSTEM, "b2b", newest.content, newest.terms | {"arrive_days": 3})
        case = a_case(market, a_delivered_order(market, EXAMPLE), ("A1", 1, "visible_defect"))
        actions.approve(SYSTEM, case.id, line_of(case, "A1").id)
    parcel = announced(market, case, A1=1)
    assert line_of(case, "A1").due_at == parcel.announced_at + 3 * DAY
    assert ReturnTerms({}).arrive == 14 * DAY  # a version of before it was said


def test_each_parcel_has_its_own_time(market, case):
    """4 are recorded, 6 more are announced later and never recorded: the inspection of the 4 waits for them."""
    first = announced(market, case, A1=4)
    with clock.moved(2 * DAY):
        second = announced(market, case, A1=6)
        with transaction():
            actions.receive_parcel(SYSTEM, case.id, first.id)
    end_turns(12 * DAY)
    line = line_of(case, "A1")
    assert (line.state, line.received_quantity, line.due_at) == (
        LineState.RECEIVED,
        4,
        second.announced_at + 14 * DAY,
    )
    end_turns(17 * DAY)
    line = line_of(case, "A1")
    assert (line.state, line.received_quantity) == (LineState.RECEIVED, 10)


def test_what_was_received_by_itself_does_not_arrive_again_with_its_parcel(market, case):
    announced(market, case, A1=4)
    with transaction():
        actions.receive(SYSTEM, case.id, line_of(case, "A1").id, 4)
    end_turns(20 * DAY)
    line = line_of(case, "A1")
    assert (line.state, line.received_quantity, line.verdict["units"]) == (
        LineState.DECIDED,
        4,
        [{"fault": "vendor", "quantity": 4}],
    )


@pytest.mark.parametrize("announced_first", [4, 0])
def test_units_received_by_themselves_are_neither_sent_nor_received_twice(market, case, announced_first):
    """Of ten, four arrive without their parcel being named, announced before or not: six are left to be sent."""
    first = announced(market, case, A1=4) if announced_first else None
    line_id = line_of(case, "A1").id
    with transaction():
        actions.receive(SYSTEM, case.id, line_id, 4)
    with pytest.raises(MoreThanApproved):
        announced(market, case, A1=7)
    second = announced(market, case, A1=6)
    with transaction():
        if first is not None:
            actions.receive_parcel(SYSTEM, case.id, first.id)
        assert line_of(case, "A1").received_quantity == 4
        assert arriving.to_come(line_of(case, "A1")) == 6
        actions.receive_parcel(SYSTEM, case.id, second.id)
    assert line_of(case, "A1").received_quantity == 10


def test_a_vendor_says_that_nothing_has_arrived_and_the_operator_rules(market, whole, case, operator):
    vendor_a = market.vendor_actor("A")
    announced(market, case, A1=4, A2=2)
    line = line_of(case, "A1")
    with pytest.raises(NotYours), transaction():
        actions.not_arrived(market.actor, case.id, line.id, "No.")
    with transaction():
        actions.not_arrived(vendor_a, case.id, line.id, "Nothing at the ramp.")
    line = line_of(case, "A1")
    assert (line.state, line.due_at, line.answer) == (LineState.MISSING, None, "Nothing at the ramp.")
    assert set(told(case, "missing", "A1")) == {market.buyer.id, market.operator.id}
    words = dict(db.session.execute(select(Letter.company_id, Letter.facts["words"].astext)).all())
    assert words[market.buyer.id] == handlers.WORDS["missing"]
    assert (
        words[market.operator.id]
        == "A vendor says that nothing has arrived of what was sent back to him: rule upon it."
    )
    shown = views.case(queries.whole(market.actor, case.id), "buyer")
    said = [(move["to_state"], move["side"], move["note"]) for move in shown["history"] if move["line_id"] == line.id]
    assert said[-2:] == [("in_transit", "buyer", ""), ("missing", "vendor", "Nothing at the ramp.")]
    assert (shown["state"], [one["turn"] for one in shown["lines"]]) == ("appealed", ["operator", "vendor"])
    end_turns(15 * DAY)  # the other line of the parcel counts as arrived, this one is the operator's
    assert (line_of(case, "A1").state, line_of(case, "A2").state) == (LineState.MISSING, LineState.RECEIVED)
    with pytest.raises(DecidedByOperator), transaction():
        actions.decide(vendor_a, case.id, [{"line_id": line.id, "units": []}])
    with transaction():
        shares = [{"fault": "carrier", "percent": 100}]
        ruling = {"outcome": "decide", "ruling": "The carrier lost it.", "shares": shares}
        found = actions.rule(operator, case.id, line.id, ruling)
        decision = actions.settle_found(operator, found, [line.id])
    line = line_of(case, "A1")
    # Of ten that were asked for, the four that were sent.
    assert (line.settled["units"], line.arbitrated) == ([{"fault": "carrier", "quantity": 4}], True)
    assert decision.refund_minor == 43674 - order_queries.order(SYSTEM, whole.order.id).owed_minor > 0
    assert line_named(order_queries.whole(SYSTEM, whole.order.id), "A1").returned_quantity == 4


@pytest.mark.parametrize("travels", [True, False])
def test_missing_goods_are_waited_for_once_more_or_sent_again(market, case, operator, travels):
    parcel, line = announced(market, case, A1=10), line_of(case, "A1")
    with transaction():
        if travels:
            actions.not_arrived(market.vendor_actor("A"), case.id, line.id, "Nothing.")
        else:  # a parcel without what it was announced with
            actions.receive_parcel(market.vendor_actor("A"), case.id, parcel.id, {line.id: 0})
    assert line_of(case, "A1").state is LineState.MISSING
    with clock.moved(5 * DAY), transaction():
        actions.rule(operator, case.id, line.id, {"outcome": "approve", "ruling": "Look again."})
        at = clock.now()
    line = line_of(case, "A1")
    assert line.state is (LineState.IN_TRANSIT if travels else LineState.APPROVED)
    assert at - DAY < line.due_at - 14 * DAY <= at
    assert line.arbitrated is False
    end_turns(20 * DAY)
    assert line_of(case, "A1").state is (LineState.RECEIVED if travels else LineState.WITHDRAWN)


def test_missing_goods_that_never_came_are_declined_and_those_that_come_are_received(market, whole, case, operator):
    announced(market, case, A1=10)
    parcel = announced(market, case, A2=2)
    a1, a2 = line_of(case, "A1").id, line_of(case, "A2").id
    with transaction():
        for line_id in (a1, a2):
            actions.not_arrived(market.vendor_actor("A"), case.id, line_id, "Nothing.")
        actions.rule(operator, case.id, a1, {"outcome": "uphold", "ruling": "Nobody can show that it was sent."})
        actions.receive_parcel(market.vendor_actor("A"), case.id, parcel.id)
    line = line_of(case, "A1")
    assert (line.state, line.claimed_quantity, line.arbitrated) == (LineState.DECLINED, 0, True)
    assert line_named(order_queries.whole(SYSTEM, whole.order.id), "A1").returned_quantity == 0
    assert (line_of(case, "A2").state, line_of(case, "A2").received_quantity) == (LineState.RECEIVED, 2)
    with pytest.raises(IllegalMove), transaction():  # what is there is not missing
        actions.not_arrived(market.vendor_actor("A"), case.id, a2, "Nothing.")
    with transaction():
        actions.reopen(operator, case.id, a1)
    assert line_of(case, "A1").arbitrated is False  # it begins again, and may be appealed against again


def test_the_page_says_whose_turn_it_is_and_takes_the_answer(client_as, market, case, operator):
    announced(market, case, A1=10, A2=2)
    page, line = f"/returns/{case.id}", line_of(case, "A1")
    vendor, buyer, client = client_as(market.vendor_actor("A")), client_as(market.actor), client_as(operator)
    for seen in (vendor, buyer, client):
        text = see(seen, page).text
        assert "after this day it counts as arrived" in text
        assert ("your turn" if seen is vendor else "the vendor's turn") in text
    assert "Nothing has arrived" not in see(buyer, page).text
    address = f"{page}/lines/{line.id}/not-arrived"
    refused = send(vendor, page, address)
    assert (refused.status_code, "Say why." in refused.text) == (422, True)
    assert send(vendor, page, address, note="Not here.").status_code == 303
    assert "add what shows that you sent it" in see(buyer, page).text
    assert case.number in see(client, "/returns?turn=operator").text
    ruling = {"outcome": "uphold", "note": "It was never sent."}
    assert send(client, page, f"{page}/lines/{line.id}/rule", **ruling).status_code == 303
    db.session.expire_all()
    assert line_of(case, "A1").state is LineState.DECLINED
    assert "It was never sent." in see(buyer, page).text
