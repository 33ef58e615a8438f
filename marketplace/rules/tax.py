"""Who owes value added tax, and at which country's rate: decided by one table, from facts that are frozen per line.

Articles are those of Directive 2006/112/EC. Not modelled: domestic reverse charge for single kinds of goods (art. 199),
territories with rules of their own (art. 6), imports of low value (IOSS, art. 14a and 33 c) and exemptions of small
businesses (art. 284).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from marketplace.kernel.errors import Conflict

EU = frozenset({
    "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE",
    "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE",
})  # fmt: skip
TAX_CATEGORIES = ("standard", "reduced", "zero", "exempt")
Rates = Mapping[tuple[str, str], Decimal]
ZERO = Decimal("0.00")


class TaxRateMissing(Conflict):
    """The operator has not entered the rate of a country that has to be charged."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the decision table; "*" matches anything, the first row that matches decides.

    kind: goods (and a delivery that a vendor sells with them) or service (a delivery sold on its own, by the operator).
    route: where it starts and ends: domestic, intra (two member states), export, import, abroad (within one country
    outside the Union), transit (between two of them). supplier, buyer: see `_supplier` and `_buyer`.
    charged: whose rate applies (from, to, supplier); None: nobody's, and `category` stands by itself.
    """

    kind: str
    route: str
    supplier: str
    buyer: str
    category: str
    charged: str | None
    reason: str


DECISIONS: tuple[Row, ...] = (
    # Goods that stay in one member state.
    Row("goods", "domestic", "foreign", "identified_there", "AE", None,
        "Reverse charge: the supplier is not established in {to}, the customer owes the VAT (art. 194)."),
    Row("goods", "domestic", "*", "*", "S", "to", "Supply of goods within {to} (art. 31 and 32)."),
    # Goods that travel from one member state to another.
    Row("goods", "intra", "*", "identified_elsewhere", "K", None,
        "Intra-Community supply from {from} to {to}, exempt (art. 138 (1))."),
    Row("goods", "intra", "*", "identified_there", "S", "from",
        "Supply to a business identified in {from}, where the transport begins (art. 32)."),
    Row("goods", "intra", "*", "*", "S", "to",
        "Distance sale to {to} without a valid VAT id of the customer (art. 33 a)."),
    # Goods that leave the Union, enter it or never touch it.
    Row("goods", "export", "*", "*", "G", None, "Export from {from} to {to}, exempt (art. 146 (1))."),
    Row("goods", "import", "*", "*", "O", None,
        "Supplied outside the Union (art. 32); the customer owes the VAT on the import into {to} (art. 201)."),
    Row("goods", "abroad", "*", "*", "S", "to", "Supply of goods within {to}, under its own law."),
    Row("goods", "transit", "*", "*", "O", None,
        "Outside the scope of VAT in the Union: from {from} to {to} (art. 2)."),
    # A delivery sold on its own is a service; to a business it is supplied where the business is (art. 44).
    Row("service", "export", "*", "*", "G", None, "Transport of exported goods, exempt (art. 146 (1) e)."),
    Row("service", "import", "*", "*", "E", None,
        "Transport of imported goods, contained in the value of the import, exempt (art. 144)."),
    Row("service", "transit", "*", "*", "O", None, "Transport outside the Union (art. 44 and 49)."),
    Row("service", "abroad", "home", "*", "S", "to", "Transport within {to}, under its own law."),
    Row("service", "abroad", "*", "*", "O", None, "Transport outside the Union (art. 44 and 49)."),
    Row("service", "*", "*", "identified_elsewhere", "AE", None,
        "Reverse charge: service to a business in another member state (art. 44), which owes the VAT (art. 196)."),
    Row("service", "*", "*", "identified_there", "S", "supplier",
        "Service to a business in the supplier's own country {supplier} (art. 44)."),
    Row("service", "*", "*", "outside", "O", None, "Service to a business outside the Union (art. 44)."),
    Row("service", "*", "*", "*", "S", "from",
        "Transport that begins in {from}, to a customer without a VAT id (art. 50)."),
)  # fmt: skip


def tax_facts(
    *,
    supplier_country: str,
    supplier_vat_id: str | None,
    ship_from: str,
    ship_to: str,
    buyer_country: str,
    buyer_vat_id: str | None,
    buyer_vat_checked_at: datetime | None,
    buyer_vat_valid: bool,
    tax_category: str,
    rates: Rates,
    service: bool = False,
) -> dict[str, Any]:
    """The tax facts of one line or delivery as plain JSON values, to be frozen on the order.

    Countries are ISO 3166 codes, `tax_category` one of TAX_CATEGORIES, `rates` as of queries.tax_rates, for the
    countries of supplier, ship_from and ship_to. A delivery that a vendor sells with his goods is incidental to them
    (art. 78 b) and is taxed as goods; one that the operator sells is a service.

    Answers {"supplier_country", "supplier_vat_id", "ship_from", "ship_to", "buyer_vat_id", "buyer_vat_checked_at",
    "buyer_vat_valid", "category" (EN 16931: S, Z, E, AE, K, G, O), "rate" (decimal string), "reason"}.
    Raises TaxRateMissing.
    """
    valid = buyer_vat_valid and bool(buyer_vat_id)
    here = supplier_country if service else ship_from
    row = decide(
        "service" if service else "goods",
        _route(ship_from, ship_to),
        _supplier(supplier_country, ship_to),
        _buyer(vat_country(buyer_vat_id) if valid else None, here, buyer_country),
    )
    places = {"from": ship_from, "to": ship_to, "supplier": supplier_country}
    category, rate = _charged(row, places, tax_category, rates)
    reason = row.reason.format(**places)
    if category in {"E", "Z"} and row.category == "S":
        reason = f"{reason[:-1]}; {'exempt goods (art. 132 to 136)' if category == 'E' else 'zero rate'}."
    return {
        "supplier_country": supplier_country,
        "supplier_vat_id": supplier_vat_id,
        "ship_from": ship_from,
        "ship_to": ship_to,
        "buyer_vat_id": buyer_vat_id,
        "buyer_vat_checked_at": buyer_vat_checked_at.isoformat() if buyer_vat_checked_at else None,
        "buyer_vat_valid": valid,
        "category": category,
        "rate": format(rate, "f"),
        "reason": reason,
    }


def decide(kind: str, route: str, supplier: str, buyer: str) -> Row:
    """The first row of the table that matches; the table is complete, so there is one."""
    asked = (kind, route, supplier, buyer)
    return next(
        row
        for row in DECISIONS
        if all(
            told in {"*", wanted}
            for told, wanted in zip((row.kind, row.route, row.supplier, row.buyer), asked, strict=True)
        )
    )


def vat_country(vat_id: str | None) -> str | None:
    """The country of a VAT id by its prefix: `DE136695976` -> DE, Greece's EL -> GR; None without one."""
    if not vat_id:
        return None
    return {"EL": "GR", "XI": "GB"}.get(vat_id[:2], vat_id[:2])


