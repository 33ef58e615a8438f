"""What was searched, what was found and opened and ordered: noted in passing, so that no search waits for it."""

import threading
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from flask import Flask, current_app
from sqlalchemy import bindparam, delete, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import DateTime, Integer, Text, Uuid

from marketplace.kernel import clock, reads
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id, transaction
from search.models import SearchQuery, SearchVisit

log = structlog.get_logger("search")
KEEP = timedelta(days=90)
AFTER_S, AGAIN_AFTER_S = 1.0, 5.0
MOST_HELD = 20_000  # while the database is away: some megabytes

_TOLD = """
    SELECT q.words, count(*) AS searches, count(DISTINCT q.company_id) AS companies,
           count(*) FILTER (WHERE q.found = 0) AS without_result, round(avg(q.found), 1)::float AS found,
           coalesce(sum(v.clicks), 0)::int AS clicks, coalesce(sum(v.orders), 0)::int AS orders, max(q.at) AS last_at
    FROM search_query q
    LEFT JOIN LATERAL (
        SELECT count(*) AS clicks, count(ordered_at) AS orders FROM search_visit v
        WHERE v.query_id = q.id AND v.company_id = q.company_id
    ) v ON true
    WHERE q.at >= %(since)s
    GROUP BY q.words
    HAVING NOT %(empty)s OR count(*) FILTER (WHERE q.found = 0) > 0
    ORDER BY CASE WHEN %(empty)s THEN count(*) FILTER (WHERE q.found = 0) ELSE count(*) END DESC, q.words
    LIMIT %(limit)s
"""
# All in one statement: a commit whose answer was lost may have done its work, then they are there already.
_NOTED = text("""
    INSERT INTO search_query (id, company_id, words, found, at)
    SELECT * FROM unnest(:id_, :company_id_, :words_, :found_, :at_) ON CONFLICT DO NOTHING
""").bindparams(
    *(bindparam(name, type_=ARRAY(Uuid())) for name in ("id_", "company_id_")),
    bindparam("words_", type_=ARRAY(Text())),
    bindparam("found_", type_=ARRAY(Integer())),
    bindparam("at_", type_=ARRAY(DateTime(timezone=True))),
)
_ORDERED = text("""
    UPDATE search_visit v SET ordered_at = :now
    FROM (
        SELECT DISTINCT ON (opened.product_id) opened.query_id, opened.product_id
        FROM order_line l
        JOIN product p ON p.id = l.product_id OR p.merged_into = l.product_id
        JOIN search_visit opened ON opened.product_id = p.id
        WHERE l.order_id = :order_id AND opened.company_id = :company_id AND opened.at >= :since
        ORDER BY opened.product_id, opened.at DESC
    ) last WHERE v.query_id = last.query_id AND v.product_id = last.product_id AND v.ordered_at IS NULL
""")


class Notes:
    """Searches of this process that are not written yet. A timer writes them a moment after the first of them, however
    quiet it is then; what cannot be written is kept and tried again, and what is left is written at the process's end.
    """

    def __init__(self, app: Flask, after_s: float | None = AFTER_S) -> None:
        """`after_s` None: nothing is written by itself."""
        self._app, self.after_s = app, after_s
        self._lock = threading.Lock()
        self._rows: list[dict[str, Any]] = []
        self._timer: threading.Timer | None = None

    def add(self, row: dict[str, Any]) -> None:
        with self._lock:
            self._rows.append(row)
            self._wind(self.after_s)

    def flush(self) -> None:
        """Write what is held, in a transaction of its own; where that fails, it is held as before."""
        with self._lock:
            rows, self._rows = self._rows, []
        if not rows:
            return
        try:
            with transaction():
                columns = {f"{name}_": [row[name] for row in rows] for name in rows[0]}
                db.session.execute(_NOTED, columns)
        except BaseException:
            with self._lock:
                self._rows = [*rows, *self._rows][-MOST_HELD:]
            raise

    def end(self) -> None:
        """Write what is left: the process ends, and nothing is written by itself any more."""
        with self._lock:
            self.after_s, timer = None, self._timer
        if timer is not None:
            timer.cancel()
            timer.join()
        self._try()

    def _wind(self, after_s: float | None) -> None:
        if after_s is not None and self._timer is None:
            self._timer = threading.Timer(after_s, self._run)
            self._timer.daemon = True
            self._timer.start()

    def _run(self) -> None:
        self._try()
        with self._lock:
            self._timer = None
            if self._rows and self.after_s is not None:
                self._wind(AGAIN_AFTER_S)

    def _try(self) -> None:
        try:
            with self._app.app_context():
                self.flush()
        except SQLAlchemyError as failure:
            log.warning("searches wait to be written", error=repr(failure)[:300])


def init_app(app: Flask) -> None:
    app.extensions["kontor_search_notes"] = Notes(app)


def note_query(actor: Actor, typed: str, found: int) -> uuid.UUID:
    """Note a search; written with others a little later. Returns the id by which what is opened refers to it."""
    query_id = new_id()
    row = {
        "id": query_id,
        "company_id": actor.company_id,
        "words": " ".join(typed.casefold().split())[:300],
        "found": found,
        "at": clock.now(),
    }
    _notes().add(row)
    return query_id


def flush() -> None:
    """Write what was noted in this process."""
    _notes().flush()


def _notes() -> Notes:
    notes: Notes = current_app.extensions["kontor_search_notes"]
    return notes


def visit(actor: Actor, query_id: uuid.UUID, product_id: uuid.UUID) -> None:
    """A hit was opened. Once a query and product; an id that is nobody's counts for nothing."""
    if actor.company_id is None:
        return
    values = {"query_id": query_id, "product_id": product_id, "company_id": actor.company_id, "at": clock.now()}
    db.session.execute(insert(SearchVisit).values(values).on_conflict_do_nothing())


def ordered(order_id: uuid.UUID, company_id: uuid.UUID) -> None:
    """What a company opened from a search within a week and now ordered counts as an order of that search: once, of the
    last one where it was opened from several."""
    now = clock.now()
    values = {"order_id": order_id, "company_id": company_id, "now": now, "since": now - timedelta(days=7)}
    db.session.execute(_ORDERED, values)


def told(args: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Queries of the last days with what became of them, the most frequent first; `empty`: those without result."""
    values = {
        "since": clock.now() - timedelta(days=args.get("days") or 30),
        "empty": bool(args.get("empty")),
        "limit": args.get("limit") or 100,
    }
    names = ("words", "searches", "companies", "without_result", "found", "clicks", "orders", "last_at")
    return [dict(zip(names, row, strict=True)) for row in reads.fetch(_TOLD, values)]


def forget_old() -> None:
    """Searches of long ago."""
    until = clock.now() - KEEP
    with transaction():
        db.session.execute(delete(SearchQuery).where(SearchQuery.at < until))
        db.session.execute(delete(SearchVisit).where(SearchVisit.at < until))
