"""Real cancellations of a wholesaler replayed as return cases: what was bought comes back, what was not is refused.

A stock code belongs to one of 40 vendors: the CRC-32 of the code, modulo 40. Half of the invoices, by their numbers,
carry the code TEN: 5 percent from 50.00, 10 percent from 200.00, 40 percent of it paid by vendors. A cancellation
invoice takes back what it names from the newest invoices of its customer first; one case per order it touches. Of an
invoice, the vendors whose goods come back later ship and deliver theirs. Delivery is free of charge.

Run alone: python benchmarks/replay_returns.py [cancellation invoices]. The last line is one JSON object.
"""

import csv
import io
import shutil
import subprocess
import sys
import time
import uuid
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import _common as bench
import _market as market
from _market import Member, Offered
from _whole import Whole, whole_set
from sqlalchemy import text

import wsgi
from marketplace.carts import actions as carts
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, new_id, transaction
from marketplace.kernel.errors import Refusal
from marketplace.kernel.settings import from_environment
from marketplace.orders import actions as orders
from marketplace.returns import actions as returns
from marketplace.returns import queries as return_queries
from marketplace.rules.models import Promotion
from marketplace.shipments import actions as shipments
from settlements.ledger import books
from settlements.payments import actions as payment_actions
from settlements.payments import jobs as payments

FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "online_retail" / "online_retail.csv.zst"
VENDORS, PROCESSES, CANCELLATIONS = 40, 2, 1500
METHOD, CODE = "pm_card_visa", "TEN"
SHIPPING = {"carrier": "DHL", "tracking_number": "", "announce_only": False}


@dataclass
class Invoice:
    """What a customer bought at once: units by stock code, and the price of each."""

    number: str
    customer: str
    at: str
    units: Counter = field(default_factory=Counter)
    prices: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    operator: Member
    vendors: list[Member]
    offers: dict[str, Offered]
    buyers: dict[str, Member]

    def vendor_of(self, code: str) -> Member:
        return self.vendors[zlib.crc32(code.encode()) % VENDORS]


@dataclass
class Bought:
    """A placed invoice: its order, and what of each code may still come back."""

    order_id: uuid.UUID
    lines: dict[str, uuid.UUID]
    left: Counter


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else CANCELLATIONS
    bought, cancelled = read(wanted)
    with whole_set(web=False) as whole:
        with whole.on.app.app_context(), transaction():
            world = create(bought)
        began = time.perf_counter()
        told = Counter()
        _inherited.extend((world, bought, cancelled))
        for part in bench.in_processes(PROCESSES, _replay, whole.on.environment):
            told.update(part)
        seconds = time.perf_counter() - began
        drained = whole.drain(within_s=300)
        figures = proof(whole)
    busy = told.pop("case_ms") / 1000
    rate = told["settled"] / (busy / PROCESSES) if busy else 0.0
    print(f"{told['orders']} invoices placed over {VENDORS} vendors, {len(cancelled)} cancellation invoices replayed")
    print(f"in {seconds:.0f} s by {PROCESSES} processes, {busy / PROCESSES:.1f} s of it with cases,")
    print(f"drained in {drained:.1f} s.")
    for reason, count in sorted(told.items()):
        print(f"  {reason:24} {count}")
    bench.finish({"settled": told["settled"], "refused": told["refused"], "cases_per_s": rate, **figures})


def read(wanted: int) -> tuple[list[Invoice], list[Invoice]]:
    """The first cancellation invoices of known customers, and every invoice that holds something of them."""
    if not FILE.is_file():
        raise SystemExit(f"The invoices to replay are not here: {FILE} is missing. Nothing was measured.")
    sold: dict[str, Invoice] = {}
    back: dict[tuple[str, str], Invoice] = {}
    for row in csv.DictReader(io.StringIO(_text())):
        units, price, customer = int(row["Quantity"]), Decimal(row["UnitPrice"]), row["CustomerID"]
        number, code = row["InvoiceNo"], row["StockCode"]
        if not customer:
            continue
        if number.startswith("C") and units < 0:
            found = back.setdefault((number, customer), Invoice(number, customer, row["InvoiceDate"]))
            found.units[code] -= units
        elif units > 0 and price > 0:
            invoice = sold.setdefault(number, Invoice(number, customer, row["InvoiceDate"]))
            invoice.units[code] += units
            invoice.prices.setdefault(code, price)
    cancelled = sorted(back.values(), key=lambda one: (one.at, one.number))[:wanted]
    codes: dict[str, set[str]] = defaultdict(set)
    for one in cancelled:
        codes[one.customer].update(one.units)
    until = cancelled[-1].at
    bought = [
        one for one in sold.values() if one.at <= until and not codes.get(one.customer, set()).isdisjoint(one.units)
    ]
    return sorted(bought, key=lambda one: (one.at, one.number)), cancelled


