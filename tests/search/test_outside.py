"""The index outside: it follows the outbox, may be away or full, catches up by itself, and drift is repaired.

The servers here are real: one of these tests' own, that is stopped and started while they run.
"""

import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from marketplace.agreements import actions as agreements
from marketplace.catalogue import actions as catalogue
from marketplace.catalogue.products import edit
from marketplace.companies.actions import profile
from marketplace.kernel import queue
from marketplace.kernel.db import db, transaction
from search import indexing, jobs, mapping, provider, queries
from search.breaker import Breaker
from search.elastic import ElasticEngine
from search.engine import IndexNotWhole, SearchAway, SearchRequest
from search.fallback import FallbackEngine
from search.models import SearchPending
from search.postgres import PostgresEngine
from search.wire import Server
from tests.builders.catalogue import a_product, an_offer
from tests.cast import make_cast
from tests.search.servers import a_name, drop, elasticsearch_url  # noqa: F401

TOOL = Path(__file__).parents[2] / "benchmarks" / "elasticsearch_server.py"
pytestmark = pytest.mark.elasticsearch


@pytest.fixture
def engine(elasticsearch_url):  # noqa: F811
    made = ElasticEngine(Server(elasticsearch_url), a_name(), timeout_s=20)
    yield made
    drop(made)


@pytest.fixture
def market(own_app, engine):
    """An app that searches outside, with a product that two vendors may offer."""
    provider.use(own_app, engine, [engine])
    with own_app.app_context():
        with transaction():
            cast = make_cast()
            product = a_product("Torque wrench", created_by=cast.vendor_company, part_number="TW-4711")
            offer = an_offer(cast.vendor_company, product, price="80.00")
        yield own_app, cast, product, offer


def ask(app, cast, query):
    app.extensions["kontor_actor_loader"] = lambda: cast.buyer
    with app.app_context():
        return app.test_client().get(f"/v1/search?{query}")


def away(url="http://127.0.0.1:1"):
    return ElasticEngine(Server(url), "kontor-nowhere", timeout_s=0.5)


def test_a_change_is_found_after_the_outbox_ran(market, engine):
    app, cast, product, _ = market
    with transaction():
        catalogue.search_changed([product.id])
    queue.drain()
    engine.refresh()
    page = ask(app, cast, "q=torque&price_max=90&facets=price").json
    assert (page["total"], page["items"][0]["offers"][0]["price"]["unit_price"]) == (1, "80.00")
    with transaction():
        edit(cast.operator, product.id, {"name": "Torque key"})
    queue.drain()
    engine.refresh()
    assert ask(app, cast, "q=wrench").json["total"] == 0
    assert ask(app, cast, "q=torque+key").json["total"] == 1


def test_a_new_price_filters_at_once_after_the_outbox_ran(market, engine):
    app, cast, product, offer = market
    indexing.follow([product.id])
    with transaction():
        row = agreements.public_list(cast.vendor_company.id, "EUR")
        prices = [{"offer_id": offer.id, "tiers": [{"from_quantity": 1, "unit_price": 60}]}]
        agreements.set_prices(cast.vendor, row.id, prices)
    queue.drain()
    engine.refresh()
    assert ask(app, cast, "price_max=70").json["total"] == 1
    assert ask(app, cast, "price_min=70").json["total"] == 0


def test_one_pushes_at_a_time_and_leaves_nothing_behind(market, engine):
    _, _, product, _ = market
    with indexing._held(indexing._PUSHING):
        indexing.follow([product.id])
        assert indexing.figures()["pending"] == 1
    assert (indexing.push(), indexing.push(), indexing.figures()["pending"]) == (1, 0, 0)


def test_ended_offers_and_suspended_vendors_vanish_before_the_index_knows(market, engine):
    app, cast, product, offer = market
    indexing.follow([product.id])
    engine.refresh()
    assert ask(app, cast, "q=torque").json["total"] == 1
    with transaction():
        profile.allow_selling(cast.operator, cast.vendor_company.id, False)
    assert ask(app, cast, "q=torque").json["total"] == 0
    with transaction():
        profile.allow_selling(cast.operator, cast.vendor_company.id, True)
    queue.drain()
    engine.refresh()
    assert ask(app, cast, "q=torque").json["total"] == 1
    with transaction():
        catalogue.end(cast.vendor, offer.id)
    assert ask(app, cast, "q=torque").json["items"] == []


