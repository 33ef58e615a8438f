"""The operator's invoices to vendors over commission: tax rounded once per statement, a batch in a few statements."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from marketplace.companies import queries as companies
from marketplace.companies.models import Company
from marketplace.kernel import outbox
from marketplace.kernel.db import new_id
from marketplace.kernel.money import round_half_up
from marketplace.rules.tax import EU, vat_country
from settlements.invoices import parties, queries
from settlements.invoices.actions.writing import Prepared, today, write
from settlements.invoices.drafting import TaxPart
from settlements.invoices.events import CommissionsIssued
from settlements.invoices.models import Invoice, InvoiceLine
from settlements.invoices.refusals import CommissionRateMissing
from settlements.invoices.states import InvoiceKind
from settlements.invoices.words import major


@dataclass(frozen=True, slots=True)
class CommissionRequest:
    """The commission of one statement, both days included; net_minor above zero is owed by the vendor, below it is
    given back to him."""

    statement_id: uuid.UUID
    vendor_id: uuid.UUID
    currency: str
    period_from: date
    period_to: date
    net_minor: int


@dataclass(frozen=True, slots=True)
class CommissionIssued:
    """What was issued; sums signed as they were asked for."""

    statement_id: uuid.UUID
    invoice_id: uuid.UUID
    kind: InvoiceKind
    number: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    rate: Decimal
    category: str


@dataclass(frozen=True, slots=True)
class Taxed:
    """How the operator's commission is taxed for one vendor: a service to a business (art. 44)."""

    category: str
    rate: Decimal
    reason: str
    code: str


def issue_commission(request: CommissionRequest) -> CommissionIssued:
    """issue_commissions of one."""
    return issue_commissions([request])[0]


def issue_commissions(requests: Sequence[CommissionRequest]) -> list[CommissionIssued]:
    """An invoice or a credit note of each, in the order asked; what a statement was answered once, it is again.

    Draws the operator's numbers, whose series stays locked until the transaction ends. Raises CommissionRateMissing;
    ValueError for one of nothing.
    """
    if any(request.net_minor == 0 for request in requests):
        raise ValueError("a commission of nothing is not invoiced")
    known = queries.of_statements([request.statement_id for request in requests])
    new = [request for request in requests if request.statement_id not in known]
    if new:
        known |= {row.statement_id: row for row in _issue(new) if row.statement_id is not None}
    return [_answer(request, known[request.statement_id]) for request in requests]


def commission_tax(operator: Company, vendor: Company, rate_at_home: Decimal) -> Taxed:
    """Domestic VAT, reverse charge for a vendor identified in another member state, else outside the scope."""
    if operator.country == vendor.country:
        return Taxed("S" if rate_at_home else "Z", rate_at_home, "", "")
    identified_in = vat_country(vendor.vat_id)
    if identified_in in EU and identified_in != operator.country and operator.country in EU:
        text = f"Reverse charge: service to a business in {identified_in} (art. 44), which owes the VAT (art. 196)."
        return Taxed("AE", Decimal(0), text, "VATEX-EU-AE")
    if vendor.country in EU and operator.country in EU:
        return Taxed("S" if rate_at_home else "Z", rate_at_home, "", "")
    where = "the Union" if operator.country in EU else operator.country
    return Taxed("O", Decimal(0), f"Service to a business outside {where} (art. 44).", "VATEX-EU-O")


def _issue(requests: Sequence[CommissionRequest]) -> list[Invoice]:
    operator = companies.operator_company()
    vendor_ids = {request.vendor_id for request in requests}
    vendors = companies.companies_by_id(vendor_ids)
    addresses = queries.addresses_of([operator.id, *vendor_ids])
    corrected = queries.last_commissions([r.vendor_id for r in requests if r.net_minor < 0])
    rates = {day: _rate_at_home(operator.country, day) for day in {request.period_to for request in requests}}
    seller = parties.of_company(operator, addresses.get(operator.id))
    prepared = []
    for request in requests:
        vendor = vendors[request.vendor_id]
        taxed = commission_tax(operator, vendor, rates[request.period_to])
        buyer = parties.of_company(vendor, addresses.get(vendor.id))
        names = corrected.get((vendor.id, request.currency)) if request.net_minor < 0 else None
        prepared.append(_prepared(request, taxed, seller, buyer, names))
    rows = write(prepared)
    outbox.publish(CommissionsIssued(invoice_ids=tuple(row.id for row in rows)))
    return rows


def _prepared(
    request: CommissionRequest, taxed: Taxed, seller: parties.Json, buyer: parties.Json, corrected: uuid.UUID | None
) -> Prepared:
    net = abs(request.net_minor)
    numerator, denominator = taxed.rate.as_integer_ratio()
    tax = round_half_up(net * numerator, denominator)
    given_back = request.net_minor < 0
    part = TaxPart(taxed.category, taxed.rate, net, tax, taxed.reason, taxed.code)
    invoice = Invoice(
        id=new_id(),
        kind=InvoiceKind.COMMISSION_CREDIT_NOTE if given_back else InvoiceKind.COMMISSION_INVOICE,
        issuer_id=uuid.UUID(seller["id"]),
        source=f"statement:{request.statement_id}",
        vendor_id=request.vendor_id,
        statement_id=request.statement_id,
        corrects_id=corrected,
        outside_scope=taxed.category == "O",
        supplied_on=request.period_to,
        period_from=request.period_from,
        period_to=request.period_to,
        due_on=today(),
        terms="Settled with the statement of the same period.",
        seller=seller,
        buyer=buyer,
        currency=request.currency,
        net_minor=net,
        tax_minor=tax,
        gross_minor=net + tax,
        paid_minor=0 if given_back else net + tax,
        payable_minor=net + tax if given_back else 0,
        breakdown=[part.as_json()],
    )
    line = InvoiceLine(
        invoice_id=invoice.id,
        position=1,
        kind="commission",
        text="Commission given back" if given_back else "Commission on sales through the marketplace",
        unit="piece",
        quantity=1,
        unit_price=major(net, request.currency),
        list_minor=net,
        net_minor=net,
        tax_minor=tax,
        category=taxed.category,
        rate=taxed.rate,
    )
    return Prepared(invoice, [line], open_minor=0)


def _rate_at_home(country: str, day: date) -> Decimal:
    rate = queries.standard_rate(country, day)
    if rate is None:
        raise CommissionRateMissing(country=country)
    return rate


def _answer(request: CommissionRequest, row: Invoice) -> CommissionIssued:
    sign = -1 if row.kind.credits else 1
    (part,) = row.breakdown
    return CommissionIssued(
        statement_id=request.statement_id,
        invoice_id=row.id,
        kind=row.kind,
        number=row.number,
        net_minor=sign * row.net_minor,
        tax_minor=sign * row.tax_minor,
        gross_minor=sign * row.gross_minor,
        rate=Decimal(part["rate"]),
        category=part["category"],
    )
