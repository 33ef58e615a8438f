"""Invitations open one door, to one address, for a week."""

import pytest
import time_machine

from marketplace.companies import actions, queries
from marketplace.companies.credentials import hash_password, letter_token, token_hash
from marketplace.companies.models import Invitation, Membership, Person
from marketplace.kernel.access import ANONYMOUS, Role
from marketplace.kernel.db import db, transaction
from tests.builders.companies import a_company, a_person, an_actor
from tests.marketplace.companies.conftest import PASSWORD


@pytest.fixture
def invited(client_as, cast):
    """`invited(email, *roles, by=actor)`: the answer's JSON, with the token taken from its link."""

    def invite(email, *roles, by=None):
        answer = client_as(by or cast.buyer).post("/v1/invitations", json={"email": email, "roles": list(roles)})
        assert answer.status_code == 201, answer.json
        return answer.json | {"token": answer.json["link"].rsplit("/", 1)[1]}

    return invite


@pytest.fixture
def accept(client_as):
    def send(token, by=ANONYMOUS, **facts):
        return client_as(by).post("/v1/invitations/accept", json={"token": token, **facts})

    return send


def roles_of(company, email):
    person = db.session.query(Person).filter_by(email=email).one_or_none()
    return {m.role for m in queries.memberships(company.id, person.id)} if person else set()


def test_a_new_person_joins_with_name_and_password(invited, accept, cast, browser):
    invitation = invited("New@Example.test", "buyer.requester", "buyer.approver")
    answer = accept(invitation["token"], name="Neo", password=PASSWORD)
    assert answer.status_code == 200
    assert answer.json["email"] == "new@example.test"
    assert roles_of(cast.buyer_company, "new@example.test") == {"buyer.requester", "buyer.approver"}
    signed = browser.post("/v1/session", json={"email": "new@example.test", "password": PASSWORD})
    assert signed.status_code == 201


def test_only_a_hash_of_the_token_is_stored(invited):
    invitation = invited("new@example.test", "buyer.requester")
    row = db.session.query(Invitation).one()
    assert row.token_hash == token_hash(invitation["token"])
    assert invitation["token"] == letter_token("invitation", row.id)
    assert invitation["link"] == f"http://127.0.0.1:8000/join/{invitation['token']}"


def test_the_link_is_answered_once(invited, client_as, cast):
    invitation = invited("new@example.test", "buyer.requester")
    listed = client_as(cast.buyer).get("/v1/invitations")
    assert invitation["token"] not in listed.text
    assert [i["email"] for i in listed.json["items"]] == ["new@example.test"]


def test_it_opens_once(invited, accept):
    token = invited("new@example.test", "buyer.requester")["token"]
    assert accept(token, name="Neo", password=PASSWORD).status_code == 200
    again = accept(token, name="Other", password=PASSWORD)
    assert (again.status_code, again.json["title"]) == (409, "Invitation over")
    assert db.session.query(Person).filter_by(name="Other").count() == 0


def test_it_is_over_after_seven_days(accept, client_as, cast):
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        link = (
            client_as(cast.buyer)
            .post("/v1/invitations", json={"email": "new@example.test", "roles": ["buyer.requester"]})
            .json["link"]
        )
        clock.shift(7 * 86400)
        answer = accept(link.rsplit("/", 1)[1], name="Neo", password=PASSWORD)
    assert (answer.status_code, answer.json["title"]) == (409, "Invitation over")
    assert roles_of(cast.buyer_company, "new@example.test") == set()


def test_a_revoked_one_is_unknown(invited, accept, client_as, cast):
    invitation = invited("new@example.test", "buyer.requester")
    assert client_as(cast.buyer).delete(f"/v1/invitations/{invitation['id']}").status_code == 204
    answer = accept(invitation["token"], name="Neo", password=PASSWORD)
    assert (answer.status_code, answer.json["title"]) == (404, "Invitation unknown")


def test_a_known_person_joins_by_password_and_keeps_it(invited, accept, cast):
    person = a_person(email="known@example.test", password_hash=hash_password(PASSWORD))
    token = invited("known@example.test", "buyer.buyer")["token"]
    refused = accept(token, name="Thief", password="not the password")
    assert (refused.status_code, refused.json["title"]) == (401, "Sign in refused")
    assert roles_of(cast.buyer_company, "known@example.test") == set()
    assert accept(token, password=PASSWORD).status_code == 200
    assert roles_of(cast.buyer_company, "known@example.test") == {"buyer.buyer"}
    assert person.name == "Ada Example"


