"""How fast a feed of 100,000 offers is taken in: the real job in a worker process, outbox rows for search included.

A CSV of products of our own making, with tiers, stock, numbers and attributes, is received as an upload would be and
put on the queue of a worker for long jobs. Measured is the time from the feed's start to its end, as the feed itself
records them; the events for the index are written, indexing itself is a job of its own that does not run here. Then the
same file again, which changes nothing. Run alone: python benchmarks/import_offers.py [rows]. The last line is one JSON
object.
"""

import io
import sys
import time

from _common import Stage, finish, flask_process, resident_mb, stage
from sqlalchemy import text

from marketplace.kernel import queue
from marketplace.kernel.access import Actor, Role
from marketplace.kernel.db import db, transaction
from tests.builders.companies import a_company, an_actor
from vendors.feeds import actions, storage

ROWS = 100_000
COLUMNS = (
    "sku,name,price,price_from_100,stock,manufacturer,part_number,description,unit,pack_size,lead_time_days,"
    "attr:Length [mm],attr:Thread"
)


def csv_of(rows: int) -> bytes:
    lines = [COLUMNS]
    for n in range(rows):
        length, thread = 10 + n % 90, 3 + n % 10
        lines.append(
            f'BENCH-{n:06},"Hexagon bolt M{thread} x {length}, galvanised, series {n}",{1 + n % 500}.{50 + n % 50},'
            f'{1 + n % 500}.{n % 50:02},{n % 10_000},Nordwerk {n % 40},NW-{n:06}-{length},"Strength class 8.8, partly'
            f' threaded, for steel work.",piece,{1 + n % 10},{n % 9},{length},M{thread}'
        )
    return ("\n".join(lines) + "\n").encode()


def received(on: Stage, actor: Actor, content: bytes) -> str:
    options = {"encoding": "utf-8", "decimal_mark": ".", "currency": None}
    with on.app.app_context():
        with storage.kept(io.BytesIO(content)) as stored, transaction():
            feed = actions.receive(actor, stored, "bench.csv", options)
        queue.enqueue("feed.run", feed_id=str(feed.id))
        return str(feed.id)


def awaited(on: Stage, feed_id: str, worker_pid: int) -> tuple[dict[str, object], float]:
    """The feed when it is over, and the largest resident set of the worker and its children, in MB."""
    largest = 0.0
    with on.app.app_context():
        while True:
            row = db.session.execute(
                text(
                    "SELECT state, rows_created, rows_changed, rows_unchanged, rows_bad, error,"
                    " extract(epoch FROM finished_at - started_at) AS seconds FROM feed WHERE id = :id"
                ),
                {"id": feed_id},
            ).one()
            db.session.rollback()
            if row.state not in {"received", "running"}:
                return dict(row._mapping), largest
            largest = max([largest, *(resident_mb(pid) for pid in family(worker_pid))])
            time.sleep(0.2)


def family(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [pid, *(int(child) for child in file.read().split())]
    except FileNotFoundError:
        return []


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    content = csv_of(rows)
    with stage() as on:
        with on.app.app_context(), transaction():
            actor = an_actor(a_company("Nordwerk", may_sell=True), Role.VENDOR_MANAGER)
        with flask_process(on, "worker", "--queue", "long") as worker:
            first, worker_mb = awaited(on, received(on, actor, content), worker.pid)
            again, _ = awaited(on, received(on, actor, content), worker.pid)
        with on.app.app_context():
            events = db.session.execute(text("SELECT count(*) FROM outbox_event WHERE name = 'OffersChanged'")).scalar()
            offers = db.session.execute(text("SELECT count(*) FROM offer")).scalar()
    print(f"{rows} rows, {len(content) / 1e6:.1f} MB of CSV: {first}")
    print(f"the same file again: {again}")
    print(f"{offers} offers, {events} events for search in the outbox")
    if first["rows_created"] != rows or again["rows_unchanged"] != rows:
        raise SystemExit("the feed did not take every row")
    finish(
        {
            "offers": offers,
            "offers_per_s": rows / float(str(first["seconds"])),
            "again_per_s": rows / float(str(again["seconds"])),
            "outbox_events": events,
            "worker_mb": worker_mb,
        }
    )


if __name__ == "__main__":
    main()
