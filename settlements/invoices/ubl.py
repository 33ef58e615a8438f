"""Invoices as EN 16931 says them in UBL 2.1: every sum is the invoice's own, and the official rules hold.

The numbers in comments are the terms of EN 16931 (BT, BG). What its parts must add up to: the lines to the taxable
amount, the taxes of the categories to the tax, and all of it less what was paid in advance to what is left to pay. A
discount that the marketplace pays stands there, with what was paid (BT-113): it is no discount of the vendor's.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from marketplace.kernel.lazily import lazily
from settlements.invoices.models import Invoice, InvoiceLine
from settlements.invoices.states import InvoiceKind
from settlements.invoices.words import major, percent, price, unit_code

etree: Any = lazily("lxml.etree")
Element = Any
CUSTOMIZATION = "urn:cen.eu:en16931:2017"
CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
_TYPE_CODES = {
    InvoiceKind.SALES_INVOICE: "380",
    InvoiceKind.CREDIT_NOTE: "381",
    InvoiceKind.DEBIT_NOTE: "383",
    InvoiceKind.COMMISSION_INVOICE: "380",
    InvoiceKind.COMMISSION_CREDIT_NOTE: "381",
}
_DISCOUNT, _SURCHARGE = ("Discount", "95"), ("Price adjustment", "ADZ")
_OUTSIDE = "O"
Corrected = tuple[str, str]  # number and day of the invoice that is corrected


def rendered(invoice: Invoice, lines: Sequence[InvoiceLine], corrected: Corrected | None = None) -> bytes:
    """The invoice as an XML file; the same bytes whenever it is made."""
    name = "CreditNote" if invoice.kind.credits else "Invoice"
    space = f"urn:oasis:names:specification:ubl:schema:xsd:{name}-2"
    root = etree.Element(f"{{{space}}}{name}", nsmap={None: space, "cac": CAC, "cbc": CBC})
    _head(root, invoice, corrected)
    _parties(root, invoice)
    _delivery(root, invoice)
    if invoice.terms:
        _text(_part(root, "PaymentTerms"), "Note", invoice.terms)  # BT-20
    _tax_total(root, invoice)
    _totals(root, invoice, lines)
    for line in lines:
        _line(root, invoice, line)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _head(root: Element, invoice: Invoice, corrected: Corrected | None) -> None:
    given_back = invoice.kind.credits
    _text(root, "CustomizationID", CUSTOMIZATION)  # BT-24
    _text(root, "ID", invoice.number)  # BT-1
    _text(root, "IssueDate", invoice.issued_on.isoformat())  # BT-2
    if invoice.due_on and not given_back:
        _text(root, "DueDate", invoice.due_on.isoformat())  # BT-9
    _text(root, "CreditNoteTypeCode" if given_back else "InvoiceTypeCode", _TYPE_CODES[invoice.kind])  # BT-3
    if invoice.note:
        _text(root, "Note", invoice.note)  # BT-22
    _text(root, "DocumentCurrencyCode", invoice.currency)  # BT-5
    _text(root, "BuyerReference", invoice.reference or invoice.order_number or invoice.number)  # BT-10
    if invoice.period_from and invoice.period_to:
        period = _part(root, "InvoicePeriod")
        _text(period, "StartDate", invoice.period_from.isoformat())  # BT-73
        _text(period, "EndDate", invoice.period_to.isoformat())  # BT-74
    if invoice.order_number:
        order = _part(root, "OrderReference")
        _text(order, "ID", invoice.reference or invoice.order_number)  # BT-13
        _text(order, "SalesOrderID", invoice.order_number)  # BT-14
    if corrected is not None:
        reference = _part(_part(root, "BillingReference"), "InvoiceDocumentReference")
        _text(reference, "ID", corrected[0])  # BT-25
        _text(reference, "IssueDate", corrected[1])  # BT-26


def _parties(root: Element, invoice: Invoice) -> None:
    identified = not invoice.outside_scope  # where nothing is in the scope of tax, nobody is named by his VAT id
    _party(_part(root, "AccountingSupplierParty"), invoice.seller, identified)
    _party(_part(root, "AccountingCustomerParty"), invoice.buyer, identified)
    payee = invoice.seller.get("payee")
    if payee:
        party = _part(root, "PayeeParty")
        _text(_part(party, "PartyIdentification"), "ID", payee["id"])  # BT-60
        _text(_part(party, "PartyName"), "Name", payee["name"])  # BT-59


def _party(parent: Element, facts: Mapping[str, Any], identified: bool) -> None:
    party = _part(parent, "Party")
    if facts.get("email"):
        _text(party, "EndpointID", facts["email"], schemeID="EM")  # BT-34, BT-49
    _text(_part(party, "PartyIdentification"), "ID", facts["id"])  # BT-29, BT-46
    _text(_part(party, "PartyName"), "Name", facts["name"])  # BT-28, BT-45
    _address(_part(party, "PostalAddress"), facts["address"])
    if identified and facts.get("vat_id"):
        scheme = _part(party, "PartyTaxScheme")
        _text(scheme, "CompanyID", facts["vat_id"])  # BT-31, BT-48
        _text(_part(scheme, "TaxScheme"), "ID", "VAT")
    legal = _part(party, "PartyLegalEntity")
    _text(legal, "RegistrationName", facts["name"])  # BT-27, BT-44
    if facts.get("registration_number"):
        _text(legal, "CompanyID", facts["registration_number"])  # BT-30, BT-47
    if facts.get("email") or facts.get("phone"):
        contact = _part(party, "Contact")
        for name, key in (("Telephone", "phone"), ("ElectronicMail", "email")):
            if facts.get(key):
                _text(contact, name, facts[key])  # BT-42, BT-43


def _address(parent: Element, place: Mapping[str, str]) -> None:
    for name, key in (
        ("StreetName", "line1"),
        ("AdditionalStreetName", "line2"),
        ("CityName", "city"),
        ("PostalZone", "postal_code"),
        ("CountrySubentity", "region"),
    ):
        if place.get(key):
            _text(parent, name, place[key])
    _text(_part(parent, "Country"), "IdentificationCode", place["country"])  # BT-40, BT-55, BT-80


def _delivery(root: Element, invoice: Invoice) -> None:
    if invoice.supplied_on is None and invoice.delivered_to is None:
        return
    delivery = _part(root, "Delivery")
    if invoice.supplied_on is not None:
        _text(delivery, "ActualDeliveryDate", invoice.supplied_on.isoformat())  # BT-72
    if invoice.delivered_to is not None:
        _address(_part(_part(delivery, "DeliveryLocation"), "Address"), invoice.delivered_to)
        if invoice.delivered_to.get("recipient"):
            party = _part(_part(delivery, "DeliveryParty"), "PartyName")
            _text(party, "Name", invoice.delivered_to["recipient"])  # BT-70


def _tax_total(root: Element, invoice: Invoice) -> None:
    total = _part(root, "TaxTotal")
    _amount(total, "TaxAmount", invoice.tax_minor, invoice.currency)  # BT-110
    for part in invoice.breakdown:
        subtotal = _part(total, "TaxSubtotal")
        _amount(subtotal, "TaxableAmount", part["net_minor"], invoice.currency)  # BT-116
        _amount(subtotal, "TaxAmount", part["tax_minor"], invoice.currency)  # BT-117
        category = _category(subtotal, "TaxCategory", part["category"], Decimal(part["rate"]))
        scheme = category[-1]
        for name, key in (("TaxExemptionReasonCode", "code"), ("TaxExemptionReason", "reason")):
            if part[key]:
                reason = etree.SubElement(category, f"{{{CBC}}}{name}")  # BT-121, BT-120
                reason.text = part[key]
                scheme.addprevious(reason)


def _category(parent: Element, name: str, category: str, rate: Decimal) -> Element:
    element = _part(parent, name)
    _text(element, "ID", category)  # BT-118, BT-151
    if category != _OUTSIDE:
        _text(element, "Percent", percent(rate))  # BT-119, BT-152
    _text(_part(element, "TaxScheme"), "ID", "VAT")
    return element


def _totals(root: Element, invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    paid = invoice.market_minor + invoice.paid_minor
    totals = _part(root, "LegalMonetaryTotal")
    for name, minor in (
        ("LineExtensionAmount", sum(line.net_minor for line in lines)),  # BT-106
        ("TaxExclusiveAmount", invoice.net_minor),  # BT-109
        ("TaxInclusiveAmount", invoice.gross_minor),  # BT-112
        *([("PrepaidAmount", paid)] if paid else []),  # BT-113
        ("PayableAmount", invoice.payable_minor),  # BT-115
    ):
        _amount(totals, name, minor, invoice.currency)


def _line(root: Element, invoice: Invoice, line: InvoiceLine) -> None:
    given_back, currency = invoice.kind.credits, invoice.currency
    element = _part(root, "CreditNoteLine" if given_back else "InvoiceLine")
    _text(element, "ID", str(line.position))  # BT-126
    code = unit_code(line.unit)
    _text(
        element, "CreditedQuantity" if given_back else "InvoicedQuantity", str(line.quantity), unitCode=code
    )  # BT-129
    _amount(element, "LineExtensionAmount", line.net_minor, currency)  # BT-131
    if line.allowance_minor:
        _allowance(element, line, currency)
    item = _part(element, "Item")
    _text(item, "Name", line.text)  # BT-153
    if line.sku:
        _text(_part(item, "SellersItemIdentification"), "ID", line.sku)  # BT-155
    _category(item, "ClassifiedTaxCategory", line.category, line.rate)
    cost = _part(element, "Price")
    _text(cost, "PriceAmount", price(line.unit_price), currencyID=currency)  # BT-146
    if line.per != 1:
        _text(cost, "BaseQuantity", str(line.per), unitCode=code)  # BT-149


def _allowance(element: Element, line: InvoiceLine, currency: str) -> None:
    """A discount lowers the line (BG-27), an adjustment raises it (BG-28)."""
    charged = line.allowance_minor < 0
    text, code = _SURCHARGE if charged else _DISCOUNT
    allowance = _part(element, "AllowanceCharge")
    _text(allowance, "ChargeIndicator", "true" if charged else "false")
    _text(allowance, "AllowanceChargeReasonCode", code)
    _text(allowance, "AllowanceChargeReason", text)
    _amount(allowance, "Amount", abs(line.allowance_minor), currency)


def _part(parent: Element, name: str) -> Element:
    return etree.SubElement(parent, f"{{{CAC}}}{name}")


def _text(parent: Element, name: str, text: str, **attributes: str) -> None:
    element = etree.SubElement(parent, f"{{{CBC}}}{name}", attributes)
    element.text = "".join(_printable(text))


def _amount(parent: Element, name: str, minor: int, currency: str) -> None:
    _text(parent, name, f"{major(minor, currency):f}", currencyID=currency)


def _printable(text: str) -> Iterator[str]:
    """What XML can hold: control characters have no place in it."""
    for letter in text:
        point = ord(letter)
        if letter in "\t\n\r" or 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or point >= 0x10000:
            yield letter
