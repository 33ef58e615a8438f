"""Every kind of invoice fits the schema of UBL 2.1 and breaks no rule of EN 16931, not even one that only warns."""

from dataclasses import replace

import pytest

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import transaction
from marketplace.pricing.facts import Charge
from marketplace.pricing.policy import B2B, CONSUMER, TaxBase
from settlements.invoices import actions, documents, queries
from settlements.invoices.states import InvoiceKind
from tests.builders.invoices import Carry, Want, a_promotion, a_sale, come_back, ship, traders
from tests.builders.rules import default_rules
from tests.settlements.invoices import official
from tests.settlements.invoices.test_commissions import asked

BOTH = (a_promotion("0.10", vendor_share="0.4"),)
COUPON = (a_promotion(amount_minor=40_00),)
TAKEN_BACK = a_promotion("0.10", vendor_share="0", from_minor=100_00)
CASES = {
    "several rates": (
        [Want("A", 3, "12.345", "0.19"), Want("A", 7, "0.0375", "0.07"), Want("A", 1, "5", "0", "Z")],
        {},
    ),
    "exempt": ([Want("A", 2, "10", "0", "E"), Want("A", 2, "10")], {}),
    "reverse charge": ([Want("A", 3, "99.99", "0", "AE")], {}),
    "intra-community": ([Want("A", 3, "99.99", "0", "K", "d")], {"deliveries": {"d": Carry("A", 9_90, "0", "K")}}),
    "export": ([Want("A", 5, "20", "0", "G", unit="metre")], {"ship_to": "CH"}),
    "outside the scope": ([Want("A", 5, "20", "0", "O")], {}),
    "discount of both": ([Want("A", 10, "12.50"), Want("A", 3, "33.33", "0.07")], {"promotions": BOTH}),
    "prices with tax": ([Want("A", 3, "119"), Want("A", 2, "59.50", "0.07")], {"inclusive": True}),
    "prices with tax, coupon": (
        [Want("A", 3, "119"), Want("A", 2, "59.50")],
        {"inclusive": True, "promotions": COUPON},
    ),
    "prices with tax, discount of both": (
        [Want("A", 3, "1.19"), Want("A", 7, "0.0833", "0.07")],
        {"inclusive": True, "promotions": BOTH},
    ),
    "base is the buyer's price": (
        [Want("A", 10, "12.50")],
        {"promotions": BOTH, "policy": replace(B2B, tax_base=TaxBase.BUYER_PRICE)},
    ),
    "delivery by vendor and operator": (
        [Want("A", 10, "12.50", delivery="own"), Want("B", 7, "21.10", delivery="operators")],
        {"deliveries": {"own": Carry("A", 9_90), "operators": Carry(None, 14_90)}, "promotions": BOTH},
    ),
    "operator's delivery of two kinds": (
        [Want("A", 1, "10", "0", "G", delivery="export"), Want("B", 1, "10", "0", "O", delivery="abroad")],
        {"deliveries": {"export": Carry(None, 5_00, "0", "G"), "abroad": Carry(None, 6_00, "0", "O")}, "ship_to": "CH"},
    ),
    "yen": ([Want("A", 3, "1250")], {"currency": "JPY"}),
}
# What comes back: (line, units, fault), and the policy by which it does.
RETURNS = {
    "a part, by the vendor's fault": ("discount of both", [(0, 4, "vendor")]),
    "a part, by the buyer's": ("discount of both", [(0, 4, "buyer")]),
    "all of it": ("discount of both", [(0, 10, "vendor"), (1, 3, "vendor")]),
    "with tax, a part": ("prices with tax, coupon", [(0, 1, "vendor")]),
    "of a reverse charge": ("reverse charge", [(0, 1, "vendor")]),
    "of an intra-community supply": ("intra-community", [(0, 1, "vendor")]),
    "of an export": ("export", [(0, 2, "vendor")]),
    "from outside the scope": ("outside the scope", [(0, 2, "buyer")]),
    "with deliveries": ("delivery by vendor and operator", [(0, 3, "vendor"), (1, 7, "operator")]),
    "of exempt goods": ("exempt", [(0, 1, "buyer"), (1, 1, "vendor")]),
}


def sold(case, **others):
    wants, facts = CASES[case]
    with transaction():
        who = traders("A", "B", buyer_country="FR" if case == "intra-community" else facts.get("ship_to", "DE"))
        sale = a_sale(who, wants, **facts, **others)
        ship(sale)
    return who, sale


def told(sale):
    with transaction():
        return actions.follow(sale.order.id)


def files(rows):
    return {row.number: documents.render(row)["xml"] for row in rows}


