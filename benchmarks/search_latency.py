"""The search endpoint at 582,280 offers with this buyer's prices, asked over HTTP by 8 callers through gunicorn.

Words are drawn from the parts' own categories and makers, with facets of categories and vendors; numbers are those of
parts, as written; completions are the first letters of both. Beside it the bare client of Elasticsearch sends the very
bodies that the endpoint sends for the same words, from 8 threads (`bare`), and the same question put as one search
(`plain`). `words_anew`: where nothing that the server counted
is kept, although a word comes again. `page` is what the page of offers asks for: all its
facets, among them this buyer's prices, and what was found marked.

Run alone: python benchmarks/search_latency.py [--parts N] [--seconds N]. The last line is one JSON object.
"""

import argparse
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import quote

import _catalogues as catalogues
import _common as bench
import _parts
import psycopg

from search import dsl, indexing, pages, provider, queries, rules
from search.engine import Buyer, FacetName, SearchRequest
from search.postgres import PostgresEngine

CALLERS = 8
WARM_UP_S = 20.0  # a server that has just started compiles what it does often: neither side is to pay for that
KINDS = (
    "led", "ethernet",
    "capacitor", "chip resistor", "tantalum capacitor", "schottky diode", "connector header", "voltage regulator",
    "crystal oscillator", "mosfet", "inductor", "usb connector", "flash memory", "operational amplifier", "relay",
    "zener diode", "tactile switch", "current sensor", "bridge rectifier", "thermistor", "ferrite bead",
    "microcontroller", "aluminum electrolytic capacitor", "resistor array", "terminal block", "power inductor",
)  # fmt: skip
FACETS = (FacetName.CATEGORY, FacetName.VENDOR)
ASKED = {"words": (FACETS, False), "page": (tuple(pages.FACETS), True)}  # facets, with what was found marked


def main() -> None:
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--parts", type=int)
    wanted.add_argument("--seconds", type=float, default=10.0)
    wanted.add_argument("--engines", default="elasticsearch,postgres")
    chosen = wanted.parse_args()
    figures: dict[str, Any] = {}
    with catalogues.elastic("latency") as engine:
        settings = {"elasticsearch_url": engine.url, "elasticsearch_index": engine.alias, "search_timeout_ms": 10_000}
        with bench.stage() as on:
            filled = _parts.fill(on.app, on.conninfo, chosen.parts)
            if "elasticsearch" in chosen.engines:
                provider.use(on.app, engine, [engine])
                with on.app.app_context():
                    figures["offers"] = indexing.rebuild()
                patient = engine.client.options(request_timeout=600)
                patient.indices.forcemerge(index=engine.alias, max_num_segments=1)
                env = dict(on.environment)
                on.environment.update({name.upper(): str(value) for name, value in settings.items()})
                beside(on, engine, filled, WARM_UP_S)
                figures["elasticsearch"] = answered(on, filled, chosen.seconds)
                figures["elasticsearch"] |= counted_anew(on, engine, filled, chosen.seconds)
                figures["elasticsearch"] |= beside(on, engine, filled, chosen.seconds)
                on.environment.clear()
                on.environment.update(env)
            if "postgres" in chosen.engines:
                embedded = PostgresEngine()
                provider.use(on.app, embedded, [embedded])
                with on.app.app_context():
                    figures["offers"] = indexing.rebuild()
                analyze(on.conninfo)
                on.environment.pop("ELASTICSEARCH_URL", None)  # that of the other engine's server
                figures["postgres"] = answered(on, filled, chosen.seconds)
    if outside := figures.get("elasticsearch"):
        outside["ratio_p50"] = outside["words_p50_ms"] / outside["bare_p50_ms"]
        outside["page_ratio_p50"] = outside["page_p50_ms"] / outside["page_bare_p50_ms"]
        outside["plain_ratio_p50"] = outside["words_p50_ms"] / outside["plain_p50_ms"]
        outside["page_plain_ratio_p50"] = outside["page_p50_ms"] / outside["page_plain_p50_ms"]
    for name in ("elasticsearch", "postgres"):
        if name in figures:
            figures[name] = {key: round(value, 2) for key, value in figures[name].items()}
    bench.finish(figures)


