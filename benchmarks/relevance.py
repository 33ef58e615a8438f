"""How well words find what people mean: nDCG@10 on 19,406 real electronics products with people's ratings of queries.

Gain 2^rating - 1, unjudged counts as 0. Beside our engines the same queries are asked of the same server as plain
multi_match (best_fields and cross_fields) over title and short description with the analyzer `english`. What can be
tuned was tuned on the queries of the first half (the first, third, fifth ... in the order of the alphabet); both halves
are reported. Nothing in search knows a query of the file. `likely`: of 2,000 draws of 34 of the queries, each as often
as it comes, the share in which the gain is what is required: how far the figure would stand with other queries.

Run alone: python benchmarks/relevance.py [--ratings FILE] (columns query, docid, rating). The last line is one JSON
object.
"""

import argparse
import csv
import math
import os
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import _catalogues as catalogues
import _common as bench
from sqlalchemy import text

from marketplace.kernel.db import db, transaction
from search import rules
from search.elastic import ElasticEngine
from search.engine import SearchEngine, SearchRequest
from search.postgres import PostgresEngine

RATINGS = catalogues.DATA / "chorus_icecat" / "Broad_Query_Set_rated.csv"
DRAWS, DRAWN = 2_000, 34
Ratings = Mapping[str, Mapping[str, int]]
Ask = Callable[[str], list[str]]


def ratings_of(path: Path) -> Ratings:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            found[row["query"]][row["docid"]] = int(row["rating"])
    return {query: rated for query, rated in found.items() if any(rated.values())}


def ndcg(rated: Mapping[str, int], ids: list[str]) -> float:
    def gain(ratings: list[int]) -> float:
        return sum((2**rating - 1) / math.log2(at + 2) for at, rating in enumerate(ratings[:10]))

    return gain([rated.get(one, 0) for one in ids]) / gain(sorted(rated.values(), reverse=True))


def judged(ratings: Ratings, ask: Ask, *, verbose: str = "") -> Mapping[str, float]:
    """nDCG@10 of each query."""
    each = {query: ndcg(ratings[query], ask(query)) for query in sorted(ratings)}
    if verbose:
        for query, value in sorted(each.items(), key=lambda one: one[1]):
            print(f"{verbose} {value:.2f} {query}")
    return each


def means(each: Mapping[str, float]) -> dict[str, float]:
    """The mean of all queries, and of each half."""
    queries = sorted(each)
    halves = {"all": queries, "tuned_half": queries[0::2], "other_half": queries[1::2]}
    return {name: round(mean(each, half), 4) for name, half in halves.items()}


def mean(each: Mapping[str, float], queries: Sequence[str]) -> float:
    return sum(each[query] for query in queries) / max(1, len(queries))


def likely(found: Mapping[str, float], plain: Sequence[Mapping[str, float]], required: float) -> float:
    """How often the gain over the better of the plain queries is what is required, with other draws of the queries."""
    rng, queries, enough = random.Random(1), sorted(found), 0
    for _ in range(DRAWS):
        drawn = rng.choices(queries, k=DRAWN)
        enough += mean(found, drawn) - max(mean(each, drawn) for each in plain) >= required
    return round(enough / DRAWS, 3)


def ours(engine: SearchEngine, names: Mapping[object, str]) -> Ask:
    def ask(query: str) -> list[str]:
        found = engine.search(SearchRequest(words=rules.understand(query, None, ()), limit=10))
        return [names[hit.product_id] for hit in found.items]

    return ask


def plain(engine: ElasticEngine, kind: str, names: Mapping[object, str]) -> Ask:
    def ask(query: str) -> list[str]:
        body = {"multi_match": {"query": query, "fields": ["title", "short_description"], "type": kind}}
        hits = engine.client.search(index=f"{engine.alias}-plain", query=body, size=10)["hits"]["hits"]
        return [hit["_id"] for hit in hits]

    return ask


def load_plain(engine: ElasticEngine, documents: list[tuple[str, catalogues.Document]]) -> None:
    index = f"{engine.alias}-plain"
    text = {"type": "text", "analyzer": "english"}
    engine.client.indices.delete(index=index, ignore_unavailable=True)
    engine.client.indices.create(
        index=index,
        settings={"number_of_shards": 1, "number_of_replicas": 0},
        mappings={"dynamic": False, "properties": {"title": text, "short_description": text}},
    )
    for batch in catalogues.batches(iter(documents)):
        lines: list[dict[str, object]] = []
        for own, document in batch:
            lines += [{"index": {"_id": own}}, {"title": document.name, "short_description": document.description}]
        engine.client.bulk(index=index, operations=lines, refresh=True)


def main() -> None:
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--ratings", type=Path, default=RATINGS)
    wanted.add_argument("--verbose", action="store_true")
    wanted.add_argument("--engines", default="elasticsearch,postgres")
    chosen = wanted.parse_args()
    ratings = ratings_of(chosen.ratings)
    documents = list(catalogues.icecat())
    names = {document.product_id: own for own, document in documents}
    only = [document for _, document in documents]
    figures: dict[str, object] = {"queries": len(ratings), "products": len(documents)}
    with catalogues.elastic("relevance") as engine:
        if not (os.environ.get("KEEP_INDEX") and engine.holds(len(documents))):
            engine.rebuild(catalogues.batches(iter(only)))
            load_plain(engine, documents)
        best, cross = (judged(ratings, plain(engine, kind, names)) for kind in ("best_fields", "cross_fields"))
        figures |= {"best_fields": means(best), "cross_fields": means(cross)}
        if "elasticsearch" in chosen.engines:
            found = judged(ratings, ours(engine, names), verbose="es" if chosen.verbose else "")
            gain = means(found)["all"] - max(means(best)["all"], means(cross)["all"])
            figures |= {"elasticsearch": means(found), "elasticsearch_gain": round(gain, 4)}
            figures["elasticsearch_likely"] = likely(found, [best, cross], 0.05)
    if "postgres" in chosen.engines:
        with bench.stage() as on, on.app.app_context():
            embedded = PostgresEngine()
            with transaction():
                db.session.execute(text("SET LOCAL statement_timeout = 0"))  # the machine may have other work
                embedded.rebuild(catalogues.batches(iter(only)))
            found = judged(ratings, ours(embedded, names), verbose="pg" if chosen.verbose else "")
            gain = means(found)["all"] - means(best)["all"]
            figures |= {"postgres": means(found), "postgres_gain": round(gain, 4)}
            figures["postgres_likely"] = likely(found, [best], 0)
    bench.finish(figures)


if __name__ == "__main__":
    main()
