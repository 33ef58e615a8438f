"""What was found in a text stands between two characters that nobody types: pure."""

import re

from search.engine import Marked

OPEN, CLOSE = "\ue000", "\ue001"


def pieces(text: str) -> Marked:
    """The text taken apart at its marks: (piece, was it found)."""
    found: list[tuple[str, bool]] = []
    for start in text.split(OPEN):
        marked, closed, rest = start.partition(CLOSE)
        found += [(marked, True), (rest, False)] if closed else [(start, False)]
    return tuple((piece, is_found) for piece, is_found in found if piece)


def mark_runs(text: str, asked: str) -> str:
    """The text with the runs of Chinese characters that were asked for between the two characters."""
    runs = sorted(re.findall(r"[\u3400-\u9fff\uf900-\ufaff]+", asked), key=len, reverse=True)
    if not runs or OPEN in text:
        return text
    return re.sub("|".join(map(re.escape, runs)), lambda found: f"{OPEN}{found[0]}{CLOSE}", text)
