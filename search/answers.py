"""What Elasticsearch answers, in the words of the protocol: pure."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search import dsl, numbers, wording
from search.engine import DEEPEST, Count, Facet, FacetName, Hit, SearchRequest, SearchResult, Sort
from search.facets import attribute_facets
from search.marks import pieces
from search.spelling import Spelling


def known(spelt: Spelling, found: Mapping[str, Any]) -> set[str]:
    """Those of the words and phrases that some document has."""
    buckets = found["aggregations"]["known"]["buckets"]
    return {said for said, bucket in zip(wording.looked_up(spelt), buckets, strict=True) if bucket["doc_count"]}


def near(found: Mapping[str, Any]) -> dict[str, list[tuple[str, int]]]:
    """The words near those asked for, each with the number of its documents."""
    suggested = found.get("suggest", {}).get("word", ())
    return {word["text"]: [(one["text"], one["freq"]) for one in word["options"]] for word in suggested}


def together(hits: Mapping[str, Any], counts: Mapping[str, Any]) -> dict[str, Any]:
    """One answer of the hits of one search and what another has counted."""
    return {
        "hits": {**hits["hits"], "total": counts["hits"]["total"]},
        "aggregations": counts.get("aggregations", {}),
        "timed_out": hits["timed_out"] or counts["timed_out"],
    }


def total(found: Mapping[str, Any]) -> int:
    return int(found["hits"].get("total", {"value": 0})["value"])


def result(request: SearchRequest, found: Mapping[str, Any]) -> SearchResult:
    hits = found["hits"]["hits"]
    if request.words.key and request.sort is Sort.RELEVANCE and hits and request.offset < dsl.WINDOW:
        hits = _nearest_first(request, hits)[request.offset : request.offset + request.limit]
    items = tuple(_hit(hit) for hit in hits)
    count, end = total(found), request.offset + len(items)
    following = end if items and end < min(count, DEEPEST) else None
    return SearchResult(items, count, following, tuple(_facets(request, found.get("aggregations", {}))))


def _nearest_first(request: SearchRequest, hits: Sequence[Any]) -> list[Any]:
    """Hits by number, found by more than a few words, in the order of how near they are; the others behind them."""
    by_number = [hit for hit in hits if (hit["_score"] or 0) >= dsl.LEAST_NUMBER]
    others = [hit for hit in hits if (hit["_score"] or 0) < dsl.LEAST_NUMBER]
    words = request.words
    exact = [hit for hit in by_number if hit["_score"] >= dsl.EXACT]
    near = [hit for hit in by_number if hit["_score"] < dsl.EXACT]
    keys = [(hit["fields"].get("part_key") or [""])[0] for hit in near]
    return [*exact, *(near[at] for at in numbers.nearest(words.key, words.heads, keys)), *others]


def product_id(hit: Mapping[str, Any]) -> uuid.UUID:
    return uuid.UUID(hit["fields"]["product_id"][0])


def _hit(hit: Mapping[str, Any]) -> Hit:
    found = sorted(hit.get("highlight", {}).items())  # "texts.fr.name" behind "name": of two the language's own stays
    return Hit(product_id(hit), {name.rpartition(".")[2]: pieces(texts[0]) for name, texts in found})


def _facets(request: SearchRequest, counted: Mapping[str, Any]) -> Iterator[Facet]:
    for name in request.facets:
        found = counted.get(name.value)
        if found is None:
            continue
        if name is FacetName.ATTRIBUTES:
            yield from attribute_facets([(b["key"], b["doc_count"]) for b in found["pairs"]["buckets"]])
        elif name is FacetName.STOCK:
            yield Facet(name.value, (Count("in_stock", found["doc_count"]),))
        elif name is FacetName.PRICE:
            counts = [(b["key"], b["products"]["doc_count"]) for b in found["mine"]["ranges"]["buckets"]]
            yield Facet(name.value, tuple(Count(key, number) for key, number in counts if number))
        elif name is FacetName.LEAD_TIME:
            counts = [(days, found["buckets"][str(days)]["doc_count"]) for days in dsl.LEAD_DAYS]
            yield Facet(name.value, tuple(Count(str(days), number) for days, number in counts if number))
        else:
            yield Facet(name.value, tuple(Count(b["key"], b["doc_count"]) for b in found["buckets"] if b["doc_count"]))
