"""A feed makes offers, says what was wrong row by row, and changes nothing twice."""

import io
from datetime import timedelta
from decimal import Decimal

import openpyxl
import pytest
from psycopg.errors import UntranslatableCharacter
from sqlalchemy import func, select

from marketplace.agreements.models import Price, PriceList
from marketplace.agreements.queries import prices_for
from marketplace.catalogue import actions as actions_of_offers
from marketplace.catalogue.events import OffersChanged
from marketplace.catalogue.models import Offer, OfferStock, Product
from marketplace.catalogue.states import OfferState
from marketplace.kernel import clock, outbox
from marketplace.kernel.access import SYSTEM, Actor, Role
from marketplace.kernel.db import QueryCounter, transaction
from marketplace.kernel.history import lines_of
from marketplace.kernel.states import IllegalMove
from tests.builders import catalogue, companies, feeds
from vendors.feeds import actions, batches, jobs, queries, sources
from vendors.feeds.models import FeedReportLine
from vendors.feeds.states import FeedState


@pytest.fixture
def vendor(session):
    return companies.a_company("Nordwerk", may_sell=True)


@pytest.fixture
def published(session, monkeypatch):
    """The events of the catalogue, in their order."""
    seen = []
    original = outbox.publish

    def publish(event):
        seen.append(event)
        original(event)

    for module in ("marketplace.catalogue.actions", "vendors.feeds.batches"):
        monkeypatch.setattr(f"{module}.publish", publish)
    return seen


def ran(vendor, content, **options):
    with transaction():
        feed = feeds.a_feed(vendor, content, **options)
    return feeds.run(feed)


def counts(feed):
    return feed.rows_created, feed.rows_changed, feed.rows_unchanged, feed.rows_bad


def offer_of(session, sku):
    return session.scalars(select(Offer).where(Offer.sku == sku).execution_options(populate_existing=True)).one()


def report_of(session, feed):
    lines = session.scalars(
        select(FeedReportLine).where(FeedReportLine.feed_id == feed.id).order_by(FeedReportLine.row_number)
    )
    return [(line.row_number, line.column, line.sku, line.message) for line in lines]


def test_rows_become_live_offers_with_stock_and_tiers(session, vendor):
    catalogue.a_category("Bolts", slug="bolts")
    feed = ran(
        vendor,
        "sku,name,price,price_from_100,stock,ean,manufacturer,part_number,category,unit,pack_size,min_quantity,"
        "lead_time_days,tax_category,description,attr:Length [mm]\n"
        "A,Bolt M8,0.125,0.1,500,4006381333931,Nord-Werk,NW 8,bolts,box,10,20,3,reduced,Strong,40\n",
    )
    assert (feed.state, feed.rows_total, feed.rows_done, counts(feed)) == (FeedState.FINISHED, 1, 1, (1, 0, 0, 0))
    offer = offer_of(session, "A")
    assert (offer.state, offer.unit, offer.pack_size, offer.min_quantity) == (OfferState.LIVE, "box", 10, 20)
    assert (offer.lead_time_days, offer.tax_category, offer.ship_from_country) == (3, "reduced", "DE")
    product = session.get(Product, offer.product_id)
    assert (product.name, product.description, product.ean) == ("Bolt M8", "Strong", "4006381333931")
    assert (product.manufacturer_key, product.part_number_key) == ("nordwerk", "nw8")
    assert product.attributes == [{"name": "Length", "value": "40", "unit": "mm"}]
    assert product.search_version == 1
    assert session.get(OfferStock, offer.id).on_hand == 500
    tiers = prices_for(None, [offer.id], "EUR")[offer.id].tiers
    assert tiers == ((1, Decimal("0.125")), (100, Decimal("0.1")))


def test_the_same_file_again_changes_and_announces_nothing(session, vendor, published):
    first = ran(vendor, feeds.rows_text(3))
    product = session.get(Product, offer_of(session, "S-1").product_id)
    announced = len(published)
    again = ran(vendor, feeds.rows_text(3))
    session.refresh(product)
    assert (counts(first), counts(again)) == ((3, 0, 0, 0), (0, 0, 3, 0))
    assert (product.search_version, product.version, len(published)) == (1, 1, announced)
    assert session.scalar(select(func.count()).select_from(Price)) == 3


