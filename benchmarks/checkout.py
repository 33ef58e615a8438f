"""How many orders a second are placed and paid over HTTP, from an empty cart to the entry in the books.

Run alone: python benchmarks/checkout.py. The last line is one JSON object.
"""

import random
import sys
import uuid
from collections import Counter
from decimal import Decimal

import _common as bench
import _market as market
from _market import Member, Offered
from _talks import Answer, Ask, Heard, Talk, expect, hold
from _whole import Whole, cpu_seconds, whole_set
from sqlalchemy import text

from marketplace.kernel.db import QueryCounter, db, new_id, transaction
from settlements.ledger import books

VENDORS, OFFERS, CALLERS, WORKERS, THREADS = 100, 5_000, 8, 2, 4
SECONDS, WARM_UP = 20.0, 15.0
METHOD = "pm_card_visa"


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with whole_set(workers=WORKERS, threads=THREADS) as whole:
        with whole.on.app.app_context(), transaction():
            buyers, by_vendor = fill()
        queries = {lines: count_queries(whole, buyers[0], by_vendor, lines) for lines in (3, 30)}
        heard, spent = measure(whole, buyers, by_vendor, seconds)
        drained = whole.drain()
        assert whole.web is not None
        web_mb = whole.web.resident_mb()
        placed, booked, differences = proof(whole)
    tell(heard, spent, queries)
    if placed != booked or differences:
        raise SystemExit(f"{placed} orders placed, {booked} booked; the books do not prove {differences}")
    bench.finish(
        {
            "orders_per_s": heard.per_s,
            "p95_ms": bench.percentile(heard.durations_ms, 0.95),
            "p50_ms": bench.percentile(heard.durations_ms, 0.50),
            "failed": heard.failed,
            "queries_per_order": queries[3],
            "queries_per_order_30_lines": queries[30],
            "drained_s": drained,
            "web_mb": web_mb,
            "orders": booked,
        }
    )


def fill() -> tuple[list[Member], list[list[Offered]]]:
    """A buyer for each caller, and the offers of each vendor."""
    rng = random.Random(7)
    market.operator()
    vendors = market.vendors([f"Vendor {number}" for number in range(VENDORS)])
    goods = market.products([f"Part {number}" for number in range(OFFERS)], vendors[0], market.categories(40))
    found = market.offers(
        Offered(new_id(), vendors[n % VENDORS], product, f"S{n:06}", Decimal(rng.randrange(50, 50_000)) / 100)
        for n, product in enumerate(goods)
    )
    return market.buyers(CALLERS), [found[number::VENDORS] for number in range(VENDORS)]


def order(rng: random.Random, buyer: Member, by_vendor: list[list[Offered]], lines: int = 3) -> Talk:
    """One order over three vendors: a cart with everything in it, checkout, payment."""
    chosen = rng.sample(by_vendor, 3)
    picked = [offer for offers in chosen for offer in rng.sample(offers, lines // 3)]
    wanted = {
        "reference": "PO 4711",
        "delivery_address_id": str(buyer.address_id),
        "deliveries": {str(offer.vendor.company_id): str(offer.vendor.rate_id) for offer in picked},
        "lines": [{"offer_id": str(offer.id), "quantity": rng.randrange(1, 20)} for offer in picked],
    }
    cart = expect((yield Ask("POST", "/v1/carts", wanted)), 201)
    at = f"/v1/carts/{cart['id']}"
    total = {"expected_total_minor": cart["totals"]["total_minor"]}
    placed = expect((yield Ask("POST", f"{at}/checkout", total, {"Idempotency-Key": uuid.uuid4().hex})), 201)
    key = {"Idempotency-Key": uuid.uuid4().hex}
    paid = expect((yield Ask("POST", f"/v1/orders/{placed['id']}/payments", {"payment_method": METHOD}, key)), 201)
    if paid["state"] != "captured":
        raise SystemExit(f"a payment was answered as {paid['state']}")


def measure(
    whole: Whole, buyers: list[Member], by_vendor: list[list[Offered]], seconds: float
) -> tuple[Heard, Counter[str]]:
    """The callers' orders, and the processor time per order in milliseconds of every program."""
    rng = random.Random(1)
    before: list[Counter[str]] = []
    callers = [(buyer.key, lambda buyer=buyer: order(rng, buyer, by_vendor)) for buyer in buyers]
    assert whole.web is not None
    heard = hold(
        whole.web.address,
        callers,
        seconds=seconds,
        warm_up=WARM_UP,
        on_measure=lambda: before.append(cpu_seconds()),
    )
    after = cpu_seconds()
    return heard, Counter({name: after[name] - before[0][name] for name in after})


def count_queries(whole: Whole, buyer: Member, by_vendor: list[list[Offered]], lines: int) -> int:
    """SQL statements of one order, in this process; the second one, when what is cached is cached."""
    counts = []
    client = whole.on.app.test_client()
    for seed in (1, 2):
        talk = order(random.Random(seed), buyer, by_vendor, lines)
        with whole.on.app.app_context(), QueryCounter() as seen:
            ask = next(talk)
            try:
                while True:
                    headers = {"Authorization": f"Bearer {buyer.key}"} | dict(ask.headers)
                    answer = client.open(ask.path, method=ask.method, json=ask.body, headers=headers)
                    ask = talk.send(Answer(answer.status_code, answer.get_json()))
            except StopIteration:
                pass
        counts.append(seen.count)
    return counts[-1]


def proof(whole: Whole) -> tuple[int, int, int]:
    """(orders, orders in the books, differences that the books find)."""
    with whole.on.app.app_context():
        placed = db.session.execute(text("SELECT count(*) FROM orders")).scalar_one()
        booked = db.session.execute(
            text("SELECT count(DISTINCT order_id) FROM journal WHERE event = 'order_paid'")
        ).scalar_one()
        return placed, booked, len(books.check_books())


def tell(heard: Heard, spent: Counter[str], queries: dict[int, int]) -> None:
    count = max(1, len(heard.durations_ms))
    print(f"{OFFERS} offers of {VENDORS} vendors; {CALLERS} callers, each placing the next order when the last is")
    print(f"paid, for {heard.seconds:.0f} s after {WARM_UP:.0f} s of warm-up. An order is three requests: a cart with")
    print(
        "three lines of three vendors, address and deliveries at once; checkout; payment, which the provider's stand-in"
    )
    print("takes and which is booked when it is answered.")
    print(f"gunicorn gthread, {WORKERS} processes of {THREADS} threads; callers, web server,")
    print("provider, dispatcher, workers, PostgreSQL and Valkey share the machine.")
    for step, times in heard.step_ms.items():
        print(f"  {step:32} p50 {bench.percentile(times, 0.5):6.1f} ms, p95 {bench.percentile(times, 0.95):6.1f} ms")
    for name, seconds in spent.most_common():
        print(f"  {name:18} {seconds / count * 1000:6.2f} ms of processor time an order")
    print(f"{count} orders, {heard.per_s:.1f}/s; SQL statements with 3 lines {queries[3]}, with 30 {queries[30]}.")
    for refusal, times in heard.refusals.most_common(5):
        print(f"  failed {times} times: {refusal}")


if __name__ == "__main__":
    main()
