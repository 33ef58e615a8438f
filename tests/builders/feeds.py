"""Feeds: their text, and the file kept and received as an upload would."""

import io
import tomllib
from pathlib import Path
from typing import Any

from marketplace.companies.models import Company
from marketplace.kernel.access import Actor, Role
from marketplace.kernel.db import db
from tests.builders.companies import an_actor
from vendors.feeds import actions, jobs, mappings, storage
from vendors.feeds.mapping_schemas import FeedMappingIn
from vendors.feeds.models import Feed, FeedMapping

SEED = Path(mappings.__file__).with_name("mappings.toml")
TABLE = {
    "name": "ours",
    "format": "table",
    "columns": {"sku": ["Artikel"], "name": ["Bezeichnung", "Farbe"], "stock": ["Bestand"]},
    "price": {"field": "Preis"},
}

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


def shipped(name: str) -> dict[str, Any]:
    """A mapping that comes with the code, as the API would be sent it."""
    return {"name": name, **tomllib.loads(SEED.read_text())[name]}


def a_mapping(vendor: Company | None = None, facts: dict[str, Any] | None = None, **others: Any) -> FeedMapping:
    """A mapping of a vendor, or with None everybody's; needs an open transaction."""
    wanted = FeedMappingIn().load((facts or TABLE) | others)
    row = FeedMapping(vendor_id=vendor and vendor.id, content=mappings.draft(wanted)["content"])
    row.name, row.format, row.note = wanted["name"], wanted["format"], wanted.get("note", "")
    db.session.add(row)
    db.session.flush()
    return row


def run(feed: Feed) -> Feed:
    """Run its job to the end, in this process."""
    jobs.run(str(feed.id))
    return feed
