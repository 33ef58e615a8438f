"""A file is known by its content, and refused as a whole with the place at fault."""

import zipfile

import openpyxl
import pytest

from vendors.feeds import files
from vendors.feeds.columns import ColumnsMissing

HEADER = "sku,name,price\n"


@pytest.fixture
def kept(tmp_path):
    def write(content):
        path = tmp_path / "feed"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found(kept, delimiter):
    path = kept(delimiter.join(["sku", "name", "price"]) + "\n" + delimiter.join(["A", "Bolt", "1"]) + "\n")
    found = files.inspect(path, "utf-8")
    assert (found.format, found.delimiter, found.rows_total) == ("csv", delimiter, 1)


def test_a_byte_order_mark_is_no_part_of_the_first_column(kept):
    assert files.inspect(kept(b"\xef\xbb\xbf" + (HEADER + "A,B,1\n").encode()), "utf-8").rows_total == 1


def test_rows_are_counted_as_a_spreadsheet_counts(kept):
    path = kept(HEADER + '\nA,"two\nlines",1\n,,\nB,x,2\n')
    assert list(files.csv_rows(path, "utf-8", ",")) == [
        (1, ["sku", "name", "price"]),
        (3, ["A", "two\nlines", "1"]),
        (5, ["B", "x", "2"]),
    ]


def test_a_wrong_encoding_names_the_byte_and_its_row(kept):
    with pytest.raises(files.FileEncodingWrong) as refused:
        files.inspect(kept(HEADER.encode() + b"A,Bolt,1\nB,K\xfchler,2\n"), "utf-8")
    assert refused.value.facts == {"byte": 27, "row": 3}


def test_a_wrong_byte_is_found_beyond_the_first_piece(kept):
    start = (HEADER + "A,Bü,1\n" * 200_000).encode()
    with pytest.raises(files.FileEncodingWrong) as refused:
        files.inspect(kept(start + b"\xfc"), "utf-8")
    assert refused.value.facts == {"byte": len(start), "row": 200_002}


def test_another_encoding_may_be_declared(kept):
    path = kept(HEADER.encode() + b"B,K\xfchler,2\n")
    files.inspect(path, "cp1252")
    assert list(files.csv_rows(path, "cp1252", ","))[1] == (2, ["B", "Kühler", "2"])


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", files.FileEmpty),
        (b"sku,name,price\n", files.FileEmpty),
        (b"sku,name\nA,B\n", ColumnsMissing),
        (b"%PDF-1.7 ...", files.FileKindUnknown),
        (b"\xd0\xcf\x11\xe0 old workbook", files.FileKindUnknown),
        (b"sku,name,price\nA,B\x00,1\n", files.FileKindUnknown),
        (b"PK\x03\x04 no package", files.FileBroken),
        (b'sku,name,price\nA,"open,1\nB,c,2\n', files.FileBroken),
    ],
)
def test_files_that_are_none(kept, content, refusal):
    with pytest.raises(refusal):
        files.inspect(kept(content), "utf-8")


@pytest.mark.parametrize("row", ["," * 300, '"\n",' * 60])
def test_a_row_without_end_is_not_held(kept, monkeypatch, row):
    monkeypatch.setattr(files, "LONGEST_ROW", 200)
    assert files.inspect(kept(HEADER + "A,B,1\n" * 100), "utf-8").rows_total == 100
    with pytest.raises(files.FileBroken, match="Row 3 cannot be read: it has more than 200 characters"):
        files.inspect(kept(HEADER + "A,B,1\n" + row), "utf-8")


def test_too_many_rows_are_refused(kept, monkeypatch):
    monkeypatch.setattr(files, "MAX_ROWS", 2)
    with pytest.raises(files.FileTooLarge):
        files.inspect(kept(HEADER + "A,B,1\nC,D,1\nE,F,1\n"), "utf-8")


def a_workbook(path, rows):
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    workbook.save(path)
    return path


def test_a_workbook_gives_its_cells_as_text(tmp_path):
    path = a_workbook(
        tmp_path / "a.csv", [["sku", "name", "price"], [1001, "Bolt", 0.1 + 0.2], [None], ["=1+1", True, 4006381333931]]
    )
    assert files.inspect(path, "utf-8").format == "xlsx"
    total, rows = files.open_workbook(path)
    assert total == 3
    assert list(rows) == [
        (1, ["sku", "name", "price"]),
        (2, ["1001", "Bolt", "0.3"]),
        (4, ["", "true", "4006381333931"]),
    ]


def test_numbers_of_a_workbook_are_written_as_its_texts_are(tmp_path):
    path = a_workbook(tmp_path / "a.xlsx", [["sku", "name", "price"], ["A", "Bolt", 12.5], ["B", "Nut", 0.00005]])
    assert [cells[2] for _, cells in files.open_workbook(path, ",")[1]] == ["price", "12,5", "0,00005"]
    assert [cells[2] for _, cells in files.open_workbook(path)[1]] == ["price", "12.5", "0.00005"]


def test_a_package_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("word/document.xml", "<w/>")
    with pytest.raises(files.FileKindUnknown):
        files.inspect(path, "utf-8")


def test_a_package_that_unpacks_to_far_more_is_refused(tmp_path):
    path = a_workbook(tmp_path / "a.xlsx", [["sku"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet9.xml", b" " * 3_000_000)
    with pytest.raises(files.FileTooLarge):
        files.inspect(path, "utf-8")


def test_a_sheet_that_reaches_too_far_is_refused_before_it_is_opened(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active["A1"] = "sku"
    workbook.active["XFD500000"] = "far away"
    workbook.save(tmp_path / "a.xlsx")
    with pytest.raises(files.FileTooLarge):
        files.open_workbook(tmp_path / "a.xlsx")


def test_a_damaged_workbook_is_refused(tmp_path):
    path = a_workbook(tmp_path / "a.xlsx", [["sku", "name", "price"], ["A", "B", 1]])
    content = bytearray(path.read_bytes())
    at = content.index(b"xl/worksheets/sheet1.xml") + 40
    content[at : at + 20] = b"\x00" * 20
    path.write_bytes(content)
    with pytest.raises(files.FileBroken):
        files.open_workbook(path)
