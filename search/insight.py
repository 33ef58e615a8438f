"""What was searched, what was found and opened and ordered: noted in passing, so that no search waits for it."""

import threading
import time
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import delete, insert, text
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.kernel import clock, reads
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id, transaction
from search.models import SearchQuery, SearchVisit

KEEP = timedelta(days=90)
_GATHERED, _AFTER_S = 200, 1.0
_lock = threading.Lock()

_TOLD = """
    SELECT q.words, count(*) AS searches, count(DISTINCT q.company_id) AS companies,
           count(*) FILTER (WHERE q.found = 0) AS without_result, round(avg(q.found), 1)::float AS found,
           coalesce(sum(v.clicks), 0)::int AS clicks, coalesce(sum(v.orders), 0)::int AS orders, max(q.at) AS last_at
    FROM search_query q
    LEFT JOIN LATERAL (
        SELECT count(*) AS clicks, count(ordered_at) AS orders FROM search_visit v WHERE v.query_id = q.id
    ) v ON true
    WHERE q.at >= %(since)s
    GROUP BY q.words
    HAVING NOT %(empty)s OR count(*) FILTER (WHERE q.found = 0) > 0
    ORDER BY CASE WHEN %(empty)s THEN count(*) FILTER (WHERE q.found = 0) ELSE count(*) END DESC, q.words
    LIMIT %(limit)s
"""
_ORDERED = text("""
    UPDATE search_visit v SET ordered_at = :now
    FROM order_line l WHERE l.order_id = :order_id AND v.company_id = :company_id AND v.product_id = l.product_id
      AND v.ordered_at IS NULL AND v.at >= :since
""")


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
    with _lock:
        held = current_app.extensions.setdefault("kontor_search_notes", [])
        held.append(row)
        due = (
            len(held) >= _GATHERED
            or time.monotonic() - current_app.extensions.get("kontor_search_noted", 0.0) > _AFTER_S
        )
    if due:
        flush()
    return query_id


def flush() -> None:
    """Write what was noted in this process."""
    with transaction():
        write_noted()


def write_noted() -> None:
    """The same in the caller's transaction."""
    with _lock:
        held = current_app.extensions.get("kontor_search_notes") or []
        current_app.extensions["kontor_search_notes"] = []
        current_app.extensions["kontor_search_noted"] = time.monotonic()
    if held:
        db.session.execute(insert(SearchQuery), held)


def visit(actor: Actor, query_id: uuid.UUID, product_id: uuid.UUID) -> None:
    """A hit was opened. Once a query and product; an id that is nobody's counts for nothing."""
    if actor.company_id is None:
        return
    values = {"query_id": query_id, "product_id": product_id, "company_id": actor.company_id, "at": clock.now()}
    db.session.execute(upsert(SearchVisit).values(values).on_conflict_do_nothing())


def ordered(order_id: uuid.UUID, company_id: uuid.UUID) -> None:
    """What a company opened from a search within a week and now ordered counts as an order of that search."""
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
