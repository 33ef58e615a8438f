"""What search does about events from below."""

from collections.abc import Sequence

from marketplace.catalogue.events import CategoryMoved, OffersChanged
from marketplace.companies.events import SellingChanged
from marketplace.kernel.db import transaction
from marketplace.orders.events import OrderPlaced
from search import actions, insight, proposing
from search.indexing import follow


def index_changed(events: Sequence[OffersChanged]) -> None:
    """Index each product of a batch once, however often it changed; what is named anew is compared later."""
    changed = sorted({product_id for event in events for product_id in event.product_ids})
    follow(changed)
    with transaction():
        proposing.note(changed)


def follow_category(events: Sequence[CategoryMoved]) -> None:
    """In the transaction of the fact: a rule of a category holds for it wherever it stands."""
    for event in events:
        actions.follow_category(event.old, event.new)


def hide_vendors(events: Sequence[SellingChanged]) -> None:
    """In the transaction of the fact: who may not sell is not found from this moment on."""
    for event in events:
        actions.show_vendor(event.company_id, allowed=event.allowed)


def count_orders(events: Sequence[OrderPlaced]) -> None:
    """An order of what was found counts for the search that found it."""
    for event in events:
        insight.ordered(event.order_id, event.company_id)
