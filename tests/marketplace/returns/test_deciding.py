"""Previews, charges, shared faults and appeals: what is shown before is what is settled, to the cent."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace.carts import actions as carts
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.kernel.outbox import OutboxEvent
from marketplace.notifications.models import Letter
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.refusals import OrderCannotBeValued
from marketplace.returns import actions, handlers, queries, views
from marketplace.returns.events import ReturnMoved
from marketplace.returns.refusals import (
    AppealDecided,
    AppealReplied,
    AppealsOpen,
    AppealTooLate,
    CaseNotEnded,
    ChargeNotThere,
    ChargePartyUnknown,
    DecidedByOperator,
    DecisionDisputed,
    LabelNotYours,
    NotAppealed,
    NothingChanges,
    NothingDecided,
    NotYours,
    SharesNotWhole,
)
from marketplace.returns.states import LineState
from marketplace.rules import actions as rules
from marketplace.rules import queries as rule_queries
from marketplace.shipments import actions as shipments
from tests.builders.credit import on_account
from tests.builders.orders import EXAMPLE, a_cart, a_confirmed_order
from tests.builders.returns import SHIP_ALL, a_case, a_delivered_order, a_settled_case, line_of, received, ship_all


@pytest.fixture
def case(market, whole):
    with transaction():
        made = a_case(market, whole, ("A1", 3, "change_of_mind"), ("B1", 2, "visible_defect"))
        received(market, made)
    return made


def verdict(case, sku, **more):
    return {"line_id": line_of(case, sku).id, **more}


def owed(whole):
    found = order_queries.whole(SYSTEM, whole.order.id)
    return found.order.owed_minor, found.net_paid_minor


def test_a_preview_writes_nothing_and_is_what_is_settled(market, whole, case, operator):
    shown = views.preview(actions.preview(operator, case.id, []), None)
    assert (shown["refund_minor"], owed(whole)) == (9214, (43674, 43674))
    with transaction():
        found = actions.decide(operator, case.id, [verdict(case, "A1"), verdict(case, "B1")])
        decision = actions.settle_found(operator, found)
    stored = queries.decision(case.id, 1)
    said = [{name: part for name, part in one.items() if name != "why"} for one in shown["sentences"]]
    assert (decision.refund_minor, stored.explanation) == (9214, said)
    found = order_queries.whole(SYSTEM, whole.order.id)
    steps = queries.steps([stored.before_step_id, stored.step_id])
    frozen = views.decision(stored, steps, found, None)
    assert frozen["parties"] == shown["parties"]
    assert frozen["lines"] == shown["lines"]
    assert {party["name"]: party["change_minor"] for party in shown["parties"]} == {
        "The buyer owes": -9214,
        "Discount paid by the marketplace": -478,
        "Compensation by the marketplace": 0,
        "Commission": -1040,
        "Delivery sold by the marketplace": -511,
        "Vendor A": -3888,
        "Vendor B": -4253,
    }


def test_each_party_reads_its_own_sums_alone(market, whole, case):
    outcome = actions.preview(SYSTEM, case.id, [])
    buyer = views.preview(outcome, "buyer")
    vendor_b = str(market.vendors["B"].id)
    of_b = views.preview(outcome, vendor_b)
    assert [party["name"] for party in buyer["parties"]] == ["The buyer owes"]
    assert {name for line in buyer["lines"] for name in line["after"]} == {
        "unit_price",
        "gross_minor",
        "discount_minor",
        "tax_minor",
        "restocking_fee_minor",
        "restocking_tax_minor",
        "buyer_owes_minor",
    }
    assert not any("ommission" in sentence["text"] for sentence in buyer["sentences"])
    assert [party["party"] for party in of_b["parties"]] == [vendor_b]
    assert {line["vendor_id"] for line in of_b["lines"]} == {vendor_b}
    assert {sentence["party"] for sentence in of_b["sentences"]} == {vendor_b}
    assert "refund_minor" not in of_b
    assert "market_discount_minor" not in of_b["lines"][0]["after"]


def test_alternatives_side_by_side(market, case, operator):
    def refund(*units):
        wanted = [verdict(case, "B1", units=[{"fault": fault, "quantity": n} for fault, n in units])]
        return actions.preview(operator, case.id, wanted).refund_minor

    assert [refund(("vendor", 2)), refund(("buyer", 2)), refund(("vendor", 1), ("buyer", 1))] == [5119, 4608, 4864]


def test_a_fault_shared_by_units_and_as_a_sum(market, whole, operator):
    with transaction():
        case = a_case(market, whole, ("A1", 10, "visible_defect"))
        received(market, case)
    shares = [{"fault": "vendor", "percent": 70}, {"fault": "buyer", "percent": 30}]
    with pytest.raises(SharesNotWhole):
        actions.preview(operator, case.id, [verdict(case, "A1", shares=[*shares, shares[0]])])
    by_units = actions.preview(operator, case.id, [verdict(case, "A1", shares=shares, by="units")])
    line = by_units.after.lines[0]
    assert line.kept == 0
    with transaction():
        found = actions.decide(operator, case.id, [verdict(case, "A1", shares=shares, by="units")])
    assert found.lines[0].verdict["units"] == [{"fault": "vendor", "quantity": 7}, {"fault": "buyer", "quantity": 3}]
    with transaction():
        found = actions.decide(operator, case.id, [verdict(case, "A1", shares=shares, by="charge")])
        first = actions.settle_found(operator, found)
    worth = 13650 + 661  # the goods, and 10 of 13 units' part of A's delivery by value with its tax
    (charge,) = first.charges
    assert charge == {
        "payer": "buyer",
        "payee": str(market.vendors["A"].id),
        "amount_minor": charge["amount_minor"],
        "kind": "fault_share",
    }
    before = 43674 - owed(whole)[0] + charge["amount_minor"]
    assert charge["amount_minor"] == (before * 30 + 50) // 100
    assert abs(before - worth) < 700
    with transaction():  # decided differently: the charge that the share made goes with it
        found = actions.decide(operator, case.id, [verdict(case, "A1")])
        actions.settle_found(operator, found)
    assert order_queries.order(SYSTEM, whole.order.id).formula_state["charges"] == []
    assert owed(whole)[0] == 43674 - before


def test_charges_are_the_operators_and_can_be_taken_back(market, whole, case, operator):
    charge = {"payer": "marketplace", "payee": "buyer", "amount_minor": 500, "kind": "goodwill"}
    with pytest.raises(NotYours), transaction():
        actions.settle(market.vendor_actor("A"), case.id, (), [charge])
    with pytest.raises(ChargePartyUnknown) as refused, transaction():
        actions.settle(operator, case.id, (), [charge | {"payee": "somebody"}])
    assert refused.value.pointer == "/charges/0/payee"
    with transaction():
        decision = actions.settle(operator, case.id, (), [charge])
    assert (decision.cause, decision.refund_minor, owed(whole)) == ("charged", 500, (43174, 43174))
    with transaction():
        decision = actions.settle(operator, case.id, (), taken_back=[charge])
    assert (decision.deficit_minor, owed(whole)) == (500, (43674, 43174))
    with pytest.raises(ChargeNotThere), transaction():
        actions.settle(operator, case.id, (), taken_back=[charge])
    with pytest.raises(NothingDecided), transaction():
        actions.settle(operator, case.id)


ALL_BUT_ONE = (("A1", 9, "visible_defect"), ("A2", 3, "visible_defect"), ("B1", 7, "visible_defect"))
GOODWILL = {"payer": "marketplace", "payee": "buyer", "amount_minor": 500, "kind": "goodwill"}


def charges(whole):
    return order_queries.order(SYSTEM, whole.order.id).formula_state["charges"]


def test_what_was_given_beside_the_goods_is_no_more_than_what_is_still_owed(market, whole, operator):
    with transaction():
        case = a_settled_case(market, whole, ("A1", 1, "visible_defect"))
        actions.settle(operator, case.id, (), [GOODWILL])
        a_settled_case(market, whole, *ALL_BUT_ONE)  # what the buyer keeps of it would be more than he has paid
    assert (owed(whole), charges(whole)) == ((0, 0), [])
    with pytest.raises(OrderCannotBeValued), transaction():  # what is given now is refused, and seen to be
        actions.settle(operator, case.id, (), [GOODWILL])


def test_a_deficit_that_was_let_go_gives_way_first(market, whole, operator):
    let_go = GOODWILL | {"amount_minor": 300, "kind": "waived_deficit"}
    with transaction():
        case = a_settled_case(market, whole, *ALL_BUT_ONE)
        actions.settle(operator, case.id, (), [let_go, GOODWILL | {"amount_minor": owed(whole)[0] - 400}])
        a_settled_case(market, whole, ("A1", 1, "change_of_mind"))  # its delivery of 9.90 stays with the buyer
    assert (owed(whole), charges(whole)) == ((0, 0), [GOODWILL | {"amount_minor": 66}])


def test_a_label_that_the_buyer_bought_holds_up_no_refund_of_all_he_paid(market, whole, operator):
    with transaction():
        case = a_case(market, whole, ("A1", 10, "visible_defect"), *ALL_BUT_ONE[1:])
        lines = queries.lines_of(SYSTEM, case.id)
        for line in lines:
            actions.approve(SYSTEM, case.id, line.id)
            own = [{"line_id": line.id, "quantity": line.quantity}]
            parcel = actions.announce(operator, case.id, {"label_cost_minor": 600, "lines": own})
            actions.receive_parcel(SYSTEM, case.id, parcel.id)
        shown = actions.preview(operator, case.id, [])
        found = actions.decide(operator, case.id, [{"line_id": line.id} for line in lines])
        decision = actions.settle_found(operator, found)
    assert (decision.refund_minor, decision.charges) == (shown.refund_minor, []) == (43674, [])
    assert owed(whole) == (0, 0)


@pytest.mark.parametrize(
    ("left", "units", "charged"),
    [
        (200, {"buyer": 3}, {}),
        (200, {"carrier": 3}, {"marketplace": 200}),
        (200, {"vendor": 2, "buyer": 1}, {"B": 456}),
        (0, {"carrier": 3}, {}),
        (0, {"vendor": 2, "buyer": 1}, {"B": 256}),
    ],
)
def test_a_label_of_which_less_was_charged_follows_the_fault(market, whole, operator, left, units, charged):
    """Which the buyer bought for 6.00, when he owed less than that: `left`."""
    with transaction():
        first = a_settled_case(market, whole, *ALL_BUT_ONE[:2], ("B1", 4, "visible_defect"))
        case = a_case(market, whole, ("B1", 3, "visible_defect"))
        actions.approve(SYSTEM, case.id, line_of(case, "B1").id)
        would_owe = actions.preview(operator, case.id, []).after.buyer_owes_minor
        goodwill = GOODWILL | {"amount_minor": would_owe - left}
        actions.settle(operator, first.id, (), [goodwill])
        parcel = actions.announce(operator, case.id, {"label_cost_minor": 600})
        actions.receive_parcel(SYSTEM, case.id, parcel.id)
        actions.settle_found(operator, actions.decide(operator, case.id, [verdict(case, "B1")]))
    label = {"payer": str(market.vendors["B"].id), "payee": "buyer", "amount_minor": left, "kind": "label"}
    assert charges(whole) == [goodwill, *([label] if left else [])]
    with transaction():
        judged = [{"fault": fault, "quantity": quantity} for fault, quantity in units.items()]
        actions.settle_found(operator, actions.decide(operator, case.id, [verdict(case, "B1", units=judged)]))
    parties = {str(company.id): name for name, company in market.vendors.items()}
    labels = [one for one in charges(whole) if one["kind"] == "label"]
    assert {parties.get(one["payer"], one["payer"]): one["amount_minor"] for one in labels} == charged


def test_what_cannot_be_delivered_is_cancelled_whatever_was_given_beside_it(market, operator):
    with transaction():
        whole = a_confirmed_order(market, {"A1": 10})
        (part,), (line,) = whole.parts, whole.lines
        shipments.ship(SYSTEM, part.id, SHIP_ALL | {"lines": [{"line_id": line.id, "quantity": 1}]})
        case = a_settled_case(market, whole, ("A1", 1, "visible_defect"))
        actions.settle(operator, case.id, (), [GOODWILL])
        orders.cancel_part(SYSTEM, part.id)
    assert (owed(whole), charges(whole)) == ((0, 0), [])


@pytest.mark.parametrize(
    ("label_by", "reason", "refund", "payer"),
    [("operator", "visible_defect", 4608, "vendor"), ("operator", "change_of_mind", 4008, "buyer")],
)
def test_a_label_is_paid_by_whose_fault_it_was(market, whole, operator, label_by, reason, refund, payer):
    with transaction():
        case = a_case(market, whole, ("B1", 2, reason))
        line = line_of(case, "B1")
        actions.approve(SYSTEM, case.id, line.id)
        label = {"label_by": label_by, "label_cost_minor": 600}
        parcel = actions.announce(operator, case.id, label)
        actions.receive_parcel(SYSTEM, case.id, parcel.id)
        found = actions.decide(operator, case.id, [verdict(case, "B1")])
        decision = actions.settle_found(operator, found)
    payer = str(market.vendors["B"].id) if payer == "vendor" else payer
    charge = {"payer": payer, "payee": "marketplace", "amount_minor": 600, "kind": "label"}
    assert decision.charges == [charge]
    assert decision.refund_minor == refund + (511 if reason == "visible_defect" else 0)
    assert queries.parcels_of(case.id)[0].charged_in == 1
    with transaction():  # charged once, however often the line is decided
        again = verdict(case, "B1", units=[{"fault": line_of(case, "B1").fault_claimed, "quantity": 1}])
        assert actions.settle_found(operator, actions.decide(operator, case.id, [again])).charges == []
    with transaction():  # and to whoever's fault it is then
        units = [{"fault": "carrier", "quantity": 2}]
        actions.settle_found(operator, actions.decide(operator, case.id, [verdict(case, "B1", units=units)]))
    assert order_queries.order(SYSTEM, whole.order.id).formula_state["charges"] == []


def test_a_buyer_does_not_name_what_a_label_cost(market, whole):
    with transaction():
        case = a_case(market, whole, ("A1", 1, "visible_defect"))
        actions.approve(SYSTEM, case.id, line_of(case, "A1").id)
    with pytest.raises(LabelNotYours), transaction():
        actions.announce(market.actor, case.id, {"label_cost_minor": 600})


def test_a_small_deficit_is_let_go_by_the_policy(market, operator):
    newest = rule_queries.newest_policy("b2b")
    with transaction():
        terms = newest.terms | {"deficit": "waive", "waive_below_minor": {"EUR": 600}}
        rules.publish_policy(SYSTEM, "b2b", newest.content, terms)
        whole = a_delivered_order(market, EXAMPLE)
        case = a_settled_case(market, whole, ("B1", 2, "visible_defect"))
        units = [{"fault": "buyer", "quantity": 2}]
        found = actions.decide(operator, case.id, [verdict(case, "B1", units=units)])
        decision = actions.settle_found(operator, found)
    assert (decision.refund_minor, decision.deficit_minor) == (0, 0)
    assert [(one["kind"], one["amount_minor"]) for one in decision.charges] == [("waived_deficit", 511)]


def test_a_carried_deficit_is_let_go_when_the_case_is_closed_and_it_is_small(market, operator):
    newest = rule_queries.newest_policy("b2b")
    with transaction():
        rules.publish_policy(SYSTEM, "b2b", newest.content, newest.terms | {"waive_below_minor": {"EUR": 511}})
        whole = a_delivered_order(market, EXAMPLE)
        case = a_settled_case(market, whole, ("B1", 2, "visible_defect"))
        units = [{"fault": "buyer", "quantity": 2}]
        actions.settle_found(operator, actions.decide(operator, case.id, [verdict(case, "B1", units=units)]))
    assert owed(whole) == (43674 - 4608, 43674 - 5119)
    with transaction():
        found = actions.decide(operator, case.id, [verdict(case, "B1", units=units, note="Once more.")])
        assert not actions.let_go_deficit(case.id)  # taken up again since somebody saw that it had ended
        actions.settle_found(operator, found)
    with clock.moved(timedelta(days=15)), transaction():
        assert actions.let_go_deficit(case.id)
        assert actions.close_ended(case.id)
    assert owed(whole) == (43674 - 5119, 43674 - 5119)


def test_what_is_left_of_a_deficit_that_was_asked_for_is_not_let_go(market, operator):
    newest = rule_queries.newest_policy("b2b")
    with transaction():
        terms = newest.terms | {"deficit": "invoice", "waive_below_minor": {"EUR": 510}}
        rules.publish_policy(SYSTEM, "b2b", newest.content, terms)
        whole = a_delivered_order(market, EXAMPLE)
        case = a_settled_case(market, whole, ("B1", 2, "visible_defect"))
        units = [{"fault": "buyer", "quantity": 2}]
        actions.settle_found(operator, actions.decide(operator, case.id, [verdict(case, "B1", units=units)]))
        orders.record_payment(SYSTEM, whole.order.id, 11, "EUR", "a part of 5.11")
        assert not actions.let_go_deficit(case.id)
    assert owed(whole) == (43674 - 4608, 43674 - 5119 + 11)


def test_what_is_left_of_an_invoice_on_account_is_no_deficit_however_small(market):
    newest = rule_queries.newest_policy("b2b")
    with transaction():
        rules.publish_policy(SYSTEM, "b2b", newest.content, newest.terms | {"waive_below_minor": {"EUR": 100_000}})
        on_account(market.buyer)
        whole = carts.checkout(market.actor, a_cart(market, EXAMPLE).cart.id, on_terms=True)
        for part in whole.parts:
            orders.confirm(SYSTEM, part.id)
        case = a_settled_case(market, ship_all(whole), ("B1", 2, "visible_defect"))
    with clock.moved(timedelta(days=15)), transaction():
        assert not actions.let_go_deficit(case.id)
        assert actions.close_ended(case.id)
    assert owed(whole) == (43674 - 5119, 0)


def test_a_vendor_who_gives_less_than_is_claimed_does_not_settle_it(market, case):
    with transaction():
        vendor_b = market.vendor_actor("B")
    units = [{"fault": "buyer", "quantity": 2}]
    with pytest.raises(DecisionDisputed), transaction():
        actions.settle_found(vendor_b, actions.decide(vendor_b, case.id, [verdict(case, "B1", units=units)]))
    with transaction():
        actions.decide(vendor_b, case.id, [verdict(case, "B1", units=units)])
    with clock.moved(timedelta(hours=25)), transaction():
        actions.time_is_up(case.id, line_of(case, "B1").id)
    assert line_of(case, "B1").state is LineState.SETTLED


def test_an_appeal_is_heard_ruled_upon_and_binds(market, whole, case, operator):
    vendor_b = market.vendor_actor("B")
    line = line_of(case, "B1")
    with transaction():
        units = [{"fault": "buyer", "quantity": 2}]
        actions.settle_found(operator, actions.decide(operator, case.id, [verdict(case, "B1", units=units)]))
        appeal = actions.appeal(market.actor, case.id, line.id, "They were broken.")
        handlers.write_letters([ReturnMoved(case.id, "appealed", [str(line.id)])])
    told = select(Letter.company_id).where(Letter.facts["words"].astext == handlers.WORDS["appealed"])
    assert set(db.session.scalars(told)) == {market.operator.id, line.vendor_id}
    with pytest.raises(NotYours), transaction():
        actions.reply(market.actor, case.id, appeal.id, "Indeed.")
    with pytest.raises(NotYours), transaction():
        actions.rule(vendor_b, case.id, line.id, {"outcome": "uphold", "ruling": "No."})
    with transaction():
        actions.reply(vendor_b, case.id, appeal.id, "They were not.")
    with pytest.raises(AppealReplied), transaction():
        actions.reply(vendor_b, case.id, appeal.id, "Or were they?")
    with transaction():
        shares = [{"fault": "vendor", "percent": 50}, {"fault": "buyer", "percent": 50}]
        wanted = {"outcome": "decide", "ruling": "Half and half.", "shares": shares, "by": "units"}
        found = actions.rule(operator, case.id, line.id, wanted)
        decision = actions.settle_found(operator, found, [line.id])
    assert (decision.number, decision.cause, decision.refund_minor) == (2, "rejudged", 4864 - 4608)
    with pytest.raises(AppealDecided), transaction():
        actions.appeal(vendor_b, case.id, line.id, "No!")
    (heard,) = queries.whole(SYSTEM, case.id).appeals
    assert (heard.reply, heard.ruling) == ("They were not.", "Half and half.")


def test_a_vendor_does_not_decide_over_the_operator(market, case, operator):
    vendor_b, line = market.vendor_actor("B"), line_of(case, "B1")
    with transaction():
        actions.decide(vendor_b, case.id, [verdict(case, "B1", units=[])])
        actions.appeal(market.actor, case.id, line.id, "They were broken.")
        actions.rule(operator, case.id, line.id, {"outcome": "decide", "ruling": "They were."})
    with pytest.raises(DecidedByOperator), transaction():
        actions.decide(vendor_b, case.id, [verdict(case, "B1", units=[])])


def test_units_that_are_refunded_are_not_free_to_come_back_again(market, whole, operator):
    with transaction():
        case = a_case(market, whole, ("A1", 4, "visible_defect"))
        line = line_of(case, "A1")
        actions.approve(SYSTEM, case.id, line.id, "kept")
        units = [{"fault": "vendor", "quantity": 3}]
        actions.settle_found(operator, actions.decide(operator, case.id, [verdict(case, "A1", units=units)]))
        actions.appeal(market.actor, case.id, line.id, "All four.")
        actions.rule(operator, case.id, line.id, {"outcome": "approve", "ruling": "Send them."})
        actions.withdraw(market.actor, case.id, line.id)
    assert line_of(case, "A1").claimed_quantity == 3


def test_the_same_is_not_decided_and_settled_twice_in_one_go(market, whole, operator):
    with transaction():
        case = a_settled_case(market, whole, ("A1", 3, "visible_defect"))
    with pytest.raises(NothingChanges), transaction():
        actions.decide_and_settle(operator, case.id, [verdict(case, "A1")])
    assert (len(queries.decisions_of(case.id)), line_of(case, "A1").state) == (1, LineState.SETTLED)
    charge = {"payer": "marketplace", "payee": "buyer", "amount_minor": 100}
    with transaction():  # another sum is another decision; and no line is left between the two
        assert actions.decide_and_settle(operator, case.id, [verdict(case, "A1")], [charge]).refund_minor == 100
    with pytest.raises(NothingChanges), transaction():
        actions.settle(operator, case.id, (), [charge], taken_back=[charge])
    assert line_of(case, "A1").state is LineState.SETTLED


def news(case):
    events = db.session.scalars(select(OutboxEvent).where(OutboxEvent.name == "ReturnMoved").order_by(OutboxEvent.id))
    return [event.payload["what"] for event in events if event.payload["case_id"] == str(case.id)]


@pytest.mark.parametrize("end", ["settle", "time"])
def test_what_is_decided_as_it_stands_is_refused_and_what_comes_to_it_again_is_no_decision(
    market, whole, operator, end
):
    """Neither a decision of nothing nor a letter about one; what was said in between is taken back."""
    with transaction():
        case = a_settled_case(market, whole, ("A1", 3, "visible_defect"))
    told = news(case)
    with pytest.raises(NothingChanges), transaction():
        actions.decide(operator, case.id, [verdict(case, "A1", units=[{"fault": "vendor", "quantity": 3}])])
    assert (line_of(case, "A1").state, news(case)) == (LineState.SETTLED, told)
    with transaction():
        actions.decide(operator, case.id, [verdict(case, "A1", units=[{"fault": "vendor", "quantity": 2}])])
        actions.decide(operator, case.id, [verdict(case, "A1", note="All three after all.")])
    told += ["decided", "decided"]
    with clock.moved(timedelta(hours=25)), transaction():
        if end == "settle":
            assert actions.settle(operator, case.id).number == 1
        else:
            assert actions.time_is_up(case.id, line_of(case, "A1").id)
    line = line_of(case, "A1")
    assert (line.state, line.settled["note"], line.claimed_quantity) == (LineState.SETTLED, "All three after all.", 3)
    assert (len(queries.decisions_of(case.id)), news(case), owed(whole)) == (1, told, (43674 - 4293, 43674 - 4293))
    assert line.due_at is not None  # it may be appealed against


def test_a_label_that_became_known_later_is_charged_by_deciding_the_same_again(market, whole, operator):
    with transaction():
        case = a_case(market, whole, ("B1", 2, "change_of_mind"))
        line = line_of(case, "B1")
        actions.approve(SYSTEM, case.id, line.id)
        actions.receive(SYSTEM, case.id, line.id, 1)
        actions.settle_found(operator, actions.decide(operator, case.id, [verdict(case, "B1")]))
        actions.appeal(market.actor, case.id, line.id, "I send the second as well.")
        actions.rule(operator, case.id, line.id, {"outcome": "approve", "ruling": "Do."})
        rest = [{"line_id": line.id, "quantity": 1}]
        actions.announce(operator, case.id, {"label_by": "operator", "label_cost_minor": 600, "lines": rest})
        again = verdict(case, "B1", units=[{"fault": "buyer", "quantity": 1}])
        decision = actions.settle_found(operator, actions.decide(operator, case.id, [again]))
    charge = {"payer": "buyer", "payee": "marketplace", "amount_minor": 600, "kind": "label"}
    assert (decision.number, decision.cause, decision.charges) == (2, "rejudged", [charge])


def test_a_ruling_is_upon_an_appeal(market, whole, operator):
    """Else it would take from both sides, without one, the right to appeal, and be settled as often as it is sent."""
    with transaction():
        case = a_settled_case(market, whole, ("A1", 3, "visible_defect"))
    for outcome in ("uphold", "decide"):
        with pytest.raises(NotAppealed), transaction():
            actions.rule(operator, case.id, line_of(case, "A1").id, {"outcome": outcome, "ruling": "So it is."})
    line = line_of(case, "A1")
    assert (line.state, line.arbitrated, line.verdict["note"]) == (LineState.SETTLED, False, "")


def test_what_arrived_before_an_appeal_is_decided_although_the_rest_is_never_sent(market, whole, operator):
    with transaction():
        case = a_case(market, whole, ("A1", 3, "visible_defect"))
        line = line_of(case, "A1")
        actions.approve(SYSTEM, case.id, line.id)
        actions.receive(SYSTEM, case.id, line.id, 2)
        actions.decide(market.vendor_actor("A"), case.id, [verdict(case, "A1", units=[])])
        actions.appeal(market.actor, case.id, line.id, "They are broken.")
        actions.rule(operator, case.id, line.id, {"outcome": "approve", "ruling": "Send the third as well."})
    for days in (15, 17):
        with clock.moved(timedelta(days=days)), transaction():
            actions.time_is_up(case.id, line.id)
    line = line_of(case, "A1")
    assert (line.state, line.claimed_quantity) == (LineState.SETTLED, 2)
    assert line.settled["units"] == [{"fault": "vendor", "quantity": 2}]


def test_what_is_said_once_the_goods_are_back_may_be_appealed_against(market, whole):
    vendor_a = market.vendor_actor("A")
    with transaction():
        case = a_case(market, whole, ("A1", 3, "visible_defect"))
        line = line_of(case, "A1")
        actions.decline(vendor_a, case.id, line.id, "No.")
        actions.appeal(market.actor, case.id, line.id, "Yes.")
        actions.rule(SYSTEM, case.id, line.id, {"outcome": "approve", "ruling": "Send them."})
        actions.receive(vendor_a, case.id, line.id, 3)
        actions.decide(vendor_a, case.id, [verdict(case, "A1", units=[])])
        actions.appeal(market.actor, case.id, line.id, "They are broken.")
    assert line_of(case, "A1").state is LineState.APPEALED


def test_a_replacement_is_not_previewed_as_money_nor_given_where_nothing_counts(market, whole):
    with transaction():
        case = a_case(market, whole, ("A1", 4, "visible_defect"), wish="replacement")
    assert actions.preview(market.actor, case.id, []).refund_minor == 0
    with transaction():
        received(market, case)
        actions.decide(market.vendor_actor("A"), case.id, [verdict(case, "A1", units=[])])
    assert line_of(case, "A1").verdict["replaced"] == 0


def test_a_preview_counts_what_has_arrived(market, whole):
    with transaction():
        case = a_case(market, whole, ("A1", 4, "visible_defect"))
        line = line_of(case, "A1")
        actions.approve(SYSTEM, case.id, line.id)
        actions.receive(SYSTEM, case.id, line.id, 3)
    assert actions.preview(market.actor, case.id, []).after.lines[0].kept == 7


def test_a_vendor_learns_nothing_of_others_by_charges_that_do_not_fit(market, case):
    charge = {"payer": "marketplace", "payee": "buyer", "amount_minor": 43674}
    with pytest.raises(NotYours):
        actions.preview(market.vendor_actor("B"), case.id, [], [charge])


def test_a_declined_line_is_appealed_in_time_and_approved(market, whole):
    with transaction():
        case = a_case(market, whole, ("A1", 3, "visible_defect"))
        actions.decline(market.vendor_actor("A"), case.id, line_of(case, "A1").id, "No.")
    with clock.moved(timedelta(days=15)), pytest.raises(AppealTooLate), transaction():
        actions.appeal(market.actor, case.id, line_of(case, "A1").id, "Yes.")
    with transaction():
        actions.appeal(market.actor, case.id, line_of(case, "A1").id, "Yes.")
        actions.rule(SYSTEM, case.id, line_of(case, "A1").id, {"outcome": "approve", "ruling": "Send them."})
    line = line_of(case, "A1")
    assert (line.state, line.claimed_quantity) == (LineState.APPROVED, 3)


def test_a_case_is_closed_and_reopened(market, whole, case, operator):
    with pytest.raises(CaseNotEnded), transaction():
        actions.close(operator, case.id)
    with transaction():
        found = actions.decide(operator, case.id, [verdict(case, "A1"), verdict(case, "B1")])
        actions.settle_found(operator, found)
    with clock.moved(timedelta(days=13)), pytest.raises(AppealsOpen) as refused, transaction():
        actions.close(operator, case.id)
    assert refused.value.facts == {"until": line_of(case, "B1").due_at.isoformat()}
    with clock.moved(timedelta(days=15)), transaction():
        actions.close(operator, case.id)
    assert queries.case(SYSTEM, case.id).closed_at is not None
    with transaction():
        actions.reopen_case(operator, case.id)
    assert queries.case(SYSTEM, case.id).closed_at is None
