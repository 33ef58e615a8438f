"""The operator publishes the next version of a return policy with a form; what stands keeps its own."""

import pytest

from marketplace.kernel.access import Role
from marketplace.kernel.db import transaction
from marketplace.pricing.policy import Fault
from marketplace.rules import pages, queries
from marketplace.rules.return_terms import DeficitRule
from tests.builders.companies import an_actor
from tests.builders.orders import an_order
from tests.pages import read, see, send


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


def test_sent_as_it_stands_it_says_the_same_and_every_term_can_be_changed(client_as, market):
    with transaction():
        client = client_as(an_actor(market.operator, Role.OPERATOR))
    before = queries.newest_policy("b2b")
    content, terms = dict(before.content), dict(before.terms)
    assert send(client, "/return-policies", "/return-policies", note="As before.").status_code == 303
    same = queries.newest_policy("b2b")
    assert (same.number, same.content, same.terms) == (2, content, terms)
    wanted = {
        "delivery_refund-buyer": "full_on_full",
        "loss_borne_by-carrier": "marketplace",
        "tax_base": "buyer_price",
        "protected-cancelled": "on",
        "commission_fee_rate": "0.15",
        "commission_fee_cap_minor": "",
        "restocking_cap_minor": "4000",
        "discovery_days": "20",
        "working-change_of_mind": "on",
        "waive_below": "EUR 7.50, jpy 800",
    }
    assert send(client, "/return-policies", "/return-policies", note="All.", **wanted).status_code == 303
    newest = queries.newest_policy("b2b")
    assert newest.content == content | {
        "delivery_refund": content["delivery_refund"] | {"buyer": "full_on_full"},
        "loss_borne_by": content["loss_borne_by"] | {"carrier": "marketplace"},
        "tax_base": "buyer_price",
        "protected_faults": ["cancelled", "carrier", "operator", "vendor"],
        "commission_fee_rate": "0.15",
        "commission_fee_cap_minor": None,
        "restocking_cap_minor": 4000,
    }
    windows = terms["windows"] | {"change_of_mind": {"days": 14, "working": True}}
    others = {"discovery_days": 20, "waive_below_minor": {"EUR": 750, "JPY": 800}}
    assert newest.terms == terms | others | {"windows": windows}


def test_what_was_typed_stays_in_the_form_that_was_refused(client_as, market):
    with transaction():
        client = client_as(an_actor(market.operator, Role.OPERATOR))
    typed = {"discount": "proportional", "working-change_of_mind": "on", "delivery_refund-buyer": "proportional"}
    answer = send(client, "/return-policies", "/return-policies", note="", **typed, waive_below="EUR 9.00")
    form = next(form for form in read(answer).forms if form.fields.get("profile") == "b2b")
    assert {name: form.fields[name] for name in typed} == typed
    assert form.fields["waive_below"] == "EUR 9.00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"note": ""},
        {"window-change_of_mind": "-1"},
        {"window-change_of_mind": ""},
        {"answer_working_days": "0"},
        {"waive_below": "5.00"},
        {"commission_fee_rate": "2"},
        {"loss_borne_by-buyer": "nobody"},
    ],
)
def test_what_is_refused_is_said_and_nothing_is_published(client_as, market, wrong):
    with transaction():
        client = client_as(an_actor(market.operator, Role.OPERATOR))
    answer = send(client, "/return-policies", "/return-policies", **({"note": "Why."} | wrong))
    assert answer.status_code == 422
    assert queries.newest_policy("b2b").number == 1


def test_a_number_can_be_typed_as_far_as_the_schema_takes_it(client_as, market):
    with transaction():
        client = client_as(an_actor(market.operator, Role.OPERATOR))
    page = client.get("/return-policies", headers={"Accept": "text/html"}).text
    for name, least, most in (("send_days", 1, 90), ("remind_hours", 1, 1000), ("window-carrier_damage", 0, 3650)):
        assert f'min="{least}" max="{most}" name="{name}"' in page
    answer = send(client, "/return-policies", "/return-policies", note="Why.", send_days="91")
    assert (answer.status_code, "A whole number from 1 to 90." in answer.text) == (422, True)


def test_every_term_is_shown_in_plain_words(client_as, market):
    kinds = [*pages.CHOICES.values(), *(kind for kind, _ in pages.BY_FAULT.values()), Fault, DeficitRule]
    assert {kind: set(pages.WORDS[kind]) for kind in kinds} == {kind: {one.value for one in kind} for kind in kinds}
    with transaction():
        client = client_as(an_actor(market.operator, Role.OPERATOR))
    shown = see(client, "/return-policies").text
    for key in ("requalify", "rerate", "clawback", "full on full", "proportional", "vendor consideration", "deliverer"):
        assert key not in shown
    assert "Discount of what is kept: what the order still earns" in shown
