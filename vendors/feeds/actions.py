"""A feed is taken in batch by batch: rows, report and checkpoint are settled by the same transaction."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from sqlalchemy import insert

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict, Forbidden
from marketplace.kernel.history import move
from marketplace.kernel.outbox import publish
from vendors.feeds import batches, files, mappings, queries, sources, storage
from vendors.feeds.events import FeedReceived
from vendors.feeds.items import Skipped
from vendors.feeds.models import Feed, FeedReportLine
from vendors.feeds.queries import Seller
from vendors.feeds.rows import Ended, Fault, Wanted, fault_of
from vendors.feeds.sources import Source, Way
from vendors.feeds.states import FeedState, FeedVerb
from vendors.feeds.storage import Stored

BATCH = 1_000  # rows of one transaction, and of one event
MOST_NOTICES = 10_000  # of a feed, as lines: whoever calls shared goods by names of his own says so with each file
MOST_TRIES = 6  # in a row that settle nothing: the queue tries for six minutes, and what passes has passed by then


class VendorMayNotSell(Forbidden):
    """Only a company that may sell at present uploads feeds."""

    message = "Your company may not sell at present."


class VendorWasStopped(Conflict):
    """The vendor was suspended while his feed ran."""

    message = "The vendor may not sell at present; resume the feed when he may again."


@dataclass
class Run:
    """What a run holds between its batches. done: rows settled so far; seen: the row in which each SKU came first."""

    feed_id: uuid.UUID
    seller: Seller
    currency: str
    source: Source
    done: int
    seen: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """The next rows: those to write, those whose offers end, those at fault, how many rows below the header are settled
    after them, and what was left out of them."""

    wanted: list[Wanted]
    ended: list[Ended]
    faults: list[Fault]
    upto: int
    skipped: Skipped


def receive(actor: Actor, stored: Stored, filename: str, options: Mapping[str, Any]) -> Feed:
    """Look at the file and let it wait for the background. `options`: encoding, decimal_mark, currency (or None),
    mapping (id or name, or None): as the mapping is now, the file is read.

    Raises VendorMayNotSell, MappingUnknown, and the refusals of files and columns where the file as a whole cannot be
    taken.
    """
    assert actor.company_id is not None
    seller = queries.seller(actor.company_id)
    if not seller.may_sell:
        raise VendorMayNotSell
    mapping = mappings.chosen(actor, options.get("mapping"))
    seen = files.inspect(storage.path_of(stored.stored_as), options["encoding"], mapping)

    feed = Feed(
        vendor_id=seller.id,
        created_by=actor.person_id,
        filename=named(filename),
        format=seen.format,
        encoding=options["encoding"],
        delimiter=seen.delimiter,
        decimal_mark=options["decimal_mark"],
        mapping=mapping,
        currency=options["currency"] or seller.currency,
        warnings=seen.warnings,
        rows_total=seen.rows_total,
        stored_as=stored.stored_as,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        progressed_at=clock.now(),
    )
    db.session.add(feed)
    db.session.flush()
    publish(FeedReceived(feed.id))
    return feed


def named(filename: str) -> str:
    """The last part of a name as it came with the file."""
    return PurePath(filename.replace("\\", "/").replace("\x00", "")).name[:200] or "feed"


def cancel(actor: Actor, feed_id: uuid.UUID) -> Feed:
    """Stop after the batch under way; what was taken stays. Raises FeedUnknown, IllegalMove."""
    feed = queries.feed(actor, feed_id, lock=True)
    move(feed, FeedVerb.CANCEL, actor)
    feed.finished_at = clock.now()
    return feed


def resume(actor: Actor, feed_id: uuid.UUID) -> Feed:
    """Go on from the checkpoint. Raises FeedUnknown, IllegalMove, FeedFileGone."""
    feed = queries.feed(actor, feed_id, lock=True)
    storage.path_of(feed.stored_as)
    move(feed, FeedVerb.RESUME, actor)
    feed.error, feed.finished_at, feed.progressed_at, feed.broke_off = "", None, clock.now(), 0
    publish(FeedReceived(feed.id))
    return feed


def start(feed_id: uuid.UUID) -> Run | None:
    """Begin, or begin again where a run broke off; None where the feed is over. Raises the refusals of files."""
    feed = queries.feed(SYSTEM, feed_id)
    if _is_over(feed):
        return None
    # Before the lock: a workbook is open after a while only, and whoever stops the feed meanwhile is not kept waiting.
    way = Way(feed.format, feed.encoding, feed.delimiter, feed.decimal_mark, feed.mapping)
    source = sources.opened(storage.path_of(feed.stored_as), way, queries.categories_by_name())
    feed = queries.feed(SYSTEM, feed_id, lock=True)
    if _is_over(feed):
        return None

    move(feed, FeedVerb.START, SYSTEM)
    feed.started_at = feed.started_at or clock.now()
    feed.progressed_at = clock.now()
    feed.rows_total = source.total or feed.rows_total
    feed.warnings = source.warnings
    return Run(feed.id, queries.seller(feed.vendor_id), feed.currency, source, feed.rows_done)


def _is_over(feed: Feed) -> bool:
    return feed.state not in {FeedState.RECEIVED, FeedState.RUNNING}


def batches_of(run: Run) -> Iterator[Batch]:
    """The rows after the checkpoint, in batches; those before only tell which SKUs were there. Raises FileBroken."""
    source, reader, skipped = run.source, run.source.reader, run.source.skipped
    done = run.done + source.head
    wanted: list[Wanted] = []
    ended: list[Ended] = []
    faults: list[Fault] = []
    number = done
    for number, cells in source.rows:
        sku = reader.sku_of(cells)
        first = run.seen.setdefault(sku, number) if sku else number
        if number <= done:
            skipped.clear()
            continue
        if first != number:
            faults.append(fault_of(number, sku, [("sku", f"this SKU is in row {first} already")]))
        elif isinstance(row := reader.read(number, cells), Fault):
            faults.append(row)
        elif isinstance(row, Ended):
            ended.append(row)
        else:
            wanted.append(row)
        if len(wanted) + len(ended) + len(faults) == BATCH:
            yield Batch(wanted, ended, faults, number - source.head, Skipped(skipped))
            skipped.clear()
            wanted, ended, faults = [], [], []
    if wanted or ended or faults or skipped:
        yield Batch(wanted, ended, faults, number - source.head, Skipped(skipped))


def take(run: Run, batch: Batch) -> bool:
    """Write one batch with its report and checkpoint; False where the feed is no longer this run's to take.

    Raises VendorWasStopped.
    """
    feed = queries.feed(SYSTEM, run.feed_id, lock=True)
    if feed.state != FeedState.RUNNING or feed.rows_done != run.done:
        return False
    if not queries.seller(feed.vendor_id).may_sell:
        raise VendorWasStopped

    sender = Actor(feed.created_by, feed.vendor_id)
    written = batches.write(run.seller, run.currency, batch.wanted, batch.ended, sender)
    faults = [*batch.faults, *written.faults]
    noted = written.notices[: max(0, MOST_NOTICES - feed.rows_noted)]
    _report(feed, faults, taken=False)
    _report(feed, noted, taken=True)
    feed.rows_done = run.done = batch.upto
    feed.rows_total = max(feed.rows_total, batch.upto)
    feed.rows_created += written.created
    feed.rows_changed += written.changed
    feed.rows_ended += written.ended
    feed.rows_unchanged += written.unchanged
    feed.rows_bad += len(faults)
    feed.rows_noted += len(written.notices)
    feed.skipped = _together(feed.skipped, batch.skipped)
    feed.progressed_at, feed.broke_off = clock.now(), 0
    return True


def finish(run: Run) -> None:
    """Every row is settled."""
    feed = queries.feed(SYSTEM, run.feed_id, lock=True)
    if feed.state != FeedState.RUNNING or feed.rows_done != run.done:
        return
    move(feed, FeedVerb.FINISH, SYSTEM)
    feed.rows_total = feed.rows_done
    feed.finished_at = clock.now()


def fail(feed_id: uuid.UUID, reason: str) -> None:
    """The file as a whole cannot be taken any further; what was taken stays."""
    feed = queries.feed(SYSTEM, feed_id, lock=True)
    if _is_over(feed):
        return
    move(feed, FeedVerb.START, SYSTEM)
    move(feed, FeedVerb.FAIL, SYSTEM, note=reason[:500])
    feed.error = reason
    feed.finished_at = clock.now()


def break_off(feed_id: uuid.UUID, reason: str) -> bool:
    """A run ended by an error of ours: it is tried again, until it fails for `reason`; returns whether it is over. A
    run that is killed says nothing, and does not count."""
    feed = queries.feed(SYSTEM, feed_id, lock=True)
    if _is_over(feed):
        return True
    feed.broke_off += 1
    if feed.broke_off < MOST_TRIES:
        return False
    fail(feed_id, reason)
    return True


def _together(before: dict[str, Any], more: Skipped) -> dict[str, Any]:
    if not more:
        return before
    counts = Skipped(before)
    for name, count in more.items():
        counts.note(name, count)
    return dict(counts)


def _report(feed: Feed, lines: Sequence[Fault], *, taken: bool) -> None:
    if lines:
        facts = {"feed_id": feed.id, "vendor_id": feed.vendor_id, "taken": taken}
        db.session.execute(insert(FeedReportLine), [facts | line._asdict() for line in lines])
