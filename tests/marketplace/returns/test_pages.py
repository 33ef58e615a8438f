"""A return worked on with forms alone: by its buyer, by each vendor, by the operator; each reads its own sums."""

import io
import uuid

import pytest

from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from marketplace.orders import queries as order_queries
from marketplace.returns import actions, queries
from marketplace.returns.models import ReturnCase
from marketplace.returns.states import LineState
from tests.builders.companies import a_company, an_actor
from tests.builders.orders import line_named
from tests.builders.returns import a_case, a_settled_case, line_of, received
from tests.pages import HTML, read, see, send

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(60)


@pytest.fixture
def case(market, whole):
    with transaction():
        return a_case(market, whole, ("A1", 3, "change_of_mind"), ("B1", 2, "visible_defect"))


def owed(whole):
    return order_queries.order(SYSTEM, whole.order.id).owed_minor


def test_from_the_order_to_the_refund_with_forms_alone(client_as, market, whole, operator):
    buyer, vendor = client_as(market.actor), client_as(market.vendor_actor("A"))
    assert "Return goods" in see(buyer, f"/orders/{whole.order.id}").text
    line_id = line_named(whole, "A1").id
    address = f"/orders/{whole.order.id}/return"
    refused = send(buyer, address, address, **{f"units-{line_id}": "3"})
    assert (refused.status_code, "Choose a reason" in refused.text) == (422, True)
    asked = {f"units-{line_id}": "3", f"reason-{line_id}": "change_of_mind", f"note-{line_id}": "Too many."}
    opened = send(buyer, address, address, **asked)
    page = opened.headers["Location"]
    case = db.session.query(ReturnCase).one()
    assert page == f"/returns/{case.id}"
    line = line_of(case, "A1")
    assert send(vendor, page, f"{page}/lines/{line.id}/approve").status_code == 303
    assert send(buyer, page, f"{page}/parcels", carrier="DHL").status_code == 303
    parcel = queries.parcels_of(case.id)[0]
    assert send(vendor, page, f"{page}/parcels/{parcel.id}/receive").status_code == 303
    shown = see(vendor, page).text
    assert "What each outcome moves for you" in shown
    assert ("(your turn)" in shown, "the vendor's turn" in shown) == (True, False)
    assert "(the vendor's turn)" in see(buyer, page).text
    emptied = {f"units-{fault}-{line.id}": "" for fault in ("buyer", "vendor", "carrier")}
    for button in ("preview", "decide", "settle"):
        refused = send(vendor, page, f"{page}/decide", **emptied, do=button)
        assert (refused.status_code, "Say by whose fault units came back" in refused.text) == (422, True)
    assert "Commission" not in see(buyer, page).text
    decided = send(vendor, page, f"{page}/decide", **{"do": "settle", f"units-buyer-{line.id}": "3"})
    assert decided.status_code == 303
    db.session.expire_all()
    assert (line_of(case, "A1").state, owed(whole)) == (LineState.SETTLED, 43674 - 4095)
    assert "3 of 10 came back by the buyer's own choice" in see(buyer, page).text


def test_the_form_offers_what_is_not_under_way_and_keeps_what_was_typed(client_as, market, case):
    line, page, buyer = line_of(case, "A1"), f"/returns/{case.id}", client_as(market.actor)
    with transaction():
        actions.approve(SYSTEM, case.id, line.id)
    sent = f"sent-{line.id}"
    assert send(buyer, page, f"{page}/parcels", carrier="DHL", **{sent: "2"}).status_code == 303
    refused = send(buyer, page, f"{page}/parcels", carrier="GLS", tracking_number="90010", **{sent: "2"})
    kept = next(form.fields for form in read(refused).forms if form.action.endswith("/parcels"))
    assert (refused.status_code, kept["carrier"], kept["tracking_number"], kept[sent]) == (409, "GLS", "90010", "2")
    assert next(form.fields[sent] for form in see(buyer, page).forms if sent in form.fields) == "1"
    with transaction():
        actions.receive_parcel(
            SYSTEM, case.id, queries.parcels_of(case.id)[0].id
        )  # a part is there, the rest may follow
    assert send(buyer, page, f"{page}/parcels", carrier="GLS").status_code == 303
    assert "Send goods back" not in see(buyer, page).text


