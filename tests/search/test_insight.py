"""Searches are noted in passing: written however quiet the process is then, and none is lost when that fails."""

import runpy
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from marketplace.kernel import clock, csv_files
from marketplace.kernel.access import ANONYMOUS, Role
from marketplace.kernel.db import db, transaction
from marketplace.orders.events import OrderPlaced
from search import handlers, insight, routes
from tests.builders.catalogue import an_offer
from tests.builders.companies import a_company, an_actor
from tests.builders.orders import a_market, an_order

ROOT = Path(__file__).parents[2]


@pytest.fixture
def searched(own_app):
    """An app of its own, with how often each text was searched according to the database."""
    own_app.extensions["kontor_search_notes"] = insight.Notes(own_app, after_s=None)

    def ask():
        with db.engine.connect() as connection:
            return dict(connection.execute(text("SELECT words, count(*) FROM search_query GROUP BY 1")).all())

    with own_app.app_context():
        yield own_app, ask


def rename(old, new):
    with transaction():
        db.session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_a_quiet_process_writes_its_last_search(searched):
    app, ask = searched
    app.extensions["kontor_search_notes"].after_s = 0.05
    insight.note_query(ANONYMOUS, "Torque  Wrench", 3)
    until = time.monotonic() + 10
    while not ask() and time.monotonic() < until:
        time.sleep(0.02)
    assert ask() == {"torque wrench": 1}


def test_what_cannot_be_written_is_kept_and_written_once(searched, monkeypatch):
    _, ask = searched
    insight.note_query(ANONYMOUS, "chisel", 1)
    rename("search_query", "elsewhere")
    with pytest.raises(ProgrammingError):
        insight.flush()
    insight.note_query(ANONYMOUS, "mallet", 0)
    rename("elsewhere", "search_query")

    real = db.session.commit

    def commit_without_an_answer():
        real()
        raise ConnectionError

    monkeypatch.setattr(db.session, "commit", commit_without_an_answer, raising=False)
    with pytest.raises(ConnectionError):
        insight.flush()
    monkeypatch.undo()
    insight.flush()
    assert ask() == {"chisel": 1, "mallet": 1}


def test_a_timer_that_failed_tries_again(searched, monkeypatch):
    app, ask = searched
    monkeypatch.setattr(insight, "AGAIN_AFTER_S", 0.05)
    rename("search_query", "elsewhere")
    app.extensions["kontor_search_notes"].after_s = 0.01
    insight.note_query(ANONYMOUS, "rasp", 1)
    time.sleep(0.2)
    rename("elsewhere", "search_query")
    until = time.monotonic() + 10
    while not ask() and time.monotonic() < until:
        time.sleep(0.02)
    assert ask() == {"rasp": 1}


def test_a_web_process_that_ends_writes_what_it_holds(searched):
    app, ask = searched
    insight.note_query(ANONYMOUS, "anvil", 2)
    leave = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["worker_exit"]
    leave(None, SimpleNamespace())  # one that never came to serve
    assert ask() == {}
    leave(None, SimpleNamespace(wsgi=app))
    assert ask() == {"anvil": 1}


def test_an_order_counts_once_for_the_companys_last_search_that_led_to_it(app, session):
    app.extensions["kontor_search_notes"] = insight.Notes(app, after_s=None)
    market = a_market(vendors=("A",))
    for name in ("wrench", "other"):
        market.offers[name] = an_offer(market.vendors["A"])
    rival = an_actor(a_company("Rival"), Role.BUYER)
    opened = {}
    for day, (actor, words, name) in enumerate(
        [(market.actor, "old", "wrench"), (rival, "theirs", "wrench"), (market.actor, "wrench", "wrench"),
         (market.actor, "nothing of it", "other")]
    ):  # fmt: skip
        opened[words] = insight.note_query(actor, words, 1)
        insight.visit(actor, opened[words], market.offers[name].product_id)
        db.session.execute(
            text("UPDATE search_visit SET at = :at WHERE query_id = :id"),
            {"at": clock.now() - timedelta(days=6 - day), "id": opened[words]},
        )
    insight.note_query(market.actor, "=nothing()", 0)
    insight.flush()
    for _ in range(2):
        with transaction():
            order = an_order(market, {"wrench": 1}).order
        handlers.count_orders([OrderPlaced(order_id=order.id, company_id=order.company_id)])
    told = {row["words"]: (row["clicks"], row["orders"]) for row in insight.told({})}
    assert told == {
        "old": (1, 0), "theirs": (1, 0), "wrench": (1, 1), "nothing of it": (1, 0), "=nothing()": (0, 0)
    }  # fmt: skip
    insight.visit(rival, opened["old"], market.offers["other"].product_id)  # with another company's id
    assert {row["words"]: row["clicks"] for row in insight.told({})}["old"] == 1
    written = "".join(csv_files.written(routes._QUERIES, [row.values() for row in insight.told({"empty": True})]))
    assert written.splitlines()[1].startswith("'=nothing(),1,1,1,0.0,0,0,")
