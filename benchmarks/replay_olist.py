"""Real orders over several vendors, placed, split, paid and shipped through the actions of the API, then over HTTP.

Run alone: python benchmarks/replay_olist.py [orders [orders over HTTP]]. The last line is one JSON object.
"""

import hashlib
import multiprocessing
import sys
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import _common as bench
import _market as market
import _olist as olist
import psycopg
from _market import Member, Offered
from _olist import OfferKey, OldOrder, Olist
from _talks import Ask, Talk, expect, hold
from _whole import Whole, whole_set
from sqlalchemy import select, text

import wsgi
from marketplace.agreements import actions as agreements
from marketplace.agreements.models import Price
from marketplace.carts import actions as carts
from marketplace.kernel.db import db, new_id, transaction
from marketplace.kernel.settings import from_environment
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.rules import actions as rules
from marketplace.rules.models import DeliveryRate, TaxRate
from marketplace.shipments import actions as shipments
from settlements.ledger import books
from settlements.payments import actions as payment_actions
from settlements.payments import jobs as payments
from settlements.payments.states import PaymentState

PROCESSES, BUYERS, HTTP_CALLERS, HTTP_ORDERS = 2, 100, 8, 500
COUNTRY, CURRENCY, TAX = "BR", "BRL", Decimal("0.18")
METHOD = "pm_card_visa"
SHIPPING = {"carrier": "Correios", "tracking_number": "", "announce_only": False}


@dataclass(frozen=True)
class World:
    """What stands for the sellers, offers and customers of old."""

    vendors: dict[str, Member]
    offers: dict[OfferKey, Offered]
    buyers: list[Member]

    def buyer(self, old: OldOrder) -> Member:
        return self.buyers[int(hashlib.sha256(old.id.encode()).hexdigest(), 16) % len(self.buyers)]

    def offer(self, key: OfferKey) -> Offered:
        return self.offers[key]


def main() -> None:
    data = olist.read()
    wanted = data.orders[: int(sys.argv[1])] if len(sys.argv) > 1 else data.orders
    over_http = wanted[: int(sys.argv[2]) if len(sys.argv) > 2 else HTTP_ORDERS]
    with whole_set() as whole:
        with whole.on.app.app_context(), transaction():
            world = create(data)
        with psycopg.connect(whole.on.conninfo, autocommit=True) as link:
            link.execute("ANALYZE")
        placed, seconds = replay(whole, world, wanted)
        drained = whole.drain()
        served, http_seconds, failed = replay_http(whole, world, over_http)
        http_drained = whole.drain()
        figures = proof(whole, placed + served)
    tell(data, wanted, placed, seconds, drained)
    print(f"HTTP: {len(served)} in {http_seconds:.1f} s by {HTTP_CALLERS} callers; drained in {http_drained:.1f} s.")
    for refusal, times in failed.most_common(5):
        print(f"  failed {times} times: {refusal}")
    bench.finish(
        {
            "orders": len(placed),
            "orders_per_s": len(placed) / seconds,
            **figures,
            "http_orders": len(served),
            "http_orders_per_s": len(served) / http_seconds,
            "http_failed": sum(failed.values()),
            "drained_s": max(drained, http_drained),
        }
    )


def create(data: Olist) -> World:
    """Every seller a vendor with a public price list and a delivery rate, every product, every offer ever sold."""
    market.operator(COUNTRY, CURRENCY)
    start = date(2016, 1, 1)
    market.write(TaxRate, [{"country": COUNTRY, "category": "standard", "rate": TAX, "valid_from": start}])
    members = market.vendors(data.sellers, COUNTRY, CURRENCY, includes_tax=True, delivery_minor=0)
    vendors = dict(zip(data.sellers, members, strict=True))
    goods = dict(zip(data.products, market.products(data.products, members[0]), strict=True))
    made = market.offers(
        (
            Offered(new_id(), vendors[seller], goods[product], product, price)
            for (seller, product), price in data.list_prices.items()
        ),
        COUNTRY,
    )
    return World(vendors, dict(zip(data.list_prices, made, strict=True)), market.buyers(BUYERS, COUNTRY, CURRENCY))


# In processes, through the actions.

Placed = list[tuple[uuid.UUID, int]]  # order, and what it cost of old in cents


