"""Carts with what is known of their offers, in a number of queries that does not depend on the number of lines."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, or_

from marketplace.carts.models import Cart, CartLine
from marketplace.carts.refusals import CartUnknown
from marketplace.carts.states import CartState
from marketplace.catalogue.models import Offer, Product
from marketplace.catalogue.states import OfferState
from marketplace.companies.models import Company
from marketplace.kernel import reads
from marketplace.kernel.access import SYSTEM, Actor, given, prepared, visible
from marketplace.kernel.db import db


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """What ordering an offer needs to know of it, its product, its stock and its vendor."""

    id: uuid.UUID
    vendor_id: uuid.UUID
    product_id: uuid.UUID
    sku: str
    state: str
    unit: str
    pack_size: int
    min_quantity: int
    lead_time_days: int
    tax_category: str
    ship_from_country: str
    restocking_rate: Decimal
    name: str
    category_path: str | None
    on_hand: int | None
    reserved: int | None
    vendor_name: str
    vendor_country: str
    vendor_vat_id: str | None
    vendor_may_sell: bool

    @property
    def available(self) -> int:
        return max(0, (self.on_hand or 0) - (self.reserved or 0))


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a cart with its offer (None: there is none); `pointer` is where the request named it."""

    line: CartLine
    offer: OfferFacts | None
    pointer: str


@dataclass(frozen=True, slots=True)
class Party:
    """What taxes and an order need to know of the buyer's and of the operator's company."""

    id: uuid.UUID
    name: str
    country: str
    vat_id: str | None
    vat_checked_at: datetime | None
    is_operator: bool


@dataclass(frozen=True, slots=True)
class Destination:
    """An address of the buyer as an order keeps it."""

    id: uuid.UUID
    recipient: str
    line1: str
    line2: str
    postal_code: str
    city: str
    region: str
    country: str
    phone: str


@dataclass(frozen=True, slots=True)
class Match:
    """An offer found by its SKU or its product's number."""

    offer_id: uuid.UUID
    vendor_id: uuid.UUID
    vendor_name: str
    sku: str
    part_number_key: str
    ean: str | None


_OFFER = """
    o.id, o.vendor_id, o.product_id, o.sku, o.state, o.unit, o.pack_size, o.min_quantity, o.lead_time_days,
    o.tax_category, o.ship_from_country, o.restocking_rate, p.name, c.path, s.on_hand, s.reserved, v.name, v.country,
    v.vat_id, v.may_sell
    FROM offer o
    JOIN product p ON p.id = o.product_id
    JOIN company v ON v.id = o.vendor_id
    LEFT JOIN category c ON c.id = p.category_id
    LEFT JOIN offer_stock s ON s.offer_id = o.id
"""
_OFFERS = f"SELECT {_OFFER} WHERE o.id = ANY(%(offer_ids)s)"
_PARTIES = """
    SELECT id, name, country, vat_id, vat_checked_at, is_operator FROM company WHERE id = %(company_id)s OR is_operator
"""
_CURRENCY = "SELECT currency FROM company WHERE id = %(company_id)s"
_ADDRESSES = """
    SELECT id, recipient, line1, line2, postal_code, city, region, country, phone FROM address
    WHERE company_id = %(company_id)s AND id = ANY(%(address_ids)s) AND archived_at IS NULL
"""


def cart(actor: Actor, cart_id: uuid.UUID, *, locked: bool = False) -> Cart:
    """One cart. Raises CartUnknown."""
    row = db.session.scalars(_cart(actor, locked), given(actor, cart_id=cart_id)).one_or_none()
    if row is None:
        raise CartUnknown
    return row


@prepared
def _cart(viewer: Actor, locked: bool) -> Select[Any]:
    statement = visible(viewer, Cart).where(Cart.id == bindparam("cart_id"))
    return statement.with_for_update().execution_options(populate_existing=True) if locked else statement


def carts(actor: Actor, state: CartState | None) -> Select[tuple[Cart]]:
    statement = visible(actor, Cart)
    return statement if state is None else statement.where(Cart.state == state)