def test_a_field_that_is_empty_says_nothing_of_what_arrived(client_as, market, case):
    line, page, vendor = line_of(case, "A1"), f"/returns/{case.id}", client_as(market.vendor_actor("A"))
    with transaction():
        actions.approve(SYSTEM, case.id, line.id)
        parcel = actions.announce(market.actor, case.id, {"lines": [{"line_id": line.id, "quantity": 2}]})
    for address, field in ((f"lines/{line.id}", "quantity"), (f"parcels/{parcel.id}", f"received-{line.id}")):
        assert send(vendor, page, f"{page}/{address}/receive", **{field: ""}).status_code == 422
    db.session.expire_all()
    assert line_of(case, "A1").received_quantity == 0


def test_the_operator_compares_outcomes_previews_and_settles(client_as, market, whole, case, operator):
    with transaction():
        received(market, case)
    client, page = client_as(operator), f"/returns/{case.id}"
    text = see(client, page).text
    for name in ("As claimed", "Buyer's choice", "Vendor's fault", "Carrier's fault", "Shared 70 : 30", "Vendor A"):
        assert name in text
    a1, b1 = line_of(case, "A1").id, line_of(case, "B1").id
    chosen = {f"units-buyer-{a1}": "3", f"units-vendor-{b1}": "1", f"units-buyer-{b1}": "1", "do": "preview"}
    charge = {"payer": "marketplace", "payee": "buyer", "kind": "goodwill", "amount": "5.00"}
    shown = send(client, page, f"{page}/decide", **chosen, **charge)
    assert shown.status_code == 200
    assert "As typed, in words" in shown.text
    assert "goodwill: the marketplace pays 5.00 EUR to the buyer<small>Charged beside the goods.</small>" in shown.text
    assert "discount: requalify" not in shown.text
    assert "The goods that are kept get the discount that the order still earns." in shown.text
    unmade = send(client, page, f"{page}/decide", **(chosen | {"do": "decide"}), **charge)
    assert (unmade.status_code, "A charge is made when it is settled" in unmade.text) == (422, True)
    assert owed(whole) == 43674
    assert send(client, page, f"{page}/decide", **(chosen | {"do": "settle"}), **charge).status_code == 303
    db.session.expire_all()
    assert owed(whole) == 43674 - 4095 - 4864 - 500
    assert send(client, page, f"{page}/decide", **(chosen | {"do": "settle"})).status_code == 409
    assert len(queries.decisions_of(case.id)) == 1


def test_an_appeal_is_ruled_upon_with_forms(client_as, market, whole, operator):
    with transaction():
        case = a_settled_case(market, whole, ("B1", 2, "visible_defect"))
    vendor, buyer = client_as(market.vendor_actor("B")), client_as(market.actor)
    client, page, line = client_as(operator), f"/returns/{case.id}", line_of(case, "B1")
    assert send(vendor, page, f"{page}/lines/{line.id}/appeal", note="They were in order.").status_code == 303
    db.session.expire_all()
    appeal = queries.whole(SYSTEM, case.id).appeals[0]
    assert send(buyer, page, f"{page}/appeals/{appeal.id}/reply", note="They were not.").status_code == 303
    shares = {"share-vendor": "50", "share-buyer": "50", "outcome": "decide", "note": "Half and half."}
    assert send(client, page, f"{page}/lines/{line.id}/rule", **shares).status_code == 303
    db.session.expire_all()
    assert line_of(case, "B1").settled["units"] == [
        {"fault": "buyer", "quantity": 1},
        {"fault": "vendor", "quantity": 1},
    ]
    assert "Half and half." in see(buyer, page).text


