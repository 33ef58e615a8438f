"""A decision on paper says what API and page say, word for word, and to each party his own sums alone."""

import io
import re
import uuid

import pypdf
import pytest
from sqlalchemy import select

from marketplace.carts import actions as carts
from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from marketplace.notifications.models import Letter
from marketplace.orders import actions as orders
from marketplace.returns import actions, handlers
from marketplace.returns.events import ReturnMoved
from marketplace.rules import actions as rules
from marketplace.rules import queries as rule_queries
from tests.builders.companies import a_company, an_actor
from tests.builders.credit import on_account
from tests.builders.orders import EXAMPLE, a_cart
from tests.builders.returns import a_case, a_delivered_order, a_settled_case, line_of, received, ship_all


@pytest.fixture
def case(market):
    with transaction():
        whole = a_delivered_order(market, {"A1": 10, "A2": 3, "B1": 7})
        return a_settled_case(market, whole, ("A1", 3, "change_of_mind"), ("B1", 2, "visible_defect"))


@pytest.fixture
def people(market):
    with transaction():
        stranger = an_actor(a_company("Else"), Role.BUYER)
        third = an_actor(a_company("C", may_sell=True), Role.VENDOR_MANAGER)
        operator = an_actor(market.operator, Role.OPERATOR)
    vendors = {name: market.vendor_actor(name) for name in "AB"}
    return {"buyer": market.actor, "operator": operator, "stranger": stranger, "third": third} | vendors


def flat(text):
    """Without spaces and hyphens: where a line breaks is the layout's business."""
    return "".join(text.split()).replace("-", "").replace("\N{SOFT HYPHEN}", "")


def on_paper(answer):
    return flat("".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.data)).pages))


@pytest.mark.parametrize("who", ["buyer", "A", "B", "operator"])
def test_every_word_of_the_api_is_on_the_paper_and_nobody_elses(client_as, people, case, who):
    address = f"/v1/returns/{case.id}/decisions/1"
    client = client_as(people[who])
    everything = client_as(people["operator"]).get(address).json["sentences"]
    own = client.get(address).json["sentences"]
    answer = client.get(f"{address}.pdf")
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    text = on_paper(answer)
    assert own
    for sentence in own:
        assert flat(sentence["text"]) in text
    own_words = {flat(sentence["text"]) for sentence in own}
    for sentence in everything:
        assert (flat(sentence["text"]) in text) == (flat(sentence["text"]) in own_words)
    sums = {"buyer": "344.60", "A": "206.27", "B": "106.35"}
    assert {name for name, amount in sums.items() if amount in text} == ({who} if who in sums else set(sums))
    assert ("92.14" in text) == (who in {"buyer", "operator"})
    assert client.get(f"{address}.pdf").data == answer.data


def test_it_is_linked_from_the_page_and_its_parties_alone(client_as, people, case):
    address = f"/returns/{case.id}/decisions/1.pdf"
    assert address in client_as(people["buyer"]).get(f"/returns/{case.id}", headers={"Accept": "text/html"}).text
    expected = {"buyer": 200, "A": 200, "B": 200, "operator": 200, "stranger": 404, "third": 404}
    for start in ("", "/v1"):
        found = {name: client_as(actor).get(start + address).status_code for name, actor in people.items()}
        assert found == expected
    client = client_as(people["buyer"])
    assert client.get(f"/v1/returns/{case.id}/decisions/2.pdf").status_code == 404
    assert client.get(f"/v1/returns/{uuid.uuid4()}/decisions/1.pdf").status_code == 404


def test_a_vendor_of_whom_a_decision_says_nothing_does_not_read_it(client_as, market, people):
    with transaction():
        whole = a_delivered_order(market, {"A1": 10, "A2": 3, "B1": 7})
        case = a_settled_case(market, whole, ("A1", 1, "visible_defect"))
    for form in ("", ".pdf"):
        address = f"/v1/returns/{case.id}/decisions/1{form}"
        assert [client_as(people[who]).get(address).status_code for who in "AB"] == [200, 404]


def test_page_and_paper_ask_for_a_deficit_where_it_is_asked_for(client_as, market, people):
    newest = rule_queries.newest_policy("b2b")
    with transaction():
        small = {"deficit": "invoice", "waive_below_minor": {"EUR": 511}}
        rules.publish_policy(SYSTEM, "b2b", newest.content, newest.terms | small)
        whole = a_delivered_order(market, EXAMPLE)
        case = a_settled_case(market, whole, ("B1", 2, "visible_defect"))
        units = [{"fault": "buyer", "quantity": 2}]
        actions.decide_and_settle(SYSTEM, case.id, [{"line_id": line_of(case, "B1").id, "units": units}])
    client, address = client_as(people["buyer"]), f"/returns/{case.id}"
    page = client.get(address, headers={"Accept": "text/html"}).text
    assert ("Still to pay" in page, "To be paid" in page) == (True, False)
    assert "Stilltopay" in on_paper(client.get(f"{address}/decisions/2.pdf"))


def test_of_an_order_on_account_is_said_what_is_credited_and_what_is_left_to_pay_of_it(client_as, market, people):
    with transaction():
        on_account(market.buyer)
        whole = carts.checkout(market.actor, a_cart(market, EXAMPLE).cart.id, on_terms=True)
        for part in whole.parts:
            orders.confirm(SYSTEM, part.id)
        case = a_case(market, ship_all(whole), ("B1", 2, "visible_defect"))
        received(market, case)
    client, address, line_id = client_as(people["buyer"]), f"/returns/{case.id}", line_of(case, "B1").id
    operator = client_as(people["operator"]).get(address, headers={"Accept": "text/html"}).text
    assert ("Left to pay on account" in operator, "Still to pay" in operator) == (True, False)
    with transaction():
        actions.decide_and_settle(SYSTEM, case.id, [{"line_id": line_id}])
        handlers.write_letters([ReturnMoved(case.id, "settled", [str(line_id)])])
        orders.record_payment(SYSTEM, whole.order.id, 10_000, "EUR", "a part of it")
    (letter,) = db.session.scalars(select(Letter).where(Letter.company_id == market.buyer.id))
    assert letter.facts["words"] == "It is settled: 51.19 EUR are credited, and lower what your invoices ask for."
    found = client.get(f"/v1/returns/{case.id}/decisions/1").json
    assert [found[f"{name}_minor"] for name in ("refund", "credited", "deficit")] == [0, 5119, 38555]
    page = client.get(address, headers={"Accept": "text/html"}).text
    said = " ".join(re.sub("<[^>]+>|&nbsp;", " ", page[page.index("Decision 1") :]).split())
    assert "Refund 0.00 EUR Credited 51.19 EUR Left to pay on account of the order, now 285.55 EUR" in said
    paper = on_paper(client.get(f"{address}/decisions/1.pdf"))
    assert "Credited51.19EUR" in paper
    assert flat(f"Left to pay on account on {clock.now():%d %b %Y} 385.55 EUR") in paper
