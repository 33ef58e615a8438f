"""A row becomes a wanted offer, or one line that names all that is wrong with it."""

from decimal import Decimal

import pytest

from vendors.feeds.columns import ColumnsMissing, ColumnTwice, layout_of
from vendors.feeds.rows import Fault, RowReader, Wanted

FULL = [
    "SKU", "Name", "price", "price_from_1000", "price_from_100", "currency", "stock", "ean", "manufacturer",
    "part number", "category", "pack_size", "lead_time_days", "tax_category", "attr:Length [mm]", "attr:Thread",
]  # fmt: skip
CELLS = [
    "B-8", " Bolt M8 ", "0.125", "0.0975", "0.11", "CHF", "25000", "4006381333931", "Nord-Werk",
    "NW 931/8", "bolts", "100", "0", "reduced", "40", "M8",
]  # fmt: skip


def reader(header, mark="."):
    return RowReader(layout_of(header), {"bolts": "the-category"}, mark)


def test_every_column_is_understood():
    assert reader(FULL).read(2, CELLS) == Wanted(
        row_number=2,
        sku="B-8",
        values={
            "name": "Bolt M8",
            "currency": "CHF",
            "stock": 25000,
            "ean": "4006381333931",
            "manufacturer": "Nord-Werk",
            "part_number": "NW 931/8",
            "category": "the-category",
            "pack_size": 100,
            "lead_time_days": 0,
            "tax_category": "reduced",
            "manufacturer_key": "nordwerk",
            "part_number_key": "nw9318",
        },
        tiers=((1, Decimal("0.125")), (100, Decimal("0.11")), (1000, Decimal("0.0975"))),
        attributes=[{"name": "Length", "value": "40", "unit": "mm"}, {"name": "Thread", "value": "M8"}],
    )


def test_empty_cells_and_short_rows_say_nothing():
    row = reader(["sku", "name", "price", "stock", "unit", "attr:Colour"]).read(2, ["A", "Bolt", "1", ""])
    assert row == Wanted(2, "A", {"name": "Bolt"}, ((1, Decimal(1)),), [])


def test_a_file_without_attribute_columns_leaves_attributes_alone():
    assert reader(["sku", "name", "price"]).read(2, ["A", "Bolt", "1"]).attributes is None


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("sku", "", "is missing"),
        ("price", "-1", "'-1' is not a price"),
        ("price", "1,50", "'1,50' is not a price such as 12.50"),
        ("price", "0.1234567", "at most six decimals"),
        ("price", "NaN", "is not a price"),
        ("price", "1e3", "is not a price"),
        ("price", "١٢", "is not a price"),
        ("stock", "-1", "'-1' is not a whole number from 0"),
        ("stock", "1.5", "'1.5' is not a whole number"),
        ("pack_size", "0", "from 1"),
        ("ean", "4006381333932", "is not an EAN"),
        ("currency", "euro", "is not a currency"),
        ("currency", "ZZZ", "is not a currency"),
        ("tax_category", "none", "is none of standard, reduced"),
        ("category", "nails", "there is no one category 'nails'"),
        ("name", "=HYPERLINK(1)", "starts with '='"),
        ("name", "@SUM(A1)", "starts with '@'"),
        ("name", "+cmd|' /C calc'!A0", "starts with '+'"),
        ("name", "-1+cmd|' /C calc'!A0", "starts with '-'"),
        ("name", "a\x00b", "control characters"),
        ("name", "x" * 301, "more than 300"),
        ("price_from_100", "0.2", "does not cost more"),
        ("attr:Thread", "=1+1", "starts with '='"),
    ],
)
def test_what_is_wrong_is_named_with_its_column(column, cell, message):
    cells = list(CELLS)
    cells[[h.lower().replace(" ", "_") for h in FULL].index(column.lower())] = cell
    fault = reader(FULL).read(7, cells)
    assert isinstance(fault, Fault)
    assert (fault.row_number, fault.column) == (7, column)
    assert message in fault.message


def test_one_line_names_everything_that_is_wrong():
    fault = reader(["sku", "name", "price", "stock"]).read(3, ["A", "", "free", "-1", "more"])
    assert fault == Fault(
        3,
        "",
        "A",
        "has more cells than the header; price: 'free' is not a price such as 12.50, of at most six decimals and not"
        " negative; stock: '-1' is not a whole number from 0 to 1000000000; name: is missing",
    )


@pytest.mark.parametrize("name", ["-20 to +80 °C cable", "+5 V relay", "- 5 mm shim", "Bolt = nut"])
def test_plain_measures_are_no_formulas(name):
    assert reader(["sku", "name", "price"]).read(2, ["A", name, "1"]).values["name"] == name


def test_a_decimal_comma_where_it_is_declared():
    assert reader(["sku", "name", "price"], ",").read(2, ["A", "B", "0,0375"]).tiers == ((1, Decimal("0.0375")),)
    assert isinstance(reader(["sku", "name", "price"], ",").read(2, ["A", "B", "1.250"]), Fault)


def test_a_header_without_what_is_needed_is_refused():
    with pytest.raises(ColumnsMissing) as refused:
        layout_of(["SKU", "title"])
    assert refused.value.facts == {"missing": ["name", "price"], "row": 1}


def test_the_same_column_twice_is_refused():
    with pytest.raises(ColumnTwice) as refused:
        layout_of(["sku", "name", "price", "Price "])
    assert refused.value.facts["columns"] == ["price"]


def test_unknown_columns_are_named():
    assert layout_of(["sku", "name", "price", "Colour", ""]).unknown == ("Colour",)
