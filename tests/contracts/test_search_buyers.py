"""Whose prices, whose offers and in which language: the same on PostgreSQL and on a real Elasticsearch."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketplace.agreements.models import ListKind
from marketplace.catalogue.models import ProductText
from marketplace.kernel.db import db
from search import documents, queries
from search.engine import Buyer, FacetName, Range, Sort
from tests.builders.catalogue import a_price_list, a_product, an_offer
from tests.builders.companies import a_company
from tests.contracts.test_search_engine import asking, engine, facet, found, index, shop  # noqa: F401
from tests.search.servers import elasticsearch_url  # noqa: F401


def counts(engine, name, **others):  # noqa: F811
    return {c.value: c.count for c in facet(engine, name, **others).counts}


def between(low, high):
    return Range("price", Decimal(low), Decimal(high))


def test_the_list_that_comes_first_wins_also_where_it_is_dearer(engine, shop):  # noqa: F811
    drill, company = shop["offers"]["drill"], a_company("Buyer")
    contract = a_price_list(shop["rival"], prices={drill: {1: "95", 10: "40"}}, companies=[company])
    campaign = a_price_list(shop["rival"], kind=ListKind.CAMPAIGN, prices={drill: "70"})
    packed = a_product("Shackle", created_by=shop["vendor"])
    an_offer(shop["vendor"], packed, tiers={1: "5", 12: "4", 24: "3"}, min_quantity=10, pack_size=6)
    an_offer(shop["rival"], packed, tiers={1: "6"}, currency="EUR")
    an_offer(shop["rival"], abroad := a_product("Turnbuckle", created_by=shop["rival"]), price="7", currency="CHF")
    products = shop | {"packed": packed, "abroad": abroad}
    index(engine, [shop["drill"], packed, abroad])
    own, others = Buyer(company.id, "EUR", (contract.id, campaign.id)), Buyer(None, "EUR", (campaign.id,))

    def asked(**wanted):
        return set(found(engine, products, **wanted))

    assert asked(price=between(94, 96), buyer=own) == asked(price=between(69, 71), buyer=others) == {"drill"}
    assert asked(price=between(39, 41), buyer=own, quantity=10) == {"drill"}
    assert asked(price=between(94, 96), buyer=others) == asked(price=between(69, 71), buyer=own) == set()
    assert found(engine, products, sort=Sort.PRICE_DOWN, buyer=own)[0] == "drill"
    assert counts(engine, FacetName.PRICE, buyer=own, q="drill") == {"50-100": 1}
    assert counts(engine, FacetName.PRICE, buyer=own, q="drill", quantity=12) == {"20-50": 1}
    ours = {"vendors": (shop["vendor"].id,)}
    assert asked(price=between("3.5", "4.5"), **ours) == {"packed"}  # of twelve, the least
    assert asked(price=between("2.5", "3.5"), quantity=24, **ours) == {"packed"}
    assert asked(price=between("4.5", "5.5"), quantity=1, **ours) == set()
    assert "packed" in asked(price=between("5.5", "6.5"))  # the other vendor's
    francs = Buyer(None, "CHF")
    assert asked(price=between(1, 100), buyer=francs) == {"abroad"}
    assert asked(price=between(1, 8), q="turnbuckle") == set()
    assert found(engine, products, sort=Sort.PRICE, buyer=francs)[0] == "abroad"


def test_who_may_not_sell_counts_in_no_facet_completion_or_relative(engine, shop):  # noqa: F811
    an_offer(shop["vendor"], shop["drill"], stock=0, lead_time_days=20, price="300")
    index(engine, [shop["drill"]])
    hidden = Buyer(hidden=(shop["rival"].id,))
    assert counts(engine, FacetName.CATEGORY, buyer=hidden) == {"tools": 1, "fasteners": 1, "fasteners/screws": 1}
    assert counts(engine, FacetName.STOCK, buyer=hidden) == {"in_stock": 2}
    assert counts(engine, FacetName.LEAD_TIME, buyer=hidden) == {"3": 2, "7": 2, "14": 2, "30": 3}
    assert counts(engine, FacetName.PRICE, buyer=hidden) == {"0-1": 2, "200-500": 1}
    assert found(engine, shop, sort=Sort.LEAD_TIME, buyer=hidden)[-1] == "drill"
    assert found(engine, shop, sort=Sort.PRICE_DOWN, buyer=hidden)[0] == "drill"
    assert engine.complete("cord", hidden, 5) == (shop["drill"].id,)
    assert engine.complete("screwd", hidden, 5) == ()
    assert engine.related(shop["driver"].id, hidden, 5) == (shop["drill"].id,)


TEXTS = {
    "fr": ("Perceuse sans fil", "Livrée avec deux batteries"),
    "es": ("Taladro sin cable", "Con dos baterías"),
    "ru": ("Сетевой перфоратор, дрель", "Две батареи"),
    "zh": ("无线电钻", "两块电池"),
}


@pytest.mark.parametrize(
    ("language", "q", "marked", "begun"),
    [("fr", "perceuses", "Perceuse", ("perceu", "perceuse s")), ("es", "taladros", "Taladro", ("tal", "cab")),
     ("ru", "дрели", "дрель", ("сетевой", "дре")), ("zh", "电钻", "电钻", ("电钻", "无线电")),
     ("en", "drills", "drill", ("cord",))],
)  # fmt: skip
def test_each_language_finds_marks_and_completes_its_own_words(engine, shop, language, q, marked, begun):  # noqa: F811
    drill = shop["drill"].id
    for own, (name, text) in TEXTS.items():
        db.session.add(ProductText(product_id=drill, language=own, name=name, description=text))
    index(engine, [shop["drill"]])
    (hit,) = engine.search(asking(q, language=language, highlight=True)).items
    assert hit.product_id == drill
    assert [piece for piece, is_found in hit.marked["name"] if is_found] == [marked]
    for prefix in begun:
        assert engine.complete(prefix, Buyer(), 5, language) == (drill,)
    if language != "en":
        assert set(found(engine, shop, "hexagon", language=language)) == {"screw", "nut"}
        assert engine.complete("screwd", Buyer(), 5, language) == (shop["driver"].id,)


def test_a_product_with_more_prices_and_attributes_than_an_index_holds_is_said_to_be_refused(engine, shop):  # noqa: F811
    (nut,), (screw,) = (queries.documents([shop[name].id]) for name in ("nut", "screw"))
    (offer,) = nut.offers
    rows = tuple(documents.PriceRow(*offer.prices[0][:3], n, n + 1, Decimal(1)) for n in range(20_001))
    vast = replace(
        nut,
        version=nut.version + 1,
        offers=(offer._replace(prices=rows),),
        attributes=tuple(documents.Attribute(f"n{n}", "v") for n in range(100_000)),
    )
    refused = engine.write([vast, replace(screw, version=screw.version + 1, name="Wood screw")])
    assert [one.product_id for one in refused] == ([nut.product_id] if engine.outside else [])
    if engine.outside:
        engine.refresh()
    assert found(engine, shop, "wood screw")[0] == "screw"
