"""An application is drafted, questioned, answered and decided; a vendor sells from the approval to the suspension."""

import orjson
import pytest
from sqlalchemy import func, select

from marketplace.agreements.models import PriceList, VendorTerms
from marketplace.companies.models import Company, Membership
from marketplace.kernel.access import Role
from marketplace.kernel.db import transaction
from marketplace.kernel.history import HistoryLine
from marketplace.kernel.outbox import OutboxEvent
from marketplace.notifications.models import Letter
from tests.builders import catalogue, onboarding
from tests.builders.companies import an_actor
from vendors.onboarding import handlers
from vendors.onboarding.events import ApplicationDeclined, ApplicationQuestioned
from vendors.onboarding.models import Vendor, VendorApplication

URL = "/v1/vendor-applications"


@pytest.fixture
def application(session, cast):
    with transaction():
        return onboarding.an_application(cast.buyer_company)


def posted(client, path, body=None):
    answer = client.post(path, json=body or {})
    return answer.status_code, orjson.loads(answer.data)


def states(session, table="vendor_application"):
    return session.scalars(
        select(HistoryLine.to_state).where(HistoryLine.table_name == table).order_by(HistoryLine.id)
    ).all()


def test_from_draft_to_approval(client_as, cast, session):
    applicant, operator = client_as(cast.buyer), client_as(cast.operator)
    status, drafted = posted(applicant, URL, onboarding.FACTS | {"vat_id": "de 136 695 976"})
    assert (status, drafted["state"], drafted["vat_id"]) == (201, "draft", "DE136695976")
    one = f"{URL}/{drafted['id']}"
    assert posted(applicant, f"{one}/submit")[1]["state"] == "submitted"
    status, asked = posted(operator, f"{one}/ask", {"note": "What do you sell?"})
    assert (status, asked["state"], asked["note"]) == (200, "questions", "What do you sell?")
    etag = applicant.get(one).headers["ETag"]
    assert applicant.patch(one, json={"goods": "Bolts"}, headers={"If-Match": etag}).status_code == 200
    assert applicant.patch(one, json={"goods": "Nuts"}, headers={"If-Match": etag}).status_code == 412
    assert posted(applicant, f"{one}/submit")[1]["goods"] == "Bolts"
    status, approved = posted(operator, f"{one}/approve", {"commission_rate": "0.08"})
    assert (status, approved["state"]) == (200, "approved")

    company = session.get(Company, cast.buyer_company.id, populate_existing=True)
    assert company.may_sell
    assert session.get(Vendor, company.id).state == "active"
    assert str(session.scalars(select(VendorTerms)).one().commission_rate) == "0.080000"
    assert session.scalars(select(PriceList)).one().currency == "EUR"
    managers = select(Membership.person_id).where(Membership.role == Role.VENDOR_MANAGER)
    assert session.scalars(managers.where(Membership.company_id == company.id)).all() == [cast.buyer.person_id]
    assert states(session) == ["submitted", "questions", "submitted", "approved"]
    history = orjson.loads(applicant.get(f"{one}/history").data)["items"]
    assert [line["verb"] for line in history] == ["submit", "ask", "submit", "approve"]


def test_events_of_a_decision_reach_the_outbox(client_as, cast, session, application):
    operator = client_as(cast.operator)
    posted(operator, f"{URL}/{application.id}/decline", {"note": "No registration found."})
    names = session.scalars(select(OutboxEvent.name).order_by(OutboxEvent.id)).all()
    assert "ApplicationDeclined" in names
    assert posted(client_as(cast.buyer), URL, onboarding.FACTS)[0] == 201


def test_letters_tell_the_question_and_the_reason(cast, session, application):
    with transaction():
        for _ in range(2):
            handlers.write_questions([ApplicationQuestioned(application.id, 1)])
        handlers.write_declined([ApplicationDeclined(application.id)])
    letters = session.execute(select(Letter.kind, Letter.email).order_by(Letter.created_at)).all()
    assert sorted(letters) == [
        ("application_declined", "sales@nordwerk.example"),
        ("application_questions", "sales@nordwerk.example"),
    ]


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"vat_id": "DE136695977"}, "/vat_id"),
        ({"vat_id": "FR40303265045"}, "/vat_id"),
        ({"contact_email": "nobody"}, "/contact_email"),
        ({"website": "javascript:alert(1)"}, "/website"),
        ({"state": "approved"}, "/state"),
        ({"legal_name": ""}, "/legal_name"),
    ],
)
def test_what_is_wrong_in_an_application_is_named(client_as, cast, session, facts, pointer):
    status, problem = posted(client_as(cast.buyer), URL, onboarding.FACTS | facts)
    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])
    assert session.scalar(select(func.count()).select_from(VendorApplication)) == 0


def test_one_open_application_a_company(client_as, cast, session, application):
    status, problem = posted(client_as(cast.buyer), URL, onboarding.FACTS)
    assert (status, problem["title"]) == (409, "Application open")


def test_a_vendor_does_not_apply_again(client_as, cast, session, application):
    posted(client_as(cast.operator), f"{URL}/{application.id}/approve", {"commission_rate": "0.08"})
    assert posted(client_as(cast.buyer), URL, onboarding.FACTS)[1]["title"] == "Already vendor"


