"""What rules do about events from below."""

from collections.abc import Sequence

from marketplace.catalogue.events import CategoryMoved
from marketplace.rules import promotions


def follow_category(events: Sequence[CategoryMoved]) -> None:
    """Inside: a promotion of a category holds for it wherever it stands."""
    for event in events:
        promotions.follow_category(event.old, event.new)