def test_only_what_differs_is_written(session, vendor, published):
    ran(vendor, feeds.rows_text(3))
    published.clear()
    changed = feeds.rows_text(3).replace("S-2,Bolt 2,1.25,2", "S-2,Bolt two,1.20,7")
    assert counts(ran(vendor, changed)) == (0, 1, 2, 0)
    offer = offer_of(session, "S-2")
    product = session.get(Product, offer.product_id, populate_existing=True)
    assert (product.name, product.search_version) == ("Bolt two", 2)
    assert session.get(OfferStock, offer.id, populate_existing=True).on_hand == 7
    assert prices_for(None, [offer.id], "EUR")[offer.id].tiers == ((1, Decimal("1.2")),)
    assert published == [OffersChanged((offer.product_id,))]


def test_one_event_a_batch(session, vendor, published, monkeypatch):
    monkeypatch.setattr(actions, "BATCH", 2)
    ran(vendor, feeds.rows_text(5))
    assert [len(event.product_ids) for event in published] == [2, 2, 1]


def test_an_empty_cell_or_an_absent_column_leaves_what_is_there(session, vendor):
    ran(vendor, "sku,name,price,stock,unit,lead_time_days\nA,Bolt,1,9,box,5\n")
    assert counts(ran(vendor, "sku,name,price,unit,stock\nA,Bolt,1,,\n")) == (0, 0, 1, 0)
    offer = offer_of(session, "A")
    assert (offer.unit, offer.lead_time_days, session.get(OfferStock, offer.id).on_hand) == ("box", 5, 9)


def test_a_bad_row_is_one_line_and_the_others_are_taken(session, vendor):
    feed = ran(vendor, "sku,name,price\nA,Bolt,1\nB,,free\nA,Bolt again,2\nC,Nut,3\n")
    assert (counts(feed), feed.state) == ((2, 0, 0, 2), FeedState.FINISHED)
    assert report_of(session, feed) == [
        (
            3, "price", "B",
            "price: 'free' is not a price such as 12.50, of at most six decimals and not negative; name: is missing",
        ),
        (4, "sku", "A", "this SKU is in row 2 already"),
    ]  # fmt: skip


def test_vendors_meet_on_one_product(session, vendor):
    rival = companies.a_company("Rival", may_sell=True)
    ran(vendor, "sku,name,price,ean,manufacturer,part_number\nA,Bolt,1,4006381333931,Nord-Werk,NW 8\n")
    ran(
        rival,
        "sku,name,price,ean,manufacturer,part_number\n"
        "R1,Same by EAN,1,4006381333931,,\nR2,Same by part,1,,NORDWERK,nw-8\nR3,Another,1,,NORDWERK,nw-9\n",
    )
    products = {sku: offer_of(session, sku).product_id for sku in ("A", "R1", "R2", "R3")}
    assert products["A"] == products["R1"] == products["R2"] != products["R3"]
    assert session.get(Product, products["A"], populate_existing=True).name == "Bolt"


def test_two_rows_of_one_batch_meet_on_one_new_product(session, vendor):
    feed = ran(
        vendor,
        "sku,name,price,ean,manufacturer,part_number\nA,One,1,4006381333931,N,1\nB,Two,1,4006381333931,,\nC,X,1,,N,1\n",
    )
    assert counts(feed) == (3, 0, 0, 0)
    assert len({offer_of(session, sku).product_id for sku in "ABC"}) == 1
    again = ran(
        vendor,
        "sku,name,price,ean,manufacturer,part_number\nA,One,1,4006381333931,N,1\nB,Two,1,4006381333931,,\nC,X,1,,N,1\n",
    )
    assert counts(again) == (0, 0, 3, 0)


def test_a_product_of_another_is_not_rewritten(session, vendor):
    rival = companies.a_company("Rival", may_sell=True)
    ran(vendor, "sku,name,price,ean\nA,Bolt,1,4006381333931\n")
    ran(rival, "sku,name,price,ean\nR,Mine now,1,4006381333931\n")
    assert counts(ran(rival, "sku,name,price,ean\nR,Mine at last,1,4006381333931\n")) == (0, 0, 1, 0)
    assert counts(ran(vendor, "sku,name,price,ean\nA,Bolt renamed,1,4006381333931\n")) == (0, 0, 1, 0)
    assert session.get(Product, offer_of(session, "A").product_id, populate_existing=True).name == "Bolt"


