"""A search in Elasticsearch's words: pure. Every name of a field comes from here, every value is a value of the body.

What was typed is never parsed as a query language: it is analysed text in a match, or a term.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from search import numbers
from search.documents import scale
from search.engine import Buyer, FacetName, Range, SearchRequest, Sort
from search.marks import CLOSE, OPEN
from search.wording import Clause, constant, foremost, matching, readings

WINDOW = 60  # candidates for a part number that are put in order by how near they are
CATEGORIES, VENDORS, PAIRS, PAIR_SAMPLE = 300, 50, 200, 2_000
PRICE_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000)
LEAD_DAYS = (1, 3, 7, 14, 30)
# What a hit by its number counts, by how; all of it beyond what words come to.
EXACT, _HEAD, _SLIP, _BEGINS, _CUT, LEAST_NUMBER = 50_000.0, 20_000.0, 8_000.0, 2_000.0, 1_500.0, 1_000.0


def searches(request: SearchRequest, *, loosely: bool = False, measured: bool = True) -> list[Clause]:
    """The whole search. Strictly, all words have to be there, somewhere; `loosely` some of them. Unless `measured`, the
    quantities asked for only bring forward what has them.

    Where a score decides, it is two: one for the hits, in which the server passes over whatever can be no hit of the
    page, and one that only counts, without any score; the server keeps what that came to until something changes.
    """
    hits = _hits(request, _query(request, loosely=loosely, measured=measured))
    counted = dict(_facets(request))
    if request.sort is Sort.RELEVANCE and request.words.text and not is_number(request):
        found: Clause = {"filter": [*_filters(request), matching(request, loosely=loosely, measured=measured)]}
        if FacetName.ATTRIBUTES in request.facets:
            found["should"] = foremost(request)  # for its sample
        counts = {"query": {"bool": found}, "size": 0, "track_total_hits": True}
        return [hits | {"track_total_hits": False}, counts | ({"aggs": counted} if counted else {})]
    return [hits | {"track_total_hits": True} | ({"aggs": counted} if counted else {})]


def _hits(request: SearchRequest, query: Clause) -> Clause:
    asked: Clause = {
        "query": query,
        "from": request.offset,
        "size": request.limit,
        **_returned(*(["part_key"] if is_number(request) else [])),
    }
    if is_number(request) and request.sort is Sort.RELEVANCE and request.offset < WINDOW:
        asked |= {"from": 0, "size": max(WINDOW, request.offset + request.limit)}
    if request.sort is not Sort.RELEVANCE:
        asked["sort"] = _sort(request)
    if request.highlight and request.words.text:
        asked["highlight"] = _highlight(request)
    return asked


def _highlight(request: SearchRequest) -> Clause:
    """What is marked of a hit: the words of the readings. The whole search would be made ready for each text anew."""
    fields = dict(_marked(request.language))
    ways = [{"multi_match": {"query": text, "fields": list(fields)}} for text in request.words.readings]
    return {
        "pre_tags": [OPEN],
        "post_tags": [CLOSE],
        "number_of_fragments": 1,
        "fragment_size": 160,
        "highlight_query": {"bool": {"should": ways}},
        "fields": fields,
    }


def _returned(*others: str) -> Clause:
    """Which product a hit is, by columns: what is stored of a document is packed with that of others."""
    return {"stored_fields": "_none_", "docvalue_fields": ["product_id", *others]}


def is_number(request: SearchRequest) -> bool:
    return bool(request.words.key)


def nothing_like_it(request: SearchRequest) -> Clause:
    """A search of part numbers that share most of their parts of three characters with what was typed."""
    key = request.words.key
    threes = {"match": {"part_key.threes": {"query": key, "minimum_should_match": "50%"}}}
    return {
        "query": {"bool": {"must": [threes], "filter": _filters(request)}},
        "size": WINDOW,
        **_returned("part_key"),
    }


def _marked(language: str) -> Iterable[tuple[str, Clause]]:
    """The texts in which it is marked what was found, a name whole."""
    for path in ("", *([] if language == "en" else [f"texts.{language}."])):
        yield f"{path}name", {"number_of_fragments": 0}
        yield f"{path}description", {}


def completion(prefix: str, buyer: Buyer, limit: int, language: str) -> Clause:
    """Names with words that begin so, and part numbers that do."""
    names = ["name.begins", *([] if language == "en" else [f"texts.{language}.name.begins"])]
    ways: list[Clause] = [{"match": {name: {"query": prefix, "operator": "and"}}} for name in names]
    key = numbers.normalise(prefix)
    if len(key) >= numbers.SHORTEST:
        ways.append({"prefix": {"part_key": {"value": key}}})
    return {
        "query": {"bool": {"filter": [{"bool": {"should": ways}}, *_offered(buyer)]}},
        "size": limit,
        "track_total_hits": False,
        **_returned(),
        "terminate_after": 5_000,
    }


def related(product_id: str, source: Mapping[str, Any], buyer: Buyer, limit: int) -> Clause:
    """Others of its category; the more attributes they share, the better."""
    shared = [{"constant_score": {"filter": {"term": {"pairs": pair}}}} for pair in source.get("pairs", ())[:50]]
    filters: list[Clause] = [{"term": {"category": source.get("category", "")}}, *_offered(buyer)]
    alike = {"match": {"name": {"query": source.get("name", "")[:200], "boost": 0.2}}}
    return {
        "query": {
            "bool": {
                "filter": filters,
                "must_not": [{"ids": {"values": [product_id]}}],
                "should": [*shared, alike],
            }
        },
        "size": limit,
        "track_total_hits": False,
        **_returned(),
    }


def _query(request: SearchRequest, *, loosely: bool, measured: bool) -> Clause:
    found: Clause = {"filter": _filters(request)}
    if request.words.text:
        ways = [*_numbers(request), *readings(request, loosely=loosely, measured=measured)]
        found["must"] = [{"bool": {"should": ways, "minimum_should_match": 1}}]
    query: Clause = {"bool": found}
    if request.words.boosts and request.sort is Sort.RELEVANCE:
        functions = [{"filter": {"term": {"categories": b.category}}, "weight": b.weight} for b in request.words.boosts]
        query = {"function_score": {"query": query, "functions": functions, "score_mode": "multiply"}}
    return query


def _numbers(request: SearchRequest) -> list[Clause]:
    """Ways in which the text is a number: exactly, behind a suffix, with a slip, with its end left out."""
    key, heads = request.words.key, request.words.heads
    if not key:
        return []
    exact = constant({"term": {"numbers": key}}, EXACT)
    if request.words.exactly:
        return [exact]
    near = constant({"range": {"part_length": {"lte": len(key) + 2}}}, _BEGINS / 2)
    begins = constant({"prefix": {"part_key": {"value": key}}}, _BEGINS)
    ways = [exact, {"bool": {"must": [begins], "should": [near]}}]
    ways += [constant({"term": {"numbers": head}}, _HEAD - 10 * at) for at, head in enumerate(heads)]
    ways += [constant({"term": {"part_key": cut}}, _CUT - 10 * at) for at, cut in enumerate(numbers.cuts(key))]
    if slips := numbers.deletions(key):
        ways.append(constant({"terms": {"altered": [key, *slips]}}, _SLIP))
    return ways


def _filters(request: SearchRequest) -> list[Clause]:
    filters: list[Clause] = []
    if request.category:
        filters.append({"term": {"categories": request.category}})
    for name, values in request.attributes:
        filters.append({"terms": {"pairs": [f"{name}={value}" for value in values]}})
    filters += [{"range": {"scales": _scale_bounds(wanted)}} for wanted in request.ranges]
    return [*filters, *_offered(request.buyer), *_offers(request)]


def _scale_bounds(wanted: Range) -> Clause:
    low = scale(wanted.name, float(wanted.low)) if wanted.low is not None else f"{wanted.name[:200]}\x1f"
    high = scale(wanted.name, float(wanted.high)) if wanted.high is not None else f"{wanted.name[:200]}\x1fg"
    return {"gte": low, "lte": high}


def _offered(buyer: Buyer) -> list[Clause]:
    """Somebody who may sell offers it."""
    if not buyer.hidden:
        return [{"exists": {"field": "vendors"}}]
    others = {"bool": {"must_not": [_hidden(buyer)]}}
    return [
        {"nested": {"path": "prices", "query": {"bool": {"filter": [{"exists": {"field": "prices.vendor"}}, others]}}}}
    ]


def _offers(request: SearchRequest) -> list[Clause]:
    """One offer has all that is asked of offers."""
    if request.price is None and request.vendors and not request.in_stock and request.lead_time_days is None:
        return [{"terms": {"vendors": _texts(request.vendors)}}]
    wanted = _row_conditions(request)
    if not wanted:
        return []
    if request.price is not None:
        wanted += [*eligible(request.buyer, request.quantity), {"range": {"prices.price": _bounds(request.price)}}]
    query: Clause = {"filter": wanted}
    if request.buyer.hidden:
        query["must_not"] = [_hidden(request.buyer)]
    return [{"nested": {"path": "prices", "query": {"bool": query}}}]


def _row_conditions(request: SearchRequest) -> list[Clause]:
    wanted: list[Clause] = []
    if request.vendors:
        wanted.append({"terms": {"prices.vendor": _texts(request.vendors)}})
    if request.in_stock:
        wanted.append({"term": {"prices.in_stock": True}})
    if request.lead_time_days is not None:
        wanted.append({"range": {"prices.lead_days": {"lte": request.lead_time_days}}})
    if request.price is not None and not wanted:
        wanted.append({"exists": {"field": "prices.price"}})
    return wanted


def eligible(buyer: Buyer, quantity: int | None) -> list[Clause]:
    """The rows of prices that are this buyer's at the quantity: of an offer exactly one."""
    amount = quantity or 0
    mine: list[Clause] = [{"term": {"prices.open": True}}]
    if buyer.lists:
        mine.append({"terms": {"prices.list": _texts(buyer.lists)}})
    beaten = [{"terms": {"prices.better": _texts(buyer.lists)}}] if buyer.lists else []
    if buyer.hidden:
        beaten.append(_hidden(buyer))
    return [
        {"term": {"prices.currency": buyer.currency}},
        {"range": {"prices.from": {"lte": amount}}},
        {"range": {"prices.until": {"gt": amount}}},
        {"bool": {"should": mine, "must_not": beaten, "minimum_should_match": 1}},
    ]


