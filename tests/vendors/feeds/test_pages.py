"""The pages of feeds: a file is looked at, a mapping is made for it by a form, and it is taken in."""

import io

import pytest

from marketplace.kernel.db import transaction
from tests.builders import feeds
from tests.pages import HTML, read, see, send
from vendors.feeds.models import Feed, FeedMapping

CSV = "Artikel;Bezeichnung;Farbe;Preis;ab 100;Länge\nA;<b>Bolt</b>;blau;1,50;1,20;40\nB;Nut;;frei;;\n".encode()

MANY = feeds.TABLE | {
    "columns": {"sku": ["Nr."], "name": ["Name + Zusatz", "Farbe"]},
    "tiers": [{"from_quantity": quantity, "field": f"ab {quantity}"} for quantity in range(2, 14)],
    "attributes": {
        "prefixes": ["Maß, außen", "c_"],
        "fields": [
            {"field": "L [mm]", "unit": "cm"},
            {"field": "B [mm]"},
            {"field": "H", "name": "Height"},
            {"field": "U", "name": "R = I", "unit": "V"},
            {"field": "U = R", "name": "I", "unit": "V"},
            {"field": "P = U"},
            {"field": 'a "b" = c', "unit": "V"},
            {"field": '"d"'},
            {"field": "e ="},
        ],
    },
}


@pytest.fixture
def vendor(client_as, cast):
    return client_as(cast.vendor)


def sent(client, content, **values):
    fields = see(client, "/desk/feeds").forms[-1].fields | values
    fields = {name: value for name, value in fields.items() if name != "file"}
    return client.post("/desk/feeds", data=fields | {"file": (io.BytesIO(content), "ours.csv")}, headers=HTML)


def test_a_look_shows_currencies_and_which_names_are_not_taken(cast, vendor, session):
    head = "sku,name,price,ean\n"
    with transaction():
        made = feeds.a_feed(cast.rival_vendor_company, f"{head}A,Bolt,1,4006381333931\n")
        own = feeds.a_feed(cast.vendor_company, f"{head}OLD,Mine,1,4006381333931\n", actor=cast.vendor)
    for feed in (made, own):
        feeds.run(feed)
    rows = b"OLD,Mine,1200.5,CHF,4006381333931\nNEW,Yours,2,,4006381333931\nOWN,Nut,3,,\nSAME,Bolt,4,,4006381333931\n"
    told = see(vendor, sent(vendor, b"sku,name,price,currency,ean\n" + rows, look="true").location).text
    told = " ".join(told.split())
    for price in ("1,200.50 CHF", "2.00 EUR", "3.00 EUR", "4.00 EUR"):
        assert price in told
    kept = 'name: not taken: the product is not this SKU\'s alone and keeps its name, "Bolt"'
    assert told.count("Note name:") == 2
    assert f"Mine OLD · there already Note {kept}" in told
    assert f"Yours NEW · new Note {kept}" in told
    assert ("all fit" in told, "refused" in told) == (True, False)
    taken = see(vendor, f"/desk/feeds/{own.id}").text
    assert ("None: every row was taken." in taken, "Taken, but not all of it" in taken) == (True, True)
    assert kept.removeprefix("name: ") in taken


def test_a_file_with_other_headings_becomes_a_feed(vendor, session):
    looked = sent(vendor, CSV, look="true", decimal_mark=",", currency="CHF")
    assert looked.status_code == 303
    page = see(vendor, looked.location)
    assert "Row 1 lacks the columns sku, name, price." in page.text
    assert session.query(Feed).count() == 0

    at = next(part for part in vendor.get(looked.location, headers=HTML).text.split('"') if "feed-mappings/new" in part)
    at = at.replace("&amp;", "&")
    form = {
        "name": "ours", "column-sku": "Artikel", "column-name": "Bezeichnung + Farbe", "constant-stock": "5",
        "price": "Preis", "tier_quantity-1": "100", "tier_field-1": "ab 100",
        "attribute_fields": "Länge = Length [mm]\nFarbe",
    }  # fmt: skip
    tried = send(vendor, at, "/feed-mappings/new", **form, look="true")
    assert "<b>Bolt</b> blau" in read(tried).text
    assert "price: 'frei' is not a price" in read(tried).text
    assert session.query(FeedMapping).count() == 0

    bad = send(vendor, at, "/feed-mappings/new", **form | {"column-sku": ""})
    assert (bad.status_code, "Columns sku:" in read(bad).text) == (422, True)
    assert read(bad).forms[1].fields["column-name"] == "Bezeichnung + Farbe"

    kept = send(vendor, at, "/feed-mappings/new", **form)
    assert kept.status_code == 303
    row = session.query(FeedMapping).one()
    assert row.content == {
        "columns": {"sku": ["Artikel"], "name": ["Bezeichnung", "Farbe"]},
        "price": {"field": "Preis"},
        "tiers": [{"from_quantity": 100, "field": "ab 100"}],
        "attributes": {"fields": [{"field": "Länge", "name": "Length", "unit": "mm"}, {"field": "Farbe"}]},
        "constants": {"stock": "5"},
    }
    look = see(vendor, kept.location)
    taken = vendor.post("/desk/feeds", data=look.forms[-1].fields, headers=HTML)
    feed = session.query(Feed).one()
    assert (taken.status_code, feed.mapping["name"], feed.filename) == (303, "ours", "ours.csv")
    assert feed.currency == "CHF"
    feeds.run(feed)
    shown = see(vendor, taken.location).text
    assert "1 new, 0 changed" in shown
    assert "'frei' is not a price" in shown
    assert "ours, version 1" in shown
    assert "ours.csv" in see(vendor, "/desk/feeds?state=finished").text


