"""CSV and workbooks whose headings are a vendor's own, read by his mapping."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vendors.feeds.columns import MAX_COLUMNS, ColumnsMissing, ColumnTwice, TooManyColumns, heading_key
from vendors.feeds.items import ItemFile, Record, Unreadable
from vendors.feeds.translating import Translator, used_fields

Rows = Iterator[tuple[int, list[str]]]


class MappedTable(ItemFile):
    """See ItemFile. The first of `rows` is the header. Raises ColumnsMissing, ColumnTwice, TooManyColumns."""

    broken, one = ColumnsMissing, "row"

    def __init__(self, path: Path, rows: Rows, content: dict[str, Any], mark: str) -> None:
        super().__init__(path)
        self.rows = rows
        _, header = next(rows, (1, []))
        self.fields = spelled(header, content)
        check_header(self.fields, content)
        self.translator = Translator(content, mark, self.skipped)
        self.lacking = [name for name in used_fields(content) if name not in self.fields]

    @property
    def warnings(self) -> list[str]:
        return [f"The file has no column '{name[:80]}'." for name in dict.fromkeys(self.lacking)]

    def items(self) -> Iterator[Record]:
        fields, width = self.fields, len(self.fields)
        for number, cells in self.rows:
            if any(cells[width:]):
                yield number, Unreadable("has more cells than the header")
            else:
                record = {name: cell for name, cell in zip(fields, cells, strict=False) if name and cell}
                yield number, self.translator.item(record)


def spelled(header: Sequence[str], content: dict[str, Any]) -> list[str]:
    """The headings as the mapping spells them: case and spaces make no difference."""
    names = [*used_fields(content), *(one["field"] for one in content.get("attributes", {}).get("fields", ()))]
    known = {heading_key(name): name for name in reversed(names)}
    return [known.get(heading_key(cell), " ".join(cell.split())) for cell in header]


def check_header(fields: Sequence[str], content: dict[str, Any]) -> None:
    """The header has what the mapping needs, each once. Raises ColumnsMissing, ColumnTwice, TooManyColumns."""
    if len(fields) > MAX_COLUMNS:
        raise TooManyColumns(pointer="/file")
    needed = [content["columns"]["sku"], content["columns"]["name"], [content["price"]["field"]]]
    missing = [names[0] for names in needed if not any(name in fields for name in names)]
    if missing:
        raise ColumnsMissing(
            f"Row 1 lacks the columns {', '.join(missing)}, which the mapping reads.",
            pointer="/file", missing=missing, row=1,
        )  # fmt: skip
    used = set(used_fields(content))
    twice = sorted({name for name in fields if name in used and fields.count(name) > 1})
    if twice:
        raise ColumnTwice(f"Row 1 names {', '.join(twice)} more than once.", pointer="/file", columns=twice, row=1)
