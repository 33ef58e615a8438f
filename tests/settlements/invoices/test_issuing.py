"""Who issues when, once, under which number, and with which sums; all of it together is what the order comes to now."""

import threading

import pytest
from sqlalchemy.exc import IntegrityError

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.models import Order
from marketplace.pricing.facts import BUYER, MARKETPLACE, Charge, ChargeKind
from settlements.invoices import actions, jobs, queries
from settlements.invoices.states import InvoiceKind, InvoiceState
from settlements.ledger import books
from settlements.receivables import queries as receivables
from tests.builders.credit import on_account
from tests.builders.invoices import Carry, Want, a_promotion, a_sale, come_back, ship, traders

K = InvoiceKind


@pytest.fixture
def example(session):
    """The first worked example with its deliveries: A delivers for 9.90, the operator delivers B's for 14.90."""
    with transaction():
        who = traders("A", "B")
        deliveries = {"own": Carry("A", 9_90, "0.20"), "operators": Carry(None, 14_90, "0.20")}
        wants = [
            Want("A", 10, "12.50", "0.20", delivery="own"),
            Want("A", 3, "33.33", "0.20", delivery="own"),
            Want("B", 7, "21.10", "0.20", delivery="operators"),
        ]
        return who, a_sale(who, wants, deliveries=deliveries, promotions=[a_promotion("0.10", vendor_share="0.4")])


def follow(sale):
    with transaction():
        return actions.follow(sale.order.id)


def sums(row):
    return row.net_minor, row.tax_minor, row.market_minor, row.paid_minor, row.payable_minor


def test_each_issues_when_all_of_his_has_left(example):
    who, sale = example
    assert follow(sale) == []
    with transaction():
        ship(sale, "A")
    (of_a,) = follow(sale)
    assert (of_a.kind, of_a.issuer_id, of_a.vendor_id) == (K.SALES_INVOICE, who.vendors["A"].id, who.vendors["A"].id)
    assert sums(of_a) == (225_89, 45_18, 13_50, 257_57, 0)
    with transaction():
        ship(sale, "B")
    operators, of_b = sorted(follow(sale), key=lambda row: row.vendor_id is not None)
    assert (operators.issuer_id, operators.vendor_id) == (who.operator.id, None)
    assert sums(operators) == (14_90, 2_98, 0, 17_88, 0)
    assert sums(of_b) == (141_79, 28_36, 8_86, 161_29, 0)
    assert follow(sale) == []
    assert operators.paid_minor + of_a.paid_minor + of_b.paid_minor == sale.order.owed_minor == 436_74


def test_what_was_cancelled_before_is_not_invoiced(example):
    _, sale = example
    with transaction():
        orders.cancel(SYSTEM, sale.order.id, [orders.Units(sale.lines[0], 10)])
        ship(sale, "A")
    (of_a,) = follow(sale)
    (goods, delivery) = queries.lines_of([of_a.id])[of_a.id]
    assert (goods.quantity, goods.list_minor, goods.allowance_minor) == (3, 99_99, 4_00)
    assert (delivery.kind, delivery.net_minor) == ("delivery", 9_90)


def test_a_vendor_whose_part_was_cancelled_issues_nothing(example):
    _, sale = example
    with transaction():
        orders.cancel_part(SYSTEM, sale.parts["B"])
        ship(sale, "A")
    assert [row.kind for row in follow(sale)] == [K.SALES_INVOICE]


def test_the_return_of_the_example_is_credited_by_each_vendor(example):
    """Refund 92.14: 4 of the specification."""
    who, sale = example
    with transaction():
        ship(sale)
    first = {row.vendor_id: row for row in follow(sale)}
    with transaction():
        come_back(sale, (0, 3, "buyer"), (2, 2, "vendor"))
    credited = {row.vendor_id: row for row in follow(sale)}
    assert {row.kind for row in credited.values()} == {K.CREDIT_NOTE}
    assert {vendor: row.corrects_id for vendor, row in credited.items()} == {
        vendor: row.id for vendor, row in first.items()
    }
    a, b = credited[who.vendors["A"].id], credited[who.vendors["B"].id]
    assert sums(a) == (36_00, 7_20, 2_25, 0, 40_95)
    assert sums(b) == (40_51, 8_10, 2_53, 0, 46_08)
    assert sums(credited[None]) == (4_26, 85, 0, 0, 5_11)
    assert a.payable_minor + b.payable_minor + 5_11 == 92_14
    (line,) = queries.lines_of([a.id])[a.id]
    assert (line.quantity, str(line.unit_price), line.list_minor, line.allowance_minor) == (3, "12.500000", 37_50, 1_50)
    assert follow(sale) == []