def present_cart(actor: Actor) -> Cart | None:
    """The cart that this person is filling: the newest open one of his own in his company."""
    statement = visible(actor, Cart).where(
        Cart.company_id == actor.company_id, Cart.created_by == actor.person_id, Cart.state == CartState.OPEN
    )
    return db.session.scalars(statement.order_by(Cart.id.desc()).limit(1)).one_or_none()


def open_carts(actor: Actor, beside: uuid.UUID | None = None) -> list[Cart]:
    """The newest open carts of the actor's company, without the one `beside`."""
    statement = visible(actor, Cart).where(Cart.company_id == actor.company_id, Cart.state == CartState.OPEN)
    if beside is not None:
        statement = statement.where(Cart.id != beside)
    return list(db.session.scalars(statement.order_by(Cart.id.desc()).limit(20)))


def line_counts(cart_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """The cart of each line in these carts."""
    return list(
        db.session.scalars(
            visible(SYSTEM, CartLine).with_only_columns(CartLine.cart_id).where(CartLine.cart_id.in_(cart_ids))
        )
    )


def items(found: Cart) -> list[Item]:
    """The lines of a cart in the order in which they came, each with its offer, whatever became of that."""
    lines = db.session.scalars(_lines(SYSTEM), {"cart_id": found.id}).all()
    known = offers(line.offer_id for line in lines) if lines else {}
    return [Item(line, known.get(line.offer_id), f"/lines/{index}") for index, line in enumerate(lines)]


@prepared
def _lines(viewer: Actor) -> Select[Any]:
    statement = visible(viewer, CartLine).where(CartLine.cart_id == bindparam("cart_id"))
    return statement.order_by(CartLine.id).execution_options(populate_existing=True)


def offers(offer_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, OfferFacts]:
    """What is known of these offers, whatever their state; those that do not exist are absent."""
    rows = reads.fetch(_OFFERS, {"offer_ids": reads.as_planned_for(set(offer_ids))})
    return {row[0]: OfferFacts(*row) for row in rows}


def matches(skus: Collection[str], parts: Collection[str], eans: Collection[str]) -> list[Match]:
    """The offers on sale with one of these SKUs, normalised part numbers or EANs, in one query."""
    wanted: list[ColumnElement[bool]] = [
        Offer.sku.in_(skus) if skus else false(),
        and_(Product.part_number_key.in_(parts), Product.part_number_key != "") if parts else false(),
        Product.ean.in_(eans) if eans else false(),
    ]
    statement = (
        visible(SYSTEM, Offer)
        .join(Product, Product.id == Offer.product_id)
        .join(Company, Company.id == Offer.vendor_id)
        .with_only_columns(Offer.id, Offer.vendor_id, Company.name, Offer.sku, Product.part_number_key, Product.ean)
        .where(Offer.state == OfferState.LIVE, Company.may_sell, or_(*wanted))
        .order_by(Offer.id)
    )
    return [Match(*row) for row in db.session.execute(statement)]


def currency_of(actor: Actor) -> str:
    """In which the actor's company trades unless it says otherwise."""
    ((currency,),) = reads.fetch(_CURRENCY, {"company_id": actor.company_id})
    return str(currency)


def buyer_and_operator(company_id: uuid.UUID) -> tuple[Party, Party | None]:
    """The buying company and the one that runs the marketplace (None before it exists), in one query."""
    rows = [Party(*row) for row in reads.fetch(_PARTIES, {"company_id": company_id})]
    buyer = next(row for row in rows if row.id == company_id)
    return buyer, next((row for row in rows if row.is_operator), None)


def addresses(company_id: uuid.UUID, address_ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, Destination]:
    """Those of these addresses that are the company's own and in use."""
    wanted = [address_id for address_id in set(address_ids) if address_id is not None]
    if not wanted:
        return {}
    rows = reads.fetch(_ADDRESSES, {"company_id": company_id, "address_ids": wanted})
    return {row[0]: Destination(*row) for row in rows}