def _text() -> str:
    if shutil.which("zstdcat"):
        return subprocess.run(["zstdcat", str(FILE)], check=True, capture_output=True).stdout.decode()
    raise SystemExit("zstdcat is not here to unpack the invoices. Nothing was measured.")


def create(bought: list[Invoice]) -> World:
    """A vendor's offer for every code, at the price it was first sold for; a buyer for every customer."""
    operator = market.operator("GB", "GBP")
    vendors = market.vendors([f"Vendor {n}" for n in range(VENDORS)], "GB", "GBP", delivery_minor=0)
    prices: dict[str, Decimal] = {}
    for one in bought:
        for code, price in one.prices.items():
            prices.setdefault(code, price)
    goods = market.products(list(prices), vendors[0])
    offers = market.offers(
        (
            Offered(new_id(), vendors[zlib.crc32(code.encode()) % VENDORS], product, code, price)
            for (code, price), product in zip(prices.items(), goods, strict=True)
        ),
        "GB",
        on_hand=1_000_000_000,
    )
    customers = sorted({one.customer for one in bought})
    buyers = dict(zip(customers, market.buyers(len(customers), "GB", "GBP"), strict=True))
    steps = [{"from_minor": 5000, "rate": "0.05"}, {"from_minor": 20000, "rate": "0.10"}]
    promotion = {"name": "Stepped", "code": CODE, "currency": "GBP", "steps": steps, "vendor_share": Decimal("0.4")}
    db.session.add(Promotion(scope={}, starts_at=datetime(2020, 1, 1, tzinfo=UTC), **promotion))
    return World(operator, vendors, dict(zip(prices, offers, strict=True)), buyers)


_inherited: list = []


def _replay(number: int, environment: dict[str, str]) -> Counter:
    """The customers of one process, from their first invoice to their last cancellation."""
    world, bought, cancelled = _inherited
    app = wsgi.create_app(from_environment(environment))
    told: Counter = Counter()
    mine = {c for c in world.buyers if zlib.crc32(c.encode()) % PROCESSES == number}
    comes_back: dict[str, set[str]] = defaultdict(set)
    for one in cancelled:
        comes_back[one.customer].update(one.units)
    placed: dict[str, list[tuple[str, Bought]]] = defaultdict(list)
    for one in bought:
        if one.customer in mine:
            with app.app_context():
                placed[one.customer].append((one.at, place(world, one, comes_back[one.customer])))
            told["orders"] += 1
    for one in cancelled:
        if one.customer in mine or (number == 0 and one.customer not in world.buyers):
            began = time.perf_counter()
            with app.app_context():
                told += give_back(world, one, [b for at, b in placed[one.customer] if at <= one.at])
            told["case_ms"] += round((time.perf_counter() - began) * 1000)
    return told


def place(world: World, one: Invoice, comes_back: set[str]) -> Bought:
    """An invoice, ordered, paid, and delivered where something of it comes back."""
    buyer = world.buyers[one.customer]
    with transaction():
        cart = carts.create(
            buyer.actor,
            currency="GBP",
            lines=[carts.WantedLine(world.offers[code].id, units) for code, units in one.units.items()],
            delivery_address_id=buyer.address_id,
            codes=[CODE] if zlib.crc32(one.number.encode()) % 2 else [],
        ).cart
    with transaction():
        whole = carts.checkout(buyer.actor, cart.id)
    if whole.order.owed_minor:
        with transaction():
            payment = payment_actions.reserve(buyer.actor, whole.order.id)
        payments.take(payment.id, METHOD)
    lines = {line.sku: line for line in whole.lines}
    sent = {lines[code].vendor_order_id for code in comes_back if code in lines}
    for part_id in sent:
        with transaction():
            orders.confirm(SYSTEM, part_id)
            parcel = shipments.ship(SYSTEM, part_id, SHIPPING | {"lines": None})
            shipments.deliver(SYSTEM, parcel.id)
    shipped = {code: line.id for code, line in lines.items() if line.vendor_order_id in sent}
    return Bought(whole.order.id, shipped, Counter({code: one.units[code] for code in shipped}))


