"""Mappings are kept, checked, copied and tried by whom they belong to; a feed keeps the one its file came with."""

import io

import openpyxl
import orjson
import pytest

from marketplace.agreements.models import Price
from marketplace.catalogue import categories
from marketplace.catalogue.models import Offer, OfferStock, Product
from marketplace.catalogue.states import OfferState
from marketplace.kernel.access import Role
from marketplace.kernel.db import transaction
from tests.builders import catalogue, companies, feeds
from tests.vendors.feeds.test_routes import uploaded
from vendors.feeds import actions, jobs, mappings, trying
from vendors.feeds.models import FeedMapping, FeedReportLine

TABLE = feeds.TABLE | {
    "tiers": [{"from_quantity": 100, "field": "ab 100"}],
    "attributes": {"fields": [{"field": "Länge", "name": "Length", "unit": "mm"}, {"field": "Farbe"}]},
    "constants": {"currency": "CHF", "category": "bolts", "stock": "7"},
    "left_out": ["Seite"],
}
CSV = (
    "artikel;Bezeichnung;Farbe;PREIS ;ab 100;Bestand;Länge;Seite;Lager\nA;Bolt;blau;1,50;1,20;;40;3;x\nB;;;frei;;2;;;\n"
)


@pytest.fixture
def kept(cast, session):
    with transaction():
        catalogue.a_category("Bolts", slug="bolts")
        return feeds.a_mapping(cast.vendor_company, TABLE)


@pytest.fixture
def shared(cast, session):
    with transaction():
        return feeds.a_mapping(None, feeds.shipped("icecat"))


def test_a_mapping_is_kept_listed_edited_copied_and_removed(client_as, cast, shared):
    client = client_as(cast.vendor)
    made = client.post("/v1/feed-mappings", json=feeds.TABLE)
    assert (made.status_code, made.json["shared"], made.json["columns"]) == (201, False, feeds.TABLE["columns"])
    at, match = f"/v1/feed-mappings/{made.json['id']}", {"If-Match": made.headers["ETag"]}
    listed = client.get("/v1/feed-mappings").json["items"]
    assert [(item["name"], item["shared"]) for item in listed] == [("ours", False), ("icecat", True)]
    assert [item["name"] for item in client.get("/v1/feed-mappings?format=jsonl").json["items"]] == ["icecat"]

    edited = client.patch(at, json={"price": {"field": "VK", "minor_digits": 2}}, headers=match)
    assert (edited.status_code, edited.json["price"], edited.json["version"]) == (
        200, {"field": "VK", "minor_digits": 2}, 2,
    )  # fmt: skip
    assert edited.json["columns"] == feeds.TABLE["columns"]
    assert client.patch(at, json={"note": "x"}, headers=match).status_code == 412
    assert client.patch(at, json={"note": "x"}).status_code == 428
    assert client.post("/v1/feed-mappings", json=feeds.TABLE).status_code == 409

    copied = client.post(f"/v1/feed-mappings/{shared.id}/copy", json={"name": "mine"})
    assert (copied.status_code, copied.json["shared"], copied.json["price"]) == (
        201, False, {"field": "price", "minor_digits": 2},
    )  # fmt: skip
    assert client.delete(at).status_code == 204
    assert client.get(at).status_code == 404


@pytest.mark.parametrize(
    ("who", "statuses"),  # of reading a vendor's own, editing it, editing a shared one
    [
        ("vendor", (200, 200, 403)),
        ("rival_vendor", (404, 404, 403)),
        ("operator", (200, 403, 200)),
        ("buyer", (403, 403, 403)),
    ],
)
def test_who_reads_and_edits_whose(client_as, cast, kept, shared, who, statuses):
    client = client_as(getattr(cast, who))
    read, edit, theirs = statuses
    assert client.get(f"/v1/feed-mappings/{kept.id}").status_code == read
    for row, status in ((kept, edit), (shared, theirs)):
        answer = client.patch(f"/v1/feed-mappings/{row.id}", json={"note": "x"}, headers={"If-Match": '"1"'})
        assert answer.status_code == status
    assert client.delete(f"/v1/feed-mappings/{kept.id}").status_code == (204 if edit == 200 else edit)


