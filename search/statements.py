"""The SQL of the PostgreSQL engine. The texts are put together from constants of our own; whatever a caller sends is a
bound parameter."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from search import kinds
from search.documents import scale
from search.engine import DEEPEST, FacetName, SearchRequest, Sort
from search.spelling import MOST_NEAR, SHORTEST_TWICE
from search.words import thing_measured

CONFIGS = {"en": "english", "fr": "french", "es": "spanish", "ru": "russian", "zh": "simple"}
PAIR_SAMPLE, PRICE_SAMPLE = 2_000, 2_000
_ALTERNATIVE = 0.8
_DESCRIPTION, _IS_A, _SERVES = 1.2, 1.1, 0.7
_THING, _MEASURED = 0.5, 5.0  # for what is told by a quantity, and for having it where it is not needed
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")  # of `ball-bearing`, which is also written without
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")

# What this buyer pays for one of the offer `o` at the quantity, in his currency; the best list that holds it wins.
_UNIT_PRICE = """
    SELECT x.unit_price FROM price_list l JOIN price x ON x.price_list_id = l.id AND x.offer_id = o.id
    CROSS JOIN LATERAL (SELECT greatest(CAST(:quantity AS bigint),
        (o.min_quantity + o.pack_size - 1) / o.pack_size * o.pack_size) AS quantity) wanted
    WHERE l.vendor_id = o.vendor_id AND l.currency = :currency AND NOT l.includes_tax
      AND (l.kind = 'public' OR l.id = ANY(:lists))
    ORDER BY l.rank, l.id DESC, x.from_quantity > wanted.quantity, abs(x.from_quantity - wanted.quantity)
    LIMIT 1
"""
_ENOUGH = "s.on_hand - s.reserved >= (o.min_quantity + o.pack_size - 1) / o.pack_size * o.pack_size"
_LIVE = """
    FROM offer o JOIN offer_stock s ON s.offer_id = o.id
    WHERE o.product_id = {d}.product_id AND o.state = 'live' AND NOT (o.vendor_id = ANY(:hidden)) {offer}