def test_several_steps_at_once_are_one_correction(example):
    _, sale = example
    with transaction():
        ship(sale)
    follow(sale)
    for units in (1, 2, 3):
        with transaction():
            come_back(sale, (0, units, "buyer"))
    (credit,) = follow(sale)
    assert (credit.net_minor, credit.step_number) == (36_00, 3)


def test_what_an_order_owes_beyond_what_was_paid_is_left_open(session):
    """A discount that was lost by the buyer's fault, when nothing is given back that would cover it."""
    with transaction():
        who = traders("A", "B")
        promotion = a_promotion("0.50", vendor_share="1", from_minor=900_00)
        sale = a_sale(who, [Want("A", 10, "50"), Want("B", 5, "100")], promotions=[promotion])
        ship(sale)
    follow(sale)
    with transaction():
        come_back(sale, (0, 3, "buyer"))
    rows = follow(sale)
    order = db.session.get(Order, sale.order.id)
    missing = order.owed_minor - order_queries.net_paid(order.id)
    standings = queries.standings_of([row.id for row in rows])
    assert missing > 0
    assert sum(row.open_minor for row in standings.values()) == missing
    assert {row.state for row in standings.values() if row.open_minor} == {InvoiceState.ISSUED}
    carried = [row for row in rows if standings[row.id].open_minor]
    assert {(row.due_on, row.terms.startswith("Is taken off the next refund")) for row in carried} == {(None, True)}
    with transaction():
        orders.record_payment(SYSTEM, order.id, missing, "EUR", "later")
    jobs.catch_up()
    assert {row.state for row in queries.standings_of(list(standings)).values()} == {InvoiceState.PAID}


def test_an_order_on_terms_is_open_and_due_by_them(session):
    with transaction():
        who = traders("A", "B")
        on_account(who.buyer)
        terms = {"kind": "net", "days": 30, "text": "30 days net"}
        sale = a_sale(who, [Want("A", 1, "100"), Want("B", 1, "50")], payment_terms=terms)
        ship(sale)
    rows = follow(sale)
    assert sorted(sums(row) for row in rows) == [(50_00, 9_50, 0, 0, 59_50), (100_00, 19_00, 0, 0, 119_00)]
    assert {row.terms for row in rows} == {"Payment: 30 days net."}
    assert {(row.due_on - row.issued_on).days for row in rows} == {30}


LABEL = Charge(BUYER, MARKETPLACE, 6_00, ChargeKind.LABEL)


def one_vendors_sale(payment_terms=None):
    """10 x 10.00 and 19 %, shipped and invoiced, of a vendor who delivers himself: the operator sells nothing in it."""
    with transaction():
        who = traders("A")
        on_account(who.buyer)
        sale = a_sale(who, [Want("A", 10, "10")], payment_terms=payment_terms)
        ship(sale)
    (of_a,) = follow(sale)
    assert sums(of_a)[:2] == (100_00, 19_00)
    return who, sale


def test_what_the_buyer_owes_the_operator_is_invoiced_although_he_sells_no_delivery(session):
    who, sale = one_vendors_sale()
    with transaction():
        come_back(sale, (0, 2, "buyer"), charges=[LABEL])
    credit, operators = sorted(follow(sale), key=lambda row: row.vendor_id is None)
    assert (credit.kind, sums(credit)) == (K.CREDIT_NOTE, (20_00, 3_80, 0, 0, 23_80))
    assert (operators.kind, operators.issuer_id, sums(operators)) == (
        K.SALES_INVOICE,
        who.operator.id,
        (6_00, 0, 0, 6_00, 0),
    )
    (line,) = queries.lines_of([operators.id])[operators.id]
    assert (line.kind, line.text, line.category, line.net_minor) == ("charge", "Compensation", "O", 6_00)
    assert follow(sale) == []
    with transaction():
        come_back(sale, (0, 2, "buyer"))
    (back,) = follow(sale)
    assert (back.kind, back.corrects_id, sums(back)) == (K.CREDIT_NOTE, operators.id, (6_00, 0, 0, 0, 6_00))


def test_what_the_operator_gives_the_buyer_alone_is_no_invoice(session):
    _, sale = one_vendors_sale()
    with transaction():
        come_back(sale, charges=[Charge(MARKETPLACE, BUYER, 5_00, ChargeKind.GOODWILL)])
    assert follow(sale) == []