def test_what_the_operator_keeps_is_everybodys(client_as, cast):
    made = client_as(cast.operator).post("/v1/feed-mappings", json=feeds.TABLE)
    assert (made.status_code, made.json["shared"]) == (201, True)
    assert client_as(cast.rival_vendor).get(f"/v1/feed-mappings/{made.json['id']}").status_code == 200


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"columns": {"sku": ["a"], "name": ["b"], "colour": ["c"]}}, "/columns/colour"),
        ({"columns": {"sku": ["a"]}}, "/columns/name"),
        ({"columns": {"sku": ["a"], "name": ["b"], "stock": ["c", "d"]}}, "/columns/stock"),
        ({"columns": {"sku": [], "name": ["b"]}}, "/columns/sku"),
        ({"columns": {"sku": ["a"], "name": [7]}}, "/columns/name/0"),
        ({"price": None}, "/price"),
        ({"price": {"field": "p", "minor_digits": 9}}, "/price/minor_digits"),
        ({"price": {"field": "p", "from": "q"}}, "/price/amount"),
        ({"price": {"field": "p", "from": "q", "amount": "r"}}, "/price/from"),
        ({"tiers": [{"from_quantity": 5, "field": "a"}, {"from_quantity": 5, "field": "b"}]}, "/tiers/1/from_quantity"),
        ({"tiers": [{"from_quantity": 1, "field": "a"}]}, "/tiers/0/from_quantity"),
        ({"attributes": {"field": "a"}}, "/attributes/field"),
        ({"attributes": {"fields": [{"field": "a", "name": "[x]"}]}}, "/attributes/fields/0/name"),
        ({"constants": {"currency": "euro"}}, "/constants/currency"),
        ({"constants": {"sku": "x"}}, "/constants/sku"),
        ({"constants": {"category": "nowhere"}}, "/constants/category"),
        ({"format": "pdf"}, "/format"),
        ({"other": 1}, "/other"),
    ],
)
def test_a_mapping_that_nobody_could_read_by_is_refused(client_as, cast, changes, pointer):
    answer = client_as(cast.vendor).post("/v1/feed-mappings", json=feeds.TABLE | changes)
    assert (answer.status_code, [error["pointer"] for error in answer.json["errors"]]) == (422, [pointer])


def test_steps_and_tiers_are_two_sources(client_as, cast):
    body = feeds.shipped("jlcparts") | {"tiers": [{"from_quantity": 10, "field": "x"}]}
    assert client_as(cast.vendor).post("/v1/feed-mappings", json=body).json["errors"][0]["pointer"] == "/tiers"


def test_a_category_named_by_its_last_step_stays_the_one_it_is(client_as, cast, session):
    nuts = catalogue.a_category("Nuts", parent=catalogue.a_category("Fasteners"))
    body = feeds.TABLE | {"constants": {"category": "nuts"}}
    made = client_as(cast.vendor).post("/v1/feed-mappings", json=body)
    assert made.json["constants"] == {"category": "fasteners/nuts"}
    with transaction():
        categories.edit(cast.operator, nuts.id, {"slug": "hexagon-nuts"})
    told = client_as(cast.vendor).get(f"/v1/feed-mappings/{made.json['id']}").json
    assert told["constants"] == {"category": "fasteners/hexagon-nuts"}


def offered(session, sku):
    offer = session.query(Offer).filter_by(sku=sku).one()
    return session.get(Product, offer.product_id)


