"""How fast whole real catalogues are taken in by the mappings that everybody may use: Icecat and the parts of JLCPCB.

Each file goes through the real job in a worker process, as in import_offers.py. Rates are by the feed's own times;
cpu_s is the processor time of the worker, which a busy machine does not change. The files are those of ../shared/data.
Run alone: python benchmarks/import_catalogues.py [parts]. The last line is one JSON object.
"""

import io
import itertools
import os
import subprocess
import sys

from _catalogues import DATA
from _common import Stage, finish, flask_process, stage
from import_offers import awaited, family

from marketplace.kernel import queue
from marketplace.kernel.access import Actor, Role
from marketplace.kernel.db import db, transaction
from tests.builders.companies import a_company, an_actor
from vendors.feeds import actions, storage
from vendors.feeds.models import Feed

PARTS = 100_000
CATALOGUES = {"icecat": "chorus_icecat/products.jsonl.zst", "jlcparts": "jlcparts/parts.jsonl.zst"}


def lines(name: str, most: int | None) -> bytes:
    unpack = ["zstdcat", "--long=27", str(DATA / name)]
    with subprocess.Popen(unpack, stdout=subprocess.PIPE) as unpacked:
        assert unpacked.stdout is not None
        content = b"".join(itertools.islice(unpacked.stdout, most))
        unpacked.kill()
    return content


def received(on: Stage, actor: Actor, content: bytes, mapping: str) -> str:
    options = {"encoding": "utf-8", "decimal_mark": ".", "currency": None, "mapping": mapping}
    with on.app.app_context():
        with storage.kept(io.BytesIO(content)) as stored, transaction():
            feed = actions.receive(actor, stored, f"{mapping}.jsonl", options)
        queue.enqueue("feed.run", feed_id=str(feed.id))
        return str(feed.id)


def processor_s(pid: int) -> float:
    """Of a worker and its children, those that are gone included."""
    return sum(_ticks(member) for member in family(pid)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # gone meanwhile: its parent has its time
        return 0
    return sum(int(fields[at]) for at in (11, 12, 13, 14))


def main() -> None:
    parts = int(sys.argv[1]) if len(sys.argv) > 1 else PARTS
    figures: dict[str, object] = {}
    with stage() as on:
        with on.app.app_context(), transaction():
            actor = an_actor(a_company("Nordwerk", may_sell=True), Role.VENDOR_MANAGER)
        with flask_process(on, "worker", "--queue", "long") as worker:
            for name, file in CATALOGUES.items():
                before = processor_s(worker.pid)
                feed_id = received(on, actor, lines(file, parts if name == "jlcparts" else None), name)
                done, largest = awaited(on, feed_id, worker.pid)
                with on.app.app_context():
                    feed = db.session.get(Feed, feed_id)
                    print(name, done, feed.all_warnings)
                taken, seconds = int(str(done["rows_created"])), float(str(done["seconds"]))
                figures |= {
                    f"{name}_rows": feed.rows_done,
                    f"{name}_taken": taken,
                    f"{name}_refused": done["rows_bad"],
                    f"{name}_rows_per_s": feed.rows_done / seconds,
                    f"{name}_cpu_s": processor_s(worker.pid) - before,
                    f"{name}_worker_mb": largest,
                }
    finish(figures)


if __name__ == "__main__":
    main()
