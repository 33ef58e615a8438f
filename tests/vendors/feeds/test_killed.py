"""A run that is killed in the middle goes on from its checkpoint, and nothing is taken twice or lost."""

import time

import pytest
from sqlalchemy import func, select

from marketplace.catalogue.models import Offer, Product
from marketplace.kernel.db import db, transaction
from marketplace.kernel.outbox import OutboxEvent
from tests import forks
from tests.builders import companies, feeds
from vendors.feeds import actions
from vendors.feeds.models import Feed, FeedReportLine
from vendors.feeds.states import FeedState

ROWS = 2_000
RUN = """
import os, sys, wsgi
from marketplace.kernel.settings import from_environment
from vendors.feeds import actions, jobs
actions.BATCH = 100
with wsgi.create_app(from_environment(os.environ)).app_context():
    jobs.run(sys.argv[1])
"""


def one(statement):
    found = db.session.scalar(statement)
    db.session.rollback()
    return found


def killed_in_the_middle(settings, feed_id) -> None:
    environment = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "VAR_FOLDER": settings.var_folder,
    }
    process = forks.fork(RUN, str(feed_id), log=settings.var / "killed.log", **environment)
    try:
        until = time.monotonic() + 60
        while one(select(Feed.rows_done).where(Feed.id == feed_id)) < 300:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        forks.kill(process)


@pytest.mark.processes
def test_a_killed_run_goes_on_where_it_stopped(own_app, monkeypatch):
    monkeypatch.setattr(actions, "BATCH", 100)
    content = feeds.rows_text(ROWS).replace("S-1500,Bolt 1500,1.25", "S-1,Bolt again,1.25")
    with own_app.app_context():
        with transaction():
            feed_id = feeds.a_feed(companies.a_company(may_sell=True), content).id
        killed_in_the_middle(own_app.extensions["kontor_settings"], feed_id)
        broken = one(select(Feed.rows_done).where(Feed.id == feed_id))
        assert 300 <= broken < ROWS
        assert broken % 100 == 0
        assert one(select(func.count()).select_from(Offer)) == broken

        feeds.run(db.session.get(Feed, feed_id))
        feed = db.session.get(Feed, feed_id, populate_existing=True)
        assert (feed.state, feed.rows_total, feed.rows_done) == (FeedState.FINISHED, ROWS, ROWS)
        assert (feed.rows_created, feed.rows_changed, feed.rows_unchanged, feed.rows_bad) == (ROWS - 1, 0, 0, 1)
        assert (
            one(select(func.count()).select_from(Offer)) == one(select(func.count()).select_from(Product)) == ROWS - 1
        )
        lines = db.session.scalars(select(FeedReportLine)).all()
        assert [(line.row_number, line.message) for line in lines] == [(1501, "this SKU is in row 2 already")]
        assert (
            one(select(func.count()).select_from(OutboxEvent).where(OutboxEvent.name == "OffersChanged")) == ROWS // 100
        )
        db.session.rollback()
