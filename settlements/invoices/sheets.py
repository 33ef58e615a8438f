"""What a page of an invoice shows, as words: the layout only places them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from settlements.invoices.models import Invoice, InvoiceLine
from settlements.invoices.states import InvoiceKind
from settlements.invoices.words import day, money, percent, price

Json = dict[str, Any]
TITLES = {
    InvoiceKind.SALES_INVOICE: "Invoice",
    InvoiceKind.CREDIT_NOTE: "Credit note",
    InvoiceKind.DEBIT_NOTE: "Debit note",
    InvoiceKind.COMMISSION_INVOICE: "Invoice for commission",
    InvoiceKind.COMMISSION_CREDIT_NOTE: "Credit note for commission",
}


def of_invoice(invoice: Invoice, lines: Sequence[InvoiceLine], corrected: tuple[str, str] | None) -> Json:
    """The sheet of an invoice; `corrected`: number and day of the one it corrects."""
    currency = invoice.currency
    return {
        "title": TITLES[invoice.kind],
        "number": invoice.number,
        "date": [invoice.issued_on.year, invoice.issued_on.month, invoice.issued_on.day],
        "seller": party(invoice.seller, not invoice.outside_scope),
        "buyer": party(invoice.buyer, not invoice.outside_scope),
        "delivered_to": _place(invoice.delivered_to) if invoice.delivered_to else [],
        "facts": _facts(invoice, corrected),
        "lines": [_line(line, currency) for line in lines],
        "taxes": [_tax(part, currency) for part in invoice.breakdown],
        "sums": _sums(invoice),
        "reasons": [part["reason"] for part in invoice.breakdown if part["reason"]],
        "notes": [text for text in (invoice.terms, invoice.note) if text],
    }


def _facts(invoice: Invoice, corrected: tuple[str, str] | None) -> list[list[str]]:
    period = f"{day(invoice.period_from)} to {day(invoice.period_to)}" if invoice.period_from else ""
    found = [
        ("Number", invoice.number),
        ("Date", day(invoice.issued_on)),
        ("Delivery date", "" if period else day(invoice.supplied_on)),
        ("Period", period),
        ("Due", day(invoice.due_on) if invoice.payable_minor else ""),
        ("Order", invoice.order_number),
        ("Your reference", invoice.reference),
        ("Corrects", f"{corrected[0]} of {corrected[1]}" if corrected else ""),
    ]
    return [[label, text] for label, text in found if text]


def party(facts: Mapping[str, Any], identified: bool = True) -> Json:
    """A company with its address and what identifies it."""
    return {
        "name": facts["name"],
        "place": _place(facts["address"], facts["name"]),
        "ids": [
            text
            for text in (
                f"VAT id {facts['vat_id']}" if identified and facts.get("vat_id") else "",
                facts.get("registration_number") or "",
                facts.get("email") or "",
                facts.get("phone") or "",
            )
            if text
        ],
    }


def _place(address: Mapping[str, str], name: str = "") -> list[str]:
    city = " ".join(filter(None, (address.get("postal_code"), address.get("city"))))
    recipient = address.get("recipient") or ""
    rows = (recipient if recipient != name else "", address.get("line1"), address.get("line2"), city)
    return [text for text in (*rows, address.get("region"), address.get("country")) if text]


def _line(line: InvoiceLine, currency: str) -> Json:
    per = f" / {line.per:,}" if line.per != 1 else ""
    return {
        "position": str(line.position),
        "text": line.text,
        "sku": line.sku,
        "quantity": f"{line.quantity:,}",
        "unit": line.unit,
        "price": price(line.unit_price) + per,
        "discount": money(-line.allowance_minor, currency) if line.allowance_minor else "",
        "tax": line.category if line.category == "O" else f"{line.category} {percent(line.rate)} %",
        "net": money(line.net_minor, currency),
    }


def _tax(part: Mapping[str, Any], currency: str) -> Json:
    rate = "" if part["category"] == "O" else f"{percent(Decimal(part['rate']))} %"
    return {
        "category": f"{part['category']} {rate}".strip(),
        "net": money(part["net_minor"], currency),
        "tax": money(part["tax_minor"], currency),
    }


def _sums(invoice: Invoice) -> list[list[str]]:
    back = invoice.kind.credits
    to_pay = invoice.payable_minor
    if back and to_pay < 0:
        left, to_pay = "Left to pay", -to_pay
    else:
        left = "Given back" if back else "Left to pay"
    market = "Of this to the marketplace" if back else "Paid by the marketplace"
    rows = [
        ("Net", invoice.net_minor, True),
        ("VAT", invoice.tax_minor, True),
        ("Total", invoice.gross_minor, True),
        (market, -invoice.market_minor, bool(invoice.market_minor)),
        (
            "Settled with the statement" if invoice.kind.of_commission else "Paid",
            -invoice.paid_minor,
            bool(invoice.paid_minor),
        ),
        (left, to_pay, True),
    ]
    return [[label, money(minor, invoice.currency)] for label, minor, shown in rows if shown]
