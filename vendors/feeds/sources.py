"""Any file of a feed as numbered records with the reader that understands them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vendors.feeds import files
from vendors.feeds.bmecat import Bmecat
from vendors.feeds.columns import layout_of
from vendors.feeds.items import ItemFile, ItemReader, Skipped
from vendors.feeds.json_lines import JsonLines
from vendors.feeds.rows import RowReader
from vendors.feeds.tables import MappedTable


@dataclass(frozen=True, slots=True)
class Way:
    """How a file is read. `mapping`: format and content of one, None where the columns are a feed's own."""

    format: str
    encoding: str
    delimiter: str
    mark: str
    mapping: Mapping[str, Any] | None


@dataclass
class Source:
    """An open file. head: rows above the first record; total: records, 0 where only the end will tell; skipped: what
    was left out of the records read so far."""

    rows: Iterator[tuple[int, Any]]
    reader: RowReader | ItemReader
    head: int = 1
    total: int = 0
    warnings: list[str] = field(default_factory=list)
    skipped: Skipped = field(default_factory=Skipped)


def opened(path: Path, way: Way, categories: Mapping[str, Any]) -> Source:
    """Raises the refusals of files, columns, bmecat and json_lines."""
    content = way.mapping["content"] if way.mapping else None
    if way.format == "bmecat":
        return _of_items(Bmecat(path), categories, ".", head=0)
    if way.format == "jsonl":
        return _of_items(JsonLines(path, content or {}, way.mark, way.encoding), categories, way.mark, head=0)
    total, rows = files.open_workbook(path, way.mark) if way.format == "xlsx" else (0, rows_of(path, way))
    if content:
        table = MappedTable(path, rows, dict(content), way.mark)
        source = _of_items(table, categories, way.mark, head=1)
        source.total, source.warnings = total, table.warnings
        return source
    _, header = next(rows, (1, []))
    layout = layout_of(header)
    return Source(rows, RowReader(layout, categories, way.mark), total=total, warnings=layout.warnings)


def rows_of(path: Path, way: Way) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table, its header the first. Raises the refusals of files."""
    return (
        files.open_workbook(path, way.mark)[1]
        if way.format == "xlsx"
        else files.csv_rows(path, way.encoding, way.delimiter)
    )


def _of_items(file: ItemFile, categories: Mapping[str, Any], mark: str, *, head: int) -> Source:
    reader = ItemReader(categories, mark, file.skipped)
    return Source(file.items(), reader, head=head, skipped=file.skipped)