def replay(whole: Whole, world: World, wanted: list[OldOrder]) -> tuple[Placed, float]:
    """All of them, each process taking the next one; (orders, seconds)."""
    following = multiprocessing.get_context("fork").Value("i", 0)
    _inherited.extend((world, wanted, following))  # by fork: too much to send
    ready = time.perf_counter()
    found = bench.in_processes(PROCESSES, _replay_some, whole.on.environment, whole.on.conninfo)
    return [entry for part in found for entry in part], time.perf_counter() - ready


_inherited: list = []


def _replay_some(_number: int, environment: dict[str, str], conninfo: str) -> Placed:
    world, wanted, following = _inherited
    app = wsgi.create_app(from_environment(environment))
    done: Placed = []
    with psycopg.connect(conninfo, autocommit=True) as locks:
        while True:
            with following.get_lock():
                number, following.value = following.value, following.value + 1
            if number >= len(wanted):
                return done
            with app.app_context():
                done.append((replay_one(world, wanted[number], locks), wanted[number].total_minor))


def replay_one(world: World, old: OldOrder, locks: psycopg.Connection) -> uuid.UUID:
    """One order from its vendors' prices to the last parcel, every step in a transaction of its own."""
    buyer = world.buyer(old)
    with held(locks, old):
        adapt_prices(world, old)
        with transaction():
            cart = carts.create(
                buyer.actor,
                currency=CURRENCY,
                prices_include_tax=True,
                lines=[carts.WantedLine(world.offer(key).id, units) for key, (units, _) in old.lines.items()],
                delivery_address_id=buyer.address_id,
            ).cart
        with transaction():
            order = carts.checkout(buyer.actor, cart.id, expected_total_minor=old.total_minor).order
    with transaction():
        payment = payment_actions.reserve(buyer.actor, order.id)
    paid, _ = payments.take(payment.id, METHOD)
    if paid.state is not PaymentState.CAPTURED:
        raise SystemExit(f"the payment of {old.id} ended as {paid.state}")
    with transaction():
        parts = [(part.id, part.vendor_id) for part in order_queries.parts_of(order.id)]
    actors = {world.vendors[seller].company_id: world.vendors[seller].actor for seller, _ in old.lines}
    for part_id, vendor_id in parts:
        fulfil(actors[vendor_id], order.id, part_id)
    return order.id


def fulfil(actor, order_id: uuid.UUID, part_id: uuid.UUID) -> None:
    """A vendor's part: confirmed, sent in one parcel, or in two where it has several lines, delivered."""
    with transaction():
        orders.confirm(actor, part_id)
    with transaction():
        first, *rest = [
            {"line_id": line.id, "quantity": line.quantity} for line in order_queries.lines_of(order_id, part_id)
        ]
    for lines in ([first], rest) if rest else ([first],):
        with transaction():
            parcel = shipments.ship(actor, part_id, SHIPPING | {"lines": lines})
        with transaction():
            shipments.deliver(actor, parcel.id)


def adapt_prices(world: World, old: OldOrder) -> None:
    """Where an offer's price, or a vendor's freight, was another at the time, the vendor sets it."""
    offers = {world.offer(key).id: (world.offer(key), price) for key, (_, price) in old.lines.items()}
    rates = {world.vendors[seller].rate_id: (seller, minor) for seller, minor in old.freight_minor.items()}
    with transaction():
        now = db.session.execute(select(Price.offer_id, Price.unit_price).where(Price.offer_id.in_(offers))).all()
        freight = db.session.execute(
            select(DeliveryRate.id, DeliveryRate.price_minor).where(DeliveryRate.id.in_(rates))
        ).all()
    changed: dict[Member, list[dict]] = {}
    for offer_id, price in now:
        offer, wanted = offers[offer_id]
        if price != wanted:
            tiers = [{"from_quantity": 1, "unit_price": wanted}]
            changed.setdefault(offer.vendor, []).append({"offer_id": offer_id, "tiers": tiers})
    for vendor, rows in changed.items():
        with transaction():
            agreements.set_prices(vendor.actor, vendor.list_id, rows)
    for rate_id, minor in freight:
        seller, wanted_minor = rates[rate_id]
        if minor != wanted_minor:
            with transaction():
                rules.edit_delivery_rate(world.vendors[seller].actor, rate_id, {"price_minor": wanted_minor})


