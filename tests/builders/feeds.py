"""Feeds: their text, and the file kept and received as an upload would."""

import io
from typing import Any

from marketplace.companies.models import Company
from marketplace.kernel.access import Actor, Role
from tests.builders.companies import an_actor
from vendors.feeds import actions, jobs, storage
from vendors.feeds.models import Feed

HEADER = "sku,name,price,stock,ean,manufacturer,part_number"


def rows_text(count: int, *, start: int = 1) -> str:
    """A CSV of `count` good rows, each its own product."""
    numbers = range(start, start + count)
    return "\n".join([HEADER, *(f"S-{n},Bolt {n},1.25,{n},,Nordwerk,NW-{n}" for n in numbers)]) + "\n"


def a_feed(vendor: Company, content: str | bytes, *, actor: Actor | None = None, **options: Any) -> Feed:
    """A received feed; needs an open transaction."""
    data = content if isinstance(content, bytes) else content.encode()
    chosen = {"encoding": "utf-8", "decimal_mark": ".", "currency": None} | options
    with storage.kept(io.BytesIO(data)) as stored:
        return actions.receive(actor or an_actor(vendor, Role.VENDOR_MANAGER), stored, "offers.csv", chosen)


def run(feed: Feed) -> Feed:
    """Run its job to the end, in this process."""
    jobs.run(str(feed.id))
    return feed
