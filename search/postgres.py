"""The search protocol on PostgreSQL: full text for words, normalised keys, deletions and trigrams for part numbers.

It runs in the session of the caller: a write is part of his transaction. Words that match more than 10,000 products are
counted and ranked among 10,000 of them, and what is related is looked for among 10,000 of a category.
"""

import functools
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import BigInteger, Text, Uuid

from marketplace.kernel.db import db
from search import numbers, statements, storing
from search.documents import Document
from search.engine import (
    DEEPEST,
    Buyer,
    Count,
    Facet,
    FacetName,
    Hit,
    IndexNotWhole,
    PageTooFar,
    Reader,
    Refused,
    SearchRequest,
    SearchResult,
)
from search.facets import attribute_facets
from search.kinds import plain
from search.marks import CLOSE, OPEN, mark_runs, pieces
from search.models import SearchDocument, SearchWord
from search.numbers import normalise
from search.remembering import remembered
from search.spelling import Spelling

_LONGEST_TITLE, _LONGEST_TEXT = 1000, 20_000
WINDOW, ENOUGH = 60, 10
COMPLETED_AMONG, COUNTED_S = 5_000, 60.0
_WORD = re.compile(r"\w+")
_TYPES: Mapping[str, Any] = {
    name: ARRAY(Uuid()) for name in ("near", "hidden", "lists", "vendors")
} | {
    name: ARRAY(Text()) for name in ("exact", "heads", "near_keys", "slips", "words", "phrases", "asked")
} | {"quantity": BigInteger()}  # fmt: skip


