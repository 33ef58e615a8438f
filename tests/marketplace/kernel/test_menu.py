"""The header shows each side its places; those of a group stand in a second row while one of them is open."""

from unittest.mock import patch

import pytest
from flask import g

from marketplace.kernel.access import Actor, Permission, Role, Side
from marketplace.kernel.pages import NavItem, entries_for, menu_of

ENTRIES = [
    NavItem("Orders", "orders_pages.orders", Permission.ORDER_READ, Side.OPERATOR, "Trade"),
    NavItem("Books", "books_pages.trial_balance", Permission.BOOKS_READ, Side.OPERATOR, "Money"),
    NavItem("Invoices", "invoices_pages.invoices", Permission.INVOICE_READ, Side.OPERATOR, "Trade"),
    NavItem("Cart", "carts_pages.cart", Permission.CART_USE, Side.BUYER),
    NavItem("Transfers", "transfers_pages.operator_transfers", Permission.BOOKS_READ, Side.OPERATOR, "Money"),
]


def labels(links):
    return [(link.label, link.current) for link in links]


@pytest.mark.parametrize(
    ("path", "top", "below"),
    [
        ("/invoices/7", [("Trade", True), ("Money", False), ("Cart", False)], [("Orders", False), ("Invoices", True)]),
        ("/books", [("Trade", False), ("Money", True), ("Cart", False)], [("Books", True), ("Transfers", False)]),
        ("/cart", [("Trade", False), ("Money", False), ("Cart", True)], []),
        ("/ordersome", [("Trade", False), ("Money", False), ("Cart", False)], []),
    ],
)
def test_a_group_opens_with_its_pages(app, path, top, below):
    with app.test_request_context():
        menu = menu_of(ENTRIES, path)
    assert (labels(menu.top), labels(menu.below)) == (top, below)


def test_a_group_leads_to_its_first_page(app):
    with app.test_request_context():
        assert menu_of(ENTRIES, "/").top[0].address == "/orders"


def test_who_buys_and_sells_has_a_group_for_either_and_once_what_is_the_same_for_both(app):
    buying = [
        NavItem("Cart", "carts_pages.cart", Permission.CART_USE, Side.BUYER),
        NavItem("Orders", "orders_pages.orders", Permission.ORDER_READ, Side.BUYER),
        NavItem("Returns", "returns_pages.returns", Permission.RETURN_READ, Side.BUYER),
        NavItem("Invoices", "invoices_pages.invoices", Permission.INVOICE_READ, Side.BUYER, "Money"),
    ]
    selling = [
        NavItem("Orders to fulfil", "desk_pages.vendor_orders", Permission.VENDOR_ORDER_READ, Side.VENDOR),
        NavItem("Returns", "returns_pages.returns", Permission.RETURN_READ, Side.VENDOR),
        NavItem("Invoices", "invoices_pages.invoices", Permission.INVOICE_READ, Side.VENDOR, "Money"),
        NavItem("Payouts", "transfers_pages.vendor_payouts", Permission.PAYOUT_READ, Side.VENDOR, "Money"),
    ]
    with app.test_request_context():
        both, one = menu_of(buying + selling, "/cart"), menu_of(selling, "/invoices")
    assert labels(both.top) == [("Buying", True), ("Returns", False), ("Money", False), ("Orders to fulfil", False)]
    assert labels(both.below) == [("Cart", True), ("Orders", False)]
    assert labels(one.top) == [("Orders to fulfil", False), ("Returns", False), ("Money", True)]
    assert labels(one.below) == [("Invoices", True), ("Payouts", False)]


def test_an_entry_alone_in_its_group_stands_for_itself(app):
    with app.test_request_context():
        menu = menu_of([*ENTRIES[:2], *ENTRIES[3:4]], "/books")
    assert (labels(menu.top), menu.below) == ([("Orders", False), ("Books", True), ("Cart", False)], ())


def test_a_page_about_a_breakdown_names_no_entry_that_has_to_be_asked_for(app):
    def asked(actor):
        raise AssertionError("the database is away")

    entry = NavItem("Sell here", "carts_pages.cart", Permission.CART_USE, Side.BUYER, called=asked)
    with app.test_request_context(), patch.dict(app.extensions, kontor_navigation=(*ENTRIES, entry)):
        g.problem = {"status": 503}
        assert entries_for(Actor(roles=frozenset({Role.BUYER}))) == [ENTRIES[3]]
