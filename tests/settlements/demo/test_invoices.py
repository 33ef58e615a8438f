"""What the demonstration has shipped is invoiced, on the day it left, and every invoice breaks no official rule."""

from collections import Counter

from sqlalchemy import select

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db
from marketplace.orders.models import Order, VendorOrder
from marketplace.orders.states import VendorOrderState
from settlements.invoices import documents, queries
from settlements.invoices.models import Invoice
from settlements.invoices.states import InvoiceKind as K
from tests.settlements.invoices import official


def invoices():
    return list(db.session.scalars(queries.invoices(SYSTEM).order_by(Invoice.id)))


def test_all_that_has_shipped_is_invoiced_on_its_day(demo):
    shipped = set(db.session.scalars(select(VendorOrder.id).where(VendorOrder.state.in_(queries.GONE))))
    rows = invoices()
    assert len(shipped) >= 15
    assert shipped == {row.vendor_order_id for row in rows if row.vendor_order_id and row.corrects_id is None}
    assert all(row.supplied_on <= row.issued_on for row in rows)
    assert db.session.scalars(queries.not_invoiced(SYSTEM)).all() == []


def test_every_kind_of_tax_is_among_them(demo):
    """Domestic at several rates, intra-Community, export, and the operator's own for the deliveries he sells."""
    rows = invoices()
    categories = {part["category"] for row in rows for part in row.breakdown}
    assert categories >= {"S", "K", "G"}
    assert any(row.vendor_id is None for row in rows)
    assert any(row.market_minor for row in rows)
    assert {row.kind for row in rows} >= {K.SALES_INVOICE, K.CREDIT_NOTE, K.COMMISSION_INVOICE}


def test_invoices_and_what_corrects_them_are_what_the_buyers_owe(demo):
    """Of every order of which all has left or was cancelled, to the cent."""
    told = Counter()
    for row in invoices():
        if row.order_id is not None:
            told[row.order_id] += (-1 if row.kind.credits else 1) * (row.paid_minor + row.payable_minor)
    ended = {*queries.GONE, VendorOrderState.CANCELLED}
    parts = db.session.scalars(select(VendorOrder).where(VendorOrder.state.not_in(ended)))
    under_way = {part.order_id for part in parts}
    orders = {row.id: row.owed_minor for row in db.session.scalars(select(Order)) if row.id not in under_way}
    assert len(orders) >= 8
    assert {order_id: told[order_id] for order_id in orders} == orders


def test_every_invoice_of_the_demonstration_is_valid(demo, tmp_path):
    official.need()
    made = {row.number: documents.render(row)["xml"] for row in invoices()}
    assert {number: official.schema_errors(xml) for number, xml in made.items()} == {number: [] for number in made}
    assert official.broken_rules(made, tmp_path) == {}
