"""Real catalogues as JSON lines, read by mappings that any vendor may name."""

import io
import itertools
import json
import subprocess

import pytest

from marketplace.catalogue.models import Product
from marketplace.kernel.db import db, transaction
from tests.cast import make_cast
from vendors.feeds import actions, jobs, storage
from vendors.feeds.json_lines import JsonLines, JsonLinesBroken
from vendors.feeds.models import Feed

PART = {
    "sku": "C1", "mpn": "BC847,215", "manufacturer": "Nexperia", "subcategory": "Transistors", "stock": 7,
    "description": "NPN",
    "price": [{"qFrom": 1, "price": 0.05}, {"qFrom": 100, "price": 0.05}, {"qFrom": 1000, "price": 0.0375}],
    "attributes": {"Voltage": "45V", "Category": {"id": 1}}, "joints": 3,
}  # fmt: skip
ARTICLE = {
    "id": "39", "name": "006R90321", "title": "Toner cartridge", "supplier": "Xerox", "price": 4995,
    "ean": ["0095205603217"],
    "attr_t_type": "Original", "attr_n_yield": 23000.0, "attr_b_wireless": False, "date_released": "2009",
}  # fmt: skip


def read(tmp_path, mapping, *objects):
    path = tmp_path / "file.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in objects))
    file = JsonLines(path, mapping)
    return [dict(item) for _, item in file.items()], file.warnings


def test_parts_with_their_quantity_prices(tmp_path):
    (item,), warnings = read(tmp_path, "jlcparts", PART)
    assert item == {
        "sku": "C1", "name": "Nexperia BC847,215 Transistors", "description": "NPN", "manufacturer": "Nexperia",
        "part_number": "BC847,215", "stock": "7", "price": "0.05", "price_from_1000": "0.0375", "attr:Voltage": "45V",
    }  # fmt: skip
    assert "the field 'joints' was skipped (1 times)." in warnings


def test_articles_with_prices_in_cents(tmp_path):
    (item,), warnings = read(tmp_path, "icecat", ARTICLE)
    assert (item["price"], item["ean"], item["attr:type"], item["attr:yield"]) == (
        "49.95",
        "0095205603217",
        "Original",
        "23000",
    )
    assert "the field 'date_released' was skipped (1 times)." in warnings


@pytest.mark.parametrize(
    ("mapping", "article", "price"),
    [
        ("icecat", {"price": "49.95"}, "49.95"),
        ("icecat", {"price": 4995.0}, "49.950"),
        ("icecat", {"price": 0.5}, "0.005"),  # no cent is cut off
        ("icecat", {"price": {"net": 1}}, "{'net': 1}"),  # which its row is told
        ("jlcparts", {"price": 5, "attributes": [1]}, None),
        ("jlcparts", {"price": [1, {"qFrom": "x", "price": 1}, {"qFrom": 1}, {"qFrom": 1, "price": 2}]}, "2"),
        ("jlcparts", {"price": None, "attributes": None}, None),
    ],
)
def test_one_odd_object_does_not_stop_the_file(tmp_path, mapping, article, price):
    items, _ = read(tmp_path, mapping, article | {"sku": "odd", "id": "odd"}, {"sku": "next", "id": "next"})
    assert [item["sku"] for item in items] == ["odd", "next"]
    assert items[0].get("price") == price


@pytest.mark.parametrize("text", ["", "[1]", "{", "{}\nx"])
def test_what_is_no_json_is_refused(tmp_path, text):
    path = tmp_path / "file.jsonl"
    path.write_text(text)
    with pytest.raises(JsonLinesBroken):
        JsonLines(path, "icecat").count()


@pytest.mark.parametrize(
    ("mapping", "name"), [("icecat", "chorus_icecat/products.jsonl.zst"), ("jlcparts", "jlcparts/parts.jsonl.zst")]
)
def test_the_first_of_the_real_files(own_app, shared, mapping, name):
    with subprocess.Popen(["zstdcat", "--long=27", str(shared / "data" / name)], stdout=subprocess.PIPE) as unpacked:
        content = b"".join(itertools.islice(unpacked.stdout, 300))
        unpacked.kill()
    with own_app.app_context():
        with transaction():
            cast = make_cast()
        options = {"encoding": "utf-8", "decimal_mark": ".", "currency": None, "mapping": mapping}
        with storage.kept(io.BytesIO(content)) as stored, transaction():
            feed = actions.receive(cast.vendor, stored, "file.jsonl", options)
        jobs.run(str(feed.id))
        done = db.session.get(Feed, feed.id, populate_existing=True)
        assert (done.state, done.rows_done) == ("finished", 300)
        assert done.rows_created >= 295, done.rows_bad
        assert db.session.query(Product).count() >= 290
