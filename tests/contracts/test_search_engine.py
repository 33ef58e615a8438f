"""What every search engine must do; the same tests run on PostgreSQL and on a real Elasticsearch."""

import uuid
from dataclasses import replace
from decimal import Decimal

import pytest

from marketplace.agreements.models import ListKind
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db
from search import documents, indexing, provider, queries, rules
from search.engine import Buyer, FacetName, PageTooFar, Range, SearchRequest, Sort
from search.postgres import PostgresEngine
from tests.builders.catalogue import a_category, a_price_list, a_product, an_offer
from tests.builders.companies import a_company
from tests.builders.rows import together
from tests.search.servers import an_elastic_engine, drop, elasticsearch_url, index_products  # noqa: F401

ENGINES = ["postgres", pytest.param("elasticsearch", marks=pytest.mark.elasticsearch)]


@pytest.fixture(params=ENGINES)
def engine(request, app, session):
    before = app.extensions["kontor_search"], app.extensions["kontor_search_engines"]
    chosen = (
        PostgresEngine()
        if request.param == "postgres"
        else an_elastic_engine(request.getfixturevalue("elasticsearch_url"), "kontor-contract")
    )
    if chosen.outside:
        chosen.clear()
    provider.use(app, chosen, [chosen])
    yield chosen
    provider.use(app, before[0], before[1])
    if chosen.outside:
        drop(chosen)


def index(engine, products):
    db.session.flush()
    index_products([p.id for p in products])
    if engine.outside:
        engine.refresh()


@pytest.fixture
@together()
def shop(engine):
    """Five products of two vendors, indexed."""
    vendor, rival = a_company("Nordwerk", may_sell=True), a_company("Südwerk", may_sell=True)
    fasteners = a_category("Fasteners")
    screws = a_category("Screws", parent=fasteners)
    tools = a_category("Tools")
    made = {
        "screw": a_product(
            "Hexagon socket screw M8 x 20", created_by=vendor, part_number="DIN-912 M8x20", category=screws,
            ean="4006381333931", attributes=[
                {"name": "Strength", "value": "8.8"}, {"name": "Length", "value": "20", "unit": "mm"}
            ],
        ),
        "nut": a_product("Hexagon nut M8", created_by=vendor, part_number="DIN-934-M8", category=fasteners,
                         attributes=[{"name": "Strength", "value": "8"}]),
        "drill": a_product("Cordless drill", created_by=rival, part_number="BX 1800.7", category=tools,
                           description="For screws and wood, with case.",
                           attributes=[
                               {"name": "Voltage", "value": "18 V"}, {"name": "Capacitor", "value": "10", "unit": "µF"}
                           ]),
        "driver": a_product("Screwdriver, insulated", created_by=rival, part_number="SD-4410", category=tools,
                            attributes=[{"name": "Length", "value": "1/4", "unit": "in"}]),
        "muller": a_product("Fräser für Müller", created_by=rival, part_number="FM-77201", category=tools),
    }  # fmt: skip
    prices = {"screw": "0.10", "nut": "0.05", "drill": "89.00", "driver": "12.50", "muller": "35.00"}
    stock = {"drill": 0}
    offers = {
        name: an_offer(vendor if name in {"screw", "nut"} else rival, product, sku=f"X-{name}-1", price=prices[name],
                       stock=stock.get(name, 100), lead_time_days=10 if name == "muller" else 2)
        for name, product in made.items()
    }  # fmt: skip
    offers["screw2"] = an_offer(rival, made["screw"], sku="R-4711", price="0.20")
    index(engine, made.values())
    return made | {"vendor": vendor, "rival": rival, "offers": offers, "categories": {"tools": tools}}


def asking(q="", **others):
    buyer = others.pop("buyer", Buyer(currency="EUR"))
    return SearchRequest(
        words=rules.understand(q, others.get("category"), others.pop("rules", ())), buyer=buyer, **others
    )


def found(engine, shop, q="", **others):
    names = {product.id: name for name, product in shop.items() if hasattr(product, "part_number")}
    return [names[hit.product_id] for hit in engine.search(asking(q, **others)).items]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("hexagon", {"screw", "nut"}),
        ("HEXAGON screws", {"screw"}),
        ("hexagon strength 8.8", {"screw"}),
        ("cordless drill", {"drill"}),
        ("muller fraser", {"muller"}),
        ("nothing like this", set()),
        ("südwerk", set()),
        ("tools drill", {"drill"}),
    ],
)
def test_words(engine, shop, q, expected):
    first = found(engine, shop, q)
    assert set(first[: len(expected)]) == expected
    assert bool(first) == bool(expected)


