"""The SQL by which the embedded engine stores documents, put together from constants of our own."""

from search.statements import CONFIGS

COUNT_WORDS = """
    INSERT INTO search_word (word, documents)
    SELECT word, ndoc
    FROM ts_stat($$ SELECT to_tsvector('simple', unaccent(title)) FROM search_document WHERE NOT gone $$)
    WHERE length(word) BETWEEN 2 AND 60 AND word !~ '[[:digit:][:punct:]]'
    ON CONFLICT (word) DO UPDATE SET documents = excluded.documents
"""
_PARTS = (("name", "A"), ("text", "C"))
_TEXTS = (
    ("english", "A", "r.name"),
    ("simple", "A", "r.name"),
    ("english", "B", "r.facts"),
    ("english", "C", "r.description"),
    ("english", "D", "r.attributes"),
    ("english", "D", "r.joined"),
    *((CONFIGS[own], weight, f"r.{own}_{part}") for own in ("fr", "es", "ru", "zh") for part, weight in _PARTS),
)
_VECTORS = " || ".join(
    f"setweight(to_tsvector('{config}', unaccent(coalesce({column}, ''))), '{weight}')"
    for config, weight, column in _TEXTS
)
_KEPT = (
    "version, gone, title, part_number_key, numbers, deletions, category_path, vendors, in_stock, lead_days, pairs,"
    " measures, scales"
)
_KINDS = " || ".join(
    f"(SELECT coalesce(array_agg('{mark}' || x.lexeme), '{{}}') FROM unnest(to_tsvector('english', unaccent("
    f"coalesce(r.{column}, '')))) x)"
    for mark, column in (("=", "is_a"), (">", "serves"))
)
# The rows as JSON: what is text of a document becomes its words here, so that nothing is put together row by row.
STORE = f"""
    INSERT INTO search_document (product_id, {_KEPT}, kinds, words)
    SELECT r.product_id, {_KEPT}, {_KINDS}, {_VECTORS}
    FROM json_to_recordset(CAST(:rows AS json)) AS r (
        product_id uuid, version bigint, gone boolean, title text, part_number_key text, numbers text[],
        deletions text[], category_path text, vendors uuid[], in_stock boolean, lead_days integer, pairs text[],
        measures text[], scales text[], name text, facts text, description text, attributes text, joined text,
        is_a text, serves text, fr_name text, fr_text text,
        es_name text, es_text text, ru_name text, ru_text text, zh_name text, zh_text text
    )
    ORDER BY r.product_id
    ON CONFLICT (product_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in (*_KEPT.replace(",", " ").split(), "kinds", "words"))}
    WHERE search_document.version <= excluded.version
"""
