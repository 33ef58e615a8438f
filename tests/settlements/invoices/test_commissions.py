"""Commission is invoiced once a statement, taxed once, by the rule of where the vendor is."""

import uuid
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import QueryCounter, db, transaction
from settlements.invoices import actions, queries
from settlements.invoices.actions import CommissionRequest
from settlements.invoices.states import InvoiceKind, InvoiceState
from tests.builders.companies import a_company
from tests.builders.rules import default_rules


@pytest.fixture
def operator(session):
    with transaction():
        default_rules()
        return a_company("Operator AG", "DE", is_operator=True, vat_id="DE136695976")


def asked(vendor, net_minor, *, currency="EUR", statement_id=None):
    period = {"period_from": date(2026, 11, 2), "period_to": date(2026, 11, 8)}
    return CommissionRequest(statement_id or uuid.uuid4(), vendor.id, currency, net_minor=net_minor, **period)


def a_vendor(country, vat_id=None, **others):
    with transaction():
        return a_company(f"Vendor {country}", country, may_sell=True, vat_id=vat_id, **others)


def issue(*requests):
    with transaction():
        return actions.issue_commissions(requests)


@pytest.mark.parametrize(
    ("country", "vat_id", "category", "rate", "tax"),
    [
        ("DE", "DE129273398", "S", "0.19", 19_00),
        ("FR", "FR40303265045", "AE", "0", 0),
        ("FR", None, "S", "0.19", 19_00),
        ("CH", "CHE107787577", "O", "0", 0),
    ],
)
def test_tax_follows_the_vendors_country(operator, country, vat_id, category, rate, tax):
    (issued,) = issue(asked(a_vendor(country, vat_id), 100_00))
    assert (issued.category, issued.rate, issued.tax_minor) == (category, Decimal(rate), tax)
    assert (issued.net_minor, issued.gross_minor) == (100_00, 100_00 + tax)


def test_tax_is_rounded_once_a_statement_half_up(operator):
    vendor = a_vendor("DE", "DE129273398")
    up, down = issue(asked(vendor, 50), asked(vendor, 55))
    assert (up.tax_minor, down.tax_minor) == (10, 10)  # 9.5 and 10.45


def test_what_is_given_back_is_a_credit_note_that_names_the_last_invoice(operator):
    vendor, other = a_vendor("DE", "DE129273398"), a_vendor("DE", "DE136695976")
    first, _, _ = issue(asked(vendor, 10_00), asked(other, 5_00), asked(vendor, 7_00, currency="CHF"))
    (back,) = issue(asked(vendor, -4_00))
    row = queries.invoice(SYSTEM, back.invoice_id)
    assert back.kind is row.kind is InvoiceKind.COMMISSION_CREDIT_NOTE
    assert (back.net_minor, back.tax_minor, back.gross_minor) == (-4_00, -76, -4_76)
    assert (row.net_minor, row.tax_minor, row.payable_minor) == (4_00, 76, 4_76)
    assert row.corrects_id == first.invoice_id


def test_a_statement_is_invoiced_once(operator):
    request = asked(a_vendor("DE", "DE129273398"), 12_34)
    assert issue(request) == issue(request)
    assert db.session.query(queries.Invoice).count() == 1


def test_numbers_have_no_gaps_and_kinds_count_apart(operator):
    vendor = a_vendor("DE", "DE129273398")
    numbers = [row.number for row in issue(asked(vendor, 1_00), asked(vendor, -1_00), asked(vendor, 3_00))]
    with pytest.raises(ValueError, match="nothing"), transaction():
        issue_and_fail(vendor)
    numbers += [row.number for row in issue(asked(vendor, 4_00))]
    code = numbers[0].split("-")[0]
    assert [number.removeprefix(code)[4:] for number in numbers] == ["-000001", "-000001", "-000002", "-000003"]
    assert [number.removeprefix(code)[1] for number in numbers] == ["F", "G", "F", "F"]


def issue_and_fail(vendor):
    actions.issue_commission(asked(vendor, 9_00))
    actions.issue_commission(asked(vendor, 0))


def test_a_batch_takes_no_more_statements_than_one(operator):
    vendors = [a_vendor("DE", "DE129273398") for _ in range(3)]
    with QueryCounter() as one:
        issue(asked(vendors[0], 1_00))
    with QueryCounter() as many:
        issue(*[asked(vendor, 1_00) for vendor in vendors for _ in range(40)])
    assert many.count <= one.count + 1


def test_what_was_issued_never_changes(operator):
    (issued,) = issue(asked(a_vendor("DE", "DE129273398"), 1_00))
    for table in ("invoice", "invoice_line"):
        with pytest.raises(IntegrityError, match="append-only"), transaction():
            db.session.connection().exec_driver_sql(f"UPDATE {table} SET net_minor = 0")
    assert queries.standings_of([issued.invoice_id])[issued.invoice_id].state is InvoiceState.PAID


def test_a_commission_of_nothing_is_not_invoiced(operator):
    with pytest.raises(ValueError, match="nothing"):
        issue(asked(a_vendor("DE", "DE129273398"), 0))