def test_a_ruling_upon_no_line_of_the_case_or_with_no_number_is_refused(client_as, market, whole, operator):
    with transaction():
        case = a_settled_case(market, whole, ("B1", 2, "visible_defect"))
        actions.appeal(market.vendor_actor("B"), case.id, line_of(case, "B1").id, "They were in order.")
    client, page = client_as(operator), f"/returns/{case.id}"
    ruling = {"outcome": "decide", "note": "His choice.", "share-vendor": "", "share-buyer": "100"}
    address = f"{page}/lines/{line_of(case, 'B1').id}/rule"
    assert send(client, page, address, to=f"{page}/lines/{uuid.uuid4()}/rule", **ruling).status_code == 404
    refused = send(client, page, address, **(ruling | {"share-buyer": "²"}))
    assert (refused.status_code, "A whole number from 0 to 100" in refused.text) == (422, True)
    assert send(client, page, address, **ruling).status_code == 303
    db.session.expire_all()
    assert line_of(case, "B1").settled["units"] == [{"fault": "buyer", "quantity": 2}]


def test_evidence_is_told_by_its_content_and_saved_by_its_parties_alone(client_as, market, case):
    buyer, page, line = client_as(market.actor), f"/returns/{case.id}", line_of(case, "B1")
    token = see(buyer, page)
    assert token.forms

    def upload(content, name="photo.png"):
        form = dict(next(form for form in see(buyer, page).forms if form.action.endswith("/evidence")).fields)
        form["file"] = (io.BytesIO(content), name)
        return buyer.post(f"{page}/lines/{line.id}/evidence", data=form, headers=HTML)

    assert upload(b"<svg onload=alert(1)>", "photo.png").status_code == 422
    assert upload(b"<html>", "x.html").status_code == 422
    assert upload(PNG, "../../photo of it.svg").status_code == 303
    (row,) = queries.whole(SYSTEM, case.id).evidence
    assert (row.content_type, row.side) == ("image/png", "buyer")
    for actor, status in (
        (market.actor, 200),
        (market.vendor_actor("B"), 200),
        (market.vendor_actor("A"), 404),
        (an_actor(a_company("Rival"), Role.BUYER), 404),
    ):
        db.session.commit()
        answer = client_as(actor).get(f"{page}/evidence/{row.id}", headers=HTML)
        assert answer.status_code == status
        if status == 200:
            assert answer.data == PNG
            assert answer.headers["Content-Disposition"] == 'attachment; filename="photo of it.png"'
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_is_too_large_is_not_kept(client_as, app, market, case, monkeypatch):
    settings = app.extensions["kontor_settings"]
    before = settings.max_evidence_bytes
    object.__setattr__(settings, "max_evidence_bytes", 50)
    try:
        line = line_of(case, "B1")
        answer = client_as(market.actor).post(
            f"/v1/returns/{case.id}/lines/{line.id}/evidence", data={"file": (io.BytesIO(PNG), "a.png")}
        )
        assert (answer.status_code, answer.json["type"]) == (422, "/problems/evidence-too-large")
    finally:
        object.__setattr__(settings, "max_evidence_bytes", before)
    assert queries.whole(SYSTEM, case.id).evidence == []


def test_the_lists_of_each_side(client_as, market, case, operator):
    with transaction():
        stranger = an_actor(a_company("Rival"), Role.BUYER)
    for actor, seen in (
        (market.actor, True),
        (market.vendor_actor("A"), True),
        (operator, True),
        (stranger, False),
    ):
        db.session.commit()
        client = client_as(actor)
        assert (case.number in see(client, "/returns").text) is seen
        assert (case.number in see(client, "/returns?turn=vendor").text) is seen
        assert case.number not in see(client, "/returns?turn=operator").text
    with transaction():
        actions.withdraw(market.actor, case.id, line_of(case, "A1").id)
    assert case.number not in see(client_as(market.vendor_actor("A")), "/returns?turn=vendor").text
