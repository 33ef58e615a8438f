"""What every search engine must do, asked through the protocol only; another engine joins by a line in ENGINES."""

import pytest

from marketplace.catalogue.models import Offer
from marketplace.catalogue.states import OfferState
from search import indexing, queries
from search.engine import PageTooFar, SearchRequest
from search.postgres import PostgresEngine
from tests.builders.catalogue import a_category, a_product, an_offer
from tests.builders.companies import a_company

ENGINES = {"postgres": PostgresEngine}


@pytest.fixture(params=ENGINES)
def engine(request, app, session, monkeypatch):
    chosen = ENGINES[request.param]()
    monkeypatch.setitem(app.extensions, "kontor_search", chosen)
    chosen.clear()
    return chosen


@pytest.fixture
def shop(engine):
    """Five products of two vendors, indexed."""
    vendor, rival = a_company("Nordwerk", may_sell=True), a_company("Südwerk", may_sell=True)
    fasteners = a_category("Fasteners")
    screws = a_category("Screws", parent=fasteners)
    tools = a_category("Tools")
    made = {
        "screw": a_product(
            "Hexagon socket screw M8 x 20", created_by=vendor, part_number="DIN-912 M8x20", category=screws,
            ean="4006381333931", attributes=[{"name": "Strength", "value": "8.8"}],
        ),
        "nut": a_product("Hexagon nut M8", created_by=vendor, part_number="DIN-934-M8", category=fasteners),
        "drill": a_product("Cordless drill", created_by=rival, part_number="BX 1800.7", category=tools,
                           description="For screws and wood, with case."),
        "driver": a_product("Screwdriver, insulated", created_by=rival, part_number="SD-4410", category=tools),
        "muller": a_product("Fräser für Müller", created_by=rival, part_number="FM-77201", category=tools),
    }  # fmt: skip
    for name, product in made.items():
        an_offer(vendor if name in {"screw", "nut"} else rival, product, sku=f"X-{name}-1")
    an_offer(rival, made["screw"], sku="R-4711")
    indexing.index_products([p.id for p in made.values()])
    made |= {"vendor": vendor, "rival": rival}
    return made


def found(engine, shop, q="", **others):
    names = {product.id: name for name, product in shop.items()}
    return [names[i] for i in engine.search(SearchRequest(q=q, **others)).items]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("hexagon", {"screw", "nut"}),
        ("HEXAGON screws", {"screw"}),
        ("hexagon strength 8.8", {"screw"}),
        ("cordless drill", {"drill"}),
        ("muller fraser", {"muller"}),
        ("nothing like this", set()),
    ],
)
def test_words(engine, shop, q, expected):
    assert set(found(engine, shop, q)) == expected


def test_words_of_the_name_come_before_words_of_the_description(engine, shop):
    assert found(engine, shop, "screw")[0] == "screw"
    assert "drill" in found(engine, shop, "screws")


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
        ("FM-7720", "muller"),
        ("FM-77210", "muller"),
        ("4006381333931", "screw"),
        ("r4711", "screw"),
    ],
)
def test_part_numbers_however_written_put_the_part_first(engine, shop, q, first):
    assert found(engine, shop, q)[0] == first


def test_a_misspelt_word_still_finds(engine, shop):
    assert found(engine, shop, "cordles dril") == ["drill"]


def test_category_with_all_below_it(engine, shop):
    assert set(found(engine, shop, category="fasteners")) == {"screw", "nut"}
    assert found(engine, shop, category="fasteners/screws") == ["screw"]
    assert found(engine, shop, "drill", category="fasteners") == []
    assert found(engine, shop, category="fast") == []


def test_vendor(engine, shop):
    assert set(found(engine, shop, vendor=shop["vendor"].id)) == {"screw", "nut"}
    assert found(engine, shop, "hexagon", vendor=shop["rival"].id) == ["screw"]


def test_pages_cover_everything_once(engine, shop):
    seen, offset = [], 0
    while offset is not None:
        page = engine.search(SearchRequest(limit=2, offset=offset))
        assert page.total == 5
        seen += page.items
        offset = page.next
    assert len(seen) == len(set(seen)) == 5


def test_a_page_behind_the_last_is_empty_and_too_far_is_refused(engine, shop):
    result = engine.search(SearchRequest(offset=50))
    assert (result.items, result.total, result.next) == ((), 5, None)
    with pytest.raises(PageTooFar):
        engine.search(SearchRequest(offset=9_990, limit=20))


@pytest.mark.parametrize(
    "q",
    ["'; DROP TABLE offer; --", '"', "!!!", "& | ! <->", "(((", "a:*", "%", "_", "\\", "x" * 300, "💥", "the",
     "-hexagon -nut", "or or", "1" * 299],
)  # fmt: skip
def test_whatever_is_typed_is_answered(engine, shop, q):
    assert engine.search(SearchRequest(q=q)).total >= 0


def test_wildcards_of_sql_mean_nothing(engine, shop):
    assert found(engine, shop, "%1%") == found(engine, shop, "___1") == []


def test_ended_offers_and_suspended_vendors_vanish_at_once(engine, shop, session):
    shop["rival"].may_sell = False
    session.flush()
    assert set(found(engine, shop)) == {"screw", "nut"}
    session.query(Offer).filter_by(product_id=shop["nut"].id).one().state = OfferState.ENDED
    session.flush()
    assert found(engine, shop) == ["screw"]


def test_an_older_version_never_overwrites_a_newer_one(engine, shop):
    (document,) = queries.documents([shop["nut"].id])
    newer = type(document)(**{**fields_of(document), "version": 7, "name": "Wing nut"})
    older = type(document)(**{**fields_of(document), "version": 6, "name": "Lock nut"})
    engine.write([newer])
    engine.write([older])
    assert found(engine, shop, "wing") == ["nut"]
    assert found(engine, shop, "lock") == []


def test_a_removed_product_stays_away_from_late_writes(engine, shop):
    (document,) = queries.documents([shop["nut"].id])
    engine.remove([(shop["nut"].id, 9)])
    engine.write([document])
    assert found(engine, shop, "nut") == []


def fields_of(document):
    return {name: getattr(document, name) for name in type(document).__dataclass_fields__}