def test_a_table_with_other_headings_is_taken_in_by_its_mapping(client_as, cast, kept, session):
    client = client_as(cast.vendor)
    status, feed = uploaded(client, CSV, f"?mapping={kept.id}&decimal_mark=,")
    assert (status, feed["rows_total"], feed["mapping"]) == (
        202, 2, {"id": str(kept.id), "name": "ours", "version": 1},
    )  # fmt: skip
    jobs.run(feed["id"])
    done = client.get(f"/v1/feeds/{feed['id']}").json
    assert (done["state"], done["rows_created"], done["rows_bad"]) == ("finished", 1, 1)
    assert done["warnings"] == ["the field 'Lager' was skipped (1 times)."]
    product = offered(session, "A")
    assert (product.name, product.category_id is not None) == ("Bolt blau", True)
    assert product.attributes == [
        {"name": "Farbe", "value": "blau"},
        {"name": "Length", "value": "40", "unit": "mm"},
    ]
    assert session.query(OfferStock).one().on_hand == 7
    assert {(price.from_quantity, str(price.unit_price)) for price in session.query(Price)} == {
        (1, "1.500000"),
        (100, "1.200000"),
    }
    line = session.query(FeedReportLine).one()
    assert (line.row_number, line.column, line.sku) == (3, "price", "B")


def test_a_workbook_is_read_by_the_same_mapping(client_as, cast, kept, session):
    workbook, file = openpyxl.Workbook(), io.BytesIO()
    for row in (["Artikel", "Bezeichnung", "Preis"], [4711, "Nut", 0.5], ["X", None, 1]):
        workbook.active.append(row)
    workbook.save(file)
    status, feed = uploaded(client_as(cast.vendor), file.getvalue(), "?mapping=ours")
    assert status == 202
    jobs.run(feed["id"])
    done = client_as(cast.vendor).get(f"/v1/feeds/{feed['id']}").json
    assert (done["state"], done["rows_created"], done["rows_bad"], done["rows_total"]) == ("finished", 1, 1, 2)
    assert done["warnings"][0] == "The file has no column 'Farbe'."
    assert offered(session, "4711").name == "Nut"


@pytest.mark.parametrize(
    ("content", "mapping", "title"),
    [
        ('{"id":"1"}', None, "Mapping needed"),
        ('{"id":"1"}', "ours", "Mapping does not fit"),
        ("<BMECAT/>", "ours", "Mapping does not fit"),
        ("Artikel;Preis\nA;1\n", "ours", "Columns missing"),
        ("Artikel;Bezeichnung;Preis;PREIS\nA;B;1;1\n", "ours", "Column twice"),
        ("Artikel;Bezeichnung;Preis\n", "ours", "File empty"),
        ("\xff\xfea", None, "File encoding wrong"),
        ("sku,name,price," + "x" * 140_000 + "\nA,B,1,\n", None, "File broken"),
    ],
)
def test_a_file_that_the_mapping_does_not_fit_is_refused_whole(client_as, cast, kept, content, mapping, title):
    query = f"?mapping={mapping}" if mapping else ""
    status, problem = uploaded(client_as(cast.vendor), content.encode("latin-1"), query)
    assert (status, problem["title"]) == (422, title)


@pytest.mark.parametrize("mapping", ["nothing", "00000000-0000-7000-8000-000000000000", "theirs"])
def test_a_mapping_that_one_does_not_see_is_not_there(client_as, cast, session, mapping):
    with transaction():
        row = feeds.a_mapping(cast.rival_vendor_company, name="theirs")
    for wanted in (mapping, str(row.id)):
        assert uploaded(client_as(cast.vendor), CSV, f"?mapping={wanted}")[0] == 404


def test_ones_own_mapping_goes_before_a_shared_one_of_its_name(cast, session, shared):
    with transaction():
        own = feeds.a_mapping(cast.vendor_company, name="icecat")
    assert mappings.chosen(cast.vendor, "icecat")["id"] == str(own.id)
    assert mappings.chosen(cast.rival_vendor, "icecat")["id"] == str(shared.id)


def test_a_feed_goes_on_by_the_mapping_it_began_with(cast, session, kept, monkeypatch):
    monkeypatch.setattr(actions, "BATCH", 2)
    text = "Artikel;Bezeichnung;Preis;VK;Lager\n" + "".join(f"S{n};Bolt {n};1;2;x\n" for n in range(5))
    with transaction():
        feed = feeds.a_feed(cast.vendor_company, text, actor=cast.vendor, mapping="ours")
        run = actions.start(feed.id)
    with transaction():
        assert actions.take(run, next(actions.batches_of(run)))
    with transaction():
        mappings.edit(cast.vendor, kept.id, {"price": {"field": "VK"}, "columns": {"sku": ["VK"], "name": ["VK"]}})
    with transaction():
        mappings.remove(cast.vendor, kept.id)
    feeds.run(feed)
    assert (feed.state, feed.rows_done, feed.rows_created, feed.rows_bad) == ("finished", 5, 5, 0)
    assert feed.skipped == {"the field 'VK'": 5, "the field 'Lager'": 5}
    assert feed.mapping["content"]["price"] == {"field": "Preis"}
    assert session.query(FeedMapping).count() == 0


