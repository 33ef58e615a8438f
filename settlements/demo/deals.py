"""What was agreed in the demonstration: price lists, promotions, deliveries and credit, read from deals.toml."""

import functools
import tomllib
import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from marketplace.agreements import actions as agreements
from marketplace.agreements import queries as agreed
from marketplace.agreements.models import ListKind
from marketplace.credit import actions as credit
from marketplace.credit.terms import TermsKind
from marketplace.kernel.access import Actor
from marketplace.rules import actions as rules
from marketplace.rules import promotions
from settlements.demo import acting, goods, queries, shelves

_FILE = Path(__file__).with_name("deals.toml")


def agree() -> None:
    """The vendors with their buyers; their own terms are part of their approval."""
    for row in _contents()["prices"]:
        _price_list(acting.chief(row["vendor"]), row)
    for row in _contents()["promotion"]:
        _promotion(row)
    for row in _contents()["delivery"]:
        _delivery(row)
    for row in _contents()["credit"]:
        _credit(row)


@functools.cache
def _contents() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text("utf-8"))


def _price_list(vendor: Actor, row: dict[str, Any]) -> None:
    days = {f"valid_{end}": _day(row, f"{end}_day") for end in ("from", "to")}
    facts = {"kind": ListKind(row["kind"]), "name": row["name"], "currency": "EUR", "includes_tax": False}
    made = agreements.create_list(vendor, facts | days)
    if "company" in row:
        agreements.set_companies(vendor, made.id, [_company_id(row["company"])])
    agreements.set_prices(vendor, made.id, list(_prices(row)))


def _prices(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    vendor, share = row["vendor"], Decimal(row["share"])
    sold = [good for good in goods.goods() if vendor in good.family.vendors]
    listed = {shelves.sku(vendor, good): good for good in sold if good.part_number.startswith(row["family"])}
    for sku, offer_id in queries.offers_of(listed).items():
        tiers = shelves.tiers(vendor, listed[sku])
        yield {
            "offer_id": offer_id,
            "tiers": [{"from_quantity": step, "unit_price": shelves.rounded(price * share)} for step, price in tiers],
        }


def _day(row: dict[str, Any], name: str) -> Any:
    return agreed.today() + timedelta(days=row[name]) if name in row else None


def _promotion(row: dict[str, Any]) -> None:
    facts = {name: row[name] for name in ("name", "code", "position") if name in row}
    steps = [step | ({"rate": Decimal(step["rate"])} if "rate" in step else {}) for step in row["steps"]]
    scope = {"categories": row["categories"]} if "categories" in row else {}
    shared = {"currency": "EUR", "vendor_share": Decimal(row["vendor_share"]), "steps": steps, "scope": scope}
    promotions.create(acting.chief(row.get("vendor", "kontor")), facts | shared)


def _delivery(row: dict[str, Any]) -> None:
    facts = {"currency": "EUR"} | {name: value for name, value in row.items() if name != "vendor"}
    rules.add_delivery_rate(acting.chief(row.get("vendor", "kontor")), facts)


def _credit(row: dict[str, Any]) -> None:
    operator, company_id = acting.chief("kontor"), _company_id(row["company"])
    credit.open_account(operator, company_id, currency="EUR", limit_minor=row["limit_minor"], reason=row["reason"])
    facts = {"currency": "EUR", "valid_from": agreed.today(), "kind": TermsKind(row["kind"]), "days": row["days"]}
    credit.grant_terms(operator, company_id, facts)


def _company_id(key: str) -> uuid.UUID:
    found = acting.chief(key).company_id
    assert found is not None
    return found