def _sort(request: SearchRequest) -> list[Any]:
    rows = _row_conditions(request)
    by_price = {
        "mode": "min",
        "missing": "_last",
        "nested": {
            "path": "prices",
            "filter": {"bool": {"filter": [*eligible(request.buyer, request.quantity), *rows]}},
        },
    }
    kinds: dict[Sort, list[Any]] = {
        Sort.PRICE: [{"prices.price": {"order": "asc", **by_price}}],
        Sort.PRICE_DOWN: [{"prices.price": {"order": "desc", **by_price}}],
        Sort.NAME: [{"name.sort": {"order": "asc", "missing": "_last"}}],
        Sort.NEWEST: [{"product_id": "desc"}],
        Sort.LEAD_TIME: [_soonest(request.buyer)],
    }
    return [*kinds[request.sort], {"product_id": "asc"}]


def _soonest(buyer: Buyer) -> Clause:
    order = {"order": "asc", "missing": "_last"}
    if not buyer.hidden:
        return {"lead_days": order}
    others = {"path": "prices", "filter": {"bool": {"must_not": [_hidden(buyer)]}}}
    return {"prices.lead_days": {**order, "mode": "min", "nested": others}}


def _bounds(wanted: Range) -> Clause:
    sides = {"gte": wanted.low, "lte": wanted.high}
    return {name: float(value) for name, value in sides.items() if value is not None}


