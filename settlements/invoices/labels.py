"""What an order keeps of the things sold, as an invoice names and taxes them."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marketplace.orders.models import OrderDelivery, OrderLine
from settlements.invoices.position import CHARGE, DELIVERY, FEE, GOODS, Key, Sold

NOT_TAXED = "Compensation, outside the scope of VAT."
OUTSIDE = "O"
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Label:
    """category: EN 16931 (S, Z, E, AE, K, G, O). buyer_vat_id: by which the tax was decided."""

    text: str
    unit: str
    category: str
    rate: Decimal
    reason: str
    sku: str = ""
    order_line_id: uuid.UUID | None = None
    seller_vat_id: str | None = None
    buyer_vat_id: str | None = None


class Labels:
    """The labels of all that one issuer sells in an order."""

    def __init__(self, lines: Iterable[OrderLine], deliveries: Iterable[OrderDelivery]) -> None:
        self._lines = {str(line.id): line for line in lines}
        self._deliveries = {str(delivery.id): delivery for delivery in deliveries}
        rows = (*self._lines.values(), *self._deliveries.values())
        all_outside = all(row.tax.get("category") == OUTSIDE for row in rows)
        self._damages = OUTSIDE if all_outside else "E"  # an invoice outside the scope of VAT holds nothing else

    def of(self, key: Key, sold: Sold) -> Label:
        kind, name = key
        if kind == CHARGE:
            return Label("Compensation", "piece", self._damages, ZERO, NOT_TAXED)
        if kind == DELIVERY:
            delivery = self._deliveries[name]
            return _taxed(f"Delivery: {delivery.name}", "piece", delivery.tax)
        line = self._lines[name]
        if kind == FEE and not sold.taxed and line.tax.get("category") != OUTSIDE:
            return Label(f"Restocking fee: {line.name}", "piece", "E", ZERO, NOT_TAXED, order_line_id=line.id)
        text, unit = (line.name, line.unit) if kind == GOODS else (f"Restocking fee: {line.name}", "piece")
        return _taxed(text, unit, line.tax, sku=line.sku, order_line_id=line.id)


def _taxed(text: str, unit: str, tax: Mapping[str, Any], **others: Any) -> Label:
    return Label(
        text=text,
        unit=unit,
        category=tax.get("category", "S"),
        rate=Decimal(tax.get("rate", "0")),
        reason=tax.get("reason", ""),
        seller_vat_id=tax.get("supplier_vat_id"),
        buyer_vat_id=tax.get("buyer_vat_id") if tax.get("buyer_vat_valid") else None,
        **others,
    )