def test_a_name_that_a_shared_product_does_not_take_is_said_and_the_row_is_taken(session, vendor, monkeypatch):
    rival = companies.a_company("Rival", may_sell=True)
    ran(vendor, "sku,name,price,ean\nA,Bolt,1,4006381333931\n")
    head, kept = "sku,name,price,ean\n", 'not taken: the product is not this SKU\'s alone and keeps its name, "Bolt"'
    for text, came_to in (
        ("R,Mine,1,4006381333931\nS,Nut,1,\n", (2, 0, 0, 0)),
        ("R,Mine,3,4006381333931\nS,Nuts,1,\n", (0, 2, 0, 0)),
        ("R,Mine,3,4006381333931\n", (0, 0, 1, 0)),
    ):
        feed = ran(rival, head + text)
        assert (counts(feed), feed.rows_noted, report_of(session, feed)) == (came_to, 1, [(2, "name", "R", kept)])
        assert [line.taken for line in queries.report_lines(SYSTEM, feed.id)] == [True]
    feed = ran(rival, head + "R,Bolt,4,4006381333931\n")
    assert (feed.rows_noted, report_of(session, feed)) == (0, [])
    monkeypatch.setattr(actions, "MOST_NOTICES", 1)
    feed = ran(rival, head + "R,Mine,1,4006381333931\nT,Mine,1,4006381333931\n")
    assert (feed.rows_noted, len(report_of(session, feed))) == (2, 1)


def test_missing_numbers_are_added_to_ones_own_product(session, vendor):
    ran(vendor, "sku,name,price\nA,Bolt,1\n")
    text = "sku,name,price,ean,manufacturer,part_number\nA,Bolt,1,4006381333931,N,1\n"
    assert counts(ran(vendor, text)) == (0, 1, 0, 0)
    product = session.get(Product, offer_of(session, "A").product_id, populate_existing=True)
    assert (product.ean, product.part_number, product.manufacturer_key) == ("4006381333931", "1", "n")
    assert counts(ran(vendor, text)) == (0, 0, 1, 0)


def test_a_sku_does_not_wander_to_another_product(session, vendor):
    ran(vendor, "sku,name,price,ean\nA,Bolt,1,4006381333931\nB,Nut,1,\n")
    feed = ran(vendor, "sku,name,price,ean\nA,Bolt,1,4006381333948\nB,Nut,1,4006381333931\n")
    assert counts(feed) == (0, 0, 0, 2)
    assert "offered as another product" in report_of(session, feed)[0][3]


def test_an_ended_offer_comes_back_by_its_sku_and_a_paused_one_stays_paused(session, vendor):
    ended = catalogue.an_offer(vendor, sku="END", stock=10, reserved=4, state=OfferState.ENDED)
    catalogue.an_offer(vendor, sku="PAUSE", state=OfferState.PAUSED)
    feed = ran(vendor, "sku,name,price,stock\nEND,Bolt,1,12\nPAUSE,Nut,1,\n")
    assert counts(feed) == (0, 2, 0, 0)
    back, stock = offer_of(session, "END"), session.get(OfferStock, ended.id, populate_existing=True)
    assert (back.id, back.state, stock.on_hand, stock.reserved) == (ended.id, OfferState.LIVE, 12, 4)
    assert [line.verb for line in lines_of("offer", ended.id)] == ["relist", "publish"]
    assert prices_for(None, [ended.id], "EUR")[ended.id].tiers == ((1, Decimal(1)),)
    assert offer_of(session, "PAUSE").state == OfferState.PAUSED


def test_the_sku_of_an_ended_offer_is_free_for_another_product(session, vendor):
    text = "sku,name,price,ean\nA,{},1,{}\n"
    ran(vendor, text.format("Bolt", "4006381333931"))
    with transaction():
        bolt = offer_of(session, "A")
        actions_of_offers.end(Actor(company_id=vendor.id, roles=frozenset({Role.VENDOR_MANAGER})), bolt.id)
    assert counts(ran(vendor, text.format("Nut", "4006381333948"))) == (1, 0, 0, 0)
    states = session.scalars(select(Offer).where(Offer.sku == "A").order_by(Offer.id)).all()
    assert [(one.id == bolt.id, one.state) for one in states] == [(True, "ended"), (False, "live")]
    assert counts(ran(vendor, text.format("Bolt", "4006381333931"))) == (0, 0, 0, 1)


def test_what_the_operator_ended_a_feed_does_not_bring_back(session, vendor):
    operator = Actor(company_id=companies.a_company("Market").id, roles=frozenset({Role.OPERATOR}))
    offer = catalogue.an_offer(vendor, sku="A")
    with transaction():
        actions_of_offers.end(operator, offer.id)
    feed = ran(vendor, "sku,name,price\nA,Bolt,1\nB,Nut,1\n")
    assert counts(feed) == (1, 0, 0, 1)
    assert report_of(session, feed)[0][3] == "the operator ended your offer of this SKU; speak to the operator"
    assert offer_of(session, "A").state == OfferState.ENDED


