"""The operator publishes the next version of a return policy with a form; what stands keeps its own."""

import pytest

from marketplace.kernel.access import Role
from marketplace.kernel.db import transaction
from marketplace.rules import queries
from tests.builders.companies import an_actor
from tests.builders.orders import an_order, the_example
from tests.pages import see, send


@pytest.fixture
def market(session):
    with transaction():
        return the_example()


def test_another_version_with_a_form(client_as, market):
    with transaction():
        operator = an_actor(market.operator, Role.OPERATOR)
        before = an_order(market, {"A1": 1})
    client = client_as(operator)
    wanted = {"discount": "proportional", "window-change_of_mind": "30", "note": "By our new terms."}
    answer = send(client, "/return-policies", "/return-policies", **wanted)
    assert answer.status_code == 303
    newest = queries.newest_policy("b2b")
    assert (newest.number, newest.content["discount"], newest.note) == (2, "proportional", "By our new terms.")
    assert newest.terms["windows"]["change_of_mind"] == {"days": 30, "working": False}
    assert queries.return_terms("b2b/1")["windows"]["change_of_mind"]["days"] == 14
    with transaction():
        after = an_order(market, {"A1": 1})
    assert (before.order.policy_version, after.order.policy_version) == ("b2b/1", "b2b/2")
    assert (before.order.policy["discount"], after.order.policy["discount"]) == ("requalify", "proportional")
    assert "By our new terms." in see(client, "/return-policies").text


@pytest.mark.parametrize("wrong", [{"note": ""}, {"window-change_of_mind": "-1"}, {"answer_working_days": "0"}])
def test_what_is_refused_is_said_and_nothing_is_published(client_as, market, wrong):
    with transaction():
        client = client_as(an_actor(market.operator, Role.OPERATOR))
    answer = send(client, "/return-policies", "/return-policies", **({"note": "Why."} | wrong))
    assert answer.status_code == 422
    assert queries.newest_policy("b2b").number == 1
