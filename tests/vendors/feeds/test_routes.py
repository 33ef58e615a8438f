"""Feeds over HTTP: uploads of any allowed size, clear refusals, progress and reports for their vendor only."""

import csv
import io

import orjson
import pytest
from sqlalchemy import func, select

from marketplace.kernel.access import Role
from marketplace.kernel.db import transaction
from tests.builders import companies, feeds
from vendors.feeds import jobs, storage
from vendors.feeds.columns import COLUMNS, layout_of
from vendors.feeds.models import Feed
from vendors.feeds.rows import RowReader, Wanted
from vendors.feeds.states import FeedState


def uploaded(client, content, query="", name="offers.csv"):
    data = content if isinstance(content, bytes) else content.encode()
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + b"\r\n--x--\r\n"
    answer = client.post(f"/v1/feeds{query}", data=body, content_type="multipart/form-data; boundary=x")
    return answer.status_code, orjson.loads(answer.data)


def kept_files():
    return len(list(storage.folder().iterdir()))


@pytest.fixture
def feed(cast, session):
    with transaction():
        row = feeds.a_feed(
            cast.vendor_company, "sku,name,price,Colour\nA,Bolt,1,red\n=1+1,Nut,free,\n", actor=cast.vendor
        )
    return feeds.run(row)


def test_an_upload_is_received_and_taken_in(client_as, cast, session):
    client = client_as(cast.vendor)
    status, feed = uploaded(client, "sku;name;price;Colour\nA;K\xfchler;1,50;red\n".encode("cp1252"),
                            "?encoding=cp1252&decimal_mark=,&currency=CHF", "../../etc/offers.csv")  # fmt: skip
    assert (status, feed["state"], feed["rows_total"], feed["filename"]) == (202, "received", 1, "offers.csv")
    assert feed["warnings"] == ["The column 'Colour' is not known and was left out."]
    jobs.run(feed["id"])
    done = orjson.loads(client.get(f"/v1/feeds/{feed['id']}").data)
    assert (done["state"], done["rows_done"], done["rows_created"], done["rows_bad"]) == ("finished", 1, 1, 0)
    assert [item["id"] for item in orjson.loads(client.get("/v1/feeds?state=finished").data)["items"]] == [feed["id"]]


def test_an_upload_may_be_larger_than_other_bodies(client_as, cast, session):
    line = "A{n},Bolt,1," + "x" * 3_000 + "\n"
    content = "sku,name,price,description\n" + "".join(line.format(n=n) for n in range(800))
    assert len(content) > 2_000_000
    assert uploaded(client_as(cast.vendor), content)[0] == 202


def test_an_upload_beyond_the_limit_is_refused(app, client_as, cast, session, monkeypatch):
    settings = app.extensions["kontor_settings"]
    object.__setattr__(settings, "max_upload_bytes", 10_000)
    try:
        status, _ = uploaded(client_as(cast.vendor), feeds.rows_text(1_000))
    finally:
        object.__setattr__(settings, "max_upload_bytes", 64_000_000)
    assert (status, session.scalar(select(func.count()).select_from(Feed))) == (413, 0)


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        (b"sku,name,price\nA,K\xfchler,1\n", {"title": "File encoding wrong", "byte": 18, "row": 2}),
        (b"sku,title\nA,Bolt\n", {"title": "Columns missing", "missing": ["name", "price"]}),
        (b"sku,name,price,SKU\nA,B,1,A\n", {"title": "Column twice", "columns": ["sku"]}),
        (b"sku,name,price\n", {"title": "File empty"}),
        (b"", {"title": "File empty"}),
        (b'sku,name,price\nA,"open,1\n', {"title": "File broken", "row": 2}),
        (b"%PDF-1.4", {"title": "File kind unknown"}),
        (b"PK\x03\x04nothing", {"title": "File broken"}),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_whole(client_as, cast, session, content, facts):
    before = kept_files()
    status, problem = uploaded(client_as(cast.vendor), content)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/file")
    assert {name: problem[name] for name in facts} == facts
    assert (session.scalar(select(func.count()).select_from(Feed)), kept_files()) == (0, before)


