"""The layouts of invoices and statements."""

from pathlib import Path
from typing import Any

from marketplace.kernel import pdf

LAYOUT = "2026-11-24"  # rises with every change of a layout: a document says by which it was made
_FOLDER = Path(__file__).with_name("layouts")


def rendered(layout: str, sheet: dict[str, Any], attached_xml: bytes = b"") -> bytes:
    """The sheet as a PDF in the layout of this name."""
    return pdf.rendered(_FOLDER / f"{layout}.typ", sheet, attached_xml)
