"""A feed runs in the background, one transaction a batch; killed anywhere, it goes on from its checkpoint."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import structlog
from psycopg import DataError as PsycopgDataError
from sqlalchemy.exc import DataError

from marketplace.kernel import clock, queue
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Conflict, Invalid
from vendors.feeds import actions, queries, storage

T = TypeVar("T")
STANDS_STILL_AFTER = timedelta(minutes=10)
NOT_STORED = (
    "The rows after those that are settled hold something that we cannot store. This is a fault of ours; tell us."
)
BROKE_OFF = (
    "Taking the file in broke off several times at the same place. This is a fault of ours; tell us. "
    "The rows before it are settled, and the feed can be resumed from there."
)
log = structlog.get_logger("feeds")


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made in a thread while the one before is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


@queue.job("feed.run", queue=queue.LONG, timeout=3600)
def run(feed_id: str) -> None:
    """Take a feed in from its checkpoint to its end."""
    wanted = uuid.UUID(feed_id)
    try:
        with transaction():
            run = actions.start(wanted)
        if run is None:
            return
        for batch in one_ahead(actions.batches_of(run)):
            with transaction():
                if not actions.take(run, batch):
                    return
        with transaction():
            actions.finish(run)
    except (Invalid, Conflict) as refusal:
        with transaction():
            actions.fail(wanted, refusal.text)
    except (DataError, PsycopgDataError) as failure:  # what we let pass, and would again however often it is tried
        log.exception("feed cannot be stored", feed=feed_id, error=repr(failure)[:300])
        with transaction():
            actions.fail(wanted, NOT_STORED)
    except Exception as failure:  # it may pass, or come back each time: only trying tells
        log.exception("feed broke off", feed=feed_id, error=repr(failure)[:300])
        with transaction():
            failed = actions.break_off(wanted, BROKE_OFF)
        if not failed:
            raise


@queue.job("feed.sweep", every=60, alone=True)
def sweep() -> None:
    """Hand feeds that stand still to the queue again, which may have lost them with its memory: once in that time, for
    they may only wait there behind others."""
    with transaction():
        for feed in queries.standing_still(clock.now() - STANDS_STILL_AFTER):
            feed.progressed_at = clock.now()
            queue.enqueue("feed.run", feed_id=str(feed.id))


@queue.job("feed.forget", every=86_400)
def forget() -> None:
    """Remove the files of feeds long ago."""
    storage.forget_old()
