"""The books as CSV: what is shown page by page, whole and in the same order."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from flask import Response, stream_with_context

from marketplace.kernel.web import Page

_AT_ONCE = 500


def answered(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Response:
    """A file that is written while it is read, however long it is."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "X-Content-Type-Options": "nosniff"}
    lines = stream_with_context(_written(columns, rows))
    return Response(lines, content_type="text/csv; charset=utf-8", headers=headers)


def all_pages(page: Callable[[Mapping[str, Any]], Page], args: Mapping[str, Any]) -> Iterator[Any]:
    """The items of all pages, one page at a time."""
    cursor: str | None = None
    while True:
        found = page({**args, "limit": _AT_ONCE, "cursor": cursor})
        yield from found.items
        cursor = found.next
        if cursor is None:
            return


def _written(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_plain(row.get(name)) for name in columns])
        if text.tell() > 32_768:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