def test_words_of_the_name_come_before_words_of_the_description(engine, shop):
    assert found(engine, shop, "screw")[0] == "screw"
    assert "drill" in found(engine, shop, "screws")


def test_what_is_one_comes_before_what_is_for_one(engine, shop):
    made = {
        "arm": a_product("Swivelling beamer arm", created_by=shop["vendor"]),
        "lamp": a_product("Lamp", description="For every beamer", created_by=shop["vendor"]),
        "beamer": a_product("Conference room beamer 1080p", created_by=shop["vendor"]),
    }
    for product in made.values():
        an_offer(shop["vendor"], product)
    index(engine, made.values())
    assert found(engine, made, "beamer") == ["beamer", "arm", "lamp"]
    assert found(engine, made, "beamer arm")[0] == "arm"


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("DIN-912 M8x20", "screw"),
        ("din912m8x20", "screw"),
        ("DIN 912-M8X20", "screw"),
        ("din-934", "nut"),
        ("bx1800.7", "drill"),
        ("BX-18007", "drill"),
        ("sd4410", "driver"),
        ("SD-4410-TR", "driver"),
        ("SD4410,215", "driver"),
        ("FM-7720", "muller"),
        ("FM-77210", "muller"),
        ("FM-772201", "muller"),
        ("MF-77201", "muller"),
        ("4006381333931", "screw"),
        ("4006381-333931", "screw"),
        ("r4711", "screw"),
    ],
)
def test_part_numbers_however_written_put_the_part_first(engine, shop, q, first):
    assert found(engine, shop, q)[0] == first


def test_a_misspelt_word_is_corrected_and_said_so(engine, shop):
    result = engine.search(asking("cordles dril"))
    assert [hit.product_id for hit in result.items] == [shop["drill"].id]
    assert result.meant == "cordless drill"
    assert engine.search(asking("cordless drill")).meant is None
    assert engine.search(asking("cordles drill")).meant == "cordless drill"
    measured = engine.search(asking("hexgon 20 mm"))
    assert (measured.meant, [hit.product_id for hit in measured.items]) == ("hexagon 20 mm", [shop["screw"].id])


@pytest.mark.parametrize(
    ("q", "expected"),
    [("10 uF", {"drill"}), ("10µF", {"drill"}), ("0.01 mF drill", {"drill"}), ("1/4 in", {"driver"}),
     ("6.35 mm", {"driver"}),
     ("M8x20", {"screw"}), ("18000 mV", {"drill"}), ("470 uF drill", {"drill"}), ("10 uF 19V", {"drill"})],
)  # fmt: skip
def test_quantities_in_whatever_unit(engine, shop, q, expected):
    first = found(engine, shop, q)
    assert set(first[: len(expected)]) == expected


def test_synonyms_read_one_word_as_another(engine, shop):
    rule = rules.Rule("synonym", ("accuschrauber", "cordless drill"), False, "", 1.0)
    assert found(engine, shop, "accuschrauber") == []
    assert found(engine, shop, "accuschrauber", rules=(rule,)) == ["drill"]
    below = replace(rule, category_path="fasteners")
    assert found(engine, shop, "accuschrauber", rules=(below,)) == []


def test_boosts_move_a_category_up(engine, shop):
    boost = rules.Rule("boost", ("hexagon",), False, "fasteners/screws", 8.0)
    drop = rules.Rule("boost", (), False, "fasteners/screws", 0.1)
    assert found(engine, shop, "hexagon m8", rules=(boost,))[0] == "screw"
    assert found(engine, shop, "hexagon m8", rules=(drop,))[0] == "nut"


def test_category_with_all_below_it(engine, shop):
    assert set(found(engine, shop, category="fasteners")) == {"screw", "nut"}
    assert found(engine, shop, category="fasteners/screws") == ["screw"]
    assert found(engine, shop, "drill", category="fasteners") == []
    assert found(engine, shop, category="fast") == []


def test_vendors(engine, shop):
    assert set(found(engine, shop, vendors=(shop["vendor"].id,))) == {"screw", "nut"}
    assert found(engine, shop, "hexagon", vendors=(shop["rival"].id,)) == ["screw"]
    assert len(found(engine, shop, vendors=(shop["rival"].id, shop["vendor"].id))) == 5