def _texts(ids: Iterable[Any]) -> list[str]:
    return [str(one) for one in ids]


def _facets(request: SearchRequest) -> Iterable[tuple[str, Clause]]:
    for name in request.facets:
        if name is FacetName.CATEGORY:
            yield name.value, {"terms": {"field": "category", "size": CATEGORIES}}
        elif name is FacetName.VENDOR:
            yield name.value, _vendor_counts(request)
        elif name is FacetName.STOCK:
            yield name.value, {"filter": _of_seller({"term": {"in_stock": True}}, request.buyer)}
        elif name is FacetName.LEAD_TIME:
            ranges = {str(days): {"range": {"lead_days": {"lte": days}}} for days in LEAD_DAYS}
            within = {days: _of_seller(wanted, request.buyer) for days, wanted in ranges.items()}
            yield name.value, {"filters": {"filters": within}}
        elif name is FacetName.PRICE:
            yield name.value, _price_counts(request)
        else:
            counts = {"pairs": {"terms": {"field": "pairs", "size": PAIRS, "min_doc_count": 1}}}
            yield name.value, {"sampler": {"shard_size": PAIR_SAMPLE}, "aggs": counts}


def _of_seller(wanted: Clause, buyer: Buyer) -> Clause:
    """Products with an offer that has what is wanted; where somebody may not sell, one that is not his."""
    if not buyer.hidden:
        return wanted
    ((kind, (only,)),) = ((kind, [*inner.items()]) for kind, inner in wanted.items())
    field, value = only
    offer = {"filter": [{kind: {f"prices.{field}": value}}], "must_not": [_hidden(buyer)]}
    return {"nested": {"path": "prices", "query": {"bool": offer}}}


def _hidden(buyer: Buyer) -> Clause:
    return {"terms": {"prices.vendor": _texts(buyer.hidden)}}


def _vendor_counts(request: SearchRequest) -> Clause:
    hidden = {"exclude": _texts(request.buyer.hidden)} if request.buyer.hidden else {}
    return {"terms": {"field": "vendors", "size": VENDORS, **hidden}}


def _price_counts(request: SearchRequest) -> Clause:
    """Products by what this buyer pays for one of an offer, in steps."""
    steps = [0, *PRICE_STEPS]
    ranges: list[Clause] = [{"key": f"{low}-{high}", "from": low, "to": high} for low, high in pairwise(steps)]
    ranges.append({"key": f"{steps[-1]}-", "from": steps[-1]})
    products = {"products": {"reverse_nested": {}}}
    mine = {"bool": {"filter": [*eligible(request.buyer, request.quantity), *_row_conditions(request)]}}
    counted = {"ranges": {"range": {"field": "prices.price", "ranges": ranges}, "aggs": products}}
    return {"nested": {"path": "prices"}, "aggs": {"mine": {"filter": mine, "aggs": counted}}}
