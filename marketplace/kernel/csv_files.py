"""Tables as CSV files: written while they are read, however long, and safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from flask import Response, stream_with_context

from marketplace.kernel.web import Page

DESCRIBED = {"200": {"description": "CSV.", "content": {"text/csv": {"schema": {"type": "string"}}}}}  # for OpenAPI
_RUNS = ("=", "+", "-", "@", "\t", "\r")
_AT_ONCE, _PORTION = 500, 32_768  # rows of a page, characters of a piece


def answered(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Response:
    """`name`.csv to be saved: a header, and of each row the columns; what a row lacks is left empty."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "X-Content-Type-Options": "nosniff"}
    pieces = stream_with_context(written(columns, ([row.get(column) for column in columns] for row in rows)))
    return Response(pieces, content_type="text/csv; charset=utf-8", headers=headers)


def written(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """The same in pieces of text: a header, then the rows."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        if text.tell() > _PORTION:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def all_pages(page: Callable[[Mapping[str, Any]], Page], args: Mapping[str, Any]) -> Iterator[Any]:
    """The items of all pages, one page at a time."""
    cursor: str | None = None
    while True:
        found = page({**args, "limit": _AT_ONCE, "cursor": cursor})
        yield from found.items
        cursor = found.next
        if cursor is None:
            return


def quoted(text: str) -> str:
    """The text with an apostrophe before it, where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_RUNS) else text


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return quoted(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
