"""What a buyer mistypes: corrected and said so, the same on PostgreSQL and on a real Elasticsearch."""

import pytest

from marketplace.kernel.db import QueryCounter
from tests.builders.catalogue import a_product, an_offer
from tests.builders.companies import a_company
from tests.contracts.test_search_engine import asking, engine, index  # noqa: F401
from tests.search.servers import elasticsearch_url  # noqa: F401

GOODS = {
    "sleeve": ("Laptop sleeve, padded", ""),
    "driver": ("Screwdriver, insulated", ""),
    "bearing": ("Ball bearing 6204", ""),
    "bail": ("Bail handle", ""),
    "fan": ("Fan 120 mm", "Silent, as it runs on a ball bearing. Takes any load."),
    "grease": ("Lithium grease", ""),
    "cable": ("Green cable", ""),
    "table": ("Table top", ""),
    "belt": ("Lap belt", "Recyclable. With a headset, of which only the description knows."),
}


def offered(engine, names):  # noqa: F811
    """Products of these names, indexed."""
    vendor = a_company("Nordwerk", may_sell=True)
    made = {
        name: a_product(GOODS[name][0], description=GOODS[name][1], created_by=vendor, part_number=f"QX-{at}44")
        for at, name in enumerate(names)
    }
    for product in made.values():
        an_offer(vendor, product, sku=product.part_number)
    index(engine, made.values())
    return {product.id: name for name, product in made.items()}


def told(engine, names, q, **others):  # noqa: F811
    result = engine.search(asking(q, **others))
    return result.meant, [names[hit.product_id] for hit in result.items]


@pytest.fixture
def goods(engine):  # noqa: F811
    return offered(engine, GOODS)


@pytest.mark.parametrize(
    ("q", "meant", "hits"),
    [
        # Two words that are one, one that is two.
        ("lap top", None, ["sleeve", "belt", "table"]),
        ("padded lap top", "padded laptop", ["sleeve"]),
        ("Lap-Top padded", "laptop padded", ["sleeve"]),
        ("insulated screw driver", "insulated screwdriver", ["driver"]),
        ("ballbearing", None, ["bearing"]),
        ("silent ballbearing", "silent ball bearing", ["fan"]),
        ("silent ball-bearing fan", None, ["fan", "bearing"]),
        ("overload", None, []),
        ("withload", None, []),
        # Each of them a slip away; of two as near as each other the one that brings something.
        ("baal baering", "ball bearing", ["bearing", "fan"]),
        ("baal haandle", "bail handle", ["bail"]),
        ("isulated qqqqq", "insulated qqqqq", ["driver"]),
        # The nearest; two slips only in words of eight letters, which begin alike.
        ("greese", "grease", ["grease"]),
        ("litium greese", "lithium grease", ["grease"]),
        ("gren cable", "green cable", ["cable"]),
        ("grenee", None, []),
        ("kable", None, []),
        ("scrwedrivre", "screwdriver", ["driver"]),
        ("insolatid", "insulated", ["driver"]),
        ("onsulated", None, []),
        # What is a word is left as it is, and so is what has a digit or measures something.
        ("fann 120 mm", "fan 120 mm", ["fan"]),
        ("sleve 120 mm", "sleeve 120 mm", ["sleeve"]),
        ("padded green cable", None, ["cable", "sleeve"]),
    ],
)
def test_what_was_mistyped(engine, goods, q, meant, hits):  # noqa: F811
    said, found = told(engine, goods, q)
    assert (said, found[:1], sorted(found)) == (meant, hits[:1], sorted(hits))


def test_nothing_is_better_than_what_is_far_away(engine):  # noqa: F811
    names = offered(engine, ["cable"])
    assert told(engine, names, "greese") == (None, [])
    assert told(engine, names, "lap top") == (None, [])
    assert told(engine, names, "gren kable") == ("green kable", ["cable"])


def cost(engine, q):  # noqa: F811
    """How often the engine was asked."""
    if not engine.outside:
        with QueryCounter() as seen:
            engine.search(asking(q))
        return seen.count
    sent, ask = [], engine.server.ask
    engine.server.ask = lambda *given, **others: sent.append(given) or ask(*given, **others)
    engine.search(asking(q))
    engine.server.ask = ask
    return len(sent)


@pytest.mark.parametrize(
    ("q", "most"),
    [
        ("grease", 1),  # as it was typed
        ("lithium grease", 2),  # and then what has some of the words, since there are few
        ("greese", 3),  # as typed, what is near, as meant
        ("qqqqqq", 2),
        ("qqqqqq wwwwww", 3),  # and then some of the words
        ("baal baering", 4),  # two ways of it
        ("Baal-bering " * 800, 7),  # three ways, some of the words, some of the likeliest way
        ("baalbering" * 1000, 2),
        ("lap top " * 1000, 7),
    ],
)
def test_what_it_costs_is_bounded(engine, goods, q, most):  # noqa: F811
    assert cost(engine, q) <= most