def test_attributes_and_ranges(engine, shop):
    assert found(engine, shop, attributes=(("Strength", ("8.8",)),)) == ["screw"]
    assert set(found(engine, shop, attributes=(("Strength", ("8.8", "8")),))) == {"screw", "nut"}
    assert found(engine, shop, ranges=(Range("Length", Decimal("0.01"), None),)) == ["screw"]
    assert set(found(engine, shop, ranges=(Range("Length", None, Decimal("0.02")),))) == {"screw", "driver"}


def test_offers_have_all_that_is_asked_of_them(engine, shop):
    assert "drill" not in found(engine, shop, in_stock=True)
    assert "muller" not in found(engine, shop, lead_time_days=5)
    assert set(found(engine, shop, price=Range("price", Decimal(1), Decimal(50)))) == {"driver", "muller"}
    cheap = Range("price", None, Decimal("0.15"))
    assert set(found(engine, shop, price=cheap)) == {"screw", "nut"}
    assert found(engine, shop, price=cheap, vendors=(shop["rival"].id,)) == []


def test_prices_are_this_buyers(engine, shop, session):
    buyer_company = a_company("Buyer")
    lists = [
        a_price_list(shop["rival"], prices={shop["offers"]["drill"]: {1: "60", 10: "40"}}, companies=[buyer_company])
    ]
    index(engine, [shop["drill"]])
    own = Buyer(buyer_company.id, "EUR", tuple(one.id for one in lists))
    others = Buyer(None, "EUR")
    over = Range("price", Decimal(80), None)
    assert found(engine, shop, price=over, buyer=others) == ["drill"]
    assert found(engine, shop, price=over, buyer=own) == []
    middle = Range("price", Decimal(39), Decimal(45))
    assert found(engine, shop, price=middle, buyer=own) == []
    assert found(engine, shop, price=middle, buyer=own, quantity=10) == ["drill"]
    assert found(engine, shop, price=middle, buyer=others, quantity=10) == []
    assert found(engine, shop, sort=Sort.PRICE_DOWN, buyer=own, limit=2) == ["drill", "muller"]
    assert found(engine, shop, sort=Sort.PRICE, buyer=own, limit=2) == ["nut", "screw"]
    assert found(engine, shop, sort=Sort.PRICE_DOWN, buyer=Buyer(None, "CHF"))
    ranges = {c.value: c.count for c in facet(engine, FacetName.PRICE, buyer=own).counts}
    assert ranges["50-100"] == 1
    ranges = {c.value: c.count for c in facet(engine, FacetName.PRICE, buyer=own, quantity=10).counts}
    assert (ranges.get("50-100"), ranges["20-50"]) == (None, 2)


def facet(engine, name, q="", **others):
    (only,) = engine.search(asking(q, facets=(name,), **others)).facets
    return only


def test_facets_count_the_hits(engine, shop):
    counts = lambda name, **o: {c.value: c.count for c in facet(engine, name, **o).counts}  # noqa: E731
    assert counts(FacetName.CATEGORY) == {"tools": 3, "fasteners": 1, "fasteners/screws": 1}
    assert counts(FacetName.CATEGORY, q="hexagon") == {"fasteners": 1, "fasteners/screws": 1}
    assert counts(FacetName.VENDOR) == {str(shop["vendor"].id): 2, str(shop["rival"].id): 4}
    assert counts(FacetName.STOCK) == {"in_stock": 4}
    assert counts(FacetName.LEAD_TIME) == {"3": 4, "7": 4, "14": 5, "30": 5}
    result = engine.search(asking(facets=(FacetName.ATTRIBUTES,), category="fasteners"))
    assert {f.name: {c.value: c.count for c in f.counts} for f in result.facets} == {"Strength": {"8.8": 1, "8": 1}}