def test_an_upload_without_a_file_is_refused(client_as, cast, session):
    answer = client_as(cast.vendor).post("/v1/feeds", data={})
    assert (answer.status_code, orjson.loads(answer.data)["errors"][0]["pointer"]) == (422, "/file")


@pytest.mark.parametrize("query", ["?encoding=utf-7", "?decimal_mark=x", "?currency=euro"])
def test_unknown_options_are_refused(client_as, cast, session, query):
    assert uploaded(client_as(cast.vendor), feeds.rows_text(1), query)[0] == 422


def test_a_company_that_may_not_sell_uploads_nothing(client_as, cast, session):
    stopped = companies.an_actor(companies.a_company(), Role.VENDOR_MANAGER)
    status, problem = uploaded(client_as(stopped), feeds.rows_text(1))
    assert (status, problem["title"]) == (403, "Vendor may not sell")


@pytest.mark.parametrize(
    ("who", "status"),
    [("vendor", 200), ("operator", 200), ("rival_vendor", 404), ("buyer", 403), ("colleague", 403), ("stranger", 401)],
)
@pytest.mark.parametrize("path", ["", "/report", "/report.csv"])
def test_who_reads_a_feed(client_as, cast, feed, who, status, path):
    assert client_as(getattr(cast, who)).get(f"/v1/feeds/{feed.id}{path}").status_code == status


@pytest.mark.parametrize(
    ("who", "status"), [("rival_vendor", 404), ("operator", 403), ("buyer", 403), ("stranger", 401), ("vendor", 200)]
)
def test_who_cancels_a_feed(client_as, cast, session, who, status):
    with transaction():
        row = feeds.a_feed(cast.vendor_company, feeds.rows_text(1), actor=cast.vendor)
    assert client_as(getattr(cast, who)).post(f"/v1/feeds/{row.id}/cancel").status_code == status
    assert row.state == (FeedState.CANCELLED if status == 200 else FeedState.RECEIVED)


def test_a_finished_feed_is_neither_cancelled_nor_resumed(client_as, cast, feed):
    client = client_as(cast.vendor)
    for verb in ("cancel", "resume"):
        assert client.post(f"/v1/feeds/{feed.id}/{verb}").status_code == 409
    assert feed.state == FeedState.FINISHED


def test_a_clerk_reads_but_does_not_upload(client_as, cast, feed):
    clerk = client_as(companies.an_actor(cast.vendor_company, Role.VENDOR_CLERK))
    assert clerk.get(f"/v1/feeds/{feed.id}").status_code == 200
    assert uploaded(clerk, feeds.rows_text(1))[0] == 403


def test_the_report_names_row_and_column(client_as, cast, feed):
    found = orjson.loads(client_as(cast.vendor).get(f"/v1/feeds/{feed.id}/report").data)
    assert [(item["row"], item["column"], item["sku"]) for item in found["items"]] == [(3, "sku", "=1+1")]
    assert found["next"] is None


def test_the_report_as_csv_runs_no_formula(client_as, cast, feed):
    answer = client_as(cast.vendor).get(f"/v1/feeds/{feed.id}/report.csv")
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
    assert answer.content_type == "text/csv; charset=utf-8"
    assert rows[0] == ["row", "column", "sku", "message", "taken"]
    assert (rows[1][:3], rows[1][4]) == (["3", "sku", "'=1+1"], "no")


def test_a_long_report_is_read_in_pieces(client_as, cast, session, monkeypatch):
    monkeypatch.setattr("vendors.feeds.queries._REPORT_CHUNK", 2)
    with transaction():
        row = feeds.a_feed(cast.vendor_company, "sku,name,price\n" + "A,,\nB,,\nC,,\nD,,\n", actor=cast.vendor)
    feeds.run(row)
    body = client_as(cast.vendor).get(f"/v1/feeds/{row.id}/report.csv").get_data(as_text=True)
    assert [line.split(",")[0] for line in body.splitlines()] == ["row", "2", "3", "4", "5"]


def test_the_template_is_a_feed(client_as, cast):
    text = client_as(cast.vendor).get("/v1/feeds/template.csv").get_data(as_text=True)
    header, example = csv.reader(io.StringIO(text))
    assert header == list(COLUMNS)
    assert isinstance(RowReader(layout_of(header), {"fasteners/bolts": 1}).read(2, example), Wanted)
