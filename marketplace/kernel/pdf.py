"""Sheets laid out by typst as PDF/A-3: the same sheet gives the same bytes, and what people wrote is never markup.

A room keeps its layouts in a folder of its own; the look is common. The layout gets the sheet as JSON and places its
words. Fonts are those that come with typst, so that a file does not depend on the machine.
"""

from functools import cache
from pathlib import Path
from typing import Any

import orjson
import structlog

from marketplace.kernel.lazily import lazily

_LOOK = Path(__file__).with_name("layouts") / "look.typ"
log = structlog.get_logger("pdf")
typst: Any = lazily("typst")  # few processes lay sheets out


def rendered(layout: Path, sheet: dict[str, Any], attached_xml: bytes = b"") -> bytes:
    """The sheet as a PDF. Where a letter has no shape in the fonts, which PDF/A refuses, it is a plain PDF."""
    told = {"sheet": orjson.dumps(sheet).decode(), "xml": attached_xml.decode()}
    try:
        return _compiled(layout, told, ["a-3b"])
    except typst.TypstError as failure:
        log.info("not archivable", layout=layout.stem, error=str(failure)[:200])
        return _compiled(layout, told, [])


def _compiled(layout: Path, told: dict[str, str], standards: list[str]) -> bytes:
    made: bytes = typst.compile(
        _source(layout),
        root=str(layout.parent),
        sys_inputs=told,
        format="pdf",
        ignore_system_fonts=True,
        pdf_standards=standards,
    )
    return made


@cache
def _source(layout: Path) -> bytes:
    """Look and layout as one text: typst is given no file to read."""
    return b"\n".join(path.read_bytes() for path in (_LOOK, layout))
