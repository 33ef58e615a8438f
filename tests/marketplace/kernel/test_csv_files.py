"""A file of a table holds what the table holds, and nothing in it runs in a spreadsheet."""

from datetime import UTC, datetime

from marketplace.kernel import csv_files
from marketplace.kernel.web import Page


def test_a_cell_that_would_run_is_quoted_and_a_number_is_not():
    rows = [["=1+1", "@now", -5, None], ["plain, with a comma", "-x", 7, datetime(2026, 1, 2, tzinfo=UTC)]]
    assert "".join(csv_files.written(("a", "b", "c", "d"), rows)).splitlines() == [
        "a,b,c,d",
        "'=1+1,'@now,-5,",
        '"plain, with a comma",\'-x,7,2026-01-02T00:00:00+00:00',
    ]


def test_a_long_file_comes_in_pieces_and_whole():
    pieces = list(csv_files.written(("n",), ([n] for n in range(20_000))))
    assert len(pieces) > 1
    assert "".join(pieces).split() == ["n", *map(str, range(20_000))]


def test_every_page_is_read_to_the_last():
    def page(args):
        start = int(args["cursor"] or 0)
        following = start + args["limit"]
        return Page(list(range(start, min(following, 1200))), str(following) if following < 1200 else None)

    assert list(csv_files.all_pages(page, {})) == list(range(1200))