def test_prices_go_to_the_public_list_of_their_currency(session, vendor):
    ran(vendor, "sku,name,price,currency\nA,Bolt,1,CHF\nB,Nut,2,\n")
    lists = session.scalars(select(PriceList).where(PriceList.vendor_id == vendor.id)).all()
    assert {(row.currency, row.kind) for row in lists} == {("EUR", "public"), ("CHF", "public")}
    assert prices_for(None, [offer_of(session, "A").id], "EUR") == {}


def test_reserved_stock_is_left_alone(session, vendor):
    offer = catalogue.an_offer(vendor, sku="A", stock=10, reserved=4)
    ran(vendor, "sku,name,price,stock\nA,Bolt,1,3\n")
    stock = session.get(OfferStock, offer.id, populate_existing=True)
    assert (stock.on_hand, stock.reserved) == (3, 4)


def test_the_number_of_statements_does_not_grow_with_the_rows(session, vendor):
    ran(vendor, feeds.rows_text(1))
    used = []
    for start, count in ((100, 2), (200, 60)):
        with transaction():
            feed = feeds.a_feed(vendor, feeds.rows_text(count, start=start))
        with QueryCounter() as seen:
            feeds.run(feed)
        used.append(seen.count)
    assert used[0] == used[1]


def test_a_cancelled_feed_stops_between_batches(session, vendor, monkeypatch):
    monkeypatch.setattr(actions, "BATCH", 2)
    with transaction():
        feed = feeds.a_feed(vendor, feeds.rows_text(6))
        run = actions.start(feed.id)
    batches = actions.batches_of(run)
    with transaction():
        assert actions.take(run, next(batches))
        actions.cancel(companies.an_actor(vendor, Role.VENDOR_MANAGER), feed.id)
    with transaction():
        assert not actions.take(run, next(batches))
        actions.finish(run)
    assert (feed.state, feed.rows_done, counts(feed)) == (FeedState.CANCELLED, 2, (2, 0, 0, 0))


def test_a_feed_that_is_stopped_while_its_file_is_opened_does_not_begin(session, vendor, monkeypatch):
    with transaction():
        feed = feeds.a_feed(vendor, feeds.rows_text(2))
    opened, person = sources.opened, companies.an_actor(vendor, Role.VENDOR_MANAGER)

    def slowly(*asked):
        actions.cancel(person, feed.id)
        return opened(*asked)

    monkeypatch.setattr(sources, "opened", slowly)
    assert (feeds.run(feed).state, feed.rows_done) == (FeedState.CANCELLED, 0)


def test_a_workbook_is_taken_like_a_csv(session, vendor):
    workbook, file = openpyxl.Workbook(), io.BytesIO()
    for row in (["sku", "name", "price", "stock"], [1001, "Bolt", 0.125, 5], ["B", None, "free", -1]):
        workbook.active.append(row)
    workbook.save(file)
    feed = ran(vendor, file.getvalue())
    assert (feed.format, feed.rows_total, counts(feed)) == ("xlsx", 2, (1, 0, 0, 1))
    assert prices_for(None, [offer_of(session, "1001").id], "EUR")[offer_of(session, "1001").id].tiers == (
        (1, Decimal("0.125")),
    )


def test_headings_of_a_workbook_with_what_no_database_keeps(session, vendor):
    workbook = openpyxl.Workbook()
    workbook.active.append(["sku", "name", "price", "Col_x0000_our", "attr:Drive_x0001_train"])
    workbook.active.append(["A", "Bolt", 1, "x", "hex"])
    file = io.BytesIO()
    workbook.save(file)
    feed = ran(vendor, file.getvalue())
    assert (feed.state, counts(feed)) == ("finished", (1, 0, 0, 0))
    assert feed.warnings == ["The column 'Col our' is not known and was left out."]
    assert session.scalars(select(Product.attributes)).one() == [{"name": "Drive train", "value": "hex"}]


def test_a_feed_that_cannot_be_stored_fails_instead_of_being_tried_for_ever(session, vendor, monkeypatch):
    def refused(*_):
        raise UntranslatableCharacter

    with transaction():
        feed = feeds.a_feed(vendor, feeds.rows_text(1))
    monkeypatch.setattr(batches, "write", refused)
    assert (feeds.run(feed).state, feed.error) == ("failed", jobs.NOT_STORED)


