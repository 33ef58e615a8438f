"""Sheets laid out by typst as PDF/A-3: the same sheet gives the same bytes, and what people wrote is never markup.

The layout gets the sheet as JSON and places its words. Fonts are those that come with typst, so that a file does not
depend on the machine.
"""

from functools import cache
from pathlib import Path
from typing import Any

import orjson
import structlog

from marketplace.kernel.lazily import lazily

LAYOUT = "2026-11-24"  # rises with every change of a layout: a document says by which it was made
_FOLDER = Path(__file__).with_name("layouts")
log = structlog.get_logger("invoices")
typst: Any = lazily("typst")  # only workers lay sheets out


def rendered(layout: str, sheet: dict[str, Any], attached_xml: bytes = b"") -> bytes:
    """The sheet as a PDF. Where a letter has no shape in the fonts, which PDF/A refuses, it is a plain PDF."""
    told = {"sheet": orjson.dumps(sheet).decode(), "xml": attached_xml.decode()}
    try:
        return _compiled(layout, told, ["a-3b"])
    except typst.TypstError as failure:
        log.info("not archivable", layout=layout, error=str(failure)[:200])
        return _compiled(layout, told, [])


def _compiled(layout: str, told: dict[str, str], standards: list[str]) -> bytes:
    return typst.compile(
        _source(layout),
        root=str(_FOLDER),
        sys_inputs=told,
        format="pdf",
        ignore_system_fonts=True,
        pdf_standards=standards,
    )


@cache
def _source(layout: str) -> bytes:
    """Look and layout as one text: typst is given no file to read."""
    return b"\n".join((_FOLDER / f"{name}.typ").read_bytes() for name in ("look", layout))
