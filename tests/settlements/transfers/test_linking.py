"""Worked example 15 with real rows: linked up to the charge, the rest plain, and never more than the charge."""

from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.pricing.facts import Order
from settlements.ledger import books
from settlements.ledger.chart import AccountKind as A
from settlements.ledger.chart import PostingKind as K
from settlements.ledger.postings.lines import Line
from settlements.payments import queries as payment_queries
from settlements.transfers import actions, jobs
from settlements.transfers.models import ChargeLink
from tests.builders.settlements import a_line, a_promotion, place
from tests.builders.transfers import an_account, standing


@pytest.fixture
def sold(cast, gateway, pay, session):
    """Example 15, paid with 800.00 and due: 540.00 to the vendor, 360.00 to his rival."""
    vendors = [cast.vendor_company, cast.rival_vendor_company]
    lines = [
        a_line(name, vendor.id, 1, price, commission="0.10", tax=Decimal(0))
        for name, vendor, price in zip(("A1", "B1"), vendors, ("600.00", "400.00"), strict=True)
    ]
    with transaction():
        for vendor in vendors:
            an_account(gateway, vendor)
        placed = place(cast.buyer, Order("EUR", False, tuple(lines), (a_promotion("0.20", vendor_share="0"),)), vendors)
    assert pay(placed.order).status_code == 201
    with transaction():
        for vendor, amount_minor in zip(vendors, (54000, 36000), strict=True):
            make_due(placed, vendor.id, amount_minor)
        gateway.top_up(20000)
    return placed


def make_due(placed, vendor_id, amount_minor):
    order_id = placed.order.id
    lines = [
        Line(A.VENDOR_PENDING, vendor_id, K.DUE, amount_minor, "EUR", order_id),
        Line(A.VENDOR_PAYABLE, vendor_id, K.DUE, -amount_minor, "EUR", order_id),
    ]
    books.post(f"due:{order_id}:{vendor_id}", "due", lines, order_id=order_id)


def ask(vendor, amount_minor, cause="test:1"):
    with transaction():
        made = actions.request(vendor.id, "EUR", amount_minor, f"{cause}:{vendor.id}", SYSTEM)
    return [(row.charge_id is not None, row.amount_minor) for row in made]


def link_of(placed):
    (payment,) = payment_queries.captured_of(placed.order.id)
    return db.session.get(ChargeLink, payment.id, populate_existing=True)


def test_example_15_with_real_rows(sold, cast, gateway):
    assert ask(cast.vendor_company, 54000) == [(True, 48000), (False, 6000)]
    assert ask(cast.rival_vendor_company, 36000) == [(True, 32000), (False, 4000)]
    assert link_of(sold).linked_minor == 80000
    jobs.send_waiting()
    charge = link_of(sold).charge_id
    made = sorted((row.amount_minor, row.source_charge_id) for row in gateway.transfers.values())
    assert made == [(4000, None), (6000, None), (32000, charge), (48000, charge)]
    assert standing(cast.vendor_company.id) == standing(cast.rival_vendor_company.id) == {}
    assert {row.transfer_group for row in gateway.transfers.values() if row.source_charge_id} == {str(sold.order.id)}
    assert [row.what for row in books.check_books()] == []


def test_a_second_request_finds_nothing_left_of_the_charge(sold, cast):
    ask(cast.vendor_company, 50000)
    assert ask(cast.vendor_company, 4000, "test:2") == [(False, 4000)]


def test_what_was_refused_leaves_the_charge_to_the_next(sold, cast, gateway):
    ask(cast.vendor_company, 48000)
    account = next(iter(gateway.accounts))
    gateway.restrict(account)
    jobs.send_waiting()
    assert link_of(sold).linked_minor == 0
    assert standing(cast.vendor_company.id) == {"payable": 54000}


def test_what_went_back_to_the_buyer_is_not_linked(sold, cast):
    with transaction():
        orders.cancel(cast.buyer, sold.order.id, [orders.Units(sold.lines["B1"], 1)])
    assert ask(cast.vendor_company, 54000) == [(True, 48000), (False, 6000)]
    link = link_of(sold)
    assert (link.charge_minor, link.linked_minor) == (80000, 48000)


def test_the_database_too_refuses_more_than_the_charge(sold, cast):
    ask(cast.vendor_company, 48000)
    link_of(sold).linked_minor = 80001
    with pytest.raises(IntegrityError, match="linked"):
        db.session.flush()
