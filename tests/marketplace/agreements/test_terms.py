"""What is agreed with a vendor holds from a day on, is never changed, and an order keeps what it was placed under."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.agreements import queries
from marketplace.agreements.models import VendorTerms
from marketplace.kernel.db import transaction
from tests.builders.catalogue import an_offer, terms_for
from tests.builders.orders import a_market, a_paid_order
from tests.pages import see, send

WHOLE = {
    "commission_rate": "0.12",
    "cycle": "thrice_monthly",
    "minimum_payout": {"EUR": 5000},
    "hold_days": 14,
    "reserve_rate": "0.20",
    "reserve_days": 60,
    "reserve_minimum": {"EUR": 10000},
    "payout_currencies": ["EUR"],
    "prefinanced": True,
}


@pytest.fixture
def agree(client_as, cast):
    client, url = client_as(cast.operator), f"/v1/vendors/{cast.vendor_company.id}/terms"
    today = queries.today()

    def post(start, end=None, **facts):
        days = {"valid_from": str(today + timedelta(start))}
        days |= {} if end is None else {"valid_to": str(today + timedelta(end))}
        return client.post(url, json=days | {"commission_rate": "0.10"} | facts)

    return post


def test_the_usual_terms_are_weekly_with_a_tenth_held_back(agree):
    made = agree(0).json
    assert {name: made[name] for name in (*WHOLE, "cycle_day", "valid_to")} == {
        "commission_rate": "0.10",
        "cycle": "weekly",
        "cycle_day": 1,
        "minimum_payout": {},
        "hold_days": 3,
        "reserve_rate": "0.10",
        "reserve_days": 30,
        "reserve_minimum": {},
        "payout_currencies": [],
        "prefinanced": False,
        "valid_to": None,
    }


def test_everything_can_be_agreed(agree):
    made = agree(0, **WHOLE)
    assert made.status_code == 201
    assert {name: made.json[name] for name in WHOLE} == WHOLE


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"commission_rate": "1.20"}, "/commission_rate"),
        ({"reserve_rate": "1.20"}, "/reserve_rate"),
        ({"cycle": "yearly"}, "/cycle"),
        ({"cycle_day": 8}, "/cycle_day"),
        ({"hold_days": -1}, "/hold_days"),
        ({"minimum_payout": {"euro": 1}}, "/minimum_payout/euro/key"),
        ({"minimum_payout": {"EUR": -1}}, "/minimum_payout/EUR/value"),
        ({"payout_currencies": ["EURO"]}, "/payout_currencies/0"),
    ],
)
def test_terms_that_cannot_be_are_refused(agree, facts, pointer):
    refused = agree(0, **facts)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]


def test_days_gone_by_and_days_taken_are_refused(agree):
    assert agree(0).status_code == 201
    for refused, kind in (
        (agree(-1), "terms-back-dated"),
        (agree(5, 4), "dates-out-of-order"),
        (agree(0), "terms-exist"),
    ):
        assert refused.json["type"] == f"/problems/{kind}"


def test_terms_with_a_last_day_do_not_overlap_and_what_held_before_holds_again(agree, cast, session):
    vendor = cast.vendor_company.id
    assert agree(0).status_code == 201
    assert agree(10, 20, commission_rate="0.05").status_code == 201
    assert agree(30, commission_rate="0.08").status_code == 201
    assert agree(15).json["type"] == "/problems/terms-overlap"
    assert agree(5, 12).json["type"] == "/problems/terms-overlap"
    assert agree(25, 30).json["type"] == "/problems/terms-overlap"
    today = queries.today()
    for day, rate in ((9, "0.10"), (10, "0.05"), (20, "0.05"), (21, "0.10"), (30, "0.08")):
        on = today + timedelta(day)
        assert queries.terms_on(on, [vendor])[vendor].commission_rate == Decimal(rate)
        assert queries.terms_in_force(on, [vendor])[vendor].commission_rate == Decimal(rate)


def test_what_was_agreed_cannot_be_changed(session, cast):
    terms_for(cast.vendor_company)
    with pytest.raises(IntegrityError, match="append-only"):
        session.execute(text("UPDATE vendor_terms SET commission_rate = 0"))


def test_an_order_keeps_the_terms_it_was_placed_under(session):
    with transaction():
        market = a_market(vendors=("A",))
        market.offers["A1"] = an_offer(market.vendors["A"], price="10", sku="A1")
        (part,) = a_paid_order(market, {"A1": 3}).parts
    terms = session.query(VendorTerms).filter_by(vendor_id=market.vendors["A"].id).one()
    assert part.settlement_terms == {
        "terms_id": str(terms.id),
        "hold_days": 3,
        "reserve_rate": "0.100000",
        "reserve_days": 30,
        "prefinanced": False,
    }


def test_the_page_names_the_currency_of_the_minimum_payout_and_takes_it_as_people_write_it(client_as, cast, agree):
    client, page = client_as(cast.operator), f"/vendors/{cast.vendor_company.id}/terms"
    agree(0)
    assert " 25.00 EUR 25 of any other currency" in " ".join(see(client, page).text.split())
    agree(1, minimum_payout={"EUR": 120000, "JPY": 3000}, payout_currencies=["EUR", "JPY", "CHF"])
    assert " 1,200.00 EUR , 3,000 JPY , 25.00 CHF paid when" in " ".join(see(client, page).text.split())
    day = {"valid_from": str(queries.today() + timedelta(2)), "commission_rate": "10"}
    for wrong in ("12,5", "-1", "0.001"):
        refused = send(client, page, page, **day, minimum_payout=wrong)
        assert (refused.status_code, "A sum such as 25.00." in refused.text) == (422, True)
    assert send(client, page, page, **day, minimum_payout="1250.5").status_code == 303
    assert client.get(f"/v1{page}").json["items"][0]["minimum_payout"] == {"EUR": 125050}
