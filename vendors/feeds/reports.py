"""Reports and the template as CSV, safe to open in a spreadsheet: a cell that would run as a formula is quoted."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from vendors.feeds.columns import COLUMNS
from vendors.feeds.models import FeedReportLine

_HEADER = ("row", "column", "sku", "message")
_RUNS = ("=", "+", "-", "@", "\t", "\r")


def quoted(cell: str) -> str:
    """The cell with an apostrophe before it, where a spreadsheet would take it for a formula."""
    return f"'{cell}" if cell.startswith(_RUNS) else cell


def report_csv(lines: Iterable[FeedReportLine]) -> Iterator[str]:
    """The report line by line, header first."""
    yield _csv_line(_HEADER)
    for line in lines:
        yield _csv_line([str(line.row_number), quoted(line.column), quoted(line.sku), quoted(line.message)])


def template_csv() -> str:
    """Every column a feed may have, with one example."""
    return _csv_line(list(COLUMNS)) + _csv_line(list(COLUMNS.values()))


def _csv_line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
