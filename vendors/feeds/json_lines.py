"""Files of JSON objects, one a line: a line that is none costs its own line of the report, whatever it holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from marketplace.kernel.errors import Invalid
from vendors.feeds.items import ItemFile, Record, Unreadable
from vendors.feeds.translating import Translator

MAX_LINES, LONGEST_LINE = 1_000_000, 1_000_000
LOOKED_AT = 100  # lines at the start of which one at least must be an object
_MARK, _PIECE = b"\xef\xbb\xbf", 1 << 20


class JsonLinesBroken(Invalid):
    """Not one of the first lines of the file is a JSON object."""


class JsonLines(ItemFile):
    """See ItemFile."""

    broken, one = JsonLinesBroken, "line"

    def __init__(self, path: Path, content: dict[str, Any], mark: str = ".", encoding: str = "utf-8") -> None:
        super().__init__(path)
        self.encoding = encoding
        self.translator = Translator(content, mark, self.skipped)

    def items(self) -> Iterator[Record]:
        for number, found in records(self.path, self.encoding):
            yield number, found if isinstance(found, Unreadable) else self.translator.item(found)


def records(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any] | Unreadable]]:
    """(number of the line, its object); blank lines are left out."""
    with path.open("rb") as file:
        for number, line in _lines(file):
            if line is None:
                yield number, Unreadable(f"the line has more than {LONGEST_LINE} bytes")
            elif line.strip():
                yield number, _read(line, encoding)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Lines by their number from 1; None for one that is too long, of which no more than a piece is held."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(_MARK)
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := file.readline(_PIECE)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, line


def _read(line: bytes, encoding: str) -> dict[str, Any] | Unreadable:
    try:
        found = orjson.loads(line if encoding == "utf-8" else line.decode(encoding))
    except UnicodeDecodeError:
        return Unreadable(f"the line is not {encoding}")
    except ValueError as failure:
        return Unreadable(f"the line is no JSON: {str(failure)[:200]}")
    return found if isinstance(found, dict) else Unreadable("the line is no JSON object")


def check(path: Path, encoding: str) -> int:
    """How many lines the file has. Raises JsonLinesBroken where it cannot be JSON lines."""
    first = ""
    for number, found in records(path, encoding):
        if isinstance(found, dict):
            break
        first = first or f"Line {number}: {found.message}."
        if number >= LOOKED_AT:
            raise JsonLinesBroken(f"Not one of the first {LOOKED_AT} lines is a JSON object. {first}", pointer="/file")
    else:
        raise JsonLinesBroken(f"The file has no JSON object. {first}".strip(), pointer="/file")
    lines = _count(path)
    if lines > MAX_LINES:
        raise JsonLinesBroken(f"A feed has at most {MAX_LINES} lines; split the file.", pointer="/file")
    return lines


def _count(path: Path) -> int:
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            lines += piece.count(b"\n")
            last = piece[-1:]
    return lines + (last != b"\n")
