"""The index follows the catalogue: what changed is read anew and written with its version."""

import uuid
from collections.abc import Sequence

from marketplace.kernel.db import db, transaction
from search import queries

BATCH = 500


def index_products(product_ids: Sequence[uuid.UUID]) -> int:
    """Read these products anew and write their documents; returns how many. Inside the caller's transaction."""
    written = 0
    for start in range(0, len(product_ids), BATCH):
        documents = queries.documents(product_ids[start : start + BATCH])
        queries.engine().write(documents)
        written += len(documents)
    return written


def rebuild() -> int:
    """Make the whole index anew, a batch a transaction; returns how many. Searches meanwhile find what is written.

    Run it after a new kind of document; the outbox keeps the index up to date by itself.
    """
    with transaction():
        queries.engine().clear()
    written = 0
    for ids in queries.product_ids(BATCH):
        with transaction():
            written += index_products(ids)
        db.session.expunge_all()
    return written
