"""A marketplace to measure on: companies, goods and prices written in bulk, as the rooms themselves would write them.

Every function writes in the transaction() that the caller has opened.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import insert

from marketplace.agreements.models import RANK, ListKind, Price, PriceList, VendorTerms
from marketplace.catalogue.models import Category, Offer, OfferStock, Product
from marketplace.catalogue.states import OfferState
from marketplace.companies.credentials import PREFIX_LENGTH, new_key, token_hash
from marketplace.companies.models import Address, ApiKey, Company, Membership, Person
from marketplace.kernel.access import Actor, Role
from marketplace.kernel.db import Row, db, new_id
from marketplace.rules import actions as rules
from marketplace.rules.models import DeliveryRate

_PORTION = 5_000
_LONG_AGO = date(2016, 1, 1)


@dataclass(frozen=True, slots=True)
class Member:
    """A company with one person in it, who acts by an API key."""

    company_id: uuid.UUID
    person_id: uuid.UUID
    key: str
    actor: Actor
    address_id: uuid.UUID | None = None  # of a buyer
    list_id: uuid.UUID | None = None  # of a vendor: his public price list
    rate_id: uuid.UUID | None = None  # of a vendor: his delivery rate


@dataclass(frozen=True, slots=True)
class Offered:
    """What a vendor offers: `price` per piece."""

    id: uuid.UUID
    vendor: Member
    product_id: uuid.UUID
    sku: str
    price: Decimal


def write(model: type[Row], rows: Iterable[Mapping[str, Any]]) -> None:
    """INSERT many rows, with the defaults of the model."""
    wanted = list(rows)
    for start in range(0, len(wanted), _PORTION):
        db.session.execute(insert(model.__table__), wanted[start : start + _PORTION])  # type: ignore[arg-type]


def operator(country: str = "DE", currency: str = "EUR") -> Member:
    """The company that runs the marketplace, with the rules it starts from."""
    rules.install_defaults()
    return _members(["Kontor"], Role.OPERATOR, country, currency, is_operator=True)[0]


def buyers(count: int, country: str = "DE", currency: str = "EUR") -> list[Member]:
    """Companies that buy, each with an address."""
    found = _members([f"Buyer {number}" for number in range(count)], Role.BUYER, country, currency)
    ids = [new_id() for _ in found]
    write(
        Address,
        (
            {
                "id": address_id,
                "company_id": buyer.company_id,
                "recipient": f"Buyer {number}",
                "line1": "Kai 1",
                "postal_code": "20457",
                "city": "Hamburg",
                "country": country,
                "is_default": True,
            }
            for number, (buyer, address_id) in enumerate(zip(found, ids, strict=True))
        ),
    )
    return [
        Member(buyer.company_id, buyer.person_id, buyer.key, buyer.actor, address_id=address_id)
        for buyer, address_id in zip(found, ids, strict=True)
    ]


def vendors(
    names: Sequence[str],
    country: str = "DE",
    currency: str = "EUR",
    *,
    delivery_minor: int = 590,
    includes_tax: bool = False,
) -> list[Member]:
    """Companies that sell, each with terms, a public price list and a delivery rate."""
    found = [
        Member(one.company_id, one.person_id, one.key, one.actor, list_id=new_id(), rate_id=new_id())
        for one in _members(names, Role.VENDOR_MANAGER, country, currency, may_sell=True)
    ]
    public = {"kind": ListKind.PUBLIC.value, "rank": RANK[ListKind.PUBLIC], "name": "Public", "currency": currency}
    write(
        PriceList,
        ({"id": one.list_id, "vendor_id": one.company_id, "includes_tax": includes_tax} | public for one in found),
    )
    terms = {"valid_from": _LONG_AGO, "commission_rate": Decimal("0.10")}
    write(VendorTerms, ({"vendor_id": one.company_id} | terms for one in found))
    rate = {"name": "Parcel", "currency": currency, "price_minor": delivery_minor, "countries": []}
    write(DeliveryRate, ({"id": one.rate_id, "vendor_id": one.company_id} | rate for one in found))
    return found


def categories(count: int) -> list[uuid.UUID]:
    ids = [new_id() for _ in range(count)]
    write(
        Category,
        ({"id": own, "slug": f"c{n}", "name": f"Category {n}", "path": f"c{n}"} for n, own in enumerate(ids)),
    )
    return ids


def products(names: Sequence[str], made_by: Member, category_ids: Sequence[uuid.UUID] = ()) -> list[uuid.UUID]:
    """Shared products, spread over the categories."""
    ids = [new_id() for _ in names]
    write(
        Product,
        (
            {
                "id": own,
                "name": name,
                "created_by": made_by.company_id,
                "category_id": category_ids[number % len(category_ids)] if category_ids else None,
            }
            for number, (own, name) in enumerate(zip(ids, names, strict=True))
        ),
    )
    return ids


def offers(wanted: Iterable[Offered], country: str = "DE", on_hand: int = 1_000_000_000) -> list[Offered]:
    """Live offers with stock, and their price in their vendor's public list."""
    found = list(wanted)
    facts = {"state": OfferState.LIVE, "ship_from_country": country}
    write(
        Offer,
        (
            {"id": one.id, "vendor_id": one.vendor.company_id, "product_id": one.product_id, "sku": one.sku} | facts
            for one in found
        ),
    )
    stock = {"on_hand": on_hand, "reserved": 0}
    write(OfferStock, ({"offer_id": one.id, "vendor_id": one.vendor.company_id} | stock for one in found))
    write(
        Price,
        (
            {
                "offer_id": one.id,
                "price_list_id": one.vendor.list_id,
                "from_quantity": 1,
                "vendor_id": one.vendor.company_id,
                "unit_price": one.price,
            }
            for one in found
        ),
    )
    return found


def _members(names: Sequence[str], role: Role, country: str, currency: str, **company: bool) -> list[Member]:
    found = []
    for _ in names:
        company_id, person_id = new_id(), new_id()
        actor = Actor(
            person_id=person_id,
            company_id=company_id,
            roles=frozenset({role}),
            may_sell=company.get("may_sell", False),
        )
        found.append(Member(company_id, person_id, new_key(), actor))
    named = list(zip(found, names, strict=True))
    write(
        Company,
        ({"id": m.company_id, "name": n, "country": country, "currency": currency} | company for m, n in named),
    )
    write(Person, ({"id": m.person_id, "name": n, "email": f"{m.person_id}@example.test"} for m, n in named))
    write(Membership, ({"company_id": m.company_id, "person_id": m.person_id, "role": role.value} for m in found))
    write(
        ApiKey,
        (
            {
                "company_id": m.company_id,
                "person_id": m.person_id,
                "name": "benchmark",
                "prefix": m.key[:PREFIX_LENGTH],
                "secret_hash": token_hash(m.key),
            }
            for m in found
        ),
    )
    return found
