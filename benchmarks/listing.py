"""How many pages of 20 offers with the asking company's own prices are answered, over HTTP through gunicorn.

Run alone: python benchmarks/listing.py. The last line is one JSON object.
"""

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count

import _common as bench
import psycopg

from marketplace.companies.credentials import new_key
from marketplace.kernel.db import new_id
from marketplace.kernel.web import make_cursor

OFFERS, VENDORS, BUYERS, CATEGORIES = 10_000, 50, 20, 40
CALLERS, WORKERS, THREADS = 8, 2, 4
SECONDS = 15
PAGE = 20


def main() -> None:
    with bench.stage() as on:
        keys, offer_ids = fill(on.conninfo)
        rng = random.Random(1)
        with bench.web_server(on, workers=WORKERS, threads=THREADS) as web:
            check(web.address, keys[0])
            load = bench.closed_loop(web.address, CALLERS, SECONDS, lambda: request(rng, keys, offer_ids))
            web_mb = web.resident_mb()
    if set(load.statuses) != {200}:
        raise SystemExit(f"some answers were refusals: {load.statuses}")
    p50, p95 = (bench.percentile(load.latencies_ms, share) for share in (0.5, 0.95))
    print(
        f"{OFFERS} offers of {VENDORS} vendors, three quantity prices each in the public list, and for each of {BUYERS}"
    )
    print(
        f"buyers a contract on every tenth offer of every fifth vendor; {CALLERS} connections, each asking for the next"
    )
    print(f"random page of {PAGE} offers when the last is answered, by API key, for {SECONDS} s after 2 s of warm-up;")
    print(
        f"gunicorn gthread, {WORKERS} processes of {THREADS} threads; callers, server and PostgreSQL share the machine."
    )
    print(f"{len(load.latencies_ms)} answers, {load.per_s:.0f}/s, p50 {p50:.1f} ms, p95 {p95:.1f} ms; {web_mb:.0f} MB.")
    bench.finish(
        {
            "requests_per_s": load.per_s,
            "p50_ms": p50,
            "p95_ms": p95,
            "web_mb": web_mb,
            "requests": len(load.latencies_ms),
        }
    )


def request(rng: random.Random, keys: list[str], offer_ids: list[str]) -> bytes:
    cursor = make_cursor([rng.choice(offer_ids)])
    return bench.get_request(f"/v1/offers?limit={PAGE}&cursor={cursor}", rng.choice(keys))


def check(address: tuple[str, int], key: str) -> None:
    """What is measured is a real page: 20 offers, each with a price, some of them from a contract."""
    status, page, _ = bench.Caller(address, key).call("GET", "/v1/offers?limit=200")
    kinds = {item["price"]["source"]["kind"] for item in page["items"]}
    if status != 200 or len(page["items"]) != 200 or kinds != {"public", "contract"}:
        raise SystemExit(f"the list does not answer as it should: {status} {str(page)[:300]}")


Copy = Callable[[str, str, Iterable[tuple]], None]


@dataclass(frozen=True)
class Ids:
    """The ids of what is written, by position; `contracts`: (list id, position of the buyer, of the vendor)."""

    vendors: list[str]
    buyers: list[str]
    people: list[str]
    keys: list[str]
    categories: list[str]
    products: list[str]
    offers: list[str]
    lists: list[str]
    contracts: list[tuple[str, int, int]]

    def seller(self, number: int) -> str:
        return self.vendors[number % VENDORS]


def fill(conninfo: str) -> tuple[list[str], list[str]]:
    """Write the companies and their offers by COPY; returns the buyers' API keys and the ids of the offers."""
    rng, ids = random.Random(7), _ids()
    with psycopg.connect(conninfo) as connection:
        cursor = connection.cursor()

        def copy(table: str, columns: str, rows: Iterable[tuple]) -> None:
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as stream:
                for row in rows:
                    stream.write_row(row)

        _write_companies(copy, ids)
        _write_offers(copy, ids, rng)
        _write_prices(copy, ids, rng)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return ids.keys, ids.offers


def _ids() -> Ids:
    def some(number: int) -> list[str]:
        return [str(new_id()) for _ in range(number)]

    return Ids(
        vendors=some(VENDORS),
        buyers=some(BUYERS),
        people=some(BUYERS),
        keys=[new_key() for _ in range(BUYERS)],
        categories=some(CATEGORIES),
        products=some(OFFERS),
        offers=some(OFFERS),
        lists=some(VENDORS),
        contracts=[(str(new_id()), buyer, vendor) for buyer in range(BUYERS) for vendor in range(0, VENDORS, 5)],
    )


