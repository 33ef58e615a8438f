"""The rows of a batch go into the tables by a few statements, however many they are: new ones copied, changed ones from
arrays. Everything happens in the caller's transaction."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Text, Uuid

from marketplace.kernel import clock
from marketplace.kernel.db import db
from vendors.feeds import queries

PriceRow = tuple[uuid.UUID, uuid.UUID, int, uuid.UUID, Any]


@dataclass
class Plan:
    """Rows to write, by table, in the order of the columns of the statement that takes them."""

    new_products: list[tuple[Any, ...]] = field(default_factory=list)
    new_offers: list[tuple[Any, ...]] = field(default_factory=list)
    new_stocks: list[tuple[Any, ...]] = field(default_factory=list)
    new_prices: list[PriceRow] = field(default_factory=list)
    offers: list[tuple[Any, ...]] = field(default_factory=list)
    stocks: list[tuple[uuid.UUID, int]] = field(default_factory=list)
    products: list[tuple[Any, ...]] = field(default_factory=list)
    repriced: list[tuple[uuid.UUID, uuid.UUID]] = field(default_factory=list)


_PRODUCT_COLUMNS = (
    "id, name, description, manufacturer, manufacturer_key, part_number, part_number_key, ean, category_id, attributes,"
    " search_version, created_by, created_at, version"
)
_OFFER_COLUMNS = (
    "id, vendor_id, product_id, sku, state, unit, pack_size, min_quantity, lead_time_days, tax_category,"
    " ship_from_country, restocking_rate, created_at, updated_at, version"
)


@dataclass(frozen=True, slots=True)
class _Arrays:
    """A statement whose parameters `names` are arrays, one element a row."""

    names: tuple[str, ...]
    statement: TextClause


def _arrays(statement: str, **kinds: Any) -> _Arrays:
    bound = (bindparam(name, type_=ARRAY(kind())) for name, kind in kinds.items())
    return _Arrays(tuple(kinds), text(statement).bindparams(*bound))


_UPDATE_OFFERS = _arrays(
    """
    UPDATE offer SET unit = d.unit, pack_size = d.pack_size, min_quantity = d.min_quantity,
        lead_time_days = d.lead_time_days, tax_category = d.tax_category, updated_at = :now, version = version + 1
    FROM unnest(:id, :unit, :pack_size, :min_quantity, :lead_time_days, :tax_category)
        AS d(id, unit, pack_size, min_quantity, lead_time_days, tax_category)
    WHERE offer.id = d.id
    """,
    id=Uuid,
    unit=Text,
    pack_size=BigInteger,
    min_quantity=BigInteger,
    lead_time_days=BigInteger,
    tax_category=Text,
)
_UPDATE_STOCKS = _arrays(
    """
    UPDATE offer_stock SET on_hand = d.on_hand FROM unnest(:id, :on_hand) AS d(id, on_hand)
    WHERE offer_stock.offer_id = d.id
    """,
    id=Uuid,
    on_hand=BigInteger,
)
_UPDATE_PRODUCTS = _arrays(
    """
    UPDATE product SET name = d.name, description = d.description, manufacturer = d.manufacturer,
        manufacturer_key = d.manufacturer_key, part_number = d.part_number, part_number_key = d.part_number_key,
        ean = d.ean, category_id = d.category_id, attributes = d.attributes::jsonb, version = version + 1
    FROM unnest(:id, :name, :description, :manufacturer, :manufacturer_key, :part_number, :part_number_key, :ean,
        :category_id, :attributes)
        AS d(id, name, description, manufacturer, manufacturer_key, part_number, part_number_key, ean, category_id,
        attributes)
    WHERE product.id = d.id
    """,
    id=Uuid,
    name=Text,
    description=Text,
    manufacturer=Text,
    manufacturer_key=Text,
    part_number=Text,
    part_number_key=Text,
    ean=Text,
    category_id=Uuid,
    attributes=Text,
)
_DROP_PRICES = _arrays(
    """
    DELETE FROM price USING unnest(:offer_id, :list_id) AS d(offer_id, list_id)
    WHERE price.offer_id = d.offer_id AND price.price_list_id = d.list_id
    """,
    offer_id=Uuid,
    list_id=Uuid,
)


def write(plan: Plan) -> None:
    """Put the plan into the tables, parents before children."""
    _copy(f"product ({_PRODUCT_COLUMNS})", plan.new_products)
    _copy(f"offer ({_OFFER_COLUMNS})", plan.new_offers)
    _copy("offer_stock (offer_id, vendor_id, on_hand, reserved)", plan.new_stocks)
    _update(_UPDATE_PRODUCTS, plan.products)
    _update(_UPDATE_OFFERS, plan.offers, now=clock.now())
    if plan.stocks:
        queries.lock_stocks([offer_id for offer_id, _ in plan.stocks])
        _update(_UPDATE_STOCKS, plan.stocks)
    _update(_DROP_PRICES, plan.repriced)
    _copy("price (offer_id, price_list_id, from_quantity, vendor_id, unit_price)", plan.new_prices)


def _update(arrays: _Arrays, rows: Sequence[tuple[Any, ...]], **others: Any) -> None:
    """A row's values stand in the order of the statement's names."""
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        db.session.execute(arrays.statement, dict(zip(arrays.names, columns, strict=True)) | others)


def _copy(target: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """COPY rows into `target`, a table with its columns, both names of our own."""
    if not rows:
        return
    driver = db.session.connection().connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