def _charged(row: Row, places: Mapping[str, str], tax_category: str, rates: Rates) -> tuple[str, Decimal]:
    """Category and rate: a row that charges asks the goods, which may be zero-rated or exempt where it does."""
    if row.charged is None:
        return row.category, ZERO
    if tax_category == "exempt":
        return "E", ZERO
    country = places[row.charged]
    rate = ZERO if tax_category == "zero" else rates.get((country, tax_category))
    if rate is None:
        raise TaxRateMissing(
            f"No {tax_category} rate of {country} is known.", country=country, tax_category=tax_category
        )
    return ("S" if rate else "Z"), rate


def _route(ship_from: str, ship_to: str) -> str:
    inside = (ship_from in EU, ship_to in EU)
    if ship_from == ship_to:
        return "domestic" if inside[0] else "abroad"
    return {(True, True): "intra", (True, False): "export", (False, True): "import", (False, False): "transit"}[inside]


def _supplier(country: str, ship_to: str) -> str:
    """home: established where the goods arrive; foreign: elsewhere."""
    return "home" if country == ship_to else "foreign"


def _buyer(identified_in: str | None, here: str, country: str) -> str:
    """By a valid VAT id: identified_there (where goods start, where a service's supplier is), identified_elsewhere
    (another member state); else outside (a company outside the Union) or unidentified."""
    if identified_in is not None and (identified_in in EU or identified_in == here):
        return "identified_there" if identified_in == here else "identified_elsewhere"
    return "unidentified" if country in EU else "outside"