def _write_companies(copy: Copy, ids: Ids) -> None:
    """Vendors, and buyers each with a person and a key."""
    company = (
        "id, name, country, currency, registration_number, email, phone, is_operator, may_sell, created_at, version"
    )
    rest = ("DE", "EUR", "", "", "", False)
    copy("company", company, ((c, f"Buyer {n}", *rest, False, "now", 1) for n, c in enumerate(ids.buyers)))
    copy("company", company, ((c, f"Vendor {n}", *rest, True, "now", 1) for n, c in enumerate(ids.vendors)))
    copy(
        "person",
        "id, email, name, active, created_at",
        ((p, f"buyer{n}@example.test", f"Buyer {n}", True, "now") for n, p in enumerate(ids.people)),
    )
    copy(
        "membership",
        "id, company_id, person_id, role, created_at",
        ((str(new_id()), c, p, "buyer.buyer", "now") for c, p in zip(ids.buyers, ids.people, strict=True)),
    )
    copy(
        "api_key",
        "id, company_id, person_id, name, prefix, secret_hash, created_at",
        (
            (str(new_id()), c, p, "bench", key[:13], hashlib.sha256(key.encode()).hexdigest(), "now")
            for c, p, key in zip(ids.buyers, ids.people, ids.keys, strict=True)
        ),
    )


def _write_offers(copy: Copy, ids: Ids, rng: random.Random) -> None:
    """Categories, and products each with one vendor's offer and its stock."""
    made = ("Nordwerk", "nordwerk", "", "[]", 1, "now", 1)
    offered = ("live", "piece", 1, "standard", "DE", 0, "now", "now", 1)
    copy(
        "category",
        "id, slug, name, path, position",
        ((c, f"c{n}", f"Category {n}", f"c{n}", n) for n, c in enumerate(ids.categories)),
    )
    copy(
        "product",
        "id, name, part_number, part_number_key, category_id, created_by, manufacturer, manufacturer_key,"
        " description, attributes, search_version, created_at, version",
        (
            (
                p,
                f"Hexagon screw M{n % 24} x {n % 90}",
                f"NW-{n:06}",
                f"nw{n:06}",
                rng.choice(ids.categories),
                ids.seller(n),
                *made,
            )
            for n, p in enumerate(ids.products)
        ),
    )
    copy(
        "offer",
        "id, vendor_id, product_id, sku, min_quantity, lead_time_days, state, unit, pack_size, tax_category,"
        " ship_from_country, restocking_rate, created_at, updated_at, version",
        (
            (o, ids.seller(n), ids.products[n], f"S{n:06}", 1 + n % 3, n % 10, *offered)
            for n, o in enumerate(ids.offers)
        ),
    )
    copy(
        "offer_stock",
        "offer_id, vendor_id, on_hand, reserved",
        ((o, ids.seller(n), rng.randrange(5000), 0) for n, o in enumerate(ids.offers)),
    )


def _write_prices(copy: Copy, ids: Ids, rng: random.Random) -> None:
    """The public list of every vendor, the contracts, and the prices in both."""
    a_list = "id, vendor_id, kind, rank, name, currency, includes_tax, created_at, version"
    copy(
        "price_list",
        a_list,
        ((i, v, "public", 4, "List", "EUR", False, "now", 1) for i, v in zip(ids.lists, ids.vendors, strict=True)),
    )
    copy(
        "price_list",
        a_list,
        ((i, ids.vendors[v], "contract", 1, "Contract", "EUR", False, "now", 1) for i, _, v in ids.contracts),
    )
    copy(
        "price_list_company",
        "price_list_id, company_id, vendor_id",
        ((i, ids.buyers[b], ids.vendors[v]) for i, b, v in ids.contracts),
    )
    copy("price", "offer_id, price_list_id, from_quantity, vendor_id, unit_price", _prices(ids, rng))


def _prices(ids: Ids, rng: random.Random) -> Iterator[tuple]:
    """Three tiers of every offer, and the contracts' single prices on every tenth offer of their vendor."""
    for number, offer in enumerate(ids.offers):
        vendor, first = number % VENDORS, rng.randrange(10_000, 9_000_000)
        for from_quantity, hundredths in ((1, 100), (10, 95), (100, 88)):
            yield offer, ids.lists[vendor], from_quantity, ids.vendors[vendor], f"{first * hundredths / 1e6:.4f}"
    for list_id, _, vendor in ids.contracts:
        for number in count(vendor + VENDORS * 9, VENDORS * 10):
            if number >= len(ids.offers):
                break
            yield ids.offers[number], list_id, 1, ids.vendors[vendor], "0.8750"


if __name__ == "__main__":
    main()
