"""Settings and mapping of the index in Elasticsearch, as data: pure.

Names of attributes are values, not fields: one real catalogue has 5,366 of them. No module beyond the basic
distribution is needed.
"""

from typing import Any

FORMAT = 2  # raised with every change of what an index holds: one of an earlier format is made anew
MAX_PRICES = 20_000  # rows of prices of one product
_TEXT_FILTERS: dict[str, Any] = {
    "shingles": {"type": "shingle", "min_shingle_size": 2, "max_shingle_size": 2, "token_separator": ""},
    "only_shingles": {
        "type": "shingle", "min_shingle_size": 2, "max_shingle_size": 2, "token_separator": "",
        "output_unigrams": False, "output_unigrams_if_no_shingles": True,
    },
    "prefixes": {"type": "edge_ngram", "min_gram": 1, "max_gram": 15},
    "elision_fr": {"type": "elision", "articles_case": True, "articles": [*"lmtnsjdc", "qu"]},
    "possessive_en": {"type": "stemmer", "language": "possessive_english"},
} | {
    f"stop_{short}": {"type": "stop", "stopwords": f"_{name}_"}
    for short, name in (("en", "english"), ("fr", "french"), ("es", "spanish"), ("ru", "russian"))
} | {
    f"stem_{short}": {"type": "stemmer", "language": name}
    for short, name in (("en", "english"), ("fr", "light_french"), ("es", "light_spanish"), ("ru", "russian"))
}  # fmt: skip


def _analyzer(*filters: str, tokenizer: str = "standard") -> dict[str, Any]:
    return {"type": "custom", "tokenizer": tokenizer, "filter": list(filters)}


_ANALYSIS = {
    "filter": _TEXT_FILTERS,
    "tokenizer": {"threes": {"type": "ngram", "min_gram": 3, "max_gram": 3}},
    "analyzer": {
        "text_en": _analyzer("possessive_en", "lowercase", "asciifolding", "stop_en", "stem_en"),
        "text_fr": _analyzer("elision_fr", "lowercase", "stop_fr", "stem_fr", "asciifolding"),
        "text_es": _analyzer("lowercase", "stop_es", "stem_es", "asciifolding"),
        "text_ru": _analyzer("lowercase", "stop_ru", "stem_ru"),
        "text_zh": {"type": "cjk"},
        "plain": _analyzer("lowercase", "asciifolding"),
        "begins": _analyzer("lowercase", "asciifolding", "prefixes"),
        "joined": _analyzer("lowercase", "asciifolding", "shingles", "stem_en"),
        "joined_asked": _analyzer("lowercase", "asciifolding", "only_shingles", "stem_en"),
        "threes": {"type": "custom", "tokenizer": "threes"},
    },
    "normalizer": {"folded": {"type": "custom", "filter": ["lowercase", "asciifolding"]}},
}


def _text(language: str = "en", **others: Any) -> dict[str, Any]:
    return {"type": "text", "analyzer": f"text_{language}", **others}


def _only_found(kind: str = "keyword") -> dict[str, Any]:
    """A value to look up, not to count or sort by."""
    return {"type": kind, "doc_values": False}


def _only_compared(kind: str) -> dict[str, Any]:
    """A value to sort by or to hold against bounds, of what else has found: ranges of it are not looked up."""
    return {"type": kind, "index": False}


_PRICES = {
    "type": "nested",
    "properties": {
        "vendor": {"type": "keyword"},
        "in_stock": _only_found("boolean"),
        "lead_days": _only_compared("short"),
        "open": _only_found("boolean"),
        "list": _only_found(),
        "better": _only_found(),
        "currency": _only_found(),
        "from": _only_compared("integer"),
        "until": _only_compared("integer"),
        "price": _only_compared("double"),
    },
}
_BEGINS: dict[str, Any] = {
    "begins": {
        "type": "text",
        "analyzer": "begins",
        "search_analyzer": "plain",
        "norms": False,
        "index_options": "docs",
    }
}
PROPERTIES: dict[str, Any] = {
    "product_id": _only_compared("keyword"),
    "name": _text(
        fields={
            "joined": {
                "type": "text",
                "analyzer": "joined",
                "search_analyzer": "joined_asked",
                "norms": False,
            },  # "head set" is "headset"
            "plain": {"type": "text", "analyzer": "plain", "norms": False},  # to correct misspellings
            **_BEGINS,
            "sort": {**_only_compared("keyword"), "normalizer": "folded", "ignore_above": 300},
        }
    ),
    "description": _text(),
    "manufacturer": _text(norms=False),
    "kind": _text(norms=False),
    "attributes": _text(norms=False),
    "values": _text(),  # of attributes: where there are few, each says more
    "papers": _text(norms=False),
    "is_a": _text(norms=False, index_options="docs"),  # the words that say what it is, see search/kinds.py
    "called": _text(norms=False, index_options="docs"),  # so does its description
    "serves": _text(norms=False),  # what it is for: an accessory, where these words are asked for
    "texts": {
        "properties": {
            language: {"properties": {"name": _text(language, fields=_BEGINS), "description": _text(language)}}
            for language in ("fr", "es", "zh", "ru")
        }
    },
    "part_number": _text(norms=False),
    "part_key": {"type": "keyword", "fields": {"threes": {"type": "text", "analyzer": "threes", "norms": False}}},
    "part_length": _only_compared("short"),
    "numbers": _only_found(),
    "altered": _only_found(),  # the part number as it is, and its deletions: see search/numbers.py
    "category": {"type": "keyword"},
    "categories": _only_found(),
    "pairs": {"type": "keyword", "ignore_above": 1000},
    "measures": _only_found(),
    "scales": _only_found(),
    "vendors": {"type": "keyword"},
    "in_stock": _only_found("boolean"),
    "lead_days": _only_compared("short"),
    "prices": _PRICES,
}


def index_body(alias: str, *, serving: bool = True, shards: int = 1, replicas: int = 0) -> dict[str, Any]:
    """What a new index is made with; one that does not serve yet is not refreshed, has no replicas, and need not be on
    the disk with every request: it is begun anew where its server fails."""
    return {
        "aliases": {alias: {"is_write_index": True}},
        "settings": {
            "number_of_shards": shards,
            "number_of_replicas": replicas if serving else 0,
            "refresh_interval": "500ms" if serving else "-1",
            "translog.durability": "request" if serving else "async",
            "max_result_window": 10_000,
            "max_ngram_diff": 1,
            "max_shingle_diff": 2,
            "mapping.nested_objects.limit": MAX_PRICES,
            "analysis": _ANALYSIS,
        },
        "mappings": {
            "_meta": {"format": FORMAT},
            "dynamic": False,
            "properties": PROPERTIES,
        },
    }
