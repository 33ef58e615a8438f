"""What the demonstration has shipped is invoiced, on the day it left, and every invoice breaks no official rule."""

from sqlalchemy import select

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db
from marketplace.orders.models import VendorOrder
from settlements.invoices import documents, queries
from settlements.invoices.models import Invoice
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


def test_every_invoice_of_the_demonstration_is_valid(demo, tmp_path):
    official.need()
    made = {row.number: documents.render(row)["xml"] for row in invoices()}
    assert {number: official.schema_errors(xml) for number, xml in made.items()} == {number: [] for number in made}
    assert official.broken_rules(made, tmp_path) == {}
