"""Files of feeds: kept below the var folder, known by their content, read row by row, refused as a whole or not at all.

Rows are counted as a spreadsheet counts them: the header is row 1, blank rows count.
"""

import codecs
import csv
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TextIO

from marketplace.kernel.errors import Invalid
from marketplace.kernel.lazily import lazily
from vendors.feeds import json_lines
from vendors.feeds.bmecat import Bmecat
from vendors.feeds.columns import heading_key, layout_of, read_header
from vendors.feeds.tables import MappedTable
from vendors.feeds.translating import used_fields

calamine: Any = lazily("python_calamine")
ENCODINGS = ("utf-8", "cp1252")
DELIMITERS = (",", ";", "\t")
MAX_ROWS = 500_000
MAX_CELLS = 10_000_000
LONGEST_ROW = 1_000_000  # characters
MAX_UNPACKED = 400_000_000
MAX_RATIO = 200  # of a part above a megabyte; a spreadsheet's XML packs 10 to 50 times
_CHUNK = 1 << 20
_CELL = re.compile(rb'<(?:row|c)\b[^>]*?\br="([A-Z]{0,3})(\d{1,7})"')
Numbered = tuple[int, list[str]]


class FileKindUnknown(Invalid):
    """The content is neither CSV, XLSX, JSON lines nor BMEcat, whatever its name says."""

    message = "The file is neither CSV, XLSX, JSON lines nor BMEcat."


class MappingNeeded(Invalid):
    """JSON lines have no columns of their own."""

    message = "The file is JSON lines: name the mapping by which its fields are read."


class MappingDoesNotFit(Invalid):
    """The mapping is of another kind of file."""


class FileEncodingWrong(Invalid):
    """The text of the file is not in the encoding named for it."""


class FileBroken(Invalid):
    """The file cannot be read to its end."""


class FileEmpty(Invalid):
    """The file has no row below its header."""

    message = "The file has no row below its header."


class FileTooLarge(Invalid):
    """The file has more rows or cells than a feed may have, or unpacks to more than a machine should hold."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a file turned out to be; of an XLSX, rows and warnings are known only once it runs."""

    format: str
    delimiter: str
    rows_total: int
    warnings: list[str]


def inspect(path: Path, encoding: str, mapping: Mapping[str, Any] | None = None) -> Inspected:
    """Look at the whole file once; `mapping`: the format and content by which it is read.

    Raises the refusals of this module, of columns and of json_lines.
    """
    kind, content = kind_of(path, mapping), mapping["content"] if mapping else None
    if kind == "xlsx":
        check_package(path, thoroughly=False)
        return Inspected("xlsx", "", 0, [])
    if kind == "bmecat":
        return Inspected("bmecat", "", Bmecat(path).count(), [])
    if kind == "jsonl":
        return Inspected("jsonl", "", json_lines.check(path, encoding), [])
    check_encoding(path, encoding)
    delimiter = delimiter_of(path, encoding, content)
    rows = csv_rows(path, encoding, delimiter)
    if content:
        warnings = MappedTable(path, rows, content, ".").warnings
    else:
        _, header = next(rows, (1, []))
        warnings = layout_of(header).warnings
    return Inspected("csv", delimiter, _count(rows), warnings)


def kind_of(path: Path, mapping: Mapping[str, Any] | None) -> str:
    """xlsx, bmecat, jsonl or csv. Raises FileEmpty, FileKindUnknown, MappingNeeded, MappingDoesNotFit."""
    with path.open("rb") as file:
        start = file.read(8192)
    kind = _kind_of_start(start)
    if mapping and mapping["format"] == "jsonl" and kind == "csv":
        kind = "jsonl"  # whose first line is broken
    if kind == "jsonl" and not mapping:
        raise MappingNeeded(pointer="/mapping")
    if mapping and (kind == "bmecat" or (mapping["format"] == "jsonl") != (kind == "jsonl")):
        told = {"bmecat": "BMEcat, which needs no mapping", "jsonl": "JSON lines", "xlsx": "a workbook", "csv": "CSV"}
        raise MappingDoesNotFit(f"The file is {told[kind]}; the mapping is for another kind.", pointer="/mapping")
    return kind


def _kind_of_start(start: bytes) -> str:
    if not start:
        raise FileEmpty(pointer="/file")
    if start.startswith(b"PK"):
        return "xlsx"
    if start.startswith((b"\xd0\xcf\x11\xe0", b"%PDF")):
        raise FileKindUnknown("Save the file as CSV or .xlsx; this is an older or another format.", pointer="/file")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) and b"<" not in start[:4]:
        raise FileEncodingWrong("The file is UTF-16; save it as UTF-8.", pointer="/file")
    first = start.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1]
    return {b"<": "bmecat", b"{": "jsonl"}.get(first, "csv")


def _count(rows: Iterator[Numbered]) -> int:
    last = 1
    for last, _ in rows:
        if last > MAX_ROWS + 1:
            raise FileTooLarge(f"A feed has at most {MAX_ROWS} rows; split the file.", pointer="/file")
    if last == 1:
        raise FileEmpty(pointer="/file")
    return last - 1


