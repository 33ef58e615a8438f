"""Applying and deciding on pages: what is missing is said, what was typed is kept, percent become a share."""

import re
from decimal import Decimal

import pytest
from marshmallow import ValidationError

from marketplace.agreements.models import VendorTerms
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import transaction
from tests.builders.companies import a_company, an_actor
from tests.builders.onboarding import an_application, an_approved_vendor
from tests.pages import HTML, read, see, send
from vendors.onboarding import actions
from vendors.onboarding.models import Vendor, VendorApplication
from vendors.onboarding.pages import Percent

HOSTILE = "<script>alert(1)</script> {{7*7}}"


@pytest.fixture
def operator(client_as, session):
    actor = an_actor(a_company("Kontor", is_operator=True), Role.OPERATOR)
    session.commit()
    return client_as(actor)


@pytest.fixture
def application(session):
    with transaction():
        return an_application(a_company("Nordwerk"), goods=HOSTILE)


@pytest.mark.parametrize(
    ("typed", "share"), [("8.5", "0.085"), ("8,5 %", "0.085"), ("0", "0"), ("100", "1"), ("0.0001", "0.000001")]
)
def test_percent_are_a_share_of_one(typed, share):
    assert Percent(high="100").deserialize(typed) == Decimal(share)


@pytest.mark.parametrize("typed", ["", "x", "-1", "100.1", "1e1", "0.00001", "1,000.5"])
def test_what_is_no_percentage_is_refused(typed):
    with pytest.raises(ValidationError):
        Percent(high="100").deserialize(typed)


def test_a_company_applies_and_reads_what_is_asked(client_as, operator, session):
    applicant = an_actor(a_company("Nordwerk", vat_id="DE136695976"), Role.ADMINISTRATOR)
    session.commit()
    client = client_as(applicant)
    refused = send(client, "/vendor/apply", "/vendor/apply", contact_email="x", registration_number="HRB 1")
    assert refused.status_code == 422
    assert next(f for f in read(refused).forms if "goods" in f.fields).fields["registration_number"] == "HRB 1"
    assert session.query(VendorApplication).count() == 0

    facts = {"contact_email": "a@b.example", "registration_number": "HRB 1", "goods": HOSTILE}
    assert send(client, "/vendor/apply", "/vendor/apply", **facts).status_code == 303
    row = session.query(VendorApplication).one()
    assert (row.state.value, row.legal_name, row.vat_id) == ("submitted", "Nordwerk", "DE136695976")
    assert HOSTILE in see(operator, "/operator/vendors").text

    path = f"/operator/vendors/applications/{row.id}"
    assert send(operator, path, "/approve", to=path + "/ask", note="Which goods?").status_code == 303
    assert "Which goods?" in see(client, "/vendor/apply").text
    assert send(client, "/vendor/apply", "/vendor/apply", goods="Bolts").status_code == 303
    assert (row.state.value, row.goods) == ("submitted", "Bolts")


def test_approving_needs_a_commission_and_declining_a_reason(operator, application, session):
    path = f"/operator/vendors/applications/{application.id}"
    for verb, kept in (("approve", {"note": "Welcome"}), ("decline", {"commission_percent": "7"})):
        refused = send(operator, path, "/approve", to=f"{path}/{verb}", **kept)
        assert refused.status_code == 422
        form = next(form for form in read(refused).forms if "note" in form.fields)
        assert kept.items() <= form.fields.items()
    session.refresh(application)
    assert application.state.value == "submitted"
    assert session.query(Vendor).count() == 0

    assert send(operator, path, "/approve", commission_percent="8,5").status_code == 303
    assert session.query(VendorTerms).one().commission_rate == Decimal("0.085")
    assert send(operator, f"/operator/vendors/{application.company_id}", "/suspend", note="Papers").status_code == 303
    assert session.query(Vendor).one().state.value == "suspended"
    assert "Papers" in see(operator, "/operator/vendors/all?state=suspended").text


def test_who_decided_first_decided(operator, application, session):
    path = f"/operator/vendors/applications/{application.id}"
    form = next(form for form in see(operator, path).forms if form.action.endswith("/approve"))
    filled = form.fields | {"commission_percent": "8", "note": "no"}
    assert operator.post(path + "/approve", data=filled).status_code == 303
    assert operator.post(path + "/decline", data=filled).status_code == 409
    assert session.query(VendorApplication).one().state.value == "approved"


@pytest.mark.parametrize("path", ["/operator/vendors", "/operator/vendors/all", "/operator/vendors/{id}"])
def test_only_the_operator_reviews(client_as, session, path):
    with transaction():
        operator = an_actor(a_company("Kontor", is_operator=True), Role.OPERATOR)
        company = a_company("Nordwerk")
        an_approved_vendor(company, operator)
        applicant = an_actor(company, Role.ADMINISTRATOR)
    see(client_as(applicant), path.format(id=company.id), 403)
    assert "sells here" in see(client_as(applicant), "/vendor/apply").text


def test_only_who_neither_sells_nor_has_applied_is_invited(client_as, cast):
    def links():
        return set(re.findall(r"Sell here|Your application(?=</a>)", client.get("/addresses", headers=HTML).text))

    with transaction():
        company = a_company("Nordwerk")
        client = client_as(an_actor(company, Role.ADMINISTRATOR))
    assert links() == {"Sell here"}
    with transaction():
        row = an_application(company, submitted=False)
    assert links() == {"Your application"}
    with transaction():
        actions.submit(SYSTEM, row.id)
        actions.decline(cast.operator, row.id, "No room for more paints.")
    assert links() == {"Sell here"}
    with transaction():
        an_approved_vendor(company, cast.operator)
    assert links() == set()
    with transaction():
        actions.suspend(cast.operator, company.id, "Papers")
    assert links() == set()
