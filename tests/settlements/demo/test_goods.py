"""The goods of the demonstration: four vendors who meet on many of them."""

from collections import Counter

from marketplace.catalogue.keys import compact_ean
from settlements.demo import cast, goods, shelves


def test_four_vendors_offer_some_two_hundred_products():
    sold = list(goods.goods())
    offers = Counter(vendor for good in sold for vendor in good.family.vendors)

    assert len(sold) == 185
    assert sorted(offers) == sorted(vendor.key for vendor in cast.of_side("vendor"))
    assert min(offers.values()) > 40
    assert sum(len(good.family.vendors) > 1 for good in sold) > 80


def test_numbers_are_told_apart():
    sold = list(goods.goods())

    assert all(compact_ean(good.ean) == good.ean for good in sold)
    assert len({good.ean for good in sold}) == len({(g.family.maker, g.part_number) for g in sold}) == len(sold)
    skus = [shelves.sku(vendor, good) for good in sold for vendor in good.family.vendors]
    assert len(set(skus)) == len(skus)


def test_prices_fall_with_the_quantity_and_rise_with_the_vendor():
    for good in goods.goods():
        prices = [shelves.price(vendor, good) for vendor in good.family.vendors]
        assert prices == sorted(prices)
        for vendor in good.family.vendors:
            steps = [amount for _, amount in shelves.tiers(vendor, good)]
            assert steps == sorted(steps, reverse=True)


def test_every_category_of_a_product_exists_below_its_parent():
    known = goods.categories()
    assert {good.family.category for good in goods.goods()} <= set(known)
    paths = list(known)
    assert all(path.rpartition("/")[0] in {"", *paths[:place]} for place, path in enumerate(paths))