def test_on_account_the_operators_invoice_takes_over_what_the_first_item_bore(session):
    _, sale = one_vendors_sale({"kind": "net", "days": 30, "text": "30 days net"})

    def still_open():
        items = receivables.of_order(sale.order.id)
        return {item.vendor_order_id and "A": (item.amount_minor, item.open_minor) for item in items}

    with transaction():
        come_back(sale, (0, 2, "buyer"), charges=[LABEL])
        assert still_open() == {"A": (119_00, 101_20)}
    credit, operators = sorted(follow(sale), key=lambda row: row.vendor_id is None)
    assert (sums(credit), sums(operators)) == ((20_00, 3_80, 0, 0, 23_80), (6_00, 0, 0, 0, 6_00))
    assert (operators.terms, (operators.due_on - operators.issued_on).days) == ("Payment: 30 days net.", 30)
    with transaction():
        assert still_open() == {"A": (119_00, 95_20), None: (6_00, 6_00)}
        come_back(sale, (0, 2, "buyer"))
        assert still_open() == {"A": (119_00, 95_20), None: (6_00, 0)}
    assert [(row.kind, row.corrects_id) for row in follow(sale)] == [(K.CREDIT_NOTE, operators.id)]
    assert books.check_books() == []


def test_an_issuer_without_a_vat_id_waits_until_he_has_one(example, client_as, cast):
    who, sale = example
    with transaction():
        who.vendors["A"].vat_id = None
        ship(sale)
    assert {row.vendor_id for row in follow(sale)} == {who.vendors["B"].id, None}
    (waiting,) = client_as(cast.operator).get("/v1/invoices/waiting").json["items"]
    assert (waiting["vendor_order_id"], waiting["reason"]) == (str(sale.parts["A"]), "issuer_without_vat_id")
    assert queries.orders_behind(10) == [sale.order.id]
    with transaction():
        who.vendors["A"].vat_id = "DE136695976"
    assert [row.vendor_id for row in follow(sale)] == [who.vendors["A"].id]
    assert queries.orders_behind(10) == []


def test_what_is_copied_stays_when_companies_change(example):
    who, sale = example
    with transaction():
        ship(sale, "A")
    (row,) = follow(sale)
    with transaction():
        who.vendors["A"].name = "Another name"
        who.buyer.vat_id = None
    kept = queries.invoice(SYSTEM, row.id)
    assert (kept.seller["name"], kept.buyer["vat_id"]) == ("Vendor A #{7*7}", "DE136695976")
    assert kept.seller["payee"]["name"] == "Kontor Marktplatz GmbH"


def test_an_issued_invoice_is_neither_changed_nor_removed(example):
    _, sale = example
    with transaction():
        ship(sale, "A")
    follow(sale)
    for statement in ("UPDATE invoice SET note = 'x'", "DELETE FROM invoice_line", "DELETE FROM invoice"):
        with pytest.raises(IntegrityError), transaction():
            db.session.connection().exec_driver_sql(statement)


def test_payment_moves_beside_the_invoice(example):
    _, sale = example
    with transaction():
        ship(sale, "A")
    (row,) = follow(sale)
    with transaction():
        actions.reopen(SYSTEM, row.id, 100)
    with transaction():
        assert actions.settle(SYSTEM, row.id, 40).state is InvoiceState.PART_PAID
    with transaction():
        assert actions.settle(SYSTEM, row.id, 0).state is InvoiceState.PAID


@pytest.mark.processes
def test_parallel_orders_draw_numbers_without_a_gap(own_app):
    with own_app.app_context(), transaction():
        who = traders("A")
        sales = [a_sale(who, [Want("A", 1, "10")]) for _ in range(8)]
        for sale in sales:
            ship(sale)
    together = threading.Barrier(8)

    def issue(order_id):
        with own_app.app_context():
            together.wait()
            for _ in range(2):
                with transaction():
                    actions.follow(order_id)

    threads = [threading.Thread(target=issue, args=[sale.order.id]) for sale in sales]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with own_app.app_context():
        rows = db.session.scalars(queries.invoices(SYSTEM)).all()
        assert sorted(row.sequence for row in rows) == list(range(1, 9))


def test_an_invoice_and_an_order_that_fail_stop_no_other(session, monkeypatch):
    tried = []

    def fails(*tried_now):
        tried.append(tried_now)
        raise RuntimeError("nobody thought of this")

    for name in ("paid_meanwhile", "orders_behind"):
        monkeypatch.setattr(queries, name, lambda _limit, last=None: [] if last else [1, 2])
    monkeypatch.setattr(actions, "settle", fails)
    monkeypatch.setattr(actions, "follow", fails)
    jobs.catch_up()
    assert tried == [(SYSTEM, 1, 0), (SYSTEM, 2, 0), (1,), (2,)]
