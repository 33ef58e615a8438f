"""Each row of the decision table, and that the table answers every situation."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from marketplace.rules.tax import DECISIONS, TaxRateMissing, decide, tax_facts, vat_country

RATES = {
    ("DE", "standard"): Decimal("0.19"),
    ("DE", "reduced"): Decimal("0.07"),
    ("FR", "standard"): Decimal("0.20"),
    ("NL", "standard"): Decimal("0.21"),
    ("CH", "standard"): Decimal("0.081"),
    ("US", "standard"): Decimal(0),
}
CHECKED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
VAT = {"DE": "DE136695976", "FR": "FR40303265045", "NL": "NL004495445B01", "GR": "EL094259216"}


def facts(supplier: str, route: str, buyer: str, identified: str | None = None, **more: Any) -> dict[str, Any]:
    """`route` is "DE-FR"; `identified` the country of the buyer's valid VAT id."""
    ship_from, ship_to = route.split("-")
    asked: dict[str, Any] = {
        "supplier_country": supplier,
        "supplier_vat_id": VAT.get(supplier),
        "ship_from": ship_from,
        "ship_to": ship_to,
        "buyer_country": buyer,
        "buyer_vat_id": VAT[identified] if identified else None,
        "buyer_vat_checked_at": CHECKED if identified else None,
        "buyer_vat_valid": identified is not None,
        "tax_category": "standard",
        "rates": RATES,
    }
    return tax_facts(**(asked | more))


GOODS = [
    # supplier, route, buyer, identified in, category, rate, article
    ("DE", "DE-DE", "DE", "DE", "S", "0.19", "art. 31"),
    ("DE", "DE-DE", "DE", None, "S", "0.19", "art. 31"),
    ("DE", "DE-DE", "FR", "FR", "S", "0.19", "art. 31"),
    ("NL", "DE-DE", "DE", "DE", "AE", "0.00", "art. 194"),
    ("CH", "DE-DE", "DE", "DE", "AE", "0.00", "art. 194"),
    ("NL", "DE-DE", "DE", None, "S", "0.19", "art. 31"),
    ("DE", "DE-FR", "FR", "FR", "K", "0.00", "art. 138"),
    ("DE", "DE-FR", "NL", "NL", "K", "0.00", "art. 138"),
    ("DE", "DE-GR", "GR", "GR", "K", "0.00", "art. 138"),
    ("CH", "DE-FR", "FR", "FR", "K", "0.00", "art. 138"),
    ("DE", "DE-FR", "DE", "DE", "S", "0.19", "art. 32"),
    ("DE", "DE-FR", "FR", None, "S", "0.20", "art. 33"),
    ("DE", "DE-FR", "CH", None, "S", "0.20", "art. 33"),
    ("DE", "DE-CH", "CH", None, "G", "0.00", "art. 146"),
    ("DE", "DE-US", "FR", "FR", "G", "0.00", "art. 146"),
    ("CH", "CH-DE", "DE", "DE", "O", "0.00", "art. 201"),
    ("DE", "CH-DE", "DE", None, "O", "0.00", "art. 201"),
    ("CH", "CH-CH", "CH", None, "S", "0.081", "own law"),
    ("US", "US-US", "US", None, "Z", "0", "own law"),
    ("US", "US-CH", "CH", None, "O", "0.00", "art. 2"),
]
SERVICES = [
    ("DE", "FR-FR", "FR", "FR", "AE", "0.00", "art. 196"),
    ("DE", "DE-FR", "FR", "FR", "AE", "0.00", "art. 196"),
    ("US", "DE-FR", "FR", "FR", "AE", "0.00", "art. 196"),
    ("DE", "NL-FR", "DE", "DE", "S", "0.19", "art. 44"),
    ("DE", "DE-FR", "CH", None, "O", "0.00", "art. 44"),
    ("DE", "FR-NL", "NL", None, "S", "0.20", "art. 50"),
    ("DE", "DE-CH", "DE", "DE", "G", "0.00", "art. 146"),
    ("DE", "CH-DE", "DE", "DE", "E", "0.00", "art. 144"),
    ("DE", "US-CH", "CH", None, "O", "0.00", "art. 44"),
    ("CH", "CH-CH", "CH", None, "S", "0.081", "own law"),
    ("DE", "CH-CH", "CH", None, "O", "0.00", "art. 44"),
]


@pytest.mark.parametrize(("supplier", "route", "buyer", "identified", "category", "rate", "article"), GOODS)
def test_goods(supplier, route, buyer, identified, category, rate, article):
    found = facts(supplier, route, buyer, identified)
    assert (found["category"], found["rate"]) == (category, rate)
    assert article in found["reason"]


@pytest.mark.parametrize(("supplier", "route", "buyer", "identified", "category", "rate", "article"), SERVICES)
def test_a_delivery_sold_on_its_own(supplier, route, buyer, identified, category, rate, article):
    found = facts(supplier, route, buyer, identified, service=True)
    assert (found["category"], found["rate"]) == (category, rate)
    assert article in found["reason"]


def test_every_fact_is_kept_as_plain_json():
    assert facts("DE", "DE-FR", "FR", "FR") == {
        "supplier_country": "DE",
        "supplier_vat_id": "DE136695976",
        "ship_from": "DE",
        "ship_to": "FR",
        "buyer_vat_id": "FR40303265045",
        "buyer_vat_checked_at": "2026-03-01T09:30:00+00:00",
        "buyer_vat_valid": True,
        "category": "K",
        "rate": "0.00",
        "reason": "Intra-Community supply from DE to FR, exempt (art. 138 (1)).",
    }


@pytest.mark.parametrize(
    ("tax_category", "category", "rate"),
    [("standard", "S", "0.19"), ("reduced", "S", "0.07"), ("zero", "Z", "0.00"), ("exempt", "E", "0.00")],
)
def test_the_offers_category_counts_where_tax_is_charged(tax_category, category, rate):
    found = facts("DE", "DE-DE", "DE", tax_category=tax_category)
    assert (found["category"], found["rate"]) == (category, rate)


def test_exempt_goods_say_why():
    assert facts("DE", "DE-DE", "DE", tax_category="exempt")["reason"].endswith("exempt goods (art. 132 to 136).")


def test_a_vat_id_that_failed_its_check_is_no_vat_id():
    found = facts("DE", "DE-FR", "FR", "FR", buyer_vat_valid=False)
    assert (found["category"], found["rate"], found["buyer_vat_valid"]) == ("S", "0.20", False)
    assert facts("DE", "DE-FR", "FR", None, buyer_vat_valid=True)["category"] == "S"


def test_a_rate_nobody_entered_is_refused_by_name():
    with pytest.raises(TaxRateMissing) as refused:
        facts("DE", "DE-FR", "FR", rates={})
    assert refused.value.facts == {"country": "FR", "tax_category": "standard"}


def test_the_table_answers_every_situation_and_every_row_is_reached():
    situations = product(
        ["goods", "service"],
        ["domestic", "intra", "export", "import", "abroad", "transit"],
        ["home", "foreign"],
        ["identified_there", "identified_elsewhere", "outside", "unidentified"],
    )
    assert {decide(*situation) for situation in situations} == set(DECISIONS)


@pytest.mark.parametrize(
    ("vat_id", "country"), [("EL094259216", "GR"), ("DE136695976", "DE"), (None, None), ("", None)]
)
def test_the_country_of_a_vat_id(vat_id, country):
    assert vat_country(vat_id) == country