"""
# The words of a row, put together from where they are stored once, and not for each use.
_UNPACKED = "CROSS JOIN LATERAL (SELECT d.words || ''::tsvector AS words OFFSET 0) w"


def bigrams(value: str) -> str:
    """Chinese text as overlapping pairs, which a full text search without a dictionary can find."""

    def pairs(match: re.Match[str]) -> str:
        run = match[0]
        return " " + " ".join(run[at : at + 2] for at in range(max(1, len(run) - 1))) + " "

    return _HAN.sub(pairs, value)


def _rank(query: str) -> str:
    """How well the name fits (a little also maker, part number, kind and attributes), or the description, whichever
    fits better; of two texts the shorter says more."""
    name = f"ts_rank(ARRAY[0.02, 0, 0.1, 1.0]::real[], w.words, {query}, 0) / ln(10 + length(d.title))"
    description = f"ts_rank(ARRAY[0, 1.0, 0, 0]::real[], w.words, {query}, 0) / ln(50 + length(w.words))"
    return f"greatest({name}, {_DESCRIPTION} * {description})"


def _stems(mark: str, value: str) -> str:
    """The marked stems of a bound text, worked out once."""
    return f"(SELECT array_agg('{mark}' || x.lexeme) FROM unnest(to_tsvector('english', unaccent({value}))) x)"


class Statement:
    """One search as SQL with its values."""

    def __init__(
        self, request: SearchRequest, *, near: Iterable[Any] = (), loosely: bool = False, measured: bool = True
    ) -> None:
        """Unless `measured`, the quantities asked for only bring forward what has them."""
        self.request = request
        self.once: dict[str, str] = {}
        buyer = request.buyer
        self.values: dict[str, Any] = {
            "near": list(near),
            "hidden": list(buyer.hidden),
            "lists": list(buyer.lists),
            "currency": buyer.currency,
            "quantity": request.quantity or 0,
            "limit": request.limit,
            "offset": request.offset,
        }
        self.matches, self.score = self._words(loosely=loosely, measured=measured)
        self.conditions = " AND ".join(self._conditions())
        self.offer = self._offer_conditions()

    def _bind(self, name: str, value: Any) -> str:
        self.values[name] = value
        return f":{name}"

    def _once(self, name: str, expression: str) -> str:
        """The value of an expression that PostgreSQL would work out again for every row."""
        self.once[name] = expression
        return f"(SELECT asked.{name} FROM asked)"

    def _words(self, *, loosely: bool, measured: bool) -> tuple[str, str]:
        """(condition, score) of the readings."""
        words, config = self.request.words, CONFIGS[self.request.language]
        if not words.text:
            return "TRUE", "0"
        conditions, scores = [], []
        for at, reading in enumerate(words.readings):
            rest, needed = self._measures(at, reading)
            asked = _HYPHEN.sub(" ", bigrams(rest) if config == "simple" else rest)
            value = self._bind(f"q{at}", asked)
            query = f"plainto_tsquery('english', unaccent({value}))"
            if config != "english":
                query += f" || plainto_tsquery('{config}', unaccent({value}))"
            if len(asked.split()) == 2:
                query += f" || plainto_tsquery('english', unaccent({self._bind(f'j{at}', ''.join(asked.split()))}))"
            any_of = f"replace(({query})::text, '&', '|')::tsquery"
            query = self._once(f"q{at}", query)
            if loosely:
                some = self._once(f"s{at}", any_of)
                matched = f"d.words @@ {some}"
                score = f"{_rank(some)} + CASE WHEN d.words @@ {query} THEN 1 ELSE 0 END"
            else:
                matched, score = f"d.words @@ {query}", _rank(query)
            if not rest:
                conditions.append((" AND " if measured else " OR ").join(needed) or "TRUE")
            else:
                conditions.append(" AND ".join([matched, *(needed if measured else [])]))
            if not rest and needed:
                tokens = self._bind(f"m{at}_0_99", self._tokens())  # before what has only its digits
                score += f" + CASE WHEN d.measures && {tokens} THEN {_MEASURED} ELSE 0 END"
            if not measured:
                score += "".join(f" + CASE WHEN {one} THEN {_MEASURED} ELSE 0 END" for one in needed)
            scores.append(f"{_ALTERNATIVE if at else 1.0} * ({score}{self._thing(at, rest)}){self._kind(at, rest)}")
        return " OR ".join(f"({one})" for one in conditions), f"greatest({', '.join(scores)}){self._boosts()}"

    def _thing(self, at: int, rest: str) -> str:
        """Where no word says what is wanted: first the kind of thing that is told by the quantity."""
        thing = "" if kinds.kind_asked(rest) else thing_measured(self.request.words.measures)
        if not thing:
            return ""
        stem = f"(plainto_tsquery('english', {self._bind(f't{at}', thing)})::text || '\\:AB')"
        return f" + CASE WHEN d.words @@ {self._once(f't{at}', f'{stem}::tsquery')} THEN {_THING} ELSE 0 END"

    def _kind(self, at: int, rest: str) -> str:
        """What is one counts more than what is for one; see search/kinds.py."""
        kind, every = self._bind(f"k{at}", kinds.kind_asked(rest)), self._bind(f"s{at}", rest)
        return (
            f" * CASE WHEN d.kinds && {_stems('=', kind)} THEN {_IS_A} ELSE 1 END"
            f" * CASE WHEN d.kinds && {_stems('>', every)} THEN {_SERVES} ELSE 1 END"
        )

    def _boosts(self) -> str:
        parts = []
        for at, boost in enumerate(self.request.words.boosts):
            path, weight = self._bind(f"boost_path{at}", boost.category), self._bind(f"boost{at}", boost.weight)
            inside = f"(d.category_path = {path} OR starts_with(d.category_path, {path} || '/'))"
            parts.append(f" * CASE WHEN {inside} THEN CAST({weight} AS float) ELSE 1 END")
        return "".join(parts)

    def _tokens(self) -> list[str]:
        return [token for _, ways in self.request.words.measures for way in ways for token in way]

    def _measures(self, at: int, reading: str) -> tuple[str, list[str]]:
        """What is left of a reading without its quantities, and a condition for each of them."""
        rest, needed = reading, []
        for number, (said, ways) in enumerate(self.request.words.measures):
            if said not in rest:
                continue
            rest = rest.replace(said, " ", 1)
            meant = [f"d.measures @> {self._bind(f'm{at}_{number}_{n}', list(way))}" for n, way in enumerate(ways)]
            said_query = f"plainto_tsquery('english', unaccent({self._bind(f'w{at}_{number}', said)}))"
            written = f"d.words @@ {self._once(f'w{at}_{number}', said_query)}"
            needed.append(f"({' OR '.join([*meant, written])})")
        return rest.strip(), needed

    def _conditions(self) -> Iterable[str]:
        request = self.request
        yield "NOT d.gone AND d.vendors <> '{}'"
        if request.buyer.hidden:
            yield "NOT (d.vendors <@ :hidden)"
        if request.category:
            path = self._bind("category", request.category)
            yield f"(d.category_path = {path} OR starts_with(d.category_path, {path} || '/'))"
        for at, (name, values) in enumerate(request.attributes):
            yield f"d.pairs && {self._bind(f'pairs{at}', [f'{name}={value}' for value in values])}"
        for at, wanted in enumerate(request.ranges):
            low = scale(wanted.name, float(wanted.low)) if wanted.low is not None else f"{wanted.name[:200]}\x1f"
            high = scale(wanted.name, float(wanted.high)) if wanted.high is not None else f"{wanted.name[:200]}\x1fg"
            bounds = f"{self._bind(f'low{at}', low)} AND {self._bind(f'high{at}', high)}"
            scales = 'SELECT x.scale COLLATE "C" AS scale FROM unnest(d.scales) AS x (scale)'
            yield f"EXISTS (SELECT 1 FROM ({scales}) x WHERE x.scale BETWEEN {bounds})"
        only_vendors = not request.in_stock and request.lead_time_days is None and request.price is None
        if request.vendors and only_vendors:
            yield f"d.vendors && {self._bind('vendors', list(request.vendors))}"
        elif not only_vendors:
            yield f"EXISTS (SELECT 1 {_LIVE.format(d='d', offer=self._offer_conditions())})"

    def _offer_conditions(self) -> str:
        """What one offer must have."""
        request, parts = self.request, []
        if request.vendors:
            parts.append(f"o.vendor_id = ANY({self._bind('vendors', list(request.vendors))})")
        if request.in_stock:
            parts.append(_ENOUGH)
        if request.lead_time_days is not None:
            parts.append(f"o.lead_time_days <= {self._bind('lead_days', request.lead_time_days)}")
        if request.price is not None:
            low, high = self._bind("price_low", request.price.low), self._bind("price_high", request.price.high)
            bounds = (f"(CAST({low} AS numeric) IS NULL OR p.unit_price >= {low})"
                      f" AND (CAST({high} AS numeric) IS NULL OR p.unit_price <= {high})")  # fmt: skip
            parts.append(f"EXISTS (SELECT 1 FROM ({_UNIT_PRICE}) p WHERE {bounds})")
        return "".join(f" AND {part}" for part in parts)

    @property
    def sql(self) -> str:
        columns = "d.product_id, d.title, d.category_path, d.vendors, d.in_stock, d.lead_days"
        near = (
            f"""
            SELECT {columns}, 1000000.0 - array_position(:near, d.product_id) AS score FROM search_document d
            WHERE d.product_id = ANY(:near) AND {self.conditions}
            UNION ALL
        """
            if self.values["near"]
            else ""
        )
        others = "AND NOT (d.product_id = ANY(:near))" if near else ""
        every = self.request.sort is not Sort.RELEVANCE or not self.request.words.text
        cap = "" if every else f"LIMIT {DEEPEST}"
        found = f"""
            {near}
            (SELECT {columns}, ({self.score})::float8 AS score FROM search_document d {_UNPACKED}
             WHERE ({self.matches}) {others} AND {self.conditions} {cap})
        """
        return f"""
            WITH {self._asked()}found AS MATERIALIZED ({found}),
            page AS (
                SELECT f.product_id, row_number() OVER () AS place FROM (
                    SELECT f.product_id FROM found f {self._sorted()} LIMIT :limit OFFSET :offset
                ) f
            )
            SELECT (SELECT count(*) FROM found) AS total,
                   (SELECT array_agg(product_id ORDER BY place) FROM page) AS ids
                   {"".join(f", ({sql}) AS {name}" for name, sql in self._counts())}
        """

    def _asked(self) -> str:
        worked_out = ", ".join(f"{expression} AS {name}" for name, expression in self.once.items())
        return f"asked AS MATERIALIZED (SELECT {worked_out}), " if worked_out else ""

    def _sorted(self) -> str:
        live = _LIVE.format(d="f", offer=self.offer)
        price = f"(SELECT min(p.unit_price) FROM (SELECT ({_UNIT_PRICE}) AS unit_price {live}) p)"
        orders: Mapping[Sort, str] = {
            Sort.RELEVANCE: "ORDER BY f.score DESC, f.title, f.product_id",
            Sort.PRICE: f"ORDER BY {price} ASC NULLS LAST, f.product_id",
            Sort.PRICE_DOWN: f"ORDER BY {price} DESC NULLS LAST, f.product_id",
            Sort.NAME: "ORDER BY f.title, f.product_id",
            Sort.NEWEST: "ORDER BY f.product_id DESC",
            Sort.LEAD_TIME: f"ORDER BY {self._soonest()} NULLS LAST, f.product_id",
        }
        return orders[self.request.sort]

    def _soonest(self) -> str:
        """The lead time of a product, of those who may sell."""
        live = _LIVE.format(d="f", offer="")
        return f"(SELECT min(o.lead_time_days) {live})" if self.request.buyer.hidden else "f.lead_days"

    def _in_stock(self) -> str:
        live = _LIVE.format(d="f", offer=f" AND {_ENOUGH}")
        return f"EXISTS (SELECT 1 {live})" if self.request.buyer.hidden else "f.in_stock"

    def _counts(self) -> Iterable[tuple[str, str]]:
        """A subquery for each facet: a JSON array of [value, count]."""
        live = _LIVE.format(d="f", offer=self.offer)
        grouped = {
            FacetName.CATEGORY: "SELECT category_path AS v, count(*) AS n FROM found"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 300",
            FacetName.VENDOR: "SELECT x.v::text, sum(s.n)::bigint AS n"
            " FROM (SELECT vendors, count(*) AS n FROM found GROUP BY vendors) s, unnest(s.vendors) AS x (v)"
            " WHERE NOT (x.v = ANY(:hidden)) GROUP BY x.v ORDER BY 2 DESC, 1 LIMIT 50",
            FacetName.STOCK: f"SELECT 'in_stock' AS v, count(*) AS n FROM found f WHERE {self._in_stock()}",
            FacetName.LEAD_TIME: f"SELECT x.v::text, count(*) AS n FROM (SELECT {self._soonest()} AS days"
            " FROM found f) f JOIN unnest(ARRAY[1, 3, 7, 14, 30]) AS x (v) ON f.days <= x.v GROUP BY x.v ORDER BY x.v",
            FacetName.ATTRIBUTES: "SELECT x.v, count(*) AS n FROM (SELECT product_id FROM found ORDER BY score DESC"
            f" LIMIT {PAIR_SAMPLE}) f JOIN search_document d USING (product_id), unnest(d.pairs) AS x (v)"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 200",
            FacetName.PRICE: f"SELECT x.step AS v, count(DISTINCT f.product_id) AS n"
            f" FROM (SELECT product_id FROM found ORDER BY score DESC LIMIT {PRICE_SAMPLE}) f"
            f" CROSS JOIN LATERAL (SELECT ({_UNIT_PRICE}) AS unit_price {live}) p"
            f" JOIN LATERAL ({_PRICE_STEPS}) x ON true GROUP BY x.step, x.low ORDER BY x.low",
        }  # fmt: skip
        for name in self.request.facets:
            yield name.value, f"SELECT json_agg(json_build_array(c.v, c.n)) FROM ({grouped[name]}) c"


_PRICE_STEPS = """
    SELECT step.low || '-' || coalesce(step.high::text, '') AS step, step.low
    FROM (VALUES (0, 1), (1, 2), (2, 5), (5, 10), (10, 20), (20, 50), (50, 100), (100, 200), (200, 500), (500, 1000),
                 (1000, 5000), (5000, NULL)) AS step (low, high)
    WHERE p.unit_price >= step.low AND (step.high IS NULL OR p.unit_price < step.high)