class PostgresEngine:
    """See SearchEngine."""

    name = "postgres"
    outside = False

    def search(self, request: SearchRequest) -> SearchResult:
        if request.offset + request.limit > DEEPEST:
            raise PageTooFar(pointer="/cursor")
        words = request.words
        near = self._near(request) if words.key else []
        found = self._page(request, near)
        early = " " in words.text and (words.exactly or not words.key)
        ways = self._ways(request) if early and not found.total else []
        if meant := self._corrected(ways):  # before some of the words do: one of them is misspelt
            return meant
        if words.text and found.total < ENOUGH and " " in words.text and not near:
            found = self._page(request, near, loosely=True)
        if words.measures and not found.total:
            found = self._page(request, near, loosely=True, measured=False)
        if found.total or not words.text:
            return found
        if words.key and not words.exactly:
            like_it = self._nearest(request, statements.LIKE_IT, {"key": words.key})
            if like_it:
                return self._page(request, like_it)
        if early:
            return self._corrected(ways[:1], loosely=True) or found
        return self._corrected(self._ways(request)) or found

    def _near(self, request: SearchRequest) -> list[uuid.UUID]:
        """Products whose number may be meant, the nearest first."""
        words = request.words
        exact = [row.product_id for row in _rows(statements.NEAR, {"exact": [words.key]})]
        if words.exactly:
            return exact[:WINDOW]
        slips = sorted(numbers.deletions(words.key))
        values = {
            "heads": list(words.heads),
            "near_keys": [*numbers.cuts(words.key), *slips],
            "slips": [words.key, *slips] if slips else [],
            "key": words.key,
            "key_end": words.key + "\uffff",
        }
        others = [one for one in self._nearest(request, statements.NEARLY, values) if one not in set(exact)]
        return [*exact, *others][:WINDOW]

    def _nearest(self, request: SearchRequest, sql: str, values: Mapping[str, Any]) -> list[uuid.UUID]:
        rows = _rows(sql, values)
        order = numbers.nearest(request.words.key, request.words.heads, [row.part_number_key for row in rows])
        return [rows[at].product_id for at in order][:WINDOW]

    def _page(
        self, request: SearchRequest, near: Sequence[uuid.UUID], *, loosely: bool = False, measured: bool = True
    ) -> SearchResult:
        statement = statements.Statement(request, near=near, loosely=loosely, measured=measured)
        (row,) = _rows(statement.sql, statement.values)
        ids = row.ids or []
        total, end = row.total, request.offset + len(ids)
        following = end if ids and end < min(total, DEEPEST) else None
        marked = _marked(request, ids) if request.highlight and request.words.text else {}
        hits = tuple(Hit(one, marked.get(one, {})) for one in ids)
        return SearchResult(hits, total, following, tuple(_facets(request, row)))

    def _ways(self, request: SearchRequest) -> list[SearchRequest]:
        """What may be meant of what was mistyped."""
        spelt = Spelling(request)
        known, near = set[str](), dict[str, list[tuple[str, int]]]()
        values = {"words": list(spelt.words), "phrases": list(spelt.phrases), "asked": list(spelt.asked)}
        for row in _rows(statements.SPELLED, values) if spelt.words else ():
            if row.near is None:
                known.add(row.said)
            else:
                near.setdefault(row.said, []).append((row.near, row.documents))
        return spelt.ways(known, near)

    def _corrected(self, ways: Sequence[SearchRequest], *, loosely: bool = False) -> SearchResult | None:
        """What is found of the first that finds something."""
        for way in ways:
            found = self._page(way, [], loosely=loosely, measured=not loosely)
            if found.total:
                return replace(found, meant=way.words.text)
        return None

    def complete(self, prefix: str, buyer: Buyer, limit: int, language: str = "en") -> tuple[uuid.UUID, ...]:
        begun = _WORD.findall(plain(prefix))[:10]
        if not begun:
            return ()
        key = normalise(prefix)
        values: dict[str, Any] = {
            "begins": _all_begin(begun),
            "key": key if len(key) >= numbers.SHORTEST else "",
            "key_end": key + "\uffff",
            "hidden": list(buyer.hidden),
            "limit": limit,
        }
        own = language != "en"  # whose names are there as they are written
        if own:
            folded = prefix.casefold()
            said = _WORD.findall(statements.bigrams(folded) if language == "zh" else folded)[:10]
            values |= {"config": statements.CONFIGS[language], "own_words": " ".join(said)}
        share = 100 * COMPLETED_AMONG / max(remembered("documents", _count, COUNTED_S), 1)
        rows = _rows(statements.completed(own=own, among_some=True), values | {"share": share}) if share < 50 else ()
        if len(rows) < limit:
            rows = _rows(statements.completed(own=own, among_some=False), values)
        return tuple(row.product_id for row in rows)

    def related(self, product_id: uuid.UUID, buyer: Buyer, limit: int) -> tuple[uuid.UUID, ...]:
        values = {"product_id": product_id, "hidden": list(buyer.hidden), "limit": limit}
        return tuple(row.product_id for row in _rows(statements.RELATED, values))

    def write(self, documents: Sequence[Document]) -> list[Refused]:
        if documents:
            self._store([_row(document) for document in documents])
            self._learn(documents)
        return []

    def remove(self, gone: Sequence[tuple[uuid.UUID, int]]) -> None:
        if gone:
            self._store([{"product_id": product_id, "version": version, **_EMPTY} for product_id, version in gone])

    def rebuild(self, batches: Iterator[Sequence[Any]], read: Reader = list) -> int:
        """In the caller's transaction: others see the old index until it ends."""
        db.session.execute(delete(SearchDocument))
        db.session.execute(delete(SearchWord))
        written = 0
        for documents in map(read, batches):
            self._store([_row(document) for document in documents])
            written += len(documents)
        db.session.execute(text(storing.COUNT_WORDS))
        held = db.session.query(SearchDocument).count()
        if held < written:
            raise IndexNotWhole(given=written, held=held)
        return written

    def versions(self, after: uuid.UUID | None, limit: int) -> list[tuple[uuid.UUID, int]]:
        rows = db.session.query(SearchDocument.product_id, SearchDocument.version).filter(
            SearchDocument.gone.is_(False)
        )
        if after is not None:
            rows = rows.filter(SearchDocument.product_id > after)
        return [(row[0], row[1]) for row in rows.order_by(SearchDocument.product_id).limit(limit)]

    def outdated(self) -> bool:
        return False  # the migration that adds a column of its table fills it

    def _learn(self, documents: Sequence[Document]) -> None:
        """Remember the words of names, in one order, so that two writers do not wait for each other in a circle."""
        said = {word for one in documents for word in _WORD.findall(plain(one.name))}
        words = sorted(word for word in said if 2 <= len(word) <= 60 and word.isalpha())
        if words:
            values = [{"word": word, "documents": 1} for word in words]
            db.session.execute(insert(SearchWord).values(values).on_conflict_do_nothing())

    def _store(self, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), 500):
            packed = orjson.dumps(rows[start : start + 500], default=str).decode()
            db.session.execute(text(storing.STORE), {"rows": packed})


_EMPTY: dict[str, Any] = {
    "gone": True, "title": "", "part_number_key": "", "numbers": [], "deletions": [], "category_path": "",
    "vendors": [], "in_stock": False, "lead_days": None, "pairs": [], "measures": [], "scales": [],
}  # fmt: skip


