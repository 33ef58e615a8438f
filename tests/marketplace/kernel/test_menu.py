"""The header shows each side its places; those of a group stand in a second row while one of them is open."""

import pytest

from marketplace.kernel.access import Permission, Side
from marketplace.kernel.pages import NavItem, menu_of

ENTRIES = [
    NavItem("Orders", "orders_pages.orders", Permission.ORDER_READ, Side.OPERATOR, "Trade"),
    NavItem("Books", "books_pages.trial_balance", Permission.BOOKS_READ, Side.OPERATOR, "Money"),
    NavItem("Invoices", "invoices_pages.invoices", Permission.INVOICE_READ, Side.OPERATOR, "Trade"),
    NavItem("Cart", "carts_pages.cart", Permission.CART_USE, Side.BUYER),
]


def labels(links):
    return [(link.label, link.current) for link in links]


@pytest.mark.parametrize(
    ("path", "top", "below"),
    [
        ("/invoices/7", [("Trade", True), ("Money", False), ("Cart", False)], [("Orders", False), ("Invoices", True)]),
        ("/books", [("Trade", False), ("Money", True), ("Cart", False)], [("Books", True)]),
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