def test_no_line_stops_a_feed_whatever_its_names_are(cast, session, shared):
    odd = {"id": "1", "title": "T", "a\x00b": 1, "attr_t_a\x00b": "x", "attr_t_[": "[", "attr_t_": "y", "": "z"}
    lines = [orjson.dumps(odd | changes) for changes in ({}, {"id": "2\x00"}, {"id": "2\x00", "price": "\x00"})]
    with transaction():
        feed = feeds.a_feed(cast.vendor_company, b"\n".join(lines), actor=cast.vendor, mapping="icecat")
    feeds.run(feed)
    assert (feed.state, feed.rows_created, feed.rows_bad, feed.skipped["the field 'ab'"]) == ("finished", 1, 2, 3)
    assert offered(session, "1").attributes == [{"name": "a b", "value": "x"}, {"name": "(", "value": "["}]


def test_a_price_that_a_file_does_not_say_stays(cast, session, kept):
    for text in ("Artikel;Bezeichnung;Preis\nA;Bolt;1,50\n", "Artikel;Bezeichnung;Preis;Bestand\nA;;;9\nB;;1;1\n"):
        with transaction():
            feed = feeds.a_feed(cast.vendor_company, text, actor=cast.vendor, mapping="ours", decimal_mark=",")
        feeds.run(feed)
    assert (feed.rows_changed, feed.rows_bad) == (1, 1)
    assert session.query(FeedReportLine).one().message == "is missing, and nothing has this SKU"
    assert len(session.query(Offer).one().sku) == 1


def test_a_row_without_a_name_brings_back_nothing_that_was_ended(client_as, cast, session, kept):
    ended = catalogue.an_offer(cast.vendor_company, sku="A", state=OfferState.ENDED)
    text, message = "Artikel;Bezeichnung;PREIS;Bestand\nA;{};2;9\n", "only a row with a name brings it back"
    for name in ("", "Bolt"):
        body = {"mapping": TABLE, "rows_text": text.format(name)}
        (row,) = client_as(cast.vendor).post("/v1/feed-mappings/preview", json=body).json["rows"]
        assert (row["is_new"], row["comes_back"], bool(row["problems"])) == (False, True, not name)
        assert name or row["problems"][0]["message"].endswith(message)
        with transaction():
            feed = feeds.a_feed(cast.vendor_company, text.format(name), actor=cast.vendor, mapping="ours")
        feeds.run(feed)
        state = session.get(Offer, ended.id, populate_existing=True).state
        assert (state, feed.rows_bad) == ((OfferState.LIVE, 0) if name else (OfferState.ENDED, 1))