@pytest.fixture
def check(session, tmp_path):
    official.need()

    def valid(rows):
        made = files(rows)
        assert made
        assert {number: official.schema_errors(xml) for number, xml in made.items()} == {number: [] for number in made}
        assert official.broken_rules(made, tmp_path) == {}

    return valid


@pytest.mark.parametrize("case", CASES)
def test_an_invoice_of(check, case):
    _, sale = sold(case)
    check(told(sale))


@pytest.mark.parametrize("case", RETURNS)
def test_what_comes_back_is_credited(check, case):
    base, units = RETURNS[case]
    _, sale = sold(base)
    told(sale)
    with transaction():
        come_back(sale, *units)
    rows = told(sale)
    assert {row.kind for row in rows} == {InvoiceKind.CREDIT_NOTE}
    assert all(row.corrects_id for row in rows)
    check(rows)


def test_a_step_of_the_discount_that_is_lost_is_a_debit_note_of_the_other_vendor(check):
    wants = [Want("A", 10, "50", restocking="0.10"), Want("B", 5, "100")]
    with transaction():
        who = traders("A", "B")
        sale = a_sale(who, wants, promotions=[a_promotion("0.10", vendor_share="0.5", from_minor=900_00)])
        ship(sale)
    told(sale)
    with transaction():
        come_back(sale, (0, 3, "buyer"))
    rows = told(sale)
    assert sorted(row.kind for row in rows) == [InvoiceKind.CREDIT_NOTE, InvoiceKind.DEBIT_NOTE]
    check(rows)


def test_a_marketplace_discount_that_is_lost_changes_only_who_pays(check):
    """The vendor's consideration stays what it was; the document of nothing says that the buyer owes it now."""
    wants = [Want("A", 10, "50"), Want("B", 5, "100")]
    with transaction():
        who = traders("A", "B")
        sale = a_sale(who, wants, promotions=[a_promotion("0.10", from_minor=900_00)])
        ship(sale)
    told(sale)
    with transaction():
        come_back(sale, (0, 3, "buyer"))
    rows = told(sale)
    of_b = next(row for row in rows if row.vendor_id == who.vendors["B"].id)
    assert (of_b.kind, of_b.gross_minor, of_b.market_minor) == (InvoiceKind.DEBIT_NOTE, 0, -50_00)
    assert of_b.paid_minor + of_b.payable_minor == 50_00
    check(rows)


def test_fees_and_charges_that_carry_no_tax(check):
    untaxed = replace(CONSUMER, restocking_taxed=False, restocking_cap_minor=None)
    with transaction():
        who = traders("A")
        sale = a_sale(who, [Want("A", 10, "50", restocking="0.10")], policy=untaxed)
        ship(sale)
    told(sale)
    with transaction():
        charges = [Charge("buyer", str(who.vendors["A"].id), 6_00), Charge("buyer", "marketplace", 7_00)]
        come_back(sale, (0, 3, "buyer"), charges=charges)
    rows = told(sale)
    assert [row.kind for row in rows if row.vendor_id is None] == [InvoiceKind.SALES_INVOICE]
    check(rows)


@pytest.mark.parametrize(
    ("country", "vat_id"), [("DE", "DE129273398"), ("FR", "FR40303265045"), ("CH", "CHE107787577")]
)
@pytest.mark.parametrize("net_minor", [123_45, -67_89])
def test_commission(check, country, vat_id, net_minor):
    with transaction():
        default_rules()
        who = traders("A", vendor_country=country)
        actions.issue_commission(asked(who.vendors["A"], 200_00))
        issued = actions.issue_commission(asked(who.vendors["A"], net_minor))
    check([queries.invoice(SYSTEM, issued.invoice_id)])


def test_the_rules_are_really_asked(check, tmp_path):
    """A sum that is one cent off is found."""
    _, sale = sold("several rates")
    (row,) = told(sale)
    spoilt = documents.render(row)["xml"].replace(f"{row.gross_minor / 100:.2f}".encode(), b"1.00")
    broken = official.broken_rules({"spoilt": spoilt}, tmp_path)
    assert any("BR-CO-15" in rule for rule in broken["spoilt"])


def test_goods_come_back_and_the_marketplace_takes_back_more_than_they_were_worth(check):
    with transaction():
        who = traders("A")
        sale = a_sale(who, [Want("A", 10, "9.95"), Want("A", 1, "0.50")], promotions=[TAKEN_BACK])
        ship(sale)
    told(sale)
    with transaction():
        come_back(sale, (1, 1, "buyer"))
    (row,) = told(sale)
    assert (row.kind, row.market_minor, row.payable_minor) == (InvoiceKind.CREDIT_NOTE, 10_00, 59 - 10_00)
    check([row])
