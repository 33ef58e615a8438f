"""The parts of jlcparts in the marketplace's own tables: one offer each, of fifty vendors, with quantity prices."""

import random
import uuid
from typing import Any

import _catalogues as catalogues
import _market as market
import orjson
import psycopg

from marketplace.catalogue.keys import normalise
from marketplace.kernel.db import new_id, transaction
from search.documents import Document

VENDORS, BUYERS = 50, 20


class Filled:
    """What was written: vendors, buyers, and some part numbers and names to ask for."""

    def __init__(self) -> None:
        self.vendors: list[market.Member] = []
        self.buyers: list[market.Member] = []
        self.numbers: list[str] = []
        self.offers: list[tuple[uuid.UUID, uuid.UUID, uuid.UUID, market.Member]] = []  # offer, product, list, vendor


def fill(app: Any, conninfo: str, limit: int | None = None) -> Filled:
    filled = Filled()
    with app.app_context(), transaction():
        market.operator()
        filled.vendors = market.vendors([f"Vendor {number}" for number in range(VENDORS)])
        filled.buyers = market.buyers(BUYERS)
    with psycopg.connect(conninfo) as connection:
        for batch in catalogues.batches(catalogues.parts(limit), 20_000):
            _write(connection, batch, filled)
        _contracts(connection, filled)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return filled


def _write(connection: psycopg.Connection[Any], batch: list[Document], filled: Filled) -> None:
    categories = _categories(connection, {document.category_path for document in batch})
    ids = [(new_id(), new_id()) for _ in batch]
    sellers = [filled.vendors[number % VENDORS] for number in range(len(batch))]
    taken: set[tuple[str, str]] = _taken(connection, batch)
    products: list[tuple[Any, ...]] = []
    for (product, _), document, seller in zip(ids, batch, sellers, strict=True):
        part, maker = normalise(document.part_number), normalise(document.manufacturer)
        if (part, maker) in taken:
            part = ""
        taken.add((part, maker))
        attributes = orjson.dumps([{"name": a.name, "value": a.value} for a in document.attributes]).decode()
        products.append((product, document.name, document.description, document.manufacturer, maker,
                         document.part_number, part, categories[document.category_path], attributes, 1,
                         seller.company_id, "now", 1))  # fmt: skip
    _copy(connection, "product (id, name, description, manufacturer, manufacturer_key, part_number, part_number_key,"
          " category_id, attributes, search_version, created_by, created_at, version)", products)  # fmt: skip
    rest = ("live", "piece", 1, 1, 2, "standard", "DE", 0, "now", "now", 1)
    _copy(connection, "offer (id, vendor_id, product_id, sku, state, unit, pack_size, min_quantity, lead_time_days,"
          " tax_category, ship_from_country, restocking_rate, created_at, updated_at, version)",
          ((offer, seller.company_id, product, document.offers[0].sku, *rest)
           for (product, offer), document, seller in zip(ids, batch, sellers, strict=True)))  # fmt: skip
    _copy(connection, "offer_stock (offer_id, vendor_id, on_hand, reserved)",
          ((offer, seller.company_id, 1000 if document.offers[0].in_stock else 0, 0)
           for (_, offer), document, seller in zip(ids, batch, sellers, strict=True)))  # fmt: skip
    _copy(connection, "price (offer_id, price_list_id, from_quantity, vendor_id, unit_price)",
          ((offer, seller.list_id, max(1, row.from_quantity), seller.company_id, row.unit_price)
           for (_, offer), document, seller in zip(ids, batch, sellers, strict=True)
           for row in document.offers[0].prices))  # fmt: skip
    filled.numbers += [document.part_number for document in batch[::37]]
    filled.offers += [
        (offer, product, seller.list_id, seller)  # type: ignore[misc]
        for (product, offer), seller in list(zip(ids, sellers, strict=True))[::5]
    ]


def _taken(connection: psycopg.Connection[Any], batch: list[Document]) -> set[tuple[str, str]]:
    keys = [normalise(document.part_number) for document in batch]
    rows = connection.execute(
        "SELECT part_number_key, manufacturer_key FROM product WHERE part_number_key = ANY(%s)", (keys,)
    )
    return set(rows.fetchall())  # type: ignore[arg-type]


def _categories(connection: psycopg.Connection[Any], paths: set[str]) -> dict[str, uuid.UUID]:
    wanted = {step for path in paths for step in (path.partition("/")[0], path)}
    for path in sorted(wanted):
        parent, _, name = path.rpartition("/")
        connection.execute(
            "INSERT INTO category (id, parent_id, slug, name, path, position) SELECT %s,"
            " (SELECT id FROM category WHERE path = %s), %s, %s, %s, 0 ON CONFLICT DO NOTHING",
            (new_id(), parent, name, name, path),
        )
    return dict(connection.execute("SELECT path, id FROM category").fetchall())


def _contracts(connection: psycopg.Connection[Any], filled: Filled) -> None:
    """Each buyer has a contract with every fifth vendor over some of his offers."""
    rng = random.Random(3)
    for buyer in filled.buyers:
        for vendor in filled.vendors[::5]:
            own = new_id()
            connection.execute(
                "INSERT INTO price_list (id, vendor_id, kind, rank, name, currency, includes_tax, created_at, version)"
                " VALUES (%s, %s, 'contract', 1, 'Contract', 'EUR', false, now(), 1)", (own, vendor.company_id),
            )  # fmt: skip
            connection.execute(
                "INSERT INTO price_list_company VALUES (%s, %s, %s)", (own, buyer.company_id, vendor.company_id)
            )
            chosen = [offer for offer, _, _, seller in filled.offers if seller is vendor]
            _copy(connection, "price (offer_id, price_list_id, from_quantity, vendor_id, unit_price)",
                  ((offer, own, 1, vendor.company_id, rng.randint(1, 500) / 100)
                   for offer in rng.sample(chosen, min(50, len(chosen)))))  # fmt: skip


def _copy(connection: psycopg.Connection[Any], target: str, rows: Any) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as stream:
        for row in rows:
            stream.write_row(row)