def give_back(world: World, one: Invoice, placed: list[Bought]) -> Counter:
    """A cancellation invoice: what it names beyond what was bought is refused, the rest settles, order by order."""
    told: Counter = Counter()
    buyer = world.buyers.get(one.customer)
    by_order: dict[uuid.UUID, list[dict]] = defaultdict(list)
    for code, units in one.units.items():
        holders = [bought for bought in reversed(placed) if bought.left[code]]
        if sum(bought.left[code] for bought in holders) < units:
            told += refuse(buyer, placed, holders, code, units)
            continue
        to_come = units
        for bought in holders:
            part = min(to_come, bought.left[code])
            if part:
                wanted = {"line_id": bought.lines[code], "quantity": part, "reason": "change_of_mind"}
                by_order[bought.order_id].append(wanted)
                bought.left[code] -= part
                to_come -= part
    for order_id, lines in by_order.items():
        settle(buyer, order_id, lines)
        told["settled"] += 1
    return told


def refuse(buyer: Member | None, placed: list[Bought], holders: list[Bought], code: str, units: int) -> Counter:
    """Ask for it all the same; the reason is that of the refusal."""
    if buyer is None or not placed:
        return Counter({"refused": 1, "refused: no order": 1})
    of = next((bought for bought in reversed(placed) if code in bought.lines), placed[-1])
    line_id = of.lines.get(code, new_id())
    wanted = [{"line_id": line_id, "quantity": units, "reason": "change_of_mind"}]
    try:
        with transaction():
            returns.open_case(buyer.actor, of.order_id, wanted)
    except Refusal as refusal:
        return Counter({"refused": 1, f"refused: {type(refusal).__name__}": 1})
    raise SystemExit(f"{units} of {code} were taken back, although only {sum(b.left[code] for b in holders)} were left")


def settle(buyer: Member, order_id: uuid.UUID, lines: list[dict]) -> None:
    """Asked for, approved and received by each vendor, decided as claimed and settled."""
    with transaction():
        case = returns.open_case(buyer.actor, order_id, lines)
    with transaction():
        found = return_queries.lines_of(SYSTEM, case.id)
        for line in found:
            returns.approve(SYSTEM, case.id, line.id)
            returns.receive(SYSTEM, case.id, line.id, line.quantity)
    with transaction():
        decided = returns.decide(SYSTEM, case.id, [{"line_id": line.id} for line in found])
        returns.settle_found(SYSTEM, decided)


_OVERREFUNDED = """
    SELECT count(*) FROM (SELECT order_id FROM order_money GROUP BY 1 HAVING sum(amount_minor) < 0) o
"""
_NOT_ZERO = """
    SELECT count(*) FROM orders o WHERE NOT EXISTS (
        SELECT FROM order_line l WHERE l.order_id = o.id AND l.returned_quantity + l.cancelled_quantity < l.quantity
    ) AND (o.owed_minor <> 0 OR EXISTS (
        SELECT FROM vendor_order v WHERE v.order_id = o.id AND (v.payable_minor <> 0 OR v.commission_minor <> 0)
    ))
"""
_WHOLLY_BACK = """
    SELECT count(*) FROM orders o WHERE NOT EXISTS (
        SELECT FROM order_line l WHERE l.order_id = o.id AND l.returned_quantity + l.cancelled_quantity < l.quantity
    )
"""
_VENDORS_OFF = """
    SELECT count(*) FROM vendor_order part
    LEFT JOIN (SELECT p.vendor_order_id, a.party, -sum(p.amount_minor) AS due
               FROM posting p JOIN account a ON a.id = p.account_id WHERE a.kind LIKE 'vendor%' GROUP BY 1, 2) booked
        ON booked.vendor_order_id = part.id AND booked.party = part.vendor_id
    WHERE coalesce(booked.due, 0) <> part.payable_minor
"""


def proof(whole: Whole) -> dict[str, int]:
    """What the database says: books against valuations, refunds against payments, what is wholly back against zero."""
    with whole.on.app.app_context():
        counted = {
            name: db.session.execute(text(query)).scalar_one()
            for name, query in (
                ("overrefunded", _OVERREFUNDED),
                ("not_restored", _NOT_ZERO),
                ("wholly_back", _WHOLLY_BACK),
                ("vendors_off", _VENDORS_OFF),
            )
        }
        differences = books.check_books()
    for difference in differences[:5]:
        print(f"  the books: {difference}")
    counted["unbalanced"] = len(differences) + counted.pop("vendors_off") + counted.pop("not_restored")
    return counted


if __name__ == "__main__":
    main()