def test_a_feed_that_breaks_off_each_time_at_the_same_place_fails_after_a_few_tries(session, vendor, monkeypatch):
    monkeypatch.setattr(actions, "BATCH", 1)
    with transaction():
        feed = feeds.a_feed(vendor, feeds.rows_text(2))
    written, good = batches.write, []

    def write(*asked):
        if not good:
            raise RuntimeError
        good.pop()
        return written(*asked)

    monkeypatch.setattr(batches, "write", write)

    def broken_off(times):
        for _ in range(times):
            with pytest.raises(RuntimeError):
                feeds.run(feed)
        return feed.state, feed.rows_done, feed.broke_off

    assert broken_off(actions.MOST_TRIES - 1) == (FeedState.RUNNING, 0, actions.MOST_TRIES - 1)
    good.append(True)
    assert broken_off(1) == (FeedState.RUNNING, 1, 1)  # what settles a row begins the count anew
    broken_off(actions.MOST_TRIES - 2)
    feeds.run(feed)
    assert (feed.state, feed.error, feed.rows_done) == (FeedState.FAILED, jobs.BROKE_OFF, 1)
    with transaction():
        actions.resume(companies.an_actor(vendor, Role.VENDOR_MANAGER), feed.id)
    assert broken_off(1) == (FeedState.RUNNING, 1, 1)


def test_a_workbook_without_the_needed_columns_fails_with_their_names(session, vendor):
    workbook, file = openpyxl.Workbook(), io.BytesIO()
    workbook.active.append(["sku", "title"])
    workbook.active.append(["A", "Bolt"])
    workbook.save(file)
    feed = ran(vendor, file.getvalue())
    assert (feed.state, feed.error) == (FeedState.FAILED, "Row 1 lacks the columns name, price.")


def test_a_second_run_of_the_same_feed_gives_way(session, vendor, monkeypatch):
    monkeypatch.setattr(actions, "BATCH", 2)
    with transaction():
        feed = feeds.a_feed(vendor, feeds.rows_text(4))
        slow, fast = actions.start(feed.id), actions.start(feed.id)
    for batch in actions.batches_of(fast):
        with transaction():
            assert actions.take(fast, batch)
    with transaction():
        assert not actions.take(slow, next(actions.batches_of(slow)))
    assert counts(feed) == (4, 0, 0, 0)


def test_a_stopped_vendors_feed_fails_and_can_be_resumed(session, vendor):
    with transaction():
        feed = feeds.a_feed(vendor, feeds.rows_text(2))
    vendor.may_sell = False
    session.flush()
    feeds.run(feed)
    assert (feed.state, feed.error[:25], counts(feed)) == (FeedState.FAILED, "The vendor may not sell a", (0, 0, 0, 0))
    vendor.may_sell = True
    with transaction():
        actions.resume(companies.an_actor(vendor, Role.VENDOR_MANAGER), feed.id)
    feeds.run(feed)
    assert (feed.state, feed.error, counts(feed)) == (FeedState.FINISHED, "", (2, 0, 0, 0))
    assert [line.verb for line in lines_of("feed", feed.id)] == ["start", "fail", "resume", "finish"]


def test_a_feed_whose_file_is_gone_fails(session, vendor):
    with transaction():
        feed = feeds.a_feed(vendor, feeds.rows_text(2))
    jobs.storage.path_of(feed.stored_as).unlink()
    feeds.run(feed)
    assert (feed.state, "no longer kept" in feed.error) == (FeedState.FAILED, True)


def test_a_finished_feed_is_neither_run_nor_cancelled_again(session, vendor):
    feed = ran(vendor, feeds.rows_text(1))
    feeds.run(feed)
    with pytest.raises(IllegalMove), transaction():
        actions.cancel(companies.an_actor(vendor, Role.VENDOR_MANAGER), feed.id)
    assert (feed.state, counts(feed)) == (FeedState.FINISHED, (1, 0, 0, 0))


def test_a_feed_that_stands_still_is_handed_out_again_once_in_its_time(session, vendor, monkeypatch):
    """Where the queue is long, copies of it would be most of what waits there."""
    handed = []
    monkeypatch.setattr(jobs.queue, "enqueue", lambda name, **arguments: handed.append((name, arguments)))
    with transaction():
        feed = feeds.a_feed(vendor, feeds.rows_text(1))
    jobs.sweep()
    assert handed == []
    for late in (1, 1.5, 2.1):
        with clock.moved(late * jobs.STANDS_STILL_AFTER + timedelta(seconds=1)):
            jobs.sweep()
    assert handed == [("feed.run", {"feed_id": str(feed.id)})] * 2