def test_rows_are_tried_before_use(client_as, cast, kept, session):
    client = client_as(cast.vendor)
    body = {"mapping": TABLE, "rows_text": CSV + "A;x;;1;;;;;\n", "decimal_mark": ","}
    tried = client.post("/v1/feed-mappings/preview", json=body)
    assert (tried.status_code, tried.json["format"]) == (200, "csv")
    assert tried.json["fields"] == [
        "artikel", "Bezeichnung", "Farbe", "PREIS", "ab 100", "Bestand", "Länge", "Seite", "Lager",
    ]  # fmt: skip
    good, bad, again = tried.json["rows"]
    assert (good["row"], good["sku"], good["is_new"], good["problems"]) == (2, "A", True, [])
    assert good["columns"] == {
        "sku": "A", "name": "Bolt blau", "currency": "CHF", "category": "bolts", "stock": "7",
    }  # fmt: skip
    assert good["tiers"] == [
        {"from_quantity": 1, "unit_price": "1.50"},
        {"from_quantity": 100, "unit_price": "1.20"},
    ]
    assert [problem["column"] for problem in bad["problems"]] == ["price"]
    assert again["problems"] == [{"column": "sku", "message": "this SKU is in row 2 already"}]
    assert session.query(Offer).count() == 0

    with transaction():
        feed = feeds.a_feed(cast.vendor_company, CSV, actor=cast.vendor, mapping="ours", decimal_mark=",")
    by_feed = client.post("/v1/feed-mappings/preview", json={"feed_id": str(feed.id), "rows": 1})
    assert [row["sku"] for row in by_feed.json["rows"]] == ["A"]
    body = {"feed_id": str(feed.id), "mapping_id": str(kept.id)}
    rival = client_as(cast.rival_vendor)
    assert rival.post("/v1/feed-mappings/preview", json=body).status_code == 404
    assert rival.post("/v1/feed-mappings/preview", json={"rows_text": "x", **body}).status_code == 422


def test_a_heading_with_a_unit_of_its_own_may_be_given_another(client_as, cast, session):
    mapping = feeds.TABLE | {"attributes": {"fields": [{"field": "L [mm]", "unit": "cm"}, {"field": "B [mm]"}]}}
    text = "Artikel,Bezeichnung,Preis,L [mm],B [mm]\nA,Bolt,1,4,30\n"
    answer = client_as(cast.vendor).post("/v1/feed-mappings/preview", json={"mapping": mapping, "rows_text": text})
    assert answer.json["rows"][0]["attributes"] == [
        {"name": "L (mm)", "value": "4", "unit": "cm"},
        {"name": "B", "value": "30", "unit": "mm"},
    ]


def test_a_file_is_tried_without_being_kept(client_as, cast, shared):
    client = client_as(cast.vendor)
    line = b'{"id":"1","title":"Toner","price":4995,"attr_t_type":"Original","z":[{"q":1}]}\n{"id":\n'
    answer = client.post("/v1/feeds/preview?mapping=icecat", data={"file": (io.BytesIO(line), "x.jsonl")})
    assert answer.status_code == 200
    good, bad = answer.json["rows"]
    assert (good["tiers"], good["attributes"]) == (
        [{"from_quantity": 1, "unit_price": "49.95"}], [{"name": "type", "value": "Original"}],
    )  # fmt: skip
    assert bad["problems"][0]["message"].startswith("the line is no JSON")
    assert answer.json["fields"] == ["id", "title", "price", "attr_t_type", "z", "q"]
    assert orjson.loads(client.get("/v1/feeds").data)["items"] == []
    latin = client.post("/v1/feeds/preview", data={"file": (io.BytesIO(b"sku,name\nA,K\xfchler\n"), "x.csv")})
    assert (latin.status_code, latin.json["type"]) == (422, "/problems/file-encoding-wrong")
    plain = client.post("/v1/feeds/preview", data={"file": (io.BytesIO(b"sku,name,price\nA,B,1\n"), "x.csv")})
    assert plain.json["rows"][0]["columns"] == {"sku": "A", "name": "B"}


def test_a_workbook_that_unpacks_to_much_is_not_tried_in_a_web_process(client_as, cast, session, monkeypatch):
    workbook, file = openpyxl.Workbook(), io.BytesIO()
    workbook.active.append(["sku", "name", "price"])
    workbook.save(file)
    monkeypatch.setattr(trying, "MOST_WORKBOOK", len(file.getvalue()))
    answer = client_as(cast.vendor).post("/v1/feeds/preview", data={"file": (io.BytesIO(file.getvalue()), "x.xlsx")})
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/workbook-too-large-to-try")


def test_a_clerk_reads_but_changes_no_mapping(client_as, cast, kept):
    clerk = client_as(companies.an_actor(cast.vendor_company, Role.VENDOR_CLERK))
    assert clerk.get(f"/v1/feed-mappings/{kept.id}").status_code == 200
    assert clerk.post("/v1/feed-mappings", json=feeds.TABLE).status_code == 403