def test_under_review_nothing_is_edited(client_as, cast, session, application):
    client = client_as(cast.buyer)
    etag = client.get(f"{URL}/{application.id}").headers["ETag"]
    answer = client.patch(f"{URL}/{application.id}", json={"goods": "Bolts"}, headers={"If-Match": etag})
    assert (answer.status_code, application.goods) == (409, "")


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("buyer", 403),
        ("colleague", 403),
        ("rival_buyer", 403),
        ("vendor", 403),
        ("rival_vendor", 403),
        ("stranger", 401),
        ("operator", 200),
    ],
)
@pytest.mark.parametrize(
    "decision",
    [("ask", {"note": "?"}), ("approve", {"commission_rate": "0.08"}), ("decline", {"note": "no"})],
)
def test_only_the_operator_decides(client_as, cast, application, who, status, decision):
    verb, body = decision
    assert posted(client_as(getattr(cast, who)), f"{URL}/{application.id}/{verb}", body)[0] == status
    assert (application.state == "submitted") == (who != "operator")


@pytest.mark.parametrize(
    ("who", "status"),
    [("buyer", 200), ("colleague", 200), ("operator", 200), ("rival_buyer", 404), ("vendor", 404), ("stranger", 401)],
)
def test_who_reads_an_application(client_as, cast, application, who, status):
    client = client_as(getattr(cast, who))
    assert client.get(f"{URL}/{application.id}").status_code == status
    if status != 401:
        items = orjson.loads(client.get(URL).data)["items"]
        assert [item["id"] for item in items] == ([str(application.id)] if status == 200 else [])


@pytest.mark.parametrize(("who", "status"), [("colleague", 403), ("rival_buyer", 404), ("operator", 403)])
def test_who_may_not_submit(client_as, cast, session, who, status):
    with transaction():
        row = onboarding.an_application(cast.buyer_company, submitted=False)
    assert posted(client_as(getattr(cast, who)), f"{URL}/{row.id}/submit")[0] == status
    assert row.state == "draft"


@pytest.fixture
def selling(cast, session):
    with transaction():
        onboarding.an_approved_vendor(cast.buyer_company, cast.operator)
    return cast.buyer_company


def test_a_suspended_vendor_sells_nothing_until_he_is_reinstated(client_as, cast, session, selling):
    operator, shopper = client_as(cast.operator), client_as(cast.rival_buyer)
    offer = catalogue.an_offer(selling)
    assert shopper.get(f"/v1/offers/{offer.id}").status_code == 200
    status, vendor = posted(operator, f"/v1/vendors/{selling.id}/suspend", {"note": "Complaints."})
    assert (status, vendor["state"], vendor["note"]) == (200, "suspended", "Complaints.")
    assert not session.get(Company, selling.id, populate_existing=True).may_sell
    assert shopper.get(f"/v1/offers/{offer.id}").status_code == 404
    assert posted(operator, f"/v1/vendors/{selling.id}/suspend", {"note": "Again."})[0] == 409
    assert posted(operator, f"/v1/vendors/{selling.id}/reinstate", {"note": "Settled."})[1]["state"] == "active"
    assert shopper.get(f"/v1/offers/{offer.id}").status_code == 200
    assert posted(operator, f"/v1/vendors/{selling.id}/close", {"note": "Gone."})[1]["state"] == "closed"
    assert posted(operator, f"/v1/vendors/{selling.id}/reinstate", {"note": "Back?"})[0] == 409
    assert states(session, "vendor") == ["suspended", "active", "closed"]


def test_a_suspension_needs_a_reason(client_as, cast, session, selling):
    assert posted(client_as(cast.operator), f"/v1/vendors/{selling.id}/suspend", {"note": " "})[0] == 422
    assert session.get(Vendor, selling.id).state == "active"


@pytest.mark.parametrize(("who", "status"), [("buyer", 403), ("vendor", 403), ("stranger", 401)])
def test_only_the_operator_suspends(client_as, cast, session, selling, who, status):
    client = client_as(getattr(cast, who))
    assert posted(client, f"/v1/vendors/{selling.id}/suspend", {"note": "x"})[0] == status
    assert session.get(Company, selling.id).may_sell


def test_who_sees_vendors(client_as, cast, selling):
    def seen(actor):
        return [item["name"] for item in orjson.loads(client_as(actor).get("/v1/vendors").data)["items"]]

    assert seen(cast.operator) == ["Buyer GmbH"]
    assert seen(an_actor(selling, Role.VENDOR_MANAGER)) == ["Buyer GmbH"]
    assert seen(cast.vendor) == []
    assert client_as(cast.vendor).get(f"/v1/vendors/{selling.id}").status_code == 404


def test_a_suspension_changes_what_search_shows(cast, session, selling):
    offer = catalogue.an_offer(selling)
    with transaction():
        handlers.refresh_search([handlers.SellingChanged(selling.id, False)])
    product = session.get(catalogue.Product, offer.product_id, populate_existing=True)
    assert product.search_version == 2
