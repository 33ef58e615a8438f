"""Rules as rows, with sensible defaults."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from marketplace.companies.models import Company
from marketplace.rules import actions, queries
from marketplace.rules.models import DeliveryRate, Promotion
from marketplace.rules.queries import InForce
from tests.builders.rows import kept


def default_rules() -> None:
    """The default tax rates and return policies."""
    actions.install_defaults()


def in_force(*, day: date = date(2026, 3, 1), **asked: Any) -> InForce:
    """What queries.in_force answers to a buyer in Germany on a day, unless another is asked for."""
    values: dict[str, Any] = {"profile": "b2b", "currency": "EUR", "country": "DE", "countries": ["DE"]}
    values |= {"vendor_ids": [], "codes": [], "moment": datetime(day.year, day.month, day.day, tzinfo=UTC), "day": day}
    return queries.in_force(**(values | asked))


def a_delivery_rate(vendor: Company | None = None, **facts: Any) -> DeliveryRate:
    """A delivery rate of a vendor, or of the operator."""
    values: dict[str, Any] = {"name": "Parcel", "currency": "EUR", "price_minor": 990}
    return kept(DeliveryRate(vendor_id=vendor.id if vendor else None, **(values | facts)))


def a_promotion(vendor: Company | None = None, **facts: Any) -> Promotion:
    """Ten percent off everything, paid by the vendor where it is his, else by the marketplace."""
    values: dict[str, Any] = {
        "name": "Ten percent",
        "code": None,
        "currency": "EUR",
        "steps": [{"from_minor": 0, "rate": "0.10"}],
        "vendor_share": Decimal(1 if vendor else 0),
        "scope": {},
        "starts_at": datetime(2025, 1, 1, tzinfo=UTC),
        "ends_at": None,
    }
    return kept(Promotion(vendor_id=vendor.id if vendor else None, **(values | facts)))