def test_a_mapping_is_edited_by_its_form_and_comes_back_as_it_was(vendor, cast, session):
    with transaction():
        rows = [feeds.a_mapping(cast.vendor_company, feeds.shipped(name)) for name in ("icecat", "jlcparts")]
        rows.append(feeds.a_mapping(cast.vendor_company, MANY))
    for row in rows:
        at, before = f"/desk/feed-mappings/{row.id}", row.content
        assert send(vendor, at, str(row.id), note="changed").status_code == 303
        session.refresh(row)
        assert (row.content, row.note, row.version) == (before, "changed", 2)
        stale = send(vendor, at, str(row.id), version="1", column_x="y")
        assert (stale.status_code, row.version) == (412, 2)


def test_a_field_of_the_file_that_looks_like_field_and_name_is_that_field(vendor, session):
    looked = sent(vendor, b"Artikel;Bezeichnung;Preis;U = R\nA;Bolt;1;5\n", look="true")
    at = next(part for part in vendor.get(looked.location, headers=HTML).text.split('"') if "feed-mappings/new" in part)
    form = {"name": "ours", "column-sku": "Artikel", "column-name": "Bezeichnung", "price": "Preis"}
    lines = "U = R = Voltage [V]\nPreis = Price"
    kept = send(vendor, at.replace("&amp;", "&"), "/feed-mappings/new", **form, attribute_fields=lines)
    assert kept.status_code == 303
    assert session.query(FeedMapping).one().content["attributes"]["fields"] == [
        {"field": "U = R", "name": "Voltage", "unit": "V"}, {"field": "Preis", "name": "Price"},
    ]  # fmt: skip


def test_a_shared_mapping_is_copied_and_kept_by_the_operator(vendor, client_as, cast, session):
    with transaction():
        row = feeds.a_mapping(None, feeds.shipped("icecat"))
    at = f"/desk/feed-mappings/{row.id}"
    assert "kept by the operator" in see(vendor, at).text
    assert vendor.post(at, data=see(vendor, at).forms[1].fields, headers=HTML).status_code == 403
    copied = send(vendor, at, "/copy", copy_name="mine")
    assert (copied.status_code, see(vendor, copied.location).text.count("Remove")) == (303, 1)
    assert send(vendor, copied.location, "/remove").status_code == 303
    operator = client_as(cast.operator)
    assert "icecat" in see(operator, "/desk/feed-mappings").text
    assert send(operator, at, str(row.id), note="x").status_code == 303
    assert client_as(cast.buyer).get(at, headers=HTML).status_code == 403


def test_a_file_at_hand_is_at_nobody_elses(vendor, client_as, cast):
    at = sent(vendor, b"sku,name,price\nA,B,1\n", look="true").location
    assert "all fit" in see(vendor, at).text
    assert client_as(cast.rival_vendor).get(at, headers=HTML).status_code == 422
    assert vendor.get(at.replace("file=", "file=x"), headers=HTML).status_code == 422


def test_what_cannot_be_taken_is_said_on_the_page(vendor, cast):
    assert "Choose a file" in read(send(vendor, "/desk/feeds", "/desk/feeds")).text
    refused = sent(vendor, b"sku,name\nA,B\n")
    assert (refused.status_code, "lacks the columns price" in read(refused).text) == (422, True)
    assert "There is no such mapping" in read(sent(vendor, b"x", mapping="nothing")).text


def test_a_failed_feed_goes_on(vendor, cast, session):
    with transaction():
        feed = feeds.a_feed(cast.vendor_company, "sku,name,price\nA,Bolt,1\n", actor=cast.vendor)
    cast.vendor_company.may_sell = False
    session.commit()
    feeds.run(feed)
    at = f"/desk/feeds/{feed.id}"
    assert "may not sell at present" in see(vendor, at).text
    cast.vendor_company.may_sell = True
    session.commit()
    assert send(vendor, at, "/resume").status_code == 303
    assert send(vendor, at, "/cancel").status_code == 303
    assert "cancelled" in see(vendor, at).text
