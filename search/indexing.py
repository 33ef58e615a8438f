"""The index follows the catalogue: what changed is read anew and written with its version.

An engine in the database is written in the transaction that hears of the change. For one outside, what changed is noted
there (`search_pending`) and written when no transaction is open; what it does not take stays noted, so that it catches
up by itself when it is back.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Text, Uuid

from marketplace.kernel import clock, reads
from marketplace.kernel.db import db, transaction
from marketplace.kernel.errors import Conflict
from search import queries
from search.documents import Document
from search.engine import Refused, SearchAway, SearchEngine

log = structlog.get_logger("search")
BATCH = 500
DRIFT_BATCH = 5_000
MOST_BATCHES = 100  # of one push; what still waits then is the next one's
_REBUILDING, _PUSHING = 5_207_311, 5_207_312  # any numbers: advisory locks of whoever makes an index anew, or pushes

_NOTE = text("""
    INSERT INTO search_pending (product_id, since, asked) SELECT id, :now, 1 FROM unnest(:ids) AS id ORDER BY id
    ON CONFLICT (product_id) DO UPDATE SET asked = search_pending.asked + 1
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_ANY_WAITING = "SELECT 1 FROM search_pending LIMIT 1"
_WAITING = "SELECT product_id, asked FROM search_pending ORDER BY since, product_id LIMIT %(limit)s"
_WRITTEN = text("""
    DELETE FROM search_pending USING unnest(:ids, :asked) AS w (id, asked)
    WHERE search_pending.product_id = w.id AND search_pending.asked = w.asked
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("asked", type_=ARRAY(BigInteger())))
_TAKEN = text("DELETE FROM search_refusal WHERE product_id = ANY(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(Uuid()))
)
_REFUSED = text("""
    INSERT INTO search_refusal (product_id, reason, at)
    SELECT id, reason, :now FROM unnest(:ids, :reasons) AS r (id, reason)
    ON CONFLICT (product_id) DO UPDATE SET reason = excluded.reason, at = excluded.at
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("reasons", type_=ARRAY(Text())))
_FIGURES = """
    SELECT (SELECT count(*) FROM search_pending),
           coalesce((SELECT extract(epoch FROM %(now)s - min(since)) FROM search_pending), 0),
           (SELECT count(*) FROM search_refusal)
"""


class RebuildUnderWay(Conflict):
    """One index is made anew at a time."""

    message = "The index is being made anew already."


def engines() -> Sequence[SearchEngine]:
    """Every engine of this app whose index has to follow."""
    kept: Sequence[SearchEngine] = current_app.extensions["kontor_search_engines"]
    return kept


def follow(product_ids: Sequence[uuid.UUID]) -> None:
    """Bring these products up to date in every index. With no transaction open."""
    inside = [engine for engine in engines() if not engine.outside]
    with transaction():
        for start in range(0, len(product_ids), BATCH) if inside else ():
            documents = queries.documents(product_ids[start : start + BATCH])
            gone = _gone(product_ids[start : start + BATCH], documents)
            for engine in inside:
                _note_refused(documents, engine.write(documents))
                engine.remove(gone)
        if len(inside) < len(engines()):
            db.session.execute(_NOTE, {"ids": list(product_ids), "now": clock.now()})
    push()


def push() -> int:
    """Write what waits into the index outside; returns how many. Where that is away, it goes on waiting.

    One at a time: a batch serves whatever was noted meanwhile, and two would read and send the same. Whoever finds
    another at it may leave what he noted to him, who looks again when he is done.
    """
    outside = [engine for engine in engines() if engine.outside]
    written, rounds = 0, MOST_BATCHES if outside else 0
    while rounds and reads.fetch(_ANY_WAITING, {}):
        with _held(_PUSHING) as held:
            sent = _push_batch(outside) if held else 0
        written += sent
        rounds = rounds - 1 if sent else 0
    return written


