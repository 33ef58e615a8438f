"""A vendor of an order on terms waits for the buyer, or is paid as if he had paid: from shipping to what is due."""

import html
import re
from datetime import timedelta

import pytest

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Role
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.pricing.facts import Returned, State
from marketplace.pricing.policy import Fault
from settlements.earnings import actions as earnings
from settlements.earnings import queries as earning_queries
from settlements.earnings.states import EarningState
from settlements.invoices import actions as invoices
from settlements.invoices import queries as invoice_queries
from settlements.invoices.states import InvoiceState
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.receivables import actions, queries
from tests.builders.companies import an_actor, an_address
from tests.builders.receivables import example_on_terms, paid

A = AccountKind
SHARES = {"vendor": 24_515, "rival": 14_888}


@pytest.fixture
def market(session, cast, gateway):
    """Everybody can issue invoices."""
    vat_ids = {
        "operator_company": "DE136695976",
        "vendor_company": "FR40303265045",
        "rival_vendor_company": "ATU13585627",
    }
    with transaction():
        for name in ("operator_company", "vendor_company", "rival_vendor_company", "buyer_company"):
            company = getattr(cast, name)
            company.vat_id = vat_ids.get(name, "NL004495445B01")
            an_address(company)
    return cast


def shipped(placed, *, delivered=True):
    for part in placed.parts.values():
        orders.confirm(SYSTEM, part.id)
        lines = order_queries.lines_of(placed.order.id, part.id)
        orders.units_shipped(SYSTEM, part, {line.id: line.quantity for line in lines})
        if delivered:
            orders.delivered(SYSTEM, part)


def come_back(placed):
    """3 x A1 by the buyer's fault, 2 x B1 by the vendor's, as one step."""
    order = order_queries.order(SYSTEM, placed.order.id, locked=True)
    units = (("A1", Fault.BUYER, 3), ("B1", Fault.VENDOR, 2))
    after = State(tuple(Returned(str(placed.lines[name]), fault, count) for name, fault, count in units))
    parts = order_queries.parts_of(order.id, locked=True)
    orders.take_step(order, parts, after, orders.Reason(SYSTEM, orders.Cause.RETURNED))


def balances(cast, kind):
    return tuple(-books.balance(kind, row.id, "EUR") for row in (cast.vendor_company, cast.rival_vendor_company))


def states(placed):
    db.session.expire_all()
    return {earning_queries.earning(part.id).state for part in placed.parts.values()}


def right():
    return [str(difference) for difference in books.check_books()] == []


@pytest.mark.parametrize("invoice_first", [True, False])
def test_pay_when_paid_waits_invoice_by_invoice(market, invoice_first):
    cast = market
    with transaction():
        placed = example_on_terms(cast)
        shipped(placed, delivered=not invoice_first)
    assert balances(cast, A.VENDOR_PENDING) == (0, 0)
    with transaction():
        issued = invoices.follow(placed.order.id)
        if invoice_first:
            for part in placed.parts.values():
                orders.delivered(SYSTEM, part)
    assert len(issued) == 3
    assert books.balance(A.BUYER_RECEIVABLE, cast.buyer_company.id, "EUR") == 43_674
    assert balances(cast, A.VENDOR_PENDING) == tuple(SHARES.values())
    assert (books.balance(A.COMMISSION_REVENUE, None, "EUR"), states(placed)) == (-4_719, {EarningState.INVOICED})
    assert right()

    items = {item.vendor_order_id: item for item in queries.of_order(placed.order.id)}
    part_a = placed.parts[cast.vendor_company.id].id
    with transaction():
        paid(20_000, items[part_a].number)
    assert balances(cast, A.VENDOR_EARNED) == (0, 0)  # paid in part is not paid
    with transaction():
        paid(items[part_a].amount_minor - 20_000, items[part_a].number)
    assert balances(cast, A.VENDOR_EARNED) == (24_515, 0)
    assert balances(cast, A.VENDOR_PENDING) == (0, 14_888)
    with transaction(), clock.moved(timedelta(days=40)):
        earnings.fall_due(clock.now(), 10)
        paid(43_674 - items[part_a].amount_minor, placed.order.number)
    assert balances(cast, A.VENDOR_PAYABLE)[0] == 24_515 - 2_451
    assert balances(cast, A.VENDOR_PENDING) == (0, 0)
    assert states(placed) == {EarningState.DUE}
    assert right()


