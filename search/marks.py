"""What was found in a text stands between two characters that nobody types: pure."""

from search.engine import Marked

OPEN, CLOSE = "\ue000", "\ue001"


def pieces(text: str) -> Marked:
    """The text taken apart at its marks: (piece, was it found)."""
    found: list[tuple[str, bool]] = []
    for start in text.split(OPEN):
        marked, closed, rest = start.partition(CLOSE)
        found += [(marked, True), (rest, False)] if closed else [(start, False)]
    return tuple((piece, is_found) for piece, is_found in found if piece)