@contextmanager
def held(locks: psycopg.Connection, old: OldOrder) -> Iterator[None]:
    """Nobody else replays an order of these sellers meanwhile: their prices are those of this order's day."""
    numbers = sorted(int(seller[:15], 16) for seller in old.freight_minor)
    for number in numbers:
        locks.execute("SELECT pg_advisory_lock(%s)", (number,))
    try:
        yield
    finally:
        locks.execute("SELECT pg_advisory_unlock_all()")


# Over HTTP.


def replay_http(whole: Whole, world: World, wanted: list[OldOrder]) -> tuple[Placed, float, Counter[str]]:
    """The same by requests alone; an order waits while one of its sellers has another under way."""
    waiting, busy, done = deque(wanted), set(), []

    def following() -> Talk | None:
        for _ in range(len(waiting)):
            old = waiting.popleft()
            if busy.isdisjoint(old.freight_minor):
                return _told(old)
            waiting.append(old)
        return None

    def _told(old: OldOrder) -> Talk:
        busy.update(old.freight_minor)
        try:
            order_id = yield from order_by_http(world, old)
            done.append((uuid.UUID(order_id), old.total_minor))
        finally:
            busy.difference_update(old.freight_minor)

    assert whole.web is not None
    began = time.perf_counter()
    heard = hold(whole.web.address, [("", following)] * HTTP_CALLERS)
    while waiting:  # those that met a seller's other order when a caller had nothing else to do
        heard_again = hold(whole.web.address, [("", following)])
        heard.refusals.update(heard_again.refusals)
    return done, time.perf_counter() - began, heard.refusals


def order_by_http(world: World, old: OldOrder) -> Talk:
    """One order as `replay_one` makes it; every price and freight is set by its vendor, whatever it was."""
    buyer = world.buyer(old)
    for seller, freight in old.freight_minor.items():
        vendor = world.vendors[seller]
        rows = [
            {"offer_id": str(world.offer(key).id), "tiers": [{"from_quantity": 1, "unit_price": str(price)}]}
            for key, (_, price) in old.lines.items()
            if key[0] == seller
        ]
        prices = Ask("PUT", f"/v1/price-lists/{vendor.list_id}/prices", {"prices": rows}, by(vendor, match="*"))
        expect((yield prices), 200)
        rate = Ask("PATCH", f"/v1/delivery-rates/{vendor.rate_id}", {"price_minor": freight}, by(vendor, match="*"))
        expect((yield rate), 200)
    cart = {
        "currency": CURRENCY,
        "prices_include_tax": True,
        "delivery_address_id": str(buyer.address_id),
        "lines": [{"offer_id": str(world.offer(key).id), "quantity": units} for key, (units, _) in old.lines.items()],
    }
    made = expect((yield Ask("POST", "/v1/carts", cart, by(buyer))), 201)
    total = {"expected_total_minor": old.total_minor}
    order = expect((yield Ask("POST", f"/v1/carts/{made['id']}/checkout", total, by(buyer, once=True))), 201)
    method = {"payment_method": METHOD}
    expect((yield Ask("POST", f"/v1/orders/{order['id']}/payments", method, by(buyer, once=True))), 201)
    vendors = {str(world.vendors[seller].company_id): world.vendors[seller] for seller in old.freight_minor}
    for part in order["vendor_orders"]:
        vendor, at = vendors[part["vendor_id"]], f"/v1/vendor-orders/{part['id']}"
        expect((yield Ask("POST", f"{at}/confirm", None, by(vendor, once=True))), 200)
        first, *rest = [{"line_id": line["id"], "quantity": line["quantity"]} for line in part["lines"]]
        for lines in ([first], rest) if rest else ([first],):
            sent = {"carrier": "Correios", "lines": lines}
            parcel = expect((yield Ask("POST", f"{at}/parcels", sent, by(vendor, once=True))), 201)
            expect((yield Ask("POST", f"/v1/parcels/{parcel['id']}/deliver", None, by(vendor, once=True))), 200)
    return order["id"]


def by(member: Member, *, once: bool = False, match: str = "") -> dict[str, str]:
    """The headers of a request of this company."""
    headers = {"Authorization": f"Bearer {member.key}"}
    if once:
        headers["Idempotency-Key"] = uuid.uuid4().hex
    return headers | ({"If-Match": match} if match else {})