def test_a_signed_in_person_joins_by_the_link_alone(invited, accept, cast):
    person = a_person(email="known@example.test")
    actor = an_actor(a_company("Elsewhere"), Role.REQUESTER, person=person)
    token = invited("known@example.test", "buyer.buyer")["token"]
    assert accept(token, by=actor).status_code == 200
    assert roles_of(cast.buyer_company, "known@example.test") == {"buyer.buyer"}


def test_somebody_else_signed_in_cannot_use_the_link_of_a_known_person(invited, accept, cast):
    a_person(email="known@example.test", password_hash=hash_password(PASSWORD))
    token = invited("known@example.test", "buyer.buyer")["token"]
    assert accept(token, by=cast.rival_buyer).status_code == 401
    assert {m.role for m in queries.memberships(cast.buyer_company.id, cast.rival_buyer.person_id)} == set()


def test_a_new_person_needs_a_name_and_a_good_password(invited, accept):
    token = invited("new@example.test", "buyer.buyer")["token"]
    assert accept(token).json["title"] == "Name missing"
    weak = accept(token, name="Neo", password="short")
    assert (weak.status_code, weak.json["errors"][0]["pointer"]) == (422, "/password")
    assert db.session.query(Person).filter_by(email="new@example.test").count() == 0


@pytest.mark.parametrize(
    ("who", "role", "status"),
    [
        ("buyer", "vendor.manager", 422),
        ("buyer", "operator.staff", 422),
        ("vendor", "vendor.clerk", 201),
        ("vendor", "buyer.buyer", 201),
        ("vendor", "operator.staff", 422),
        ("operator", "operator.staff", 201),
        ("operator", "buyer.buyer", 422),
        ("colleague", "buyer.requester", 403),
        ("stranger", "buyer.requester", 401),
    ],
)
def test_roles_fit_the_sides_of_the_company(client_as, cast, who, role, status):
    answer = client_as(getattr(cast, who)).post("/v1/invitations", json={"email": "n@example.test", "roles": [role]})
    assert answer.status_code == status
    assert db.session.query(Invitation).count() == (1 if status == 201 else 0)


def test_a_member_is_not_invited_again(client_as, cast):
    email = db.session.get(Person, cast.colleague.person_id).email
    answer = client_as(cast.buyer).post("/v1/invitations", json={"email": email, "roles": ["buyer.buyer"]})
    assert (answer.status_code, answer.json["title"]) == (409, "Already a member")


@pytest.mark.parametrize(
    ("who", "status"), [("rival_buyer", 404), ("vendor", 404), ("operator", 404), ("colleague", 403)]
)
def test_others_cannot_revoke_it(invited, client_as, cast, who, status):
    invitation = invited("new@example.test", "buyer.requester")
    assert client_as(getattr(cast, who)).delete(f"/v1/invitations/{invitation['id']}").status_code == status
    assert db.session.query(Invitation).one().revoked_at is None


def test_an_invitation_made_before_the_company_lost_a_side_grants_nothing(accept, client_as, cast):
    company = a_company("Short-lived vendor", may_sell=True)
    manager = an_actor(company, Role.ADMINISTRATOR)
    with transaction():
        _, link = actions.invite(manager, "clerk@example.test", [Role.VENDOR_CLERK])
    company.may_sell = False
    db.session.flush()
    answer = accept(link.rsplit("/", 1)[1], name="Clerk", password=PASSWORD)
    assert (answer.status_code, answer.json["title"]) == (422, "Role does not fit")
    assert db.session.query(Membership).filter_by(company_id=company.id).count() == 1


def test_unknown_roles_and_fields_are_refused(client_as, cast):
    body = {"email": "n@example.test", "roles": ["king"], "company_id": str(cast.rival_buyer_company.id)}
    answer = client_as(cast.buyer).post("/v1/invitations", json=body)
    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json["errors"]} == {"/roles/0", "/company_id"}
    assert db.session.query(Invitation).count() == 0
