"""What the catalogue announces to those upstairs."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class OffersChanged(Event):
    """Something that search shows changed on these products: words, offers, prices or stock. At most a thousand ids."""

    product_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True)
class CategoryMoved(Event):
    """A category has another path, and so has all below it: whoever names categories by path names it anew."""

    old: str
    new: str
