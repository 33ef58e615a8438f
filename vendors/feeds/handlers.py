"""A received feed is put on the queue; a mapping names a category by where it stands."""

from collections.abc import Sequence

from marketplace.catalogue.events import CategoryMoved
from marketplace.kernel import queue
from vendors.feeds import mappings
from vendors.feeds.events import FeedReceived


def start_feeds(events: Sequence[FeedReceived]) -> None:
    """One job a feed; a second one for the same feed finds nothing to do."""
    for event in events:
        queue.enqueue("feed.run", feed_id=str(event.feed_id))


def follow_category(events: Sequence[CategoryMoved]) -> None:
    """Inside: the category that a mapping gives to rows without one stays that one."""
    for event in events:
        mappings.follow_category(event.old, event.new)
