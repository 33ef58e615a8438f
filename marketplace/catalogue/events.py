"""What the catalogue announces to those upstairs."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class OffersChanged(Event):
    """Something that search shows changed on these products: words, offers, prices or stock. At most a thousand ids."""

    product_ids: tuple[uuid.UUID, ...]
