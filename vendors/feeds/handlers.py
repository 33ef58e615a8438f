"""A received feed is put on the queue."""

from collections.abc import Sequence

from marketplace.kernel import queue
from vendors.feeds.events import FeedReceived


def start_feeds(events: Sequence[FeedReceived]) -> None:
    """One job a feed; a second one for the same feed finds nothing to do."""
    for event in events:
        queue.enqueue("feed.run", feed_id=str(event.feed_id))
