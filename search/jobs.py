"""What the index does on its own: catch up, look for what drifted away, and be made anew when asked."""

import structlog

from marketplace.catalogue import merging
from marketplace.kernel import queue
from marketplace.kernel.db import transaction
from search import indexing, insight, proposing
from search.engine import IndexNotWhole, SearchAway

log = structlog.get_logger("search")


@queue.job("search.catch_up", every=5, alone=True)
def catch_up() -> None:
    """Write what waits since the index was away."""
    indexing.push()


@queue.job("search.drift", queue=queue.LONG, timeout=1800, every=600, alone=True)
def drift() -> None:
    """Compare versions and repair, and have what an earlier release made be made anew; an index that is away is looked
    at next time."""
    try:
        if indexing.outdated():
            queue.enqueue("search.rebuild")
        found = indexing.repair()
    except SearchAway as failure:
        log.warning("drift was not looked for", error=failure.text)
        return
    if any(found.values()):
        log.warning("the index had drifted", **found)


@queue.job("search.rebuild", queue=queue.LONG, timeout=3600, alone=True)
def rebuild() -> None:
    """Make the index anew; one that is made already is not made twice."""
    try:
        log.info("index made anew", products=indexing.rebuild())
    except (indexing.RebuildUnderWay, IndexNotWhole, SearchAway) as failure:
        log.warning("the index was not made anew", error=failure.text)


@queue.job("search.propose", queue=queue.LONG, timeout=600, every=60, alone=True)
def propose() -> None:
    """Compare what was named anew with its category, as far as it comes in its time, and gather offers that came to a
    product while it was merged."""
    with transaction():
        merging.gather_strays()
    if made := proposing.propose():
        log.info("products that may be one", proposals=made)


@queue.job("search.forget", every=86_400)
def forget() -> None:
    """Queries of long ago are nobody's business."""
    insight.forget_old()