@pytest.mark.parametrize(
    ("q", "others", "total"),
    [
        ("hexagon", {}, 2),
        ("hexagon", {"limit": 1}, 2),
        ("hexagon", {"limit": 1, "offset": 1}, 2),
        ("hexagon wood case nothing", {}, 3),
        ("10 uF", {}, 1),
        ("10 uF 19V", {}, 1),
        ("470 uF drill", {}, 1),
        ("hexagon 20 mm", {}, 1),
        ("hexagon", {"category": "fasteners/screws"}, 1),
        ("screw", {"in_stock": True}, 1),
        ("accuschrauber", {"rules": (rules.Rule("synonym", ("accuschrauber", "hexagon"), False, "", 1.0),)}, 2),
        ("hexagon", {"rules": (rules.Rule("boost", ("hexagon",), False, "fasteners/screws", 8.0),)}, 2),
        ("drill", {"buyer": Buyer(currency="EUR"), "sort": Sort.PRICE}, 1),
        ("perceuse hexagon", {"language": "fr"}, 2),
    ],
)
def test_what_is_counted_is_what_is_found(engine, shop, q, others, total):
    asked = asking(q, facets=(FacetName.CATEGORY, FacetName.ATTRIBUTES), **others)
    page, whole = engine.search(asked), engine.search(replace(asked, limit=20, offset=0))
    assert (page.total, len(whole.items)) == (total, total)
    categories = next(facet for facet in page.facets if facet.name == FacetName.CATEGORY)
    assert sum(count.count for count in categories.counts) == total


def test_sorting(engine, shop):
    assert found(engine, shop, sort=Sort.NAME, limit=2) == ["drill", "muller"]
    assert found(engine, shop, sort=Sort.NEWEST) == ["muller", "driver", "drill", "nut", "screw"]
    assert found(engine, shop, sort=Sort.LEAD_TIME)[-1] == "muller"


def test_what_was_found_is_marked(engine, shop):
    (hit,) = engine.search(asking("cordless", highlight=True)).items
    assert hit.marked["name"] == (("Cordless", True), (" drill", False))


def test_completions(engine, shop):
    assert engine.complete("cord", Buyer(), 5) == (shop["drill"].id,)
    assert set(engine.complete("hexagon m", Buyer(), 5)) == {shop["screw"].id, shop["nut"].id}
    assert engine.complete("SD-44", Buyer(), 5) == (shop["driver"].id,)
    assert engine.complete("cord", Buyer(hidden=(shop["rival"].id,)), 5) == ()
    for typed in ("'!&|", "g½", "qŉ", "Ⅷ:*"):
        assert [engine.complete(typed, Buyer(), 5, language) for language in documents.LANGUAGES] == [()] * 5


def test_relatives_share_category_and_attributes(engine, shop):
    tools = shop["categories"]["tools"]
    like = a_product(
        "Corded drill", created_by=shop["rival"], category=tools, attributes=[{"name": "Voltage", "value": "18 V"}]
    )
    an_offer(shop["rival"], like)
    index(engine, [like])
    ids = engine.related(shop["drill"].id, Buyer(), 5)
    assert ids[0] == like.id
    assert set(ids) == {like.id, shop["driver"].id, shop["muller"].id}
    assert engine.related(uuid.uuid4(), Buyer(), 5) == ()


def test_languages_with_the_default_behind_them(engine, shop):
    drill = queries.documents([shop["drill"].id])[0]
    texts = (("fr", "Perceuse sans fil", "Livrée avec deux batteries"), ("zh", "无线电钻", "两块电池"),
             ("ru", "Аккумуляторная дрель", "Две батареи"),
             ("es", "Taladro sin cable", "Con dos baterías"))  # fmt: skip
    engine.write([replace(drill, version=drill.version + 1, texts=texts)])
    if engine.outside:
        engine.refresh()
    assert found(engine, shop, "perceuses", language="fr") == ["drill"]
    assert found(engine, shop, "batterie", language="fr") == ["drill"]
    assert found(engine, shop, "电钻", language="zh") == ["drill"]
    assert found(engine, shop, "дрели", language="ru") == ["drill"]
    assert found(engine, shop, "taladros", language="es") == ["drill"]
    assert set(found(engine, shop, "hexagon", language="fr")) == {"screw", "nut"}


def test_pages_cover_everything_once(engine, shop):
    seen, offset = [], 0
    while offset is not None:
        page = engine.search(asking(limit=2, offset=offset))
        assert page.total == 5
        seen += [hit.product_id for hit in page.items]
        offset = page.next
    assert len(seen) == len(set(seen)) == 5


def test_a_page_behind_the_last_is_empty_and_too_far_is_refused(engine, shop):
    result = engine.search(asking(offset=50))
    assert (result.items, result.total, result.next) == ((), 5, None)
    with pytest.raises(PageTooFar):
        engine.search(asking(offset=9_990, limit=20))


