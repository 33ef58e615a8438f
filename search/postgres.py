"""The search protocol on PostgreSQL: full text for words, normalised keys and trigrams for part numbers."""

import functools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, literal_column, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import Uuid

from marketplace.catalogue.keys import normalise
from marketplace.kernel.db import db
from search.engine import DEEPEST, Document, PageTooFar, SearchRequest, SearchResult
from search.models import SearchDocument

_LONGEST_TITLE = 1000
_SHORTEST_PREFIX, _SHORTEST_ALTERED = 3, 5  # characters of a part number that may stand for others

# What is offered at this moment, whatever the index remembers: a suspended vendor's and ended offers vanish at once.
_OFFERED = """
    EXISTS (SELECT 1 FROM offer o JOIN company v ON v.id = o.vendor_id AND v.may_sell
            WHERE o.product_id = d.product_id AND o.state = 'live' {vendor})
"""
_CATEGORY = "AND (d.category_path = :category OR starts_with(d.category_path, :category || '/'))"

# A number that is the one asked for comes before one that begins so, that before words, those before altered numbers.
_SCORE = """
    CASE WHEN d.part_number_key = :key THEN 8 WHEN :key <> '' AND d.numbers @> ARRAY[:key] THEN 7 ELSE 0 END
    + CASE WHEN :prefix <> '' AND starts_with(d.part_number_key, :prefix) THEN 3 ELSE 0 END
    + CASE WHEN d.words @@ asked.query THEN 1 + ts_rank(d.words, asked.query) ELSE 0 END
    + CASE WHEN :altered <> '' THEN similarity(d.part_number_key, :altered) ELSE 0 END
"""
_MATCHES = """
    (d.words @@ asked.query
     OR (:key <> '' AND d.numbers @> ARRAY[:key])
     OR (:prefix <> '' AND d.part_number_key LIKE :prefix || '%')
     OR (:altered <> '' AND d.part_number_key % :altered AND similarity(d.part_number_key, :altered) >= 0.4))
"""
_ASKED = "asked AS MATERIALIZED (SELECT websearch_to_tsquery('english', unaccent(:q)) AS query)"
_MISSPELT = "(:q <% d.title AND word_similarity(:q, d.title) >= 0.6)"


class PostgresEngine:
    """See SearchEngine. Runs in the session of the caller: a write is part of his transaction."""

    def search(self, request: SearchRequest) -> SearchResult:
        if request.offset + request.limit > DEEPEST:
            raise PageTooFar(pointer="/cursor")
        words = " ".join(request.q.split())
        if not words:
            return self._page(request, "TRUE", "0", {}, asked="asked AS (SELECT 1)")
        key = normalise(words)
        is_number = any(c.isdigit() for c in key)
        facts = {
            "q": words,
            "key": key,
            "prefix": key if is_number and len(key) >= _SHORTEST_PREFIX else "",
            "altered": key if is_number and len(key) >= _SHORTEST_ALTERED else "",
        }
        found = self._page(request, _MATCHES, _SCORE, facts, asked=_ASKED)
        if found.total or not key:
            return found
        misspelt = {"q": words.casefold()}
        return self._page(request, _MISSPELT, "word_similarity(:q, d.title)", misspelt, asked="asked AS (SELECT 1)")

    def _page(
        self, request: SearchRequest, matches: str, score: str, facts: Mapping[str, Any], *, asked: str
    ) -> SearchResult:
        values = dict(facts) | {"limit": request.limit, "offset": request.offset}
        offered = _OFFERED.format(vendor="AND o.vendor_id = :vendor" if request.vendor else "")
        if request.vendor:
            values["vendor"] = request.vendor
        if request.category:
            values["category"] = request.category
        sql = f"""
            WITH {asked}, found AS MATERIALIZED (
                SELECT d.product_id, d.title, {score} AS score FROM search_document d CROSS JOIN asked
                WHERE NOT d.gone AND {matches} {_CATEGORY if request.category else ""} AND {offered}
            )
            SELECT (SELECT count(*) FROM found) AS total, page.product_id
            FROM (SELECT 1) once LEFT JOIN (
                SELECT product_id, score, title FROM found ORDER BY score DESC, title, product_id
                LIMIT :limit OFFSET :offset
            ) page ON true
            ORDER BY page.score DESC, page.title, page.product_id
        """  # noqa: S608 - put together from our own constants
        statement = text(sql)
        if request.vendor:
            statement = statement.bindparams(bindparam("vendor", type_=Uuid()))
        rows = db.session.execute(statement, values).all()
        items = tuple(row.product_id for row in rows if row.product_id is not None)
        total, end = rows[0].total, request.offset + len(items)
        return SearchResult(items, total, end if items and end < min(total, DEEPEST) else None)

    def write(self, documents: Sequence[Document]) -> None:
        if documents:
            self._store([_row(document) for document in documents])

    def remove(self, gone: Sequence[tuple[uuid.UUID, int]]) -> None:
        if gone:
            empty = {"gone": True, "title": "", "part_number_key": "", "numbers": [], "category_path": "", "words": ""}
            self._store([{"product_id": product_id, "version": version, **empty} for product_id, version in gone])

    def clear(self) -> None:
        db.session.execute(delete(SearchDocument))

    def _store(self, rows: list[dict[str, Any]]) -> None:
        statement = insert(SearchDocument)
        taken = {name: statement.excluded[name] for name in rows[0] if name != "product_id"}
        rows.sort(key=lambda row: row["product_id"].int)
        for start in range(0, len(rows), 500):
            values = statement.values(rows[start : start + 500])
            db.session.execute(
                values.on_conflict_do_update(
                    index_elements=[SearchDocument.product_id],
                    set_=taken,
                    where=SearchDocument.version <= statement.excluded.version,
                )
            )


def _row(document: Document) -> dict[str, Any]:
    numbers = {normalise(n) for n in (document.part_number, document.ean or "", *document.skus)} - {""}
    weighted = (
        (document.name, "A"),
        (f"{document.manufacturer} {document.part_number}", "B"),
        (document.category_name, "C"),
        (" ".join((*document.attributes, document.description)), "D"),
    )
    parts = [
        func.setweight(func.to_tsvector("english", func.unaccent(value)), literal_column(f"'{weight}'::\"char\""))
        for value, weight in weighted
    ]
    words = functools.reduce(lambda left, right: left.op("||")(right), parts)
    return {
        "product_id": document.product_id,
        "version": document.version,
        "gone": False,
        "title": document.name[:_LONGEST_TITLE],
        "part_number_key": normalise(document.part_number),
        "numbers": sorted(numbers),
        "category_path": document.category_path,
        "words": words,
    }