def _push_batch(outside: Sequence[SearchEngine]) -> int:
    waiting = reads.fetch(_WAITING, {"limit": BATCH})
    ids = [product_id for product_id, _ in waiting]
    documents = queries.documents(ids)
    gone = _gone(ids, documents)
    try:
        refused = [one for engine in outside for one in engine.write(documents)]
        for engine in outside:
            engine.remove(gone)
    except SearchAway as failure:
        log.warning("the index waits", products=len(ids), error=failure.text)
        return 0
    with transaction():
        _note_refused(documents, refused)
        db.session.execute(_WRITTEN, {"ids": ids, "asked": [asked for _, asked in waiting]})
    return len(ids)


def _gone(ids: Sequence[uuid.UUID], documents: Sequence[Document]) -> list[tuple[uuid.UUID, int]]:
    """Those that became one with another product: they leave the index."""
    return queries.merged(ids) if len(documents) < len(ids) else []


def _note_refused(documents: Sequence[Document], refused: Sequence[Refused]) -> None:
    """A document that cannot be indexed is seen by the operator, and holds up no other."""
    db.session.execute(_TAKEN, {"ids": [document.product_id for document in documents]})
    if refused:
        ids, reasons = [one.product_id for one in refused], [one.reason for one in refused]
        db.session.execute(_REFUSED, {"ids": ids, "reasons": reasons, "now": clock.now()})


def rebuild() -> int:
    """Make every index anew beside the one that serves; returns how many products. Raises RebuildUnderWay, SearchAway,
    IndexNotWhole; whatever fails, the old one goes on serving."""
    with _alone():
        written = 0
        for engine in engines():
            if engine.outside:
                written = engine.rebuild(queries.product_ids(BATCH), queries.documents)
            else:
                with transaction():
                    written = engine.rebuild(queries.product_ids(BATCH), queries.documents)
            db.session.expire_all()
        return written


@contextmanager
def _alone() -> Iterator[None]:
    with _held(_REBUILDING) as held:
        if not held:
            raise RebuildUnderWay
        yield


@contextmanager
def _held(key: int) -> Iterator[bool]:
    """Hold an advisory lock, with no transaction open; False where another does."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wanted = {"key": key}
        held = bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), wanted).scalar())
        try:
            yield held
        finally:
            if held:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), wanted)


def repair() -> dict[str, int]:
    """Compare versions of catalogue and index and bring up to date what differs: {engine: how many}. Raises
    SearchAway."""
    found = {}
    for engine in engines():
        stale, gone = _drift(engine)
        for start in range(0, len(stale), BATCH):
            follow(stale[start : start + BATCH])
        if gone and engine.outside:
            engine.remove(gone)
        elif gone:
            with transaction():
                engine.remove(gone)
        found[engine.name] = len(stale) + len(gone)
    return found


def _drift(engine: SearchEngine) -> tuple[list[uuid.UUID], list[tuple[uuid.UUID, int]]]:
    """(products that the index has not or older, documents of products that are no more), by a walk over both."""
    stale: list[uuid.UUID] = []
    gone: list[tuple[uuid.UUID, int]] = []
    held: dict[uuid.UUID, int] = {}
    last: uuid.UUID | None = None
    asked: uuid.UUID | None = None
    whole = False
    while True:
        wanted = queries.versions_after(last, DRIFT_BATCH)
        end = wanted[-1][0] if len(wanted) == DRIFT_BATCH else None
        while not whole and (asked is None or end is None or asked < end):
            page = engine.versions(asked, DRIFT_BATCH)
            held.update(page)
            whole = len(page) < DRIFT_BATCH
            asked = page[-1][0] if page else asked
        for product_id, version in wanted:
            if held.pop(product_id, 0) < version:
                stale.append(product_id)
        gone += [(one, version + 1) for one, version in held.items() if end is None or one <= end]
        held = {one: version for one, version in held.items() if end is not None and one > end}
        if end is None:
            return stale, gone
        last = end


def outdated() -> bool:
    """Is an index to be made anew, since this release looks for more than it holds? Raises SearchAway."""
    return any(engine.outdated() for engine in engines())


def figures() -> dict[str, Any]:
    """What waits for the index, how long the oldest of it has waited, and what it refused: for operators."""
    ((waiting, seconds, refused),) = reads.fetch(_FIGURES, {"now": clock.now()})
    return {"pending": waiting, "lag_seconds": round(float(seconds), 3), "refused": refused}