@pytest.mark.parametrize(
    "q",
    ["'; DROP TABLE offer; --", '"', "!!!", "& | ! <->", "(((", "a:*", "%", "_", "\\", "x" * 300, "💥", "the",
     "-hexagon -nut", "or or", "1" * 299, "name:screw OR *:*", "AND OR NOT", "[1 TO *]", "/.*/", "m8~2^5",
     "{\"match_all\":{}}",
     "a " * 150, "10 uF " * 40, "1/0 in", "\ue000x\ue001"],
)  # fmt: skip
def test_whatever_is_typed_is_answered(engine, shop, q):
    assert engine.search(asking(q, highlight=True, facets=tuple(FacetName))).total >= 0


def test_query_languages_mean_nothing(engine, shop):
    assert found(engine, shop, "%9%") == found(engine, shop, "___9") == found(engine, shop, "*:*") == []
    assert set(found(engine, shop, "-hexagon nut")[:1]) == {"nut"}


def test_hidden_vendors_vanish_at_once(engine, shop):
    buyer = Buyer(hidden=(shop["rival"].id,))
    assert set(found(engine, shop, buyer=buyer)) == {"screw", "nut"}
    assert found(engine, shop, buyer=buyer, vendors=(shop["rival"].id,), in_stock=True) == []
    assert [c.value for c in facet(engine, FacetName.VENDOR, buyer=buyer).counts] == [str(shop["vendor"].id)]


def test_an_older_version_never_overwrites_a_newer_one(engine, shop):
    (document,) = queries.documents([shop["nut"].id])
    engine.write([replace(document, version=7, name="Wing nut")])
    engine.write([replace(document, version=6, name="Lock nut")])
    if engine.outside:
        engine.refresh()
    assert found(engine, shop, "wing") == ["nut"]
    assert found(engine, shop, "lock") == []
    assert dict(engine.versions(None, 100))[shop["nut"].id] == 7


def test_a_removed_product_stays_away_from_late_writes(engine, shop):
    (document,) = queries.documents([shop["nut"].id])
    engine.remove([(shop["nut"].id, 9)])
    engine.write([document])
    if engine.outside:
        engine.refresh()
    assert found(engine, shop, "nut") == []
    assert shop["nut"].id not in dict(engine.versions(None, 100))


def test_a_rebuilt_index_holds_the_same(engine, shop):
    before = engine.versions(None, 100)
    assert indexing.queries.documents([shop["nut"].id])
    ids = [p.id for p in shop.values() if hasattr(p, "part_number")]
    assert engine.rebuild(iter([queries.documents(ids[:2]), queries.documents(ids[2:])])) == 5
    assert engine.versions(None, 100) == before
    assert found(engine, shop, "cordless") == ["drill"]


def test_a_rebuild_that_breaks_leaves_the_old_index_serving(engine, shop, session):
    def broken():
        yield queries.documents([shop["nut"].id])
        raise RuntimeError("away")

    with pytest.raises(RuntimeError), session.begin_nested():
        engine.rebuild(broken())
    assert len(engine.versions(None, 100)) == 5
    assert found(engine, shop, "cordless") == ["drill"]


def test_a_document_beyond_all_limits_is_cut_or_refused_and_holds_up_no_other(engine, shop):
    (nut,) = queries.documents([shop["nut"].id])
    (screw,) = queries.documents([shop["screw"].id])
    vast = replace(
        nut, version=nut.version + 1, name="Nut " * 9_000, description="x" * 2_000_000,
        attributes=tuple(documents.Attribute(f"n{n}", "v" * 900) for n in range(3_000)),
    )  # fmt: skip
    engine.write([vast, replace(screw, version=screw.version + 1, name="Wood screw")])
    if engine.outside:
        engine.refresh()
    assert found(engine, shop, "wood screw")[0] == "screw"


def test_the_actor_tells_whose_prices_count(engine, shop):
    company = a_company("Buyer", currency="EUR")
    campaign = a_price_list(shop["rival"], kind=ListKind.CAMPAIGN, prices={shop["offers"]["drill"]: "70"})
    own = a_price_list(shop["rival"], prices={shop["offers"]["drill"]: "60"}, companies=[company])
    buyer = queries.buyer_of(Actor(company_id=company.id))
    assert set(buyer.lists) >= {own.id, campaign.id}
    assert set(queries.buyer_of(SYSTEM).lists) >= {campaign.id}
    assert own.id not in queries.buyer_of(SYSTEM).lists
