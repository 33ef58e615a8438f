"""What search does about events from below."""

from collections.abc import Sequence

from marketplace.catalogue.events import OffersChanged
from search.indexing import index_products


def index_changed(events: Sequence[OffersChanged]) -> None:
    """Index each product of a batch once, however often it changed."""
    index_products(sorted({product_id for event in events for product_id in event.product_ids}))