@functools.lru_cache(256)
def _prepared(sql: str) -> Any:
    kinds = {name: kind for name, kind in _TYPES.items() if re.search(rf":{name}\b", sql)}
    kinds |= {name: ARRAY(Text()) for name in re.findall(r":(pairs\d+|m\d+_\d+_\d+)\b", sql)}
    return text(sql).bindparams(*[bindparam(name, type_=kind) for name, kind in kinds.items()])


def _rows(sql: str, values: Mapping[str, Any]) -> Sequence[Any]:
    return db.session.execute(_prepared(sql), dict(values)).all()


def _count() -> float:
    """About how many documents there are."""
    return float(db.session.scalar(text(statements.DOCUMENTS)) or 0)


def _all_begin(words: Sequence[str]) -> str:
    return " & ".join(f"{word}:*A" for word in words)


def _facets(request: SearchRequest, row: Any) -> Iterator[Facet]:
    for name in request.facets:
        counted = [(value, count) for value, count in (getattr(row, name.value) or ()) if count]
        if name is FacetName.ATTRIBUTES:
            yield from attribute_facets(counted)
        else:
            yield Facet(name.value, tuple(Count(value, count) for value, count in counted))


_MARKED = """
    SELECT own.id, ts_headline(own.config, own.name, own.query, :all) AS name,
           ts_headline(own.config, left(own.description, 5000), own.query, :some) AS description
    FROM (
        SELECT p.id, coalesce(t.name, p.name) AS name, coalesce(t.description, p.description) AS description, c.config,
               plainto_tsquery(c.config, unaccent(:q)) || plainto_tsquery(c.config, :q) AS query
        FROM product p LEFT JOIN product_text t ON t.product_id = p.id AND t.language = :language,
        LATERAL (SELECT CAST(CASE WHEN t.name IS NULL THEN 'english' ELSE :config END AS regconfig) AS config) c
        WHERE p.id = ANY(:near)
    ) own
"""


def _marked(request: SearchRequest, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    marks = f'StartSel="{OPEN}", StopSel="{CLOSE}"'
    values = {
        "q": request.words.text,
        "language": request.language,
        "config": statements.CONFIGS[request.language],
        "near": list(ids),
        "all": f"{marks}, HighlightAll=true",
        "some": f"{marks}, MaxWords=30, MinWords=10",
    }
    found: dict[uuid.UUID, dict[str, Any]] = {}
    for row in _rows(_MARKED, values):
        texts = {"name": row.name, "description": row.description}
        if request.language == "zh":  # has no spaces that a full text search could part words by
            texts = {name: mark_runs(said, request.words.text) for name, said in texts.items()}
        found[row.id] = {name: pieces(said) for name, said in texts.items() if OPEN in said}
    return found


def _row(document: Document) -> dict[str, Any]:
    words = document.name.split()[:60]
    values = " ".join(a.text for a in document.attributes)
    named = " ".join(f"{a.name} {a.text}" for a in document.attributes)
    part = normalise(document.part_number)[:200]
    leads = [offer.lead_time_days for offer in document.offers]
    texts = {}
    for language, name, description in document.texts:
        cut = statements.bigrams if language == "zh" else str
        texts |= {f"{language}_name": cut(name[:_LONGEST_TEXT]), f"{language}_text": cut(description[:_LONGEST_TEXT])}
    return {
        "product_id": document.product_id,
        "version": document.version,
        "gone": False,
        "title": document.name[:_LONGEST_TITLE],
        "part_number_key": part,
        "numbers": document.numbers,
        "deletions": sorted(numbers.deletions(part)),
        "category_path": document.category_path,
        "vendors": sorted({offer.vendor_id for offer in document.offers}),
        "in_stock": any(offer.in_stock for offer in document.offers),
        "lead_days": min(leads) if leads else None,
        "pairs": document.pairs,
        "measures": document.measures,
        "scales": document.scales,
        "name": document.name[:_LONGEST_TEXT],
        "facts": f"{document.manufacturer} {document.part_number} {document.kind}"[:_LONGEST_TEXT],
        "description": document.description[:_LONGEST_TEXT],
        "attributes": " ".join((named if len(named) < _LONGEST_TEXT else values, *document.papers))[:_LONGEST_TEXT],
        "is_a": " ".join(document.is_a),
        "serves": document.serves,
        "joined": " ".join(a + b for a, b in pairwise(words))[:_LONGEST_TEXT],
        **texts,
    }
