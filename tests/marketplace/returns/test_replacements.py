"""A replacement follows its decision: shipped in time and seen on its way, or money by the same formula."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from marketplace.catalogue import queries as catalogue
from marketplace.catalogue.stock import StockTooLow
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.notifications.models import Letter
from marketplace.orders import queries as order_queries
from marketplace.orders.refusals import UnitsNotReturnable
from marketplace.returns import actions, handlers, jobs, queries, views
from marketplace.returns.events import ReturnMoved
from marketplace.returns.refusals import MoreThanApproved, NothingToReplace, NotYours, ReplacementHasLeft
from marketplace.returns.states import LineState
from tests.builders.orders import line_named
from tests.builders.returns import a_case, line_of, received
from tests.pages import see, send

DHL = {"carrier": "DHL", "tracking_number": "JD01"}


@pytest.fixture
def case(market, whole):
    """Two of B1 are defective; the vendor agrees to replace them."""
    with transaction():
        made = a_case(market, whole, ("B1", 2, "visible_defect"), wish="replacement")
        received(market, made)
        found = actions.decide(SYSTEM, made.id, [{"line_id": line_of(made, "B1").id}])
        actions.settle_found(market.vendor_actor("B"), found)
    return made


def on_hand(whole):
    return catalogue.stock(line_named(whole, "B1").offer_id).on_hand


def returned(whole):
    return line_named(order_queries.whole(SYSTEM, whole.order.id), "B1").returned_quantity


def owed(whole):
    return order_queries.order(SYSTEM, whole.order.id).owed_minor


def letters(case, what):
    """Who reads of it, and what."""
    line = line_of(case, "B1")
    with transaction():
        handlers.write_letters([ReturnMoved(case_id=case.id, what=what, line_ids=[str(line.id)])])
    return str(db.session.scalars(select(Letter.facts).where(Letter.source.contains(what))).all())


def test_the_vendor_ships_it_in_time_and_the_buyer_sees_it(client_as, market, whole, case):
    line, vendor = line_of(case, "B1"), market.vendor_actor("B")
    assert (line.state, line.to_replace, owed(whole)) == (LineState.REPLACING, 2, 43674)
    assert case.id in [one.id for one in db.session.scalars(queries.cases(vendor, turn="vendor"))]
    assert "ship it in time" in letters(case, "replacing")
    with pytest.raises(UnitsNotReturnable), transaction():
        a_case(market, whole, ("B1", 6, "visible_defect"))  # two of them are not there
    with clock.moved(line.due_at - clock.now() - timedelta(hours=1)):
        jobs.remind()
        jobs.close_ended()
    assert line_of(case, "B1").reminded_at is not None
    assert queries.case(SYSTEM, case.id).closed_at is None
    before = on_hand(whole)
    with pytest.raises(NotYours), transaction():
        actions.ship_replacement(market.actor, case.id, line.id, DHL)
    with pytest.raises(MoreThanApproved), transaction():
        actions.ship_replacement(vendor, case.id, line.id, DHL | {"quantity": 3})
    with transaction():
        actions.ship_replacement(vendor, case.id, line.id, DHL | {"quantity": 1})
    page = f"/returns/{case.id}"
    sent = send(client_as(vendor), page, f"{page}/lines/{line.id}/replacements", carrier="UPS", tracking_number="1Z9")
    assert sent.status_code == 303
    db.session.expire_all()
    assert (on_hand(whole), line_of(case, "B1").state) == (before - 2, LineState.SETTLED)
    assert "1 by UPS 1Z9" in letters(case, "replacement_sent")
    buyer = client_as(market.actor)
    assert "1Z9" in see(buyer, page).text
    _, last = queries.replacements_of(SYSTEM, case.id)
    assert send(buyer, page, f"{page}/replacements/{last.id}/deliver").status_code == 303
    db.session.expire_all()
    shown = views.case(queries.whole(market.actor, case.id), "buyer")["replacements"]
    assert [one["state"] for one in shown] == ["in_transit", "delivered"]
    assert (owed(whole), len(queries.decisions_of(case.id))) == (43674, 1)
    with transaction():
        a_case(market, whole, ("B1", 7, "visible_defect"))  # what replaced it may come back as well


@pytest.mark.parametrize("how", ["cannot", "silence"])
def test_where_there_is_none_the_buyer_gets_money_by_the_same_formula(market, whole, case, how):
    line = line_of(case, "B1")
    with transaction():
        actions.ship_replacement(SYSTEM, case.id, line.id, DHL | {"quantity": 1})
    vendor = market.vendor_actor("B")
    if how == "cannot":
        with transaction():
            actions.cannot_replace(vendor, case.id, line.id, "The last one is sold.")
    else:
        with clock.moved(timedelta(days=12)):
            jobs.end_turns()
    line = line_of(case, "B1")
    assert (line.state, line.to_replace, line.settled["replaced"]) == (LineState.SETTLED, 0, 1)
    assert line.settled["units"] == [{"fault": "vendor", "quantity": 1}]
    first, second = queries.decisions_of(case.id)
    assert (first.refund_minor, second.number, second.refund_minor) == (0, 2, 43674 - owed(whole))
    assert second.refund_minor > 0
    side, person_id = {"cannot": ("vendor", vendor.person_id), "silence": ("deadline", None)}[how]
    shown = views.case(queries.whole(market.actor, case.id), "buyer")["history"]
    assert [(move["to_state"], move["side"]) for move in shown[-2:]] == [("decided", side), ("settled", side)]
    assert second.person_id == person_id
    with pytest.raises(NothingToReplace), transaction():
        actions.ship_replacement(SYSTEM, case.id, line.id, DHL)


def test_what_has_left_is_not_decided_away_and_what_is_lost_is_owed_again(market, whole, case):
    line = line_of(case, "B1")
    with transaction():
        stock = catalogue.stock(line_named(whole, "B1").offer_id, lock=True)
        enough, stock.on_hand = stock.on_hand, 1
    with pytest.raises(StockTooLow), transaction():
        actions.ship_replacement(SYSTEM, case.id, line.id, DHL)
    with transaction():
        catalogue.stock(stock.offer_id, lock=True).on_hand = enough
    with transaction():
        row = actions.ship_replacement(SYSTEM, case.id, line.id, DHL)
    with pytest.raises(ReplacementHasLeft) as refused, transaction():
        actions.decide(SYSTEM, case.id, [{"line_id": line.id, "replaced": 0}])
    assert refused.value.pointer == "/lines/0/replaced"
    with clock.moved(timedelta(days=15)), transaction():
        actions.close(SYSTEM, case.id)
        actions.lose_replacement(market.vendor_actor("B"), case.id, row.id)
    line = line_of(case, "B1")
    assert (line.state, line.to_replace, line.due_at is None) == (LineState.REPLACING, 2, False)
    assert queries.case(SYSTEM, case.id).closed_at is None


def test_a_replacement_that_is_lost_while_another_verdict_waits_leaves_it_its_units(market, whole):
    with transaction():
        case = a_case(market, whole, ("B1", 3, "visible_defect"))
        received(market, case)
        line = line_of(case, "B1")
        found = actions.decide(SYSTEM, case.id, [{"line_id": line.id, "units": [], "replaced": 2}])
        actions.settle_found(SYSTEM, found)
        row = actions.ship_replacement(SYSTEM, case.id, line.id, DHL)
        units = [{"fault": "vendor", "quantity": 1}]
        actions.decide(SYSTEM, case.id, [{"line_id": line.id, "units": units, "replaced": 2}])
        assert returned(whole) == 1
        actions.lose_replacement(SYSTEM, case.id, row.id)
        assert returned(whole) == 3
        actions.settle(SYSTEM, case.id)
    assert (line_of(case, "B1").state, returned(whole)) == (LineState.REPLACING, 3)


def test_the_order_says_what_of_it_is_replaced_and_to_each_party_his_own(client_as, market, whole, case):
    part = next(part for part in whole.parts if part.vendor_id == line_of(case, "B1").vendor_id)
    line = line_of(case, "B1")
    with transaction():
        row = actions.ship_replacement(SYSTEM, case.id, line.id, DHL | {"quantity": 1})
    buyer, vendor, rival = (client_as(market.actor), *(client_as(market.vendor_actor(name)) for name in "BA"))
    (shown,) = buyer.get(f"/v1/orders/{whole.order.id}/replacements").json["items"]
    assert (shown["case_number"], shown["line_id"]) == (case.number, str(line_named(whole, "B1").id))
    assert (shown["to_replace"], shown["ship_by"] is None) == (1, False)
    sent = [(one["id"], one["quantity"], one["state"], one["tracking_number"]) for one in shown["sent"]]
    assert sent == [(str(row.id), 1, "in_transit", "JD01")]
    assert vendor.get(f"/v1/vendor-orders/{part.id}/replacements").json["items"] == [shown]
    assert rival.get(f"/v1/vendor-orders/{part.id}/replacements").status_code == 404
    others = next(one for one in whole.parts if one.id != part.id)
    assert rival.get(f"/v1/vendor-orders/{others.id}/replacements").json["items"] == []
    for client, page in ((buyer, f"/orders/{whole.order.id}"), (vendor, f"/desk/orders/{part.id}")):
        text = see(client, page).text
        assert ("JD01" in text, "to be shipped by" in text, case.number in text) == (True, True, True)
    with transaction():
        actions.cannot_replace(SYSTEM, case.id, line.id, "None is left.")
    (shown,) = buyer.get(f"/v1/orders/{whole.order.id}/replacements").json["items"]
    assert (shown["to_replace"], shown["ship_by"], len(shown["sent"])) == (0, None, 1)
