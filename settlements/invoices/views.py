"""An invoice in the shape in which its parties read it: what stands on it is meant for both."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from marketplace.companies import queries as companies
from marketplace.orders.models import VendorOrder
from settlements.invoices import queries
from settlements.invoices.models import Invoice, InvoiceStanding
from settlements.invoices.states import InvoiceState

Json = dict[str, Any]
_SUMMARY = (
    "id",
    "number",
    "kind",
    "issued_on",
    "due_on",
    "issuer_id",
    "company_id",
    "vendor_id",
    "order_id",
    "order_number",
    "vendor_order_id",
    "statement_id",
    "corrects_id",
    "currency",
    "net_minor",
    "tax_minor",
    "gross_minor",
    "market_minor",
    "paid_minor",
    "payable_minor",
)
_WHOLE = ("reference", "supplied_on", "period_from", "period_to", "terms", "note", "breakdown", "delivered_to")
_PARTY = ("id", "name", "vat_id", "registration_number", "email", "phone", "address")


def summaries(found: Sequence[Invoice]) -> list[Json]:
    """Invoices in a list, with how they stand, in three queries however many they are."""
    ids = [row.id for row in found]
    standings, items = queries.standings_of(ids), queries.open_items(ids)
    return [_summary(row, standings[row.id], items.get(row.id)) for row in found]


def whole(invoice: Invoice) -> Json:
    """One invoice with its lines."""
    (summary,) = summaries([invoice])
    return (
        summary
        | {name: getattr(invoice, name) for name in _WHOLE}
        | {"seller": _party(invoice.seller), "buyer": _party(invoice.buyer)}
        | {"lines": queries.lines_of([invoice.id])[invoice.id]}
    )


def waiting(found: Collection[VendorOrder]) -> list[Json]:
    """Vendor orders that left without an invoice, and why."""
    vendors = companies.companies_by_id({part.vendor_id for part in found})
    return [
        {
            "vendor_order_id": part.id,
            "number": part.number,
            "order_id": part.order_id,
            "vendor_id": part.vendor_id,
            "vendor_name": part.vendor_name,
            "shipped_at": part.shipped_at,
            "reason": "being_issued" if vendors[part.vendor_id].vat_id else "issuer_without_vat_id",
        }
        for part in found
    ]


def _summary(invoice: Invoice, standing: InvoiceStanding, waited_for: int | None) -> Json:
    """`waited_for`: what is open of an invoice with an open item, as money comes in; it tells a part payment first."""
    state, left = standing.state, standing.open_minor
    if waited_for is not None and state is InvoiceState.ISSUED:
        left = waited_for
        state = InvoiceState.PART_PAID if 0 < left < abs(invoice.payable_minor) else state
    return {name: getattr(invoice, name) for name in _SUMMARY} | {
        "state": state,
        "open_minor": left,
        "issuer_name": invoice.seller["name"],
        "recipient_name": invoice.buyer["name"],
    }


def _party(facts: Mapping[str, Any]) -> Json:
    return {name: facts[name] for name in _PARTY}
