"""Which price holds: the order of lists, their currency, tax mode and dates, and one query however many offers."""

import uuid
from datetime import date
from decimal import Decimal

import pytest

from marketplace.agreements import queries
from marketplace.agreements.models import ListKind
from marketplace.kernel.db import QueryCounter
from tests.builders.catalogue import a_category, a_price_list, an_offer, public_list, set_price, terms_for
from tests.builders.companies import a_company

DAY = date(2026, 6, 15)


@pytest.fixture
def vendor(session):
    return a_company("Nordwerk", may_sell=True)


@pytest.fixture
def buyer(session):
    return a_company("Acme")


def price_of(offer, company=None, currency="EUR", **others):
    found = queries.prices_for(company.id if company else None, [offer.id], currency, day=DAY, **others)
    return found.get(offer.id)


def test_tiers_rise_and_name_their_list(vendor):
    offer = an_offer(vendor, tiers={10: "0.037500", 1: "0.04"})
    found = price_of(offer)
    assert found.tiers == ((1, Decimal("0.040000")), (10, Decimal("0.037500")))
    assert (found.list_id, found.kind) == (public_list(vendor).id, "public")


def test_contract_before_company_before_campaign_before_public(vendor, buyer):
    offer = an_offer(vendor, price="10")
    assert price_of(offer, buyer).kind == "public"
    a_price_list(vendor, kind=ListKind.CAMPAIGN, prices={offer: "1"}, valid_from=DAY, valid_to=DAY)
    assert price_of(offer, buyer).kind == "campaign"
    a_price_list(vendor, kind=ListKind.COMPANY, prices={offer: "20"}, companies=[buyer])
    assert price_of(offer, buyer).kind == "company"
    a_price_list(vendor, kind=ListKind.CONTRACT, prices={offer: "30"}, companies=[buyer])
    found = price_of(offer, buyer)
    assert (found.kind, found.tiers) == ("contract", ((1, Decimal("30.000000")),))


def test_a_list_is_for_its_companies_only(vendor, buyer):
    offer = an_offer(vendor, price="10")
    a_price_list(vendor, prices={offer: "5"}, companies=[a_company("Rival")])
    assert price_of(offer, buyer).kind == "public"
    assert price_of(offer).kind == "public"


def test_a_list_without_the_offer_does_not_hide_the_next(vendor, buyer):
    offer, other = an_offer(vendor, price="10"), an_offer(vendor, price="11")
    a_price_list(vendor, prices={other: "5"}, companies=[buyer])
    assert price_of(offer, buyer).tiers == ((1, Decimal("10.000000")),)


@pytest.mark.parametrize(
    ("starts", "ends", "kind"),
    [
        (date(2026, 6, 15), date(2026, 6, 15), "campaign"),
        (date(2026, 6, 16), None, "public"),
        (None, date(2026, 6, 14), "public"),
        (date(2026, 6, 1), None, "campaign"),
    ],
)
def test_a_campaign_counts_on_its_days(vendor, starts, ends, kind):
    offer = an_offer(vendor)
    a_price_list(vendor, kind=ListKind.CAMPAIGN, prices={offer: "9"}, valid_from=starts, valid_to=ends)
    assert price_of(offer).kind == kind


def test_other_currency_and_tax_mode_do_not_count(vendor, buyer):
    offer = an_offer(vendor, price="10")
    a_price_list(vendor, prices={offer: "5"}, companies=[buyer], currency="USD")
    a_price_list(vendor, prices={offer: "6"}, companies=[buyer], includes_tax=True)
    assert price_of(offer, buyer).tiers == ((1, Decimal("10.000000")),)
    assert price_of(offer, buyer, "USD").tiers == ((1, Decimal("5.000000")),)
    assert price_of(offer, buyer, includes_tax=True).tiers == ((1, Decimal("6.000000")),)
    assert price_of(offer, buyer, "GBP") is None


def test_of_one_rank_the_newest_list_wins(vendor, buyer):
    offer = an_offer(vendor)
    a_price_list(vendor, prices={offer: "7"}, companies=[buyer])
    a_price_list(vendor, prices={offer: "8"}, companies=[buyer])
    assert price_of(offer, buyer).tiers == ((1, Decimal("8.000000")),)


def test_one_query_for_any_number_of_offers(vendor, buyer):
    offers = [an_offer(vendor, price=str(n)) for n in range(1, 31)]
    set_price(a_price_list(vendor, companies=[buyer]), offers[3], "99")
    with QueryCounter() as seen:
        found = queries.prices_for(buyer.id, [o.id for o in offers] * 2, "EUR", day=DAY)
    assert seen.count == 1
    assert [found[o.id].tiers[0][1] for o in offers[:5]] == [1, 2, 3, 99, 5]
    assert queries.prices_for(buyer.id, [], "EUR") == {}


@pytest.mark.parametrize(("quantity", "price"), [(1, "4"), (9, "4"), (10, "3"), (99, "3"), (100, "2"), (10_000, "2")])
def test_the_last_tier_reached_sets_the_price(quantity, price):
    tiers = ((5, Decimal(4)), (10, Decimal(3)), (100, Decimal(2)))
    assert queries.unit_price(tiers, quantity) == Decimal(price)


def test_the_longest_category_of_the_terms_in_force_wins(vendor):
    a_category("Saws", parent=a_category("Tools"))
    terms_for(vendor, "0.10", by_category={"tools": "0.08", "tools/saws": "0.05"})
    terms_for(vendor, "0.20", valid_from=date(2026, 7, 1))
    wanted = ["tools/saws/hand", "tools/sawsome", "tools", "screws", None]
    with QueryCounter() as seen:
        terms = queries.terms_on(DAY, [vendor.id])[vendor.id]
    rates = [queries.rate_for(terms, path) for path in wanted]
    assert rates == [Decimal(r) for r in ("0.05", "0.08", "0.08", "0.10", "0.10")]
    assert seen.count == 1
    assert queries.terms_on(date(2026, 7, 1), [vendor.id])[vendor.id].commission_rate == Decimal("0.20")


def test_a_vendor_without_terms_on_the_day_is_named(vendor):
    terms_for(vendor, valid_from=date(2026, 6, 16))
    with pytest.raises(queries.VendorHasNoTerms) as refused:
        queries.terms_on(DAY, [vendor.id])
    assert refused.value.facts == {"vendor_id": str(vendor.id), "day": "2026-06-15"}
    with pytest.raises(queries.VendorHasNoTerms):
        queries.terms_on(DAY, [uuid.uuid4()])
