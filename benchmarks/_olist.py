"""Real orders of a marketplace with many vendors (Olist, Brazil, 2016 to 2018): read where they lie, never copied.

Licence of the data: CC BY-NC-SA 4.0.
"""

import csv
import io
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "olist"
OTHERS = 5_000

OfferKey = tuple[str, str]  # (seller, product)


@dataclass(frozen=True, slots=True)
class OldOrder:
    """An order as it was: units and unit price of each offer, freight of each seller in cents."""

    id: str
    lines: dict[OfferKey, tuple[int, Decimal]]
    freight_minor: dict[str, int]

    @property
    def total_minor(self) -> int:
        return sum(int(price * 100) * units for units, price in self.lines.values()) + sum(self.freight_minor.values())


@dataclass(frozen=True, slots=True)
class OldPayment:
    """What was paid for an order, all its payments together."""

    minor: int
    instalments: int
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Olist:
    """Everything that is sold, and the orders to replay in the order of their shipping limits."""

    sellers: list[str]
    products: list[str]
    list_prices: dict[OfferKey, Decimal]  # an offer's price in its first order of all
    orders: list[OldOrder]
    spanning: int  # how many of them span several sellers
    payments: dict[str, OldPayment]


def read() -> Olist:
    """All sellers, products and offers; every order over several sellers and, of the others, the first OTHERS by id,
    which is a random text. Ends the program where the data is not here."""
    if not FOLDER.is_dir():
        raise SystemExit(f"The orders to replay are not here: {FOLDER} is missing. Nothing was measured.")
    if shutil.which("zstdcat") is None:
        raise SystemExit("The orders are compressed by zstd: install it (apt-get install zstd). Nothing was measured.")
    items: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _rows("order_items"):
        items[row["order_id"]].append(row)
    spanning = {order_id for order_id, rows in items.items() if len({row["seller_id"] for row in rows}) > 1}
    others = sorted(items.keys() - spanning)[:OTHERS]
    by_date = sorted((row["shipping_limit_date"], order_id) for order_id, rows in items.items() for row in rows[:1])
    prices: dict[OfferKey, Decimal] = {}
    for _, order_id in by_date:
        for row in items[order_id]:
            prices.setdefault((row["seller_id"], row["product_id"]), Decimal(row["price"]))
    wanted = spanning.union(others)
    return Olist(
        [row["seller_id"] for row in _rows("sellers")],
        [row["product_id"] for row in _rows("products")],
        prices,
        [_order(order_id, items[order_id]) for _, order_id in by_date if order_id in wanted],
        len(spanning),
        _payments(wanted),
    )


def _order(order_id: str, rows: list[dict[str, str]]) -> OldOrder:
    """Equal items of a seller are one line; no order has the same offer at two prices."""
    lines: dict[OfferKey, tuple[int, Decimal]] = {}
    freight: dict[str, int] = defaultdict(int)
    for row in rows:
        key, price = (row["seller_id"], row["product_id"]), Decimal(row["price"])
        units, known = lines.get(key, (0, price))
        if known != price:
            raise SystemExit(f"order {order_id} has one offer at two prices")
        lines[key] = (units + 1, price)
        freight[row["seller_id"]] += int(Decimal(row["freight_value"]) * 100)
    return OldOrder(order_id, lines, dict(freight))


def _payments(wanted: set[str]) -> dict[str, OldPayment]:
    found: dict[str, OldPayment] = {}
    for row in _rows("order_payments"):
        if row["order_id"] in wanted:
            before = found.get(row["order_id"], OldPayment(0, 0, frozenset()))
            found[row["order_id"]] = OldPayment(
                before.minor + int(Decimal(row["payment_value"]) * 100),
                max(before.instalments, int(row["payment_installments"])),
                before.kinds | {row["payment_type"]},
            )
    return found


def _rows(name: str) -> Iterator[dict[str, str]]:
    file = FOLDER / f"{name}.csv.zst"
    text = subprocess.run(["zstdcat", str(file)], check=True, capture_output=True).stdout.decode()
    yield from csv.DictReader(io.StringIO(text))
