"""Whether a part comes first when its number is written otherwise, mistyped or half remembered, on 582,280 real parts.

Of the numbers that occur once when normalised, 2,000 are drawn for each alteration: separators, spaces and case
changed; a packaging suffix behind; a character dropped, doubled, or two swapped; two characters off the
end. Each is asked of each engine by the text alone.

Run alone: python benchmarks/part_numbers.py [--seed N] [--parts N] [--numbers N]. The last line is one JSON object.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable

import _catalogues as catalogues
import _common as bench

from marketplace.kernel.db import db, transaction
from search import rules
from search.engine import SearchEngine, SearchRequest
from search.numbers import normalise
from search.postgres import PostgresEngine

SUFFIXES = [",215", ",118", "-TR", " TR", "/T3", "-REEL7", "#PBF", "-ND", "-T", ",135", "-REEL", " T&R", "/R7"]


def separated(text: str, rng: random.Random) -> str:
    """Other separators, spaces and case; the letters and digits stay."""
    key = [rng.choice((c.lower(), c.upper())) for c in text if c.isalnum()]
    for at in sorted(rng.sample(range(1, len(key)), min(len(key) - 1, rng.randint(1, 3))), reverse=True):
        key.insert(at, rng.choice("- ./_"))
    return "".join(key)


def suffixed(text: str, rng: random.Random) -> str:
    return text + rng.choice(SUFFIXES)


def mistyped(text: str, rng: random.Random) -> str:
    key = normalise(text)
    while True:
        at, kind = rng.randrange(len(key)), rng.randrange(3)
        if kind == 0:
            made = key[:at] + key[at + 1 :]
        elif kind == 1:
            made = key[: at + 1] + key[at:]
        else:
            made = key[:at] + key[at + 1 : at + 2] + key[at : at + 1] + key[at + 2 :]
        if made != key:
            return made


def cut(text: str, _: random.Random) -> str:
    return normalise(text)[:-2]


ALTERATIONS: dict[str, Callable[[str, random.Random], str]] = {
    "normalised": separated,
    "suffix": suffixed,
    "typo": mistyped,
    "cut": cut,
}


def drawn(documents: list[tuple[str, object]], seed: int, count: int) -> dict[str, list[tuple[str, object]]]:
    """For each alteration (text, product id) of numbers that are one part's alone and have a digit."""
    keys = Counter(normalise(number) for number, _ in documents)
    own = [
        (n, i)
        for n, i in documents
        if keys[key := normalise(n)] == 1 and len(key) >= 6 and any(c.isdigit() for c in key)
    ]
    rng = random.Random(seed)
    return {
        name: [(alter(number, rng), product) for number, product in rng.sample(own, min(count, len(own)))]
        for name, alter in ALTERATIONS.items()
    }


def measured(engine: SearchEngine, asked: dict[str, list[tuple[str, object]]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, pairs in asked.items():
        places = Counter(place(engine, text, product) for text, product in pairs)
        for key, best in (("first", 1), ("first3", 3), ("first10", 10)):
            figures[f"{name}_{key}"] = sum(places[n] for n in range(1, best + 1)) / len(pairs)
    return figures


def place(engine: SearchEngine, text: str, product: object) -> int:
    hits = engine.search(SearchRequest(words=rules.understand(text, None, ()), limit=10)).items
    return next((at for at, hit in enumerate(hits, 1) if hit.product_id == product), 0)


def main() -> None:
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--seed", type=int, default=1)
    wanted.add_argument("--parts", type=int)
    wanted.add_argument("--numbers", type=int, default=2_000)
    wanted.add_argument("--engines", default="elasticsearch,postgres")
    chosen = wanted.parse_args()
    documents = [(document.part_number, document.product_id) for document in catalogues.parts(chosen.parts)]
    asked = drawn(documents, chosen.seed, chosen.numbers)
    figures: dict[str, object] = {"parts": len(documents), "numbers": chosen.numbers, "seed": chosen.seed}
    if "elasticsearch" in chosen.engines:
        with catalogues.elastic("parts") as engine:
            if engine.outdated() or not engine.holds(len(documents)):
                report("elasticsearch", engine.rebuild(catalogues.batches(catalogues.parts(chosen.parts))))
            figures["elasticsearch"] = rounded(measured(engine, asked))
    if "postgres" in chosen.engines:
        with bench.stage() as on, on.app.app_context():
            embedded = PostgresEngine()
            with transaction():
                report("postgres", embedded.rebuild(catalogues.batches(catalogues.parts(chosen.parts))))
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE search_document")
            figures["postgres"] = rounded(measured(embedded, asked))
    bench.finish(figures)


def report(engine: str, count: int) -> None:
    print(f"{engine}: {count} parts indexed, {time.process_time():.0f} s of processor time", file=sys.stderr)


def rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}


if __name__ == "__main__":
    main()
