"""Carts with what is known of their offers, in a number of queries that does not depend on the number of lines."""

import functools
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, or_

from marketplace.carts.models import Cart, CartLine
from marketplace.carts.refusals import CartUnknown
from marketplace.carts.states import CartState
from marketplace.catalogue.models import Category, Offer, OfferStock, Product
from marketplace.catalogue.states import OfferState
from marketplace.companies.models import Address, Company
from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """What ordering an offer needs to know of it, its product, its stock and its vendor."""

    id: uuid.UUID
    vendor_id: uuid.UUID
    product_id: uuid.UUID
    sku: str
    state: OfferState
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
class Match:
    """An offer found by its SKU or its product's number."""

    offer_id: uuid.UUID
    vendor_id: uuid.UUID
    vendor_name: str
    sku: str
    part_number_key: str
    ean: str | None


_FACTS = (
    Offer.id,
    Offer.vendor_id,
    Offer.product_id,
    Offer.sku,
    Offer.state,
    Offer.unit,
    Offer.pack_size,
    Offer.min_quantity,
    Offer.lead_time_days,
    Offer.tax_category,
    Offer.ship_from_country,
    Offer.restocking_rate,
    Product.name,
    Category.path,
    OfferStock.on_hand,
    OfferStock.reserved,
    Company.name,
    Company.country,
    Company.vat_id,
    Company.may_sell,
)


def cart(actor: Actor, cart_id: uuid.UUID, *, locked: bool = False) -> Cart:
    """One cart. Raises CartUnknown."""
    statement = visible(actor, Cart).where(Cart.id == cart_id)
    if locked:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    row = db.session.scalars(statement).one_or_none()
    if row is None:
        raise CartUnknown
    return row


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
    rows = db.session.execute(_items_statement(), {"cart_id": found.id})
    return [Item(row[0], OfferFacts(*row[1:]), f"/lines/{index}") for index, row in enumerate(rows)]


def offers(offer_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, OfferFacts]:
    """What is known of these offers, whatever their state; those that do not exist are absent."""
    rows = db.session.execute(_offers_statement(), {"offer_ids": list(set(offer_ids))})
    return {row[0]: OfferFacts(*row) for row in rows}


@functools.cache
def _items_statement() -> Select[Any]:
    """Built once: building it takes longer than PostgreSQL takes to answer it."""
    return (
        _with_vendor(visible(SYSTEM, CartLine).join(Offer, Offer.id == CartLine.offer_id))
        .add_columns(*_FACTS)
        .where(CartLine.cart_id == bindparam("cart_id"))
        .order_by(CartLine.id)
        .execution_options(populate_existing=True)
    )


@functools.cache
def _offers_statement() -> Select[Any]:
    statement = _with_vendor(visible(SYSTEM, Offer)).with_only_columns(*_FACTS)
    return statement.where(Offer.id.in_(bindparam("offer_ids", expanding=True)))


def _with_vendor(statement: Select[Any]) -> Select[Any]:
    return (
        statement.join(Product, Product.id == Offer.product_id)
        .join(Company, Company.id == Offer.vendor_id)
        .outerjoin(Category, Category.id == Product.category_id)
        .outerjoin(OfferStock, OfferStock.offer_id == Offer.id)
    )


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


def buyer_and_operator(company_id: uuid.UUID) -> tuple[Company, Company | None]:
    """The buying company and the one that runs the marketplace (None before it exists), in one query."""
    rows = db.session.scalars(_companies_statement(), {"company_id": company_id}).all()
    buyer = next(row for row in rows if row.id == company_id)
    return buyer, next((row for row in rows if row.is_operator), None)


@functools.cache
def _companies_statement() -> Select[tuple[Company]]:
    return visible(SYSTEM, Company).where(or_(Company.id == bindparam("company_id"), Company.is_operator))


def addresses(company_id: uuid.UUID, address_ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, Address]:
    """Those of these addresses that are the company's own and in use."""
    wanted: Sequence[uuid.UUID] = [address_id for address_id in set(address_ids) if address_id is not None]
    if not wanted:
        return {}
    statement = visible(SYSTEM, Address).where(
        Address.company_id == company_id, Address.id.in_(wanted), Address.archived_at.is_(None)
    )
    return {row.id: row for row in db.session.scalars(statement)}