@pytest.mark.parametrize("paid_minor", [43_674 - 9_214, 38_000])
def test_what_comes_back_settles_an_invoice_and_leaves_the_vendor_his_share_in_one_place(market, paid_minor):
    cast = market
    with transaction():
        placed = example_on_terms(cast)
        shipped(placed)
        invoices.follow(placed.order.id)
    with transaction():
        paid(paid_minor, placed.order.number)
    assert balances(cast, A.VENDOR_PENDING) != (0, 0)
    with transaction():
        come_back(placed)
    assert sum(item.open_minor for item in queries.of_order(placed.order.id)) == 0
    assert states(placed) == {EarningState.EARNED}
    assert balances(cast, A.VENDOR_PENDING) == (0, 0)
    assert balances(cast, A.VENDOR_EARNED) == (20_627, 10_635)
    assert right()


def test_prefinanced_vendors_do_not_wait(market):
    cast = market
    with transaction():
        placed = example_on_terms(cast, prefinanced=True)
        shipped(placed)
        invoices.follow(placed.order.id)
    assert balances(cast, A.VENDOR_EARNED) == tuple(SHARES.values())
    with transaction(), clock.moved(timedelta(days=4)):
        earnings.fall_due(clock.now(), 10)
    assert balances(cast, A.VENDOR_PAYABLE) == (24_515 - 2_451, 14_888 - 1_488)
    assert books.balance(A.BUYER_RECEIVABLE, cast.buyer_company.id, "EUR") == 43_674
    assert right()


def test_invoices_are_due_as_agreed_when_the_order_was_placed(market):
    with transaction():
        placed = example_on_terms(market)
        shipped(placed)
        issued = invoices.follow(placed.order.id)
        again = invoices.follow(placed.order.id)
    assert again == []
    items = queries.of_order(placed.order.id)
    assert {item.due_on - item.issued_on for item in items} == {timedelta(days=30)}
    assert sorted(item.number for item in items) == sorted(row.number for row in issued)


def test_an_invoice_is_listed_by_the_state_that_it_shows(market, client_as):
    with transaction():
        placed = example_on_terms(market)
        shipped(placed)
        first, *_ = invoices.follow(placed.order.id)
        paid(1_000, first.number)
    client = client_as(market.buyer)
    listed = {
        state: sorted((row["number"] == first.number, row["state"]) for row in found)
        for state in ("issued", "part_paid", "paid")
        for found in [client.get(f"/v1/invoices?state={state}").json["items"]]
    }
    assert listed == {"issued": [(False, "issued")] * 2, "part_paid": [(True, "part_paid")], "paid": []}


def test_the_page_of_an_invoice_says_what_is_open_of_it_after_a_payment_and_a_credit_note(market, client_as):
    with transaction():
        placed = example_on_terms(market)
        shipped(placed)
        (of_b,) = [row for row in invoices.follow(placed.order.id) if row.vendor_id == market.rival_vendor_company.id]
        paid(1_000, of_b.number)
        come_back(placed)
        invoices.follow(placed.order.id)
    page = client_as(market.buyer).get(f"/invoices/{of_b.id}", headers={"Accept": "text/html"}).text
    said = " ".join(html.unescape(re.sub("<[^>]+>", " ", page[page.index("<h2>Sums") :])).split())
    assert "Left to pay 161.29 EUR Paid or credited since \N{MINUS SIGN}56.08 EUR Open now 105.21 EUR Due" in said


def test_an_invoice_that_is_given_up_is_not_called_paid(market):
    cast, other = market, an_actor(market.operator_company, Role.OPERATOR)
    with transaction():
        placed = example_on_terms(cast)
        shipped(placed)
        invoices.follow(placed.order.id)
    part_a = placed.parts[cast.vendor_company.id].id
    (item,) = (item for item in queries.of_order(placed.order.id) if item.vendor_order_id == part_a)

    def standing():
        row = invoice_queries.standing(item.invoice_id)
        return row.state, row.open_minor

    with transaction():
        row = paid(10_000, item.number)
        proposal = actions.propose(cast.operator, item.id, "Insolvent.")
    with transaction():
        actions.decide(other, proposal.id, approved=True)
    assert standing() == (InvoiceState.WRITTEN_OFF, 0)
    assert balances(cast, A.VENDOR_EARNED) == (24_515, 0)  # the loss is the marketplace's
    (match,) = queries.matches_of([row.id])
    with transaction():
        actions.undo(cast.operator, match.id, "It was of another company.")
    assert standing()[0] is InvoiceState.ISSUED
    assert right()