def test_while_it_is_away_the_shop_goes_on_and_the_index_catches_up(market, engine):
    app, cast, product, _ = market
    provider.use(app, away(), [away()])
    started = time.monotonic()
    answer = ask(app, cast, "q=torque")
    assert (answer.status_code, answer.json["type"]) == (503, "/problems/search-away")
    assert time.monotonic() - started < 3
    assert app.test_client().get("/v1/offers").status_code == 200
    for job in (jobs.catch_up, jobs.drift, jobs.rebuild):
        job()  # and no job fails
    with transaction():
        edit(cast.operator, product.id, {"name": "Torque key"})
    queue.drain()
    with app.app_context():
        assert indexing.figures()["pending"] == 1
        assert indexing.figures()["lag_seconds"] > 0
    assert "kontor_search_pending 1.0" in metrics(app, cast)
    provider.use(app, engine, [engine])
    assert indexing.push() == 1
    engine.refresh()
    assert indexing.figures()["pending"] == 0
    assert ask(app, cast, "q=torque+key").json["total"] == 1


def metrics(app, cast):
    app.extensions["kontor_actor_loader"] = lambda: cast.operator
    with app.app_context():
        return app.test_client().get("/v1/metrics").text


def test_the_embedded_engine_answers_where_so_configured(market, engine):
    app, cast, product, _ = market
    embedded = PostgresEngine()
    provider.use(app, FallbackEngine(away(), embedded), [embedded, away()])
    indexing.follow([product.id])
    assert ask(app, cast, "q=torque").json["total"] == 1
    assert indexing.figures()["pending"] == 1


def block(engine, index, value):
    engine.server.ask("PUT", f"/{index}/_settings", {"index.blocks.read_only_allow_delete": value}, seconds=20)


def test_a_full_server_is_a_problem_and_nothing_is_lost(market, engine):
    _, cast, product, _ = market
    indexing.follow([product.id])
    (index,) = engine.indexes()
    block(engine, index, True)
    with transaction():
        edit(cast.operator, product.id, {"name": "Torque key"})
    queue.drain()
    assert db.session.get(SearchPending, product.id) is not None
    block(engine, index, None)
    assert indexing.push() == 1


def test_drift_is_found_and_repaired(market, engine):
    _, cast, product, _ = market
    with transaction():
        others = [a_product(f"Bit {n}", created_by=cast.vendor_company) for n in range(5)]
        for one in others:
            an_offer(cast.vendor_company, one)
    indexing.follow([one.id for one in [product, *others]])
    engine.refresh()
    assert indexing.repair() == {"elasticsearch": 0}
    (index,) = engine.indexes()
    gone = "version=1&version_type=external_gte&refresh=true"
    engine.server.ask("DELETE", f"/{index}/_doc/{others[0].id}?{gone}", seconds=20)
    with transaction():
        db.session.execute(text("UPDATE product SET search_version = 9 WHERE id = :id"), {"id": others[1].id})
    engine.store(
        [("00000000-0000-7000-8000-000000000001", 1, b'{"product_id":"00000000-0000-7000-8000-000000000001"}')]
    )
    engine.refresh()
    assert indexing.repair() == {"elasticsearch": 3}
    engine.refresh()
    assert indexing.repair() == {"elasticsearch": 0}
    assert dict(engine.versions(None, 10))[others[1].id] == 9


def test_a_rebuild_serves_what_changed_meanwhile(market, engine, monkeypatch):
    app, cast, product, _ = market
    indexing.follow([product.id])
    (old,) = engine.indexes()
    batches = queries.product_ids

    def changed_meanwhile(batch):
        yield from batches(batch)
        with transaction():
            edit(cast.operator, product.id, {"name": "Torque key"})
        queue.drain()

    monkeypatch.setattr(queries, "product_ids", changed_meanwhile)
    assert indexing.rebuild() == 1
    (new,) = engine.indexes()
    engine.refresh()
    assert new != old
    assert ask(app, cast, "q=torque+key").json["total"] == 1


def test_a_new_index_that_lacks_documents_does_not_serve(market, engine, monkeypatch):
    app, cast, product, _ = market
    indexing.follow([product.id])
    old = engine.indexes()
    monkeypatch.setattr(engine, "store", lambda sources, **_: [])
    with pytest.raises(IndexNotWhole):
        indexing.rebuild()
    engine.refresh()
    assert engine.indexes() == old
    assert ask(app, cast, "q=torque").json["total"] == 1


def test_one_rebuild_at_a_time(market, engine):
    with indexing._alone(), pytest.raises(indexing.RebuildUnderWay), indexing._alone():
        pass