def analyze(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def paths(filled: _parts.Filled) -> dict[str, Callable[[], str]]:
    rng = random.Random(11)

    def words(facets: Iterable[FacetName], marked: bool) -> str:
        asked = "&".join(f"facets={name.value}" for name in facets)
        return f"/v1/search?limit=20&{asked}&highlight={str(marked).lower()}&q={quote(rng.choice(KINDS))}"

    return {
        **{name: partial(words, *asked) for name, asked in ASKED.items()},
        "part": lambda: f"/v1/search?limit=20&q={quote(rng.choice(filled.numbers))}",
        "autocomplete": lambda: f"/v1/search/completions?q={quote(begun(rng, filled))}",
    }


def begun(rng: random.Random, filled: _parts.Filled) -> str:
    text = rng.choice((rng.choice(KINDS), rng.choice(filled.numbers)))
    return text[: rng.randint(3, max(3, min(8, len(text))))]


def counted_anew(on: bench.Stage, engine: Any, filled: _parts.Filled, seconds: float) -> dict[str, float]:
    """The words where the server keeps nothing that it has counted, as where the catalogue changes all the time."""

    def keeps(yes: bool) -> None:
        engine.client.indices.put_settings(index=engine.alias, settings={"index.requests.cache.enable": yes})

    keeps(False)
    found = answered(on, filled, seconds, ("words",))
    keeps(True)
    return {name.replace("words", "words_anew"): value for name, value in found.items()}


def answered(
    on: bench.Stage, filled: _parts.Filled, seconds: float, asked_for: Iterable[str] | None = None
) -> dict[str, float]:
    found: dict[str, float] = {}
    keys = itertools.cycle([buyer.key for buyer in filled.buyers])
    known = paths(filled)
    with bench.web_server(on) as web:
        for name in asked_for or known:
            path = known[name]

            def asked(path: Callable[[], str] = path) -> bytes:
                return bench.get_request(path(), next(keys))

            load = bench.closed_loop(web.address, CALLERS, seconds, asked)
            if set(load.statuses) != {200}:
                raise SystemExit(f"{name}: some answers were refusals: {load.statuses}")
            found[f"{name}_per_s"] = load.per_s
            for share in (50, 95):
                found[f"{name}_p{share}_ms"] = bench.percentile(load.latencies_ms, share / 100)
    return found


def beside(on: bench.Stage, engine: Any, filled: _parts.Filled, seconds: float) -> dict[str, float]:
    """The bodies of the words and of the page, sent by the bare client from as many threads."""
    found: dict[str, float] = {}
    with on.app.app_context():
        buyers = [queries.buyer_of(buyer.actor) for buyer in filled.buyers]
    for name, (facets, marked) in ASKED.items():
        asked = bodies(buyers, facets, marked)
        prefix = "" if name == "words" else f"{name}_"
        for kind, sent in (("bare", asked), ("plain", [[in_one(*searches)] for searches in asked])):
            latencies = bare(engine, sent, seconds)
            found[f"{prefix}{kind}_p50_ms"] = bench.percentile(latencies, 0.5)
            found[f"{prefix}{kind}_per_s"] = len(latencies) / seconds
    return found


def in_one(hits: dict[str, Any], counts: dict[str, Any]) -> dict[str, Any]:
    """The same question as one plain search, which scores all that it counts."""
    return hits | {"track_total_hits": True, "aggs": counts["aggs"]}


def bodies(buyers: list[Buyer], facets: Iterable[FacetName], marked: bool) -> list[list[dict[str, Any]]]:
    """What the endpoint sends, for each of the words and buyers: the searches of one request."""
    understood = [rules.understand(kind, None, ()) for kind in KINDS]
    return [
        dsl.searches(SearchRequest(words=words, facets=tuple(facets), buyer=buyer, highlight=marked))
        for words in understood for buyer in buyers
    ]  # fmt: skip


def bare(engine: Any, asked: list[list[dict[str, Any]]], seconds: float) -> list[float]:
    """How long each answer took, in milliseconds."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    def ask(number: int) -> None:
        rng = random.Random(number)
        while time.perf_counter() < end:
            started = time.perf_counter()
            lines = [line for search in rng.choice(asked) for line in ({}, search)]
            engine.client.msearch(index=engine.alias, searches=lines)
            latencies.append((time.perf_counter() - started) * 1000)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies


if __name__ == "__main__":
    main()
