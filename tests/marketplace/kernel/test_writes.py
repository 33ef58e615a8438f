"""One statement writes what a flush would: new rows, changed rows, lines of the history; and finds a lost race."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from marketplace.catalogue.models import Category, Offer
from marketplace.catalogue.states import OfferState, OfferVerb
from marketplace.companies.models import Address
from marketplace.kernel import history, reads, writes
from marketplace.kernel.db import QueryCounter, db, new_id, transaction
from tests.builders.catalogue import an_offer
from tests.cast import Cast


def an_address(cast: Cast) -> Address:
    company = cast.buyer_company.id
    place = {"recipient": "A", "line1": "Kai 1", "postal_code": "1", "city": "Ürzig", "country": "DE"}
    return Address(
        id=new_id(), company_id=company, archived_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), **place
    )


def test_everything_is_one_statement_and_the_session_holds_it(cast: Cast) -> None:
    offers, address = [an_offer(cast.vendor_company) for _ in range(2)], an_address(cast)
    with transaction():
        offers = [db.session.merge(offer) for offer in offers]
        for offer in offers:
            history.move(offer, OfferVerb.PAUSE, cast.vendor)
        offers[0].lead_time_days = 9
        db.session.add(Category(slug="new", name="New", path="new"))
        with QueryCounter() as seen:
            writes.all_of_it([address])
        assert seen.count == 1
        with QueryCounter() as seen:
            db.session.flush()
            assert db.session.get(Address, address.id) is address
        assert seen.count == 0
        db.session.expire_all()
        assert [(offer.state, offer.lead_time_days) for offer in offers] == [
            (OfferState.PAUSED, 9),
            (OfferState.PAUSED, offers[1].lead_time_days),
        ]
        assert (address.city, address.version, address.archived_at.microsecond) == ("Ürzig", 1, 678901)
        assert [line.verb for offer in offers for line in history.lines_of("offer", offer.id)] == ["pause", "pause"]
        assert db.session.query(Category).filter_by(slug="new").one().name == "New"


def test_a_flush_of_the_session_is_that_statement_too(cast: Cast) -> None:
    offer, address = an_offer(cast.vendor_company), an_address(cast)
    with transaction():
        offer = db.session.merge(offer)
        history.move(offer, OfferVerb.PAUSE, cast.vendor)
        db.session.add(address)
        with QueryCounter() as seen:
            db.session.flush()
        assert seen.count == 1
        assert db.session.get(Address, address.id) is address


def test_what_is_not_written_as_json_is_left_to_the_session(cast: Cast) -> None:
    offer, address = an_offer(cast.vendor_company), an_address(cast)
    with transaction():
        writes.all_of_it([address])
        offer = db.session.merge(offer)
        offer.lead_time_days = Offer.lead_time_days + 1
        address.city = "Kiel"
    with transaction():
        address = db.session.get_one(Address, address.id, populate_existing=True)
        assert (address.city, address.version) == ("Kiel", 2)
        db.session.delete(address)
        before = offer.lead_time_days
        offer.lead_time_days = before + 1
    assert db.session.get(Address, address.id) is None
    assert db.session.get_one(Offer, offer.id, populate_existing=True).lead_time_days == before + 1


def test_what_did_not_change_is_not_written(cast: Cast) -> None:
    offer = an_offer(cast.vendor_company)
    with transaction(), QueryCounter() as seen:
        offer = db.session.merge(offer, load=False)
        offer.sku = str(offer.sku)
        writes.all_of_it()
        assert seen.count == 0


def test_a_version_rises_and_a_lost_race_is_found(cast: Cast) -> None:
    address = an_address(cast)
    with transaction():
        writes.all_of_it([address])
        address.city = "Kiel"
        writes.all_of_it()
        assert address.version == 2
    with pytest.raises(StaleDataError):
        _lose_the_race(address)


def _lose_the_race(address: Address) -> None:
    with transaction():
        reads.in_session("UPDATE address SET version = 3", {})
        address.city = "Bonn"
        writes.all_of_it()


def test_what_the_database_refuses_is_refused_as_by_the_session(cast: Cast) -> None:
    address = an_address(cast)
    address.company_id = new_id()
    with pytest.raises(IntegrityError), transaction():
        writes.all_of_it([address])
    with transaction():
        assert reads.in_session("SELECT count(*) FROM address WHERE id = %(id)s", {"id": address.id}) == [(0,)]


def test_few_ids_are_repeated_to_as_many_as_the_planner_assumes() -> None:
    assert reads.as_planned_for([]) == []
    assert reads.as_planned_for("abc") == [*"abcabcabca"]
    assert reads.as_planned_for(range(11)) == [*range(11)]
