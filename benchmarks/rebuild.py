"""How fast the whole index is made anew from the database, 582,280 offers, beside `parallel_bulk` with ready documents.

Both on the same Elasticsearch; the helper of the client sends by two threads, first, documents as JSON from memory: a
server that has just started compiles what it does often, which takes it twice the time. The memory is that of the
process that rebuilds and of its forks, what they share once, at its largest in the first and the second half.

Run alone: python benchmarks/rebuild.py [--parts N]. The last line is one JSON object.
"""

import argparse
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import _catalogues as catalogues
import _common as bench
import _parts
import orjson
from elasticsearch import helpers

from search import indexing, mapping, provider
from search.documents import as_source

WHOLE = 582_280


class Watch(threading.Thread):
    """The memory of this process and its forks, four times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.25):
            self.seen.append(sum(proportional_mb(pid) for pid in (os.getpid(), *forks_of(os.getpid()))))


def forks_of(pid: int) -> list[int]:
    """Its children that are forks of it: the servers that it started are not."""
    own = Path(f"/proc/{pid}/cmdline").read_bytes()
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            children = [int(child) for child in (thread / "children").read_text().split()]
            found += [child for child in children if Path(f"/proc/{child}/cmdline").read_bytes() == own]
    return found


def proportional_mb(pid: int) -> float:
    """Its resident set, of what is shared its part."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def ready(count: int) -> Iterator[dict[str, Any]]:
    for document in catalogues.parts(count):
        yield {"_id": str(document.product_id), "_source": as_source(document)}


def reference(_number: int, url: str, index: str, count: int) -> float:
    """Documents a second through `parallel_bulk`: made beforehand in portions, of which only the sending is timed. In a
    process of its own, whose memory is not that of the rebuild."""
    client = catalogues.bare_client(url).options(request_timeout=60)
    client.indices.delete(index=index, ignore_unavailable=True)
    client.indices.create(index=index, body=mapping.index_body(f"{index}-alone", serving=False))
    seconds = 0.0
    for portion in catalogues.batches(ready(count), 50_000):
        lines = [orjson.loads(orjson.dumps(one)) for one in portion]
        started = time.perf_counter()
        for ok, answer in helpers.parallel_bulk(client, lines, index=index, thread_count=2, chunk_size=1000):
            if not ok:
                raise SystemExit(f"refused: {answer}")
        seconds += time.perf_counter() - started
    client.indices.delete(index=index)
    return count / seconds


def main() -> None:
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--parts", type=int)
    chosen = wanted.parse_args()
    with bench.stage() as on, catalogues.elastic("rebuild") as engine:
        _parts.fill(on.app, on.conninfo, chosen.parts)
        provider.use(on.app, engine, [engine])
        sent = min(chosen.parts or WHOLE, 200_000)
        (bulk,) = bench.in_processes(1, reference, engine.url, f"{engine.alias}-reference", sent)
        with on.app.app_context():
            watch = Watch()
            watch.start()
            started = time.perf_counter()
            offers = indexing.rebuild()
            seconds = time.perf_counter() - started
            watch.over.set()
        if not engine.holds(offers):
            raise SystemExit("the index does not hold what was written")
    half = len(watch.seen) // 2
    first, second = max(watch.seen[:half] or [0.0]), max(watch.seen[half:] or [0.0])
    print(
        f"{offers} offers in {seconds:.0f} s; parallel_bulk {bulk:.0f} a second; {first:.0f} MB, then {second:.0f} MB"
    )
    rate = offers / seconds
    bench.finish(
        {
            "offers": offers,
            "offers_per_s": rate,
            "ratio": rate / bulk,
            "parallel_bulk_per_s": bulk,
            "job_mb": second,
            "job_mb_first_half": first,
        }
    )


if __name__ == "__main__":
    main()