def check_encoding(path: Path, encoding: str) -> None:
    """Raises FileEncodingWrong, FileKindUnknown."""
    decoder = codecs.getincrementaldecoder(encoding)()
    at = row = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as failure:
                row += failure.object[: failure.start].count(b"\n") + 1
                byte = at - held + failure.start
                raise FileEncodingWrong(
                    f"Byte {byte} (row {row}) is not {encoding}; save the file as UTF-8, or name its encoding.",
                    pointer="/file", byte=byte, row=row,
                ) from failure  # fmt: skip
            if "\x00" in text:
                raise FileKindUnknown(pointer="/file")
            if not chunk:
                return
            at += len(chunk)
            row += text.count("\n")


def delimiter_of(path: Path, encoding: str, content: Mapping[str, Any] | None = None) -> str:
    """The delimiter by which most columns of the first row are understood; where none is, by which there are most."""
    with path.open(encoding=_reading(encoding), newline="") as file:
        first = file.readline(_CHUNK)
    wanted = {heading_key(name) for name in used_fields(content)} if content else set()

    def understood(delimiter: str) -> tuple[int, int]:
        try:
            header = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error:  # which is told when the rows are read
            return 0, 0
        known = len(wanted & {heading_key(cell) for cell in header}) if content else read_header(header).known
        return known, len(header)

    return max(DELIMITERS, key=understood)


class _Lines:
    """The lines of a CSV. No row is held that is longer than any should be: a file of commas is one of 64 million
    cells."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.of_row = file, 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self.file.readline(LONGEST_ROW + 1)
        self.of_row += len(line)
        if self.of_row > LONGEST_ROW:
            raise csv.Error(f"it has more than {LONGEST_ROW} characters")
        if not line:
            raise StopIteration
        return line


def csv_rows(path: Path, encoding: str, delimiter: str) -> Iterator[Numbered]:
    """(row number, cells) of a CSV, blank rows left out. Raises FileBroken."""
    number = 0
    with path.open(encoding=_reading(encoding), newline="") as file:
        lines = _Lines(file)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for number, cells in enumerate(reader, start=1):
                lines.of_row = 0
                if any(cells):
                    yield number, cells
        except (csv.Error, UnicodeDecodeError) as failure:
            raise FileBroken(
                f"Row {number + 1} cannot be read: {failure}.", pointer="/file", row=number + 1
            ) from failure


def _reading(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def unpacked_size(path: Path) -> int:
    """How many bytes a workbook says that it unpacks to. Raises FileBroken."""
    try:
        with zipfile.ZipFile(path) as package:
            return sum(part.file_size for part in package.infolist())
    except (zipfile.BadZipFile, NotImplementedError) as failure:
        raise FileBroken("The workbook cannot be unpacked.", pointer="/file") from failure


def check_package(path: Path, *, thoroughly: bool) -> None:
    """Refuse what is no workbook, and what would unpack to more than it should; `thoroughly` unpacks to see."""
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
            if "xl/workbook.xml" not in package.namelist():
                raise FileKindUnknown(pointer="/file")
            unpacked = sum(part.file_size for part in parts)
            dense = any(p.file_size > _CHUNK and p.file_size > MAX_RATIO * max(1, p.compress_size) for p in parts)
            if unpacked > MAX_UNPACKED or dense or len(parts) > 1000:
                raise FileTooLarge("The workbook unpacks to far more than its size.", pointer="/file")
            if thoroughly:
                for part in parts:
                    _check_part(package, part)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as failure:
        raise FileBroken("The workbook cannot be unpacked.", pointer="/file") from failure


def _check_part(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpack a part, which proves its size, and refuse a sheet that spans more cells than can be held."""
    sheet = part.filename.startswith("xl/worksheets/")
    last_row = last_column = 0
    rest = b""
    with package.open(part) as file:
        while chunk := file.read(_CHUNK):
            if not sheet:
                continue
            text = rest + chunk
            for letters, digits in _CELL.findall(text):
                last_row = max(last_row, int(digits))
                last_column = max(last_column, _column_number(letters))
            rest = text[-200:]
    if last_row > MAX_ROWS + 1 or last_row * last_column > MAX_CELLS:
        raise FileTooLarge(
            f"The sheet reaches to row {last_row} and column {last_column}; a feed has at most {MAX_ROWS} rows and"
            f" {MAX_CELLS} cells.",
            pointer="/file",
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def open_workbook(path: Path, mark: str = ".") -> tuple[int, Iterator[Numbered]]:
    """(rows below the first, the rows of the first sheet as csv_rows gives them); formulas are their last value, and
    numbers have the decimal `mark` that texts of the file have.

    Raises FileBroken, FileTooLarge, FileKindUnknown.
    """
    check_package(path, thoroughly=True)
    try:
        with calamine.CalamineWorkbook.from_path(str(path)) as workbook:
            sheet = workbook.get_sheet_by_index(0)
    except (calamine.CalamineError, IndexError) as failure:
        raise FileBroken("The workbook cannot be read.", pointer="/file") from failure
    return (sheet.end[0] if sheet.end else 0), _sheet_rows(sheet, mark)


def _sheet_rows(sheet: Any, mark: str) -> Iterator[Numbered]:
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = [_text(cell, mark) for cell in cells]
        if any(texts):
            yield number, texts


def _text(cell: object, mark: str) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{Decimal(f'{cell:.15g}'):f}".replace(".", mark)
    return str(cell)
