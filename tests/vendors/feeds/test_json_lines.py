"""Real catalogues as JSON lines, read by mappings that any vendor may name; a bad line costs one line of the report."""

import json

import pytest

from tests.builders import feeds
from vendors.feeds import json_lines
from vendors.feeds.items import ItemReader, Skipped, Unreadable
from vendors.feeds.json_lines import JsonLines, JsonLinesBroken
from vendors.feeds.rows import Fault, Wanted

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


def lines_of(tmp_path, mapping, content):
    path = tmp_path / "file.jsonl"
    path.write_bytes(content)
    return JsonLines(path, feeds.shipped(mapping))


def read(tmp_path, mapping, *objects):
    file = lines_of(tmp_path, mapping, "\n".join(json.dumps(one) for one in objects).encode())
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
        ("icecat", {"price": "4995"}, "49.95"),
        ("icecat", {"price": 4995.0}, "49.950"),
        ("icecat", {"price": 0.5}, "0.005"),  # no cent is cut off
        ("icecat", {"price": {"net": 1}}, "{…}"),  # which its row is told
        ("icecat", {"price": "4,995"}, "4,995"),
        ("icecat", {"price": True}, "True"),
        ("jlcparts", {"price": 5, "attributes": [1]}, None),
        ("jlcparts", {"price": [1, {"qFrom": "x", "price": 1}, {"qFrom": 1}, {"qFrom": 1, "price": 2}]}, "2"),
        ("jlcparts", {"price": None, "attributes": None}, None),
    ],
)
def test_one_odd_object_does_not_stop_the_file(tmp_path, mapping, article, price):
    items, _ = read(tmp_path, mapping, article | {"sku": "odd", "id": "odd"}, {"sku": "next", "id": "next"})
    assert [item["sku"] for item in items] == ["odd", "next"]
    assert items[0].get("price") == price


@pytest.mark.parametrize("text", ["", "\n", "[1]", "{", "sku,name\n" * 200])
def test_what_is_no_json_is_refused(tmp_path, text):
    path = tmp_path / "file.jsonl"
    path.write_text(text)
    with pytest.raises(JsonLinesBroken):
        json_lines.check(path, "utf-8")


DEEP = b"[" * 100_000
BAD = [
    (b"nonsense", "the line is no JSON"),
    (b"[1]", "the line is no JSON object"),
    (b'{"id":"\xff"}', "the line is no JSON"),
    (b'{"id":"a","x":' + DEEP, "the line is no JSON"),
    (b'{"id":"' + b"a" * 1_000_100 + b'"}', "the line has more than 1000000 bytes"),
    (b'{"id":"\\ud800"}', "the line is no JSON"),
    (b'{"id":{"x":1}}', "is missing"),
    (b'{"id":"a","price":"\\u0000"}', "is not a price"),
    (b'{"id":"a\\u0000"}', "contains control characters"),
    (b'{"id":"a","price":' + b'{"a":' * 900 + b"1" + b"}" * 901, "'{…}' is not a price"),
    (b'{"id":"a","price":1e300}', "is not a price"),
    (b'{"id":"a","price":-1}', "is not a price"),
    (b'{"id":"a","price":0.00000001}', "is not a price"),
    (b'{"id":"a","ean":["12"]}', "is not an EAN"),
    (b'{"id":"' + b"a" * 121 + b'"}', "has more than 120 characters"),
]


def test_each_bad_line_is_one_line_of_the_report_and_the_rest_goes_in(tmp_path):
    good = (
        b'{"id":"good","title":"Good","attr_t_odd\\u0000name":"x","attr_n_big":1e20,"nested":' + b"[" * 500 + b"]" * 500
    )
    content = b"\xef\xbb\xbf" + b"\n".join([line for line, _ in BAD] + [b"", good + b"}"])
    file = lines_of(tmp_path, "icecat", content)
    reader = ItemReader({}, ".", file.skipped)
    found = [reader.read(number, item) for number, item in file.items()]
    assert [type(one) for one in found] == [Fault] * len(BAD) + [Wanted]
    for number, (fault, (_, message)) in enumerate(zip(found, BAD, strict=False), start=1):
        assert fault.row_number == number
        assert message in fault.message
        assert "\x00" not in fault.message + fault.sku
    assert found[-1].row_number == len(BAD) + 2
    assert found[-1].attributes == [
        {"name": "odd name", "value": "x"},
        {"name": "big", "value": "100000000000000000000"},
    ]


def test_lines_in_another_encoding(tmp_path):
    path = tmp_path / "file.jsonl"
    path.write_bytes('{"sku":"é"}\n{"sku":"\x81"}'.encode("latin-1"))
    (first, second) = list(json_lines.records(path, "cp1252"))
    assert first == (1, {"sku": "é"})
    assert isinstance(second[1], Unreadable)


def test_what_was_left_out_is_counted_by_no_more_names_than_anybody_reads():
    skipped = Skipped()
    for number in range(1_000):
        skipped.note(f"field {number}")
    assert (len(skipped), skipped["something else"]) == (201, 800)


def test_the_least_quantity_with_a_price_is_the_least_that_is_sold(tmp_path):
    steps = [{"qFrom": 20, "price": 2}, {"qFrom": 100, "price": 3}, {"qFrom": 200, "price": 1}]
    (item,), warnings = read(tmp_path, "jlcparts", PART | {"price": steps})
    assert (item["price"], item["min_quantity"], item["price_from_200"]) == ("2", "20", "1")
    assert "price_from_100" not in item
    assert "a price that rises with the quantity was skipped (1 times)." in warnings
