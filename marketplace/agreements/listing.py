"""The SQL of what a buyer sees of offers: one statement, one shape, JSON made where the rows are.

The texts are put together from constants of our own; whatever a caller sends is a bound parameter.
"""

# The list that holds for the offer `o`: of the lists in this currency and tax mode that are for everyone, or for this
# company, and hold the offer on the day, the lowest rank; of one rank the newest. Lists are found from the vendor and
# from the company, never by walking all that hold the offer: a vendor may have a contract with each of 1,000 buyers.
_LIST_OF_OFFER = """
    SELECT found.id, found.kind, found.name, found.rank
    FROM (
        SELECT l.id, l.kind, l.name, l.rank, l.valid_from, l.valid_to
        FROM price_list l
        WHERE l.vendor_id = o.vendor_id AND l.kind IN ('public', 'campaign')
          AND l.currency = {currency} AND l.includes_tax = :includes_tax
        UNION ALL
        SELECT l.id, l.kind, l.name, l.rank, l.valid_from, l.valid_to
        FROM price_list_company m JOIN price_list l ON l.id = m.price_list_id
        WHERE m.company_id = :company_id AND m.vendor_id = o.vendor_id AND l.kind IN ('contract', 'company')
          AND l.currency = {currency} AND l.includes_tax = :includes_tax
    ) found
    WHERE (found.valid_from IS NULL OR found.valid_from <= :day) AND (found.valid_to IS NULL OR found.valid_to >= :day)
      AND EXISTS (SELECT 1 FROM price held WHERE held.offer_id = o.id AND held.price_list_id = found.id)
    ORDER BY found.rank, found.id DESC
    LIMIT 1
"""

PRICES = f"""
    SELECT o.id AS offer_id, best.id AS list_id, best.kind, best.name, tiers.quantities, tiers.unit_prices
    FROM offer o
    CROSS JOIN LATERAL ({_LIST_OF_OFFER.format(currency=":currency")}) best
    CROSS JOIN LATERAL (
        SELECT array_agg(x.from_quantity ORDER BY x.from_quantity) AS quantities,
               array_agg(x.unit_price ORDER BY x.from_quantity) AS unit_prices
        FROM price x WHERE x.offer_id = o.id AND x.price_list_id = best.id
    ) tiers
    WHERE o.id = ANY(:offer_ids)
"""  # noqa: S608


def _decimal(number: str) -> str:
    """As fields.plain_decimal writes it: at least two decimals, no zeros behind them."""
    return f"(CASE WHEN scale(trim_scale({number})) < 2 THEN round({number}, 2) ELSE trim_scale({number}) END)::text"


# The currency asked for, else that of the buyer's company.
_CURRENCY = "(SELECT asked.currency FROM asked)"
_ASKED = """asked AS MATERIALIZED (
        SELECT coalesce(CAST(:currency AS text),
                        (SELECT b.currency FROM company b WHERE b.id = :company_id)) AS currency
    )"""

# The least that may be ordered: the minimum quantity, rounded up to whole packs.
_LEAST = "((o.min_quantity + o.pack_size - 1) / o.pack_size * o.pack_size)"

_ITEM = f"""
    json_build_object(
        'id', i.id, 'sku', i.sku,
        'product', json_build_object('id', i.product_id, 'name', i.product_name, 'manufacturer', i.manufacturer,
                                     'part_number', i.part_number, 'ean', i.ean),
        'vendor', json_build_object('id', i.vendor_id, 'name', i.vendor_name),
        'category', i.category, 'unit', i.unit, 'pack_size', i.pack_size, 'min_quantity', i.min_quantity,
        'least_quantity', i.least_quantity, 'lead_time_days', i.lead_time_days, 'available', i.available,
        'price', CASE WHEN i.list_id IS NOT NULL THEN json_build_object(
            'unit_price', {_decimal("i.unit_price")}, 'currency', {_CURRENCY}, 'tiers', i.tiers,
            'source', json_build_object('kind', i.list_kind, 'list_id', i.list_id, 'name', i.list_name)) END)
"""

_LIVE = f"""
    SELECT o.id, o.sku, o.product_id, p.name AS product_name, p.manufacturer, p.part_number, p.ean,
           o.vendor_id, v.name AS vendor_name, c.path AS category, o.unit, o.pack_size, o.min_quantity,
           {_LEAST} AS least_quantity, o.lead_time_days, best.id AS list_id, best.kind AS list_kind,
           best.name AS list_name
    FROM offer o
    JOIN company v ON v.id = o.vendor_id AND v.may_sell
    JOIN product p ON p.id = o.product_id
    LEFT JOIN category c ON c.id = p.category_id
    {{priced}} JOIN LATERAL ({_LIST_OF_OFFER.format(currency=_CURRENCY)}) best ON true
    WHERE o.state = 'live'
"""  # noqa: S608
_WITH_A_PRICE, _ALL = _LIVE.format(priced="INNER"), _LIVE.format(priced="LEFT")

_PRICED = f"""
    SELECT page.*, greatest(s.on_hand - s.reserved, 0) AS available, priced.tiers, priced.unit_price
    FROM page
    JOIN offer_stock s ON s.offer_id = page.id
    CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object('from_quantity', x.from_quantity, 'unit_price', {_decimal("x.unit_price")})
                        ORDER BY x.from_quantity) AS tiers,
               coalesce((array_agg(x.unit_price ORDER BY x.from_quantity DESC)
                            FILTER (WHERE x.from_quantity <= page.least_quantity))[1],
                        (array_agg(x.unit_price ORDER BY x.from_quantity))[1]) AS unit_price
        FROM price x WHERE x.offer_id = page.id AND x.price_list_id = page.list_id
    ) priced
"""  # noqa: S608

CONDITIONS = {
    "cursor": "o.id < :cursor",
    "vendor": "o.vendor_id = :vendor",
    "category": """p.category_id = ANY(ARRAY(
        SELECT sub.id FROM category sub WHERE sub.path = :category OR starts_with(sub.path, :category || '/')))""",
    "offer": "o.id = :offer",
    "products": "o.product_id = ANY(:products)",
}


def page_of_offers(limit: int, *conditions: str) -> str:
    """Offers with a price, newest first, as one row: JSON array of the first `limit`, the last id, are there more.

    The limit stands in the text: without it PostgreSQL could not tell that any plan will do for a page, and would plan
    each call anew, which takes longer than the page.
    """
    return f"""
        WITH {_ASKED}, page AS MATERIALIZED (
            {_WITH_A_PRICE} {_where(conditions)} ORDER BY o.id DESC LIMIT {limit + 1:d}
        )
        SELECT json_agg({_ITEM} ORDER BY i.id DESC)::text AS items, (array_agg(i.id ORDER BY i.id))[1] AS last,
               (SELECT count(*) FROM page) > {limit:d} AS more
        FROM (SELECT * FROM ({_PRICED}) whole ORDER BY whole.id DESC LIMIT {limit:d}) i
    """  # noqa: S608


def offers_by_product(*conditions: str) -> str:
    """Rows of (product id, JSON array of its offers): the best price for the least quantity first, no price last."""
    return f"""
        WITH {_ASKED}, page AS MATERIALIZED ({_ALL} {_where(conditions)})
        SELECT i.product_id, json_agg({_ITEM} ORDER BY i.unit_price, i.id)::text AS items
        FROM ({_PRICED}) i GROUP BY i.product_id
    """  # noqa: S608


def _where(conditions: tuple[str, ...]) -> str:
    return " ".join(f"AND {CONDITIONS[name]}" for name in conditions)