@pytest.mark.processes
def test_a_server_that_is_killed_and_comes_back(market):
    """The real thing: a node of its own is stopped under the running app, and started again with nothing in it."""
    app, cast, product, _ = market
    soon = {"KONTOR_ES_HEAP": "512m", "KONTOR_ES_OPTIONS": "-XX:TieredStopAtLevel=1"}
    with socket.create_server(("127.0.0.1", 0)) as free:  # two runs on one machine stop each their own
        port, environment = str(free.getsockname()[1]), os.environ | soon

    def tool(verb):
        subprocess.run([sys.executable, str(TOOL), verb, port], check=True, env=environment, stdout=subprocess.DEVNULL)

    tool("start")
    try:
        own = ElasticEngine(Server(f"http://127.0.0.1:{port}", breaker=Breaker(0.2)), "kontor-killed", timeout_s=10)
        provider.use(app, own, [own])
        indexing.follow([product.id])
        own.refresh()
        assert ask(app, cast, "q=torque").json["total"] == 1
        node = int((runpy.run_path(str(TOOL))["home"]() / f"node-{port}" / "pid").read_text())
        provider.use(app, ElasticEngine(own.server, own.alias, timeout_s=0.5), [own])
        os.killpg(node, signal.SIGSTOP)  # not dead: it accepts and does not answer
        started = time.monotonic()
        assert ask(app, cast, "q=torque").status_code == 503
        assert time.monotonic() - started < 3
        os.killpg(node, signal.SIGCONT)
        provider.use(app, own, [own])
        assert ask(app, cast, "q=torque").json["total"] == 1
        tool("stop")
        started = time.monotonic()
        assert ask(app, cast, "q=torque").status_code == 503
        assert time.monotonic() - started < 12
        with pytest.raises(SearchAway):
            own.search(SearchRequest())
        with transaction():
            edit(cast.operator, product.id, {"name": "Torque key"})
        queue.drain()
        assert indexing.figures()["pending"] == 1
        tool("start")
        time.sleep(0.3)  # until it is asked again
        indexing.push()
        own.refresh()
        assert ask(app, cast, "q=torque+key").json["total"] == 1
        assert indexing.figures()["pending"] == 0
    finally:
        tool("stop")


def test_a_server_without_an_index_is_filled_by_the_look_for_drift(market, engine):
    _, _, product, _ = market
    assert indexing.repair() == {"elasticsearch": 1}
    engine.refresh()
    assert [one for one, _ in engine.versions(None, 10)] == [product.id]


def test_an_index_of_an_earlier_release_is_made_anew_and_one_of_a_later_is_left(market, engine, monkeypatch):
    _, _, product, _ = market
    now, made = mapping.FORMAT, []
    for then in (now - 1, now + 1):
        monkeypatch.setattr(mapping, "FORMAT", then)
        engine.clear()
        indexing.follow([product.id])
        made += engine.indexes()
        monkeypatch.setattr(mapping, "FORMAT", now)
        jobs.drift()
        queue.drain()
        engine.refresh()
        made += engine.indexes()
        assert [one for one, _ in engine.versions(None, 10)] == [product.id]
    first, anew, later, left = made
    assert first != anew
    assert later == left


def test_two_that_make_the_first_index_at_once_make_one(market, engine):
    _, _, product, _ = market
    documents = queries.documents([product.id])
    other = ElasticEngine(engine.server, engine.alias, timeout_s=20)
    both_looked = threading.Barrier(2)
    for one in (engine, other):
        looked = one._named
        one._named = lambda looked=looked: (looked(), both_looked.wait(20))[0]
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(one.write, documents) for one in (engine, other)]:
            assert done.result(30) == []
    del engine._named
    engine.refresh()
    assert len(engine.indexes()) == 1
    assert [one for one, _ in engine.versions(None, 10)] == [product.id]


def test_a_first_index_made_while_a_rebuild_ends_is_refused(market, engine):
    _, _, product, _ = market
    documents = queries.documents([product.id])
    other = ElasticEngine(engine.server, engine.alias, timeout_s=20)
    looked = other._named

    def rebuilt_meanwhile():
        found = looked()
        engine.rebuild(iter([documents]))
        return found

    other._named = rebuilt_meanwhile
    with pytest.raises(SearchAway):
        other.write(documents)
    del other._named
    assert other.write(documents) == []
    assert len(engine.indexes()) == 1


def test_a_rebuild_replaces_a_first_index_made_meanwhile_and_one_that_was_never_finished(market, engine):
    _, _, product, _ = market
    (document,) = queries.documents([product.id])
    left = f"{engine.alias}-{'0' * 32}"
    engine.server.ask("PUT", f"/{left}", {"aliases": {engine.building: {"is_write_index": True}}}, seconds=20)

    def batches():
        yield [document]
        engine.write([replace(document, version=document.version + 1)])

    assert engine.rebuild(batches()) == 1
    engine.refresh()
    assert len(engine.indexes()) == 1
    assert engine.versions(None, 10) == [(product.id, document.version + 1)]


def test_an_index_that_serves_is_kept_where_the_answer_to_the_swap_was_lost(market, engine, monkeypatch):
    _, _, product, _ = market
    tell = engine._tell

    def lost(method, target, body=None):
        answer = tell(method, target, body)
        if target == "/_aliases":
            raise SearchAway
        return answer

    monkeypatch.setattr(engine, "_tell", lost)
    with pytest.raises(SearchAway):
        engine.rebuild(iter([queries.documents([product.id])]))
    assert engine.holds(1)
