"""Who belongs to a company changes without ever leaving it without a manager."""

import threading

import pytest

from marketplace.companies import actions, queries
from marketplace.companies.actions.people import LastManager
from marketplace.companies.models import Membership
from marketplace.kernel.access import Role
from marketplace.kernel.db import db, transaction
from tests.builders.companies import a_company, a_membership, a_person, an_actor


def roles_of(actor):
    return {m.role for m in queries.memberships(actor.company_id, actor.person_id)}


def test_the_list_holds_the_people_of_ones_own_company_only(client_as, cast):
    for who in ("buyer", "rival_buyer", "vendor", "operator"):
        actor = getattr(cast, who)
        listed = client_as(actor).get("/v1/people").json["items"]
        expected = {m.person_id for m in queries.members(actor.company_id)}
        assert {p["person_id"] for p in listed} == {str(p) for p in expected}


def test_the_list_comes_in_pages(client_as, cast):
    client = client_as(cast.buyer)
    first = client.get("/v1/people?limit=1").json
    second = client.get(f"/v1/people?limit=1&cursor={first['next']}").json
    assert second["next"] is None
    assert {first["items"][0]["person_id"], second["items"][0]["person_id"]} == {
        str(cast.buyer.person_id),
        str(cast.colleague.person_id),
    }


def test_roles_are_replaced(client_as, cast):
    url = f"/v1/people/{cast.colleague.person_id}"
    answer = client_as(cast.buyer).patch(url, json={"roles": ["buyer.approver", "buyer.buyer"]})
    assert answer.status_code == 200
    assert answer.json["roles"] == ["buyer.buyer", "buyer.approver"]
    assert roles_of(cast.colleague) == {"buyer.buyer", "buyer.approver"}


@pytest.mark.parametrize(
    ("who", "status"),
    [("colleague", 403), ("rival_buyer", 404), ("vendor", 404), ("operator", 404), ("stranger", 401)],
)
def test_others_neither_change_nor_remove(client_as, cast, who, status):
    client, url = client_as(getattr(cast, who)), f"/v1/people/{cast.colleague.person_id}"
    assert client.patch(url, json={"roles": ["buyer.buyer"]}).status_code == status
    assert client.delete(url).status_code == status
    assert roles_of(cast.colleague) == {"buyer.requester"}


def test_roles_of_another_side_do_not_fit(client_as, cast):
    url = f"/v1/people/{cast.colleague.person_id}"
    for role in ("vendor.clerk", "operator.staff"):
        answer = client_as(cast.buyer).patch(url, json={"roles": [role]})
        assert (answer.status_code, answer.json["title"]) == (422, "Role does not fit")
    assert roles_of(cast.colleague) == {"buyer.requester"}


def test_the_last_manager_neither_steps_down_nor_leaves(client_as, cast):
    client, url = client_as(cast.buyer), f"/v1/people/{cast.buyer.person_id}"
    for answer in (client.patch(url, json={"roles": ["buyer.buyer"]}), client.delete(url)):
        assert (answer.status_code, answer.json["title"]) == (409, "Last manager")
    assert roles_of(cast.buyer) == {"buyer.buyer", "buyer.administrator"}


def test_new_roles_end_the_sessions_of_the_person(sign_in, ada, acme, client_as):
    boss = an_actor(acme, Role.ADMINISTRATOR)
    browser = sign_in(ada)
    with transaction():
        actions.change_roles(boss, ada.id, [Role.REQUESTER])
    assert browser.get("/v1/session").status_code == 401


def test_a_removed_person_loses_sessions_for_this_company_only(sign_in, ada, acme):
    other = a_company("Beta")
    a_membership(other, ada, Role.REQUESTER)
    boss = an_actor(acme, Role.ADMINISTRATOR)
    here, elsewhere = sign_in(ada), sign_in(ada, company_id=str(other.id))
    with transaction():
        actions.remove_member(boss, ada.id)
    assert here.get("/v1/session").status_code == 401
    assert elsewhere.get("/v1/session").status_code == 200


def test_two_managers_who_remove_each_other_at_once_leave_one(own_app):
    with own_app.app_context():
        with transaction():
            company = a_company()
            pair = [an_actor(company, Role.ADMINISTRATOR) for _ in range(2)]
        db.session.remove()
    refused, start = [], threading.Barrier(2)

    def remove(actor, other):
        with own_app.app_context():
            start.wait()
            try:
                with transaction():
                    actions.remove_member(actor, other.person_id)
            except LastManager:
                refused.append(actor)

    threads = [threading.Thread(target=remove, args=args) for args in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with own_app.app_context():
        assert db.session.query(Membership).count() == 1
    assert len(refused) == 1


def test_people_with_a_permission_are_found(cast):
    clerk = an_actor(cast.vendor_company, Role.VENDOR_CLERK, person=a_person("Zoe Clerk"))
    found = queries.members(cast.vendor_company.id)
    assert [m.person_id for m in found] == [cast.vendor.person_id, clerk.person_id]
