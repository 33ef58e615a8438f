"""How long after its commit a price is found, while fifty prices a second change.

A vendor's action sets the price in a transaction of its own; dispatcher and worker run as processes, as in production;
the time is that from the commit to the first answer of the index in which a filter on the new price finds the product.

Run alone: python benchmarks/price_lag.py [--seconds N] [--parts N]. The last line is one JSON object.
"""

import argparse
import random
import threading
import time
from decimal import Decimal
from typing import Any

import _catalogues as catalogues
import _common as bench
import _parts

from marketplace.agreements import actions as agreements
from marketplace.kernel.db import transaction
from search import indexing, provider
from search.engine import Buyer, Range, SearchRequest

PER_S = 50
WARM_UP_S = 5  # a dispatcher and a worker that still start, and what they do for the first time, are not measured


def main() -> None:
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--seconds", type=int, default=30)
    wanted.add_argument("--parts", type=int, default=20_000)
    chosen = wanted.parse_args()
    with catalogues.elastic("lag") as engine:
        settings = {"elasticsearch_url": engine.url, "elasticsearch_index": engine.alias}
        with bench.stage(**settings) as on:
            filled = _parts.fill(on.app, on.conninfo, chosen.parts)
            provider.use(on.app, engine, [engine])
            with on.app.app_context():
                indexing.rebuild()
            with bench.flask_process(on, "dispatcher"), bench.flask_process(on, "worker", "--queue", "short"):
                random.Random(5).shuffle(filled.offers)
                measured(on.app, engine, filled, range(PER_S * WARM_UP_S))
                lags = measured(on.app, engine, filled, range(PER_S * WARM_UP_S, PER_S * (WARM_UP_S + chosen.seconds)))
    p50, p95 = (bench.percentile(lags, share) for share in (0.5, 0.95))
    print(f"{len(lags)} of {PER_S * chosen.seconds} changed prices were watched: p50 {p50:.2f} s, p95 {p95:.2f} s")
    bench.finish({"p50_s": p50, "p95_s": p95, "watched": len(lags), "changes_per_s": PER_S})


def measured(app: Any, engine: Any, filled: _parts.Filled, numbers: range) -> list[float]:
    """Make the changes of these numbers at a steady pace, and watch every tenth until it is found."""
    lags: list[float] = []
    watchers: list[threading.Thread] = []
    start = time.perf_counter()
    for number in numbers:
        time.sleep(max(0.0, start + (number - numbers.start) / PER_S - time.perf_counter()))
        # In turn, so that none that is watched is changed again meanwhile.
        offer, product, list_id, vendor = filled.offers[number % len(filled.offers)]
        price = Decimal(1_000_000 + number)
        with app.app_context(), transaction():
            row = {"offer_id": offer, "tiers": [{"from_quantity": 1, "unit_price": price}]}
            agreements.set_prices(vendor.actor, list_id, [row])
        if number % 10 == 0:
            watcher = threading.Thread(target=watch, args=(engine, product, price, time.perf_counter(), lags))
            watcher.start()
            watchers.append(watcher)
    for watcher in watchers:
        watcher.join()
    return lags


def watch(engine: Any, product: Any, price: Decimal, committed: float, lags: list[float]) -> None:
    request = SearchRequest(price=Range("price", price, price), buyer=Buyer(currency="EUR"), limit=3)
    while time.perf_counter() - committed < 30:
        if any(hit.product_id == product for hit in engine.search(request).items):
            break
        time.sleep(0.05)
    lags.append(time.perf_counter() - committed)


if __name__ == "__main__":
    main()