"""
# Part numbers that may be meant, with their keys; each way finds a few, by an index of its own.
NEAR = """
    SELECT d.product_id, d.part_number_key, true AS exact FROM search_document d
    WHERE d.numbers && :exact AND NOT d.gone LIMIT 60
"""
# Those with a slip are found before they are cut off: of a search for the first 200, PostgreSQL expects so many that it
# reads the whole table instead of the index.
NEARLY = """
    WITH headed AS MATERIALIZED (
        SELECT d.product_id, d.part_number_key FROM search_document d WHERE d.numbers && :heads AND NOT d.gone
    ), slipped AS MATERIALIZED (
        SELECT d.product_id, d.part_number_key FROM search_document d WHERE d.deletions && :slips AND NOT d.gone
    )
    SELECT * FROM (
        (SELECT * FROM headed LIMIT 60)
        UNION (SELECT d.product_id, d.part_number_key FROM search_document d
               WHERE d.part_number_key = ANY(:near_keys) AND NOT d.gone LIMIT 60)
        UNION (SELECT * FROM slipped LIMIT 200)
        UNION (SELECT * FROM (SELECT d.product_id, d.part_number_key FROM search_document d
               WHERE d.part_number_key ~>=~ :key AND d.part_number_key ~<~ :key_end AND NOT d.gone LIMIT 2000) b
               ORDER BY length(b.part_number_key), b.part_number_key LIMIT 60)
    ) n
