"""A company may sell when the operator says so, and its administrators become its managers once."""

import pytest

from marketplace.companies import actions, queries
from marketplace.kernel import outbox
from marketplace.kernel.access import SYSTEM, NotAllowed, Role
from marketplace.kernel.db import db, transaction
from tests.builders.companies import a_company, an_actor


def roles_of(actor):
    return {m.role for m in queries.memberships(actor.company_id, actor.person_id)}


def announced():
    return [e.payload["allowed"] for e in db.session.query(outbox.OutboxEvent).filter_by(name="SellingChanged")]


def test_administrators_become_managers_at_the_first_approval(cast):
    with transaction():
        actions.allow_selling(cast.operator, cast.buyer_company.id, True)
    assert cast.buyer_company.may_sell
    assert roles_of(cast.buyer) == {"buyer.buyer", "buyer.administrator", "vendor.manager"}
    assert roles_of(cast.colleague) == {"buyer.requester"}
    assert announced() == [True]


def test_a_suspension_keeps_roles_and_a_return_grants_none_again(session):
    company = a_company()
    boss, later = an_actor(company, Role.ADMINISTRATOR), None
    with transaction():
        actions.allow_selling(SYSTEM, company.id, True)
    later = an_actor(company, Role.ADMINISTRATOR)
    with transaction():
        actions.allow_selling(SYSTEM, company.id, False)
    assert roles_of(boss) == {"buyer.administrator", "vendor.manager"}
    with transaction():
        actions.allow_selling(SYSTEM, company.id, True)
    assert roles_of(later) == {"buyer.administrator"}
    assert announced() == [True, False, True]


def test_the_same_twice_announces_once(session):
    company = a_company()
    for _ in range(2):
        with transaction():
            actions.allow_selling(SYSTEM, company.id, True)
    assert announced() == [True]


@pytest.mark.parametrize("who", ["buyer", "vendor"])
def test_nobody_approves_himself(cast, who):
    with transaction(), pytest.raises(NotAllowed):
        actions.allow_selling(getattr(cast, who), cast.buyer_company.id, True)
    assert not cast.buyer_company.may_sell
    assert announced() == []
