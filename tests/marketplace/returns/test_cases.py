"""A case over two vendors from request to refund: each line by its own vendor, each unit once, in time."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.kernel.states import IllegalMove
from marketplace.notifications.models import Letter
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.refusals import LineNotInOrder, OrderUnknown, UnitsNotReturnable
from marketplace.returns import actions, handlers, jobs, queries, views
from marketplace.returns.events import ReturnMoved
from marketplace.returns.refusals import (
    DiscoveryDayWrong,
    FaultNotYours,
    GoodsNotBack,
    MoreThanApproved,
    NotYours,
    ReturnLineUnknown,
    ReturnUnknown,
    SerialsDoNotFit,
    SerialTaken,
    WindowOver,
)
from marketplace.returns.states import LineState
from marketplace.rules import actions as rules
from marketplace.rules import queries as rule_queries
from tests.builders.companies import a_company, an_actor
from tests.builders.orders import EXAMPLE, a_confirmed_order, line_named
from tests.builders.returns import (
    a_case,
    a_delivered_order,
    a_settled_case,
    line_of,
    received,
    ship_all,
    wanted,
)


@pytest.fixture
def case(market, whole):
    with transaction():
        return a_case(market, whole, ("A1", 3, "change_of_mind"), ("B1", 2, "visible_defect"))


def state_of(case, sku):
    return line_of(case, sku).state


def owed(whole):
    found = order_queries.whole(SYSTEM, whole.order.id)
    return found.order.owed_minor, found.net_paid_minor


def returned(whole, sku):
    return line_named(order_queries.whole(SYSTEM, whole.order.id), sku).returned_quantity


def test_the_seed_question_from_request_to_refund(market, whole, case):
    """Example 1: 436.74 paid, 92.14 back; A gets 38.88 less, B 42.53 less; no vendor waits for the other."""
    vendor_a, vendor_b = market.vendor_actor("A"), market.vendor_actor("B")
    with transaction():
        actions.approve(vendor_a, case.id, line_of(case, "A1").id)
        parcel = actions.announce(market.actor, case.id, {"carrier": "DHL"})
        actions.receive_parcel(vendor_a, case.id, parcel.id)
        found = actions.decide(vendor_a, case.id, [{"line_id": line_of(case, "A1").id}])
        first = actions.settle_found(vendor_a, found)
    assert (first.number, first.cause, first.refund_minor) == (1, "returned", 4095)
    assert (state_of(case, "A1"), state_of(case, "B1")) == (LineState.SETTLED, LineState.REQUESTED)
    with transaction():
        actions.approve(vendor_b, case.id, line_of(case, "B1").id, "scrapped")
        found = actions.decide(vendor_b, case.id, [{"line_id": line_of(case, "B1").id}])
        second = actions.settle_found(vendor_b, found)
    assert (second.number, second.refund_minor) == (2, 9214 - 4095)
    assert owed(whole) == (34460, 34460)
    assert [part.payable_minor for part in order_queries.parts_of(whole.order.id)] == [20627, 10635]
    assert "2 of 7 units by value came back by the vendor's fault: 4.26 EUR returned" in str(second.explanation)


def test_each_vendor_sees_and_answers_his_own_lines(market, whole, case):
    vendor_b = market.vendor_actor("B")
    assert [line.sku for line in queries.lines_of(vendor_b, case.id)] == ["B1"]
    with pytest.raises(ReturnLineUnknown), transaction():
        actions.approve(vendor_b, case.id, line_of(case, "A1").id)
    with pytest.raises(NotYours), transaction():
        actions.approve(market.actor, case.id, line_of(case, "A1").id)
    stranger = an_actor(a_company("Other"))
    with pytest.raises(ReturnUnknown):
        queries.case(stranger, case.id)
    with pytest.raises(OrderUnknown), transaction():
        actions.open_case(stranger, whole.order.id, wanted(whole, ("A1", 1, "change_of_mind")))
    assert state_of(case, "A1") is LineState.REQUESTED


def test_each_unit_comes_back_once(market, whole, case):
    with pytest.raises(UnitsNotReturnable) as refused, transaction():
        a_case(market, whole, ("A2", 1, "change_of_mind"), ("A1", 8, "change_of_mind"))
    assert refused.value.pointer == "/lines/1/quantity"
    assert refused.value.facts["returnable"] == 7
    with transaction():
        a_case(market, whole, ("A1", 4, "change_of_mind"), ("A1", 3, "visible_defect"))
    with pytest.raises(UnitsNotReturnable), transaction():
        a_case(market, whole, ("A1", 1, "wrong_item"))
    assert returned(whole, "A1") == 10


def test_what_has_not_shipped_is_not_returned(market):
    with transaction():
        made = a_confirmed_order(market, EXAMPLE)
    with pytest.raises(UnitsNotReturnable), transaction():
        a_case(market, made, ("A1", 1, "not_received"))
    with transaction():
        orders.cancel(market.actor, made.order.id, [orders.Units(line_named(made, "A1").id, 4)])
        ship_all(order_queries.whole(SYSTEM, made.order.id))
    with pytest.raises(UnitsNotReturnable), transaction():
        a_case(market, made, ("A1", 7, "change_of_mind"))


def test_a_line_of_another_order(market, whole):
    with transaction():
        other = a_delivered_order(market, EXAMPLE)
    with pytest.raises(LineNotInOrder), transaction():
        actions.open_case(market.actor, whole.order.id, wanted(other, ("A1", 1, "change_of_mind")))


def test_a_serial_number_comes_back_once(market, whole):
    with transaction():
        first = a_case(market, whole, ("A1", 2, "visible_defect"), serial_numbers=["S1", "S2"])
    with pytest.raises(SerialTaken) as refused, transaction():
        a_case(market, whole, ("A1", 1, "visible_defect"), serial_numbers=["S2"])
    assert refused.value.pointer == "/lines/0/serial_numbers/0"
    with pytest.raises(SerialsDoNotFit), transaction():
        a_case(market, whole, ("A1", 1, "visible_defect"), serial_numbers=["S3", "S4"])
    with transaction():
        actions.withdraw(market.actor, first.id, line_of(first, "A1").id)
        a_case(market, whole, ("A1", 1, "visible_defect"), serial_numbers=["S2"])
    with pytest.raises(SerialTaken), transaction():
        actions.reopen(market.actor, first.id, line_of(first, "A1").id)


@pytest.mark.parametrize(
    ("reason", "days", "taken"),
    [
        ("change_of_mind", 13, True),
        ("change_of_mind", 15, False),
        ("visible_defect", 1, True),
        ("visible_defect", 8, False),
        ("hidden_defect", 300, True),
        ("hidden_defect", 366, False),
        ("carrier_damage", 6, True),
        ("carrier_damage", 8, False),
    ],
)
def test_returns_are_taken_in_time(market, whole, reason, days, taken):
    with clock.moved(timedelta(days=days)):
        more = {"discovered_on": clock.now().date()} if reason == "hidden_defect" else {}
        if taken:
            with transaction():
                a_case(market, whole, ("A1", 1, reason), **more)
        else:
            with pytest.raises(WindowOver) as refused, transaction():
                a_case(market, whole, ("A1", 1, reason), **more)
            assert refused.value.pointer == "/lines/0/reason"


def test_a_hidden_defect_is_told_of_soon_after_its_discovery(market, whole):
    with clock.moved(timedelta(days=100)):
        today = clock.now().date()
        with pytest.raises(WindowOver), transaction():
            a_case(market, whole, ("A1", 1, "hidden_defect"), discovered_on=today - timedelta(days=12))
        with transaction():
            a_case(market, whole, ("A1", 1, "hidden_defect"), discovered_on=today - timedelta(days=9))


@pytest.mark.parametrize("days", [None, 2])
def test_a_hidden_defect_has_a_day_of_discovery_that_has_been(market, whole, days):
    more = {"discovered_on": clock.now().date() + timedelta(days=days)} if days else {}
    with pytest.raises(DiscoveryDayWrong) as refused, transaction():
        a_case(market, whole, ("A1", 1, "hidden_defect"), **more)
    assert refused.value.pointer == "/lines/0/discovered_on"


def test_the_terms_are_those_of_the_orders_policy_version(market, whole):
    """A new version with shorter windows touches no order that stands."""

    newest = rule_queries.newest_policy("b2b")
    terms = newest.terms | {"windows": newest.terms["windows"] | {"change_of_mind": {"days": 0, "working": False}}}
    with transaction():
        rules.publish_policy(SYSTEM, "b2b", newest.content, terms)
        a_case(market, whole, ("A1", 1, "change_of_mind"))
        later = a_delivered_order(market, EXAMPLE)
    assert (whole.order.policy_version, later.order.policy_version) == ("b2b/1", "b2b/2")
    with pytest.raises(actions.opening.ReasonNotTaken), transaction():
        a_case(market, later, ("A1", 1, "change_of_mind"))


def test_silence_of_the_vendor_is_acceptance(market, case):
    line = line_of(case, "A1")
    with transaction():
        assert not actions.time_is_up(case.id, line.id)
    with clock.moved(timedelta(days=8)), transaction():
        assert actions.time_is_up(case.id, line.id)
    line = line_of(case, "A1")
    assert (line.state, line.goods, line.answer) == (
        LineState.APPROVED,
        "back",
        "No answer in time: the return is accepted.",
    )


def test_goods_that_are_not_inspected_in_time_are_decided_as_claimed_and_settled(market, whole, case):
    with transaction():
        received(market, case)
    with clock.moved(timedelta(days=20)):
        for _ in range(2):
            for case_id, line_id, _ in queries.due(clock.now(), 10):
                with transaction():
                    actions.time_is_up(case_id, line_id)
    assert {line.state for line in queries.lines_of(SYSTEM, case.id)} == {LineState.SETTLED}
    assert {line.decided_side for line in queries.lines_of(SYSTEM, case.id)} == {"deadline"}
    assert owed(whole) == (34460, 34460)
    assert len(queries.decisions_of(case.id)) == 1


def test_a_deadline_that_cannot_be_kept_stops_no_other(case, monkeypatch):
    first, _ = queries.lines_of(SYSTEM, case.id)
    done = actions.time_is_up

    def fails(case_id, line_id):
        if line_id == first.id:
            raise RuntimeError("nobody thought of this")
        return done(case_id, line_id)

    monkeypatch.setattr(actions, "time_is_up", fails)
    monkeypatch.setattr(jobs, "_BATCH", 1)  # it stays the first of those that are due
    with clock.moved(timedelta(days=10)):
        jobs.end_turns()
    assert (state_of(case, "A1"), state_of(case, "B1")) == (LineState.REQUESTED, LineState.APPROVED)
    monkeypatch.undo()
    with clock.moved(timedelta(days=10)):
        jobs.end_turns()
    assert (state_of(case, "A1"), state_of(case, "B1")) == (LineState.APPROVED, LineState.APPROVED)


def test_evidence_that_does_not_come_and_goods_that_are_not_sent(market, whole, case):
    with transaction():
        actions.ask_evidence(market.vendor_actor("B"), case.id, line_of(case, "B1").id, "A photo, please.")
        actions.approve(market.vendor_actor("A"), case.id, line_of(case, "A1").id)
    with clock.moved(timedelta(days=30)):
        for case_id, line_id, _ in queries.due(clock.now(), 10):
            with transaction():
                actions.time_is_up(case_id, line_id)
    assert (state_of(case, "A1"), state_of(case, "B1")) == (LineState.WITHDRAWN, LineState.DECLINED)
    assert (returned(whole, "A1"), returned(whole, "B1")) == (0, 0)


def test_several_parcels_and_a_partial_receipt(market, whole, case):
    line = line_of(case, "A1")
    with transaction():
        actions.approve(SYSTEM, case.id, line.id)
        one = actions.announce(market.actor, case.id, {"lines": [{"line_id": line.id, "quantity": 1}]})
        two = actions.announce(market.actor, case.id, {"lines": [{"line_id": line.id, "quantity": 2}]})
    with pytest.raises(MoreThanApproved), transaction():
        actions.announce(market.actor, case.id, {"lines": [{"line_id": line.id, "quantity": 1}]})
    with transaction():
        actions.receive_parcel(SYSTEM, case.id, one.id)
        actions.receive_parcel(SYSTEM, case.id, two.id, {line.id: 1})
    assert line_of(case, "A1").received_quantity == 2
    with pytest.raises(MoreThanApproved), transaction():
        actions.decide(SYSTEM, case.id, [{"line_id": line.id, "units": [{"fault": "buyer", "quantity": 3}]}])
    with transaction():
        found = actions.decide(SYSTEM, case.id, [{"line_id": line.id}])
        actions.settle_found(SYSTEM, found)
    assert returned(whole, "A1") == 2  # the third may still come back
    assert owed(whole)[0] == 43674 - 2730


def test_who_is_nearly_late_is_reminded_once(case):
    line = line_of(case, "A1")
    jobs.remind()
    assert line_of(case, "A1").reminded_at is None
    with clock.moved(line.due_at - clock.now() - timedelta(hours=23)):
        jobs.remind()
        first = line_of(case, "A1").reminded_at
        jobs.remind()
    assert first is not None
    assert line_of(case, "A1").reminded_at == first
    assert state_of(case, "A1") == LineState.REQUESTED


def test_goods_that_stay_with_the_buyer_wait_for_their_vendor(market, case):
    line, vendor = line_of(case, "A1"), market.vendor_actor("A")
    with transaction():
        actions.approve(vendor, case.id, line.id, "kept")
    seen_by = {"vendor": vendor, "buyer": market.actor}
    waits = {side: list(db.session.scalars(queries.cases(who, turn=side))) for side, who in seen_by.items()}
    assert {side: [one.id for one in found] for side, found in waits.items()} == {"vendor": [case.id], "buyer": []}
    shown = views.case(queries.whole(market.actor, case.id), "buyer")["lines"]
    assert next(one["turn"] for one in shown if one["id"] == line.id) == "vendor"
    with transaction():
        handlers.write_letters([ReturnMoved(case_id=case.id, what="reminder", line_ids=[str(line.id)])])
    assert [letter.company_id for letter in reminders(case)] == [line.vendor_id]


def reminders(case):
    return db.session.scalars(select(Letter).where(Letter.source.contains("reminder"))).all()


def test_a_parcel_lost_on_its_way_back_is_decided_by_whose_fault_it_was(market, whole, case, operator):
    line = line_of(case, "B1")
    with transaction():
        actions.approve(SYSTEM, case.id, line.id)
        parcel = actions.announce(market.actor, case.id, {"lines": [{"line_id": line.id, "quantity": 2}]})
    with pytest.raises(NotYours), transaction():
        actions.lose_parcel(market.vendor_actor("B"), case.id, parcel.id)
    with transaction():
        actions.lose_parcel(operator, case.id, parcel.id)
    line = line_of(case, "B1")
    assert (line.state, line.lost_quantity, line.received_quantity) == (LineState.RECEIVED, 2, 2)
    units = [{"fault": "carrier", "quantity": 2}]
    with transaction():
        found = actions.decide(operator, case.id, [{"line_id": line.id, "units": units}])
        decision = actions.settle_found(operator, found)
    assert (decision.refund_minor, returned(whole, "B1")) == (5119, 2)


@pytest.mark.parametrize("end", ["receive_parcel", "lose_parcel"])
@pytest.mark.parametrize("meanwhile", ["received", "decided", "withdrawn"])
def test_a_parcel_can_always_be_ended(market, case, operator, end, meanwhile):
    """Whatever became of its line while it travelled: what is not waited for any more changes nothing of it."""
    line = line_of(case, "A1")
    with transaction():
        actions.approve(SYSTEM, case.id, line.id)
        parcel = actions.announce(market.actor, case.id, {"lines": [{"line_id": line.id, "quantity": 3}]})
        if meanwhile == "withdrawn":
            actions.withdraw(market.actor, case.id, line.id)
        else:
            actions.receive(SYSTEM, case.id, line.id, 2)
        if meanwhile == "decided":
            actions.decide(SYSTEM, case.id, [{"line_id": line.id}])
    with transaction():
        getattr(actions, end)(operator, case.id, parcel.id)
    line, ended = line_of(case, "A1"), queries.parcels_of(case.id)[0].state.value
    assert ended == {"receive_parcel": "received", "lose_parcel": "lost"}[end]
    assert (line.state.value, line.received_quantity) == (
        meanwhile,
        {"received": 3, "decided": 2, "withdrawn": 0}[meanwhile],
    )
    assert line.lost_quantity == (1 if (end, meanwhile) == ("lose_parcel", "received") else 0)


def test_goods_that_are_not_back_are_not_decided(market, case):
    line = line_of(case, "A1")
    with transaction():
        actions.approve(SYSTEM, case.id, line.id)
    with pytest.raises(GoodsNotBack), transaction():
        actions.decide(SYSTEM, case.id, [{"line_id": line.id}])
    with pytest.raises(IllegalMove), transaction():
        actions.inspect(SYSTEM, case.id, line.id, "fine")


def test_a_replacement_moves_no_money(market, whole):
    with transaction():
        case = a_case(market, whole, ("B1", 2, "visible_defect"), wish="replacement")
        received(market, case)
        found = actions.decide(SYSTEM, case.id, [{"line_id": line_of(case, "B1").id}])
        decision = actions.settle_found(SYSTEM, found)
    assert (decision.refund_minor, owed(whole)) == (0, (43674, 43674))
    assert line_of(case, "B1").settled["replaced"] == 2
    assert returned(whole, "B1") == 2  # neither they nor what replaces them are there
    with transaction():
        actions.ship_replacement(SYSTEM, case.id, line_of(case, "B1").id, {"carrier": "DHL"})
    assert returned(whole, "B1") == 0  # what replaced them may come back


def test_a_vendor_decides_only_where_the_loss_is_his(market, whole):
    with transaction():
        case = a_case(market, whole, ("B1", 2, "carrier_damage"))
        received(market, case)
    vendor_b, line = market.vendor_actor("B"), line_of(case, "B1")
    with pytest.raises(FaultNotYours), transaction():  # the operator delivers B's goods
        actions.decide(vendor_b, case.id, [{"line_id": line.id}])
    with transaction():
        found = actions.decide(SYSTEM, case.id, [{"line_id": line.id}])
        decision = actions.settle_found(SYSTEM, found)
    assert decision.refund_minor > 0
    before, after = (queries.steps([one])[one].valuation for one in (decision.before_step_id, decision.step_id))
    assert after["compensation_minor"] > before["compensation_minor"] == 0


def test_the_fault_is_decided_differently_after_the_inspection(market, whole):
    """Example 16 in small: a new decision, nothing is edited; what was refunded too much is carried."""
    with transaction():
        case = a_settled_case(market, whole, ("B1", 2, "visible_defect"))
    assert owed(whole) == (43674 - 5119, 43674 - 5119)
    with transaction():
        units = [{"fault": "buyer", "quantity": 2}]
        found = actions.decide(SYSTEM, case.id, [{"line_id": line_of(case, "B1").id, "units": units, "note": "Fine."}])
        decision = actions.settle_found(SYSTEM, found)
    assert (decision.number, decision.cause, decision.refund_minor, decision.deficit_minor) == (2, "rejudged", 0, 511)
    assert [row.number for row in queries.decisions_of(case.id)] == [1, 2]
    assert order_queries.order(SYSTEM, whole.order.id).formula_state["returned"] == [
        {"line": str(line_named(whole, "B1").id), "fault": "buyer", "quantity": 2}
    ]


def test_decisions_are_never_edited(market, whole):
    with transaction():
        case = a_settled_case(market, whole, ("B1", 2, "visible_defect"))
    queries.decisions_of(case.id)[0].note = "other"
    with pytest.raises(Exception, match="append-only"):
        db.session.flush()
    db.session.rollback()


def test_the_database_keeps_claims_within_the_line(market, case):
    line_of(case, "A1").claimed_quantity = 4
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()