"""
LIKE_IT = """
    SELECT d.product_id, d.part_number_key FROM search_document d
    WHERE d.part_number_key % :key AND similarity(d.part_number_key, :key) >= 0.4 AND NOT d.gone LIMIT 200
"""
# Which words stand in a name, a kind or a maker, which phrases in any text, and the words near those asked for. A swap
# of two letters is one slip to whoever types, and two to this function.
SPELLED = f"""
    SELECT s.word AS said, NULL AS near, 0 AS documents FROM unnest(:words) s (word)
    WHERE EXISTS (SELECT 1 FROM search_word w WHERE w.word = s.word)
       OR EXISTS (SELECT 1 FROM search_document d WHERE d.words @@ to_tsquery('english', s.word || '\\:AB'))
    UNION ALL
    SELECT p.phrase, NULL, 0 FROM unnest(:phrases) p (phrase), phraseto_tsquery('english', p.phrase) q
    WHERE numnode(q) = 3 AND EXISTS (SELECT 1 FROM search_document d WHERE d.words @@ q)
    UNION ALL
    SELECT a.word, n.word, n.documents FROM unnest(:asked) a (word)
    CROSS JOIN LATERAL (SELECT CASE WHEN length(a.word) < {SHORTEST_TWICE} THEN 1 ELSE 2 END AS most) slips
    CROSS JOIN LATERAL (
        SELECT w.word, w.documents FROM search_word w
        WHERE w.word LIKE left(a.word, 1) || '%' AND abs(length(w.word) - length(a.word)) <= most
          AND levenshtein_less_equal(w.word, a.word, 2 * most) <= 2 * most
        ORDER BY levenshtein(w.word, a.word), w.documents DESC, w.word LIMIT {5 * MOST_NEAR}
    ) n