# What it came to.

_UNBALANCED = text("""
    SELECT count(*) FROM orders o
    LEFT JOIN (SELECT order_id, sum(buyer_owes_minor) AS owed FROM vendor_order GROUP BY 1) part ON part.order_id = o.id
    LEFT JOIN (SELECT d.order_id, sum(d.amount_minor + CASE WHEN sold.prices_include_tax THEN 0 ELSE d.tax_minor END)
               AS owed FROM order_delivery d JOIN orders sold ON sold.id = d.order_id WHERE d.vendor_id IS NULL
               GROUP BY 1) own ON own.order_id = o.id
    LEFT JOIN (SELECT order_id, sum(amount_minor) AS net FROM order_money GROUP BY 1) money ON money.order_id = o.id
    WHERE part.owed + coalesce(own.owed, 0) IS DISTINCT FROM money.net
""")
_VENDORS_OFF = text("""
    SELECT count(*) FROM vendor_order part
    LEFT JOIN (SELECT p.vendor_order_id, a.party, -sum(p.amount_minor) AS due
               FROM posting p JOIN account a ON a.id = p.account_id WHERE a.kind LIKE 'vendor%' GROUP BY 1, 2) booked
        ON booked.vendor_order_id = part.id AND booked.party = part.vendor_id
    WHERE booked.due IS DISTINCT FROM part.payable_minor
""")
_UNDELIVERED = text("SELECT count(*) FROM vendor_order WHERE state NOT IN ('delivered', 'closed')")


def proof(whole: Whole, placed: Placed) -> dict[str, int]:
    """What the database says: parts against payments, books against valuations, totals against those of old."""
    with whole.on.app.app_context():
        unbalanced = db.session.execute(_UNBALANCED).scalar_one() + db.session.execute(_VENDORS_OFF).scalar_one()
        undelivered = db.session.execute(_UNDELIVERED).scalar_one()
        paid = dict(db.session.execute(text("SELECT order_id, sum(amount_minor) FROM order_money GROUP BY 1")).all())
        differences = books.check_books()
    for difference in differences[:5]:
        print(difference)
    off = sum(abs(int(paid.get(order_id, 0)) - minor) for order_id, minor in placed)
    return {
        "unbalanced": unbalanced,
        "cents_off": off,
        "undelivered": undelivered,
        "books_differences": len(differences),
    }


def tell(data: Olist, wanted: list[OldOrder], placed: Placed, seconds: float, drained: float) -> None:
    lines = sum(len(old.lines) for old in wanted)
    spanning = sum(len(old.freight_minor) > 1 for old in wanted)
    stock = f"{len(data.sellers)} vendors, {len(data.products)} products, {len(data.list_prices)} offers"
    print(f"{stock}, written in bulk; then {len(wanted)} orders, {spanning} of")
    print(
        f"the {data.spanning} that span several vendors (the others are the first {olist.OTHERS} by id), {lines} lines,"
    )
    print(
        f"replayed by {PROCESSES} processes through the actions of the API: prices and freight of the day set by their"
    )
    print(
        "vendors, cart, checkout, payment through the gateway's adapter and the provider's stand-in, confirmed, sent in"
    )
    print("parcels, delivered; each step a transaction. Prices contain 18 % tax.")
    print(f"{len(placed)} orders in {seconds:.1f} s; events, jobs and web hooks drained {drained:.1f} s later.")
    why = Counter(_beside_payment(data, old) for old in wanted)
    print("Prices and freight beside what was paid of old: " + "; ".join(f"{n} {w}" for w, n in why.most_common()))


def _beside_payment(data: Olist, old: OldOrder) -> str:
    """Does our total agree with the payments of old, and if not, why?"""
    paid = data.payments.get(old.id)
    if paid is None:
        return "without a payment"
    gap = paid.minor - old.total_minor
    if gap == 0:
        return "agree"
    if abs(gap) <= 5:
        return "differ by up to 5 cents (rounded instalments)"
    if gap > 0:
        return "paid more, in instalments (interest)" if paid.instalments > 1 else "paid more otherwise"
    return "paid less"


if __name__ == "__main__":
    main()
