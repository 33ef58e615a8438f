"""What feeds announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class FeedReceived(Event):
    """A file waits to be taken in, from its checkpoint on."""

    feed_id: uuid.UUID