"""
DOCUMENTS = "SELECT reltuples FROM pg_class WHERE oid = 'search_document'::regclass"
# Of a word may come several when its accents go (`g½` -> `g 1/2`): what begins so is put together after that.
_OWN_WORDS = "btrim(regexp_replace(unaccent(:own_words), '[^[:alnum:]]+', ' ', 'g'))"
_OWN_BEGUN = f"to_tsquery(CAST(:config AS regconfig), nullif(replace({_OWN_WORDS}, ' ', '\\:*A & '), '') || '\\:*A')"


@cache
def completed(*, own: bool, among_some: bool) -> str:
    """Products with words that begin so; `own`: in a language beside the default. Among some of them, a share, is what
    many begin with, and found at once: the index would put all of it together first."""
    begun = f"(to_tsquery('simple', :begins) || coalesce({_OWN_BEGUN}, ''))" if own else "to_tsquery('simple', :begins)"
    some = "TABLESAMPLE SYSTEM (CAST(:share AS real)) REPEATABLE (1)" if among_some else ""
    return f"""
        SELECT d.product_id FROM search_document d {some}
        WHERE (d.words @@ {begun}
               OR (:key <> '' AND d.part_number_key ~>=~ :key AND d.part_number_key ~<~ :key_end))
          AND NOT d.gone AND d.vendors <> '{{}}' AND NOT (d.vendors <@ :hidden)
        LIMIT :limit
    """


# Of a large category so many are looked at: to compare all of 100,000 takes seconds.
RELATED = f"""
    SELECT d.product_id FROM search_document own
    CROSS JOIN LATERAL (
        SELECT * FROM search_document one
        WHERE one.category_path = own.category_path AND one.product_id <> own.product_id
          AND NOT one.gone AND one.vendors <> '{{}}' AND NOT (one.vendors <@ :hidden)
        LIMIT {DEEPEST}
    ) d
    WHERE own.product_id = :product_id
    ORDER BY (SELECT count(*) FROM unnest(d.pairs) x (pair) WHERE x.pair = ANY(own.pairs)) DESC,
             similarity(d.title, own.title) DESC, d.product_id
    LIMIT :limit
"""
