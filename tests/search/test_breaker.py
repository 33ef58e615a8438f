"""A server that is away or slow costs nobody more than his own time limit, and the others nothing."""

import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from search import provider
from search.breaker import MOST_SLOW, Breaker
from search.elastic import ElasticEngine
from search.engine import Buyer, SearchAway, SearchRequest
from search.fallback import FallbackEngine
from search.rules import understand
from search.wire import Server


def test_after_a_failure_one_caller_asks_now_and_then():
    now = [100.0]
    breaker = Breaker(5.0, lambda: now[0])
    breaker.failed(slow=False)
    assert not breaker.may_ask()
    now[0] += 5
    assert [breaker.may_ask() for _ in range(3)] == [True, False, False]
    breaker.failed(slow=True)
    now[0] += 4
    assert not breaker.may_ask()
    now[0] += 1
    assert breaker.may_ask()
    breaker.answered()
    assert [breaker.may_ask() for _ in range(3)] == [True, True, True]


def test_one_search_that_asks_too_much_stops_no_other():
    breaker = Breaker()
    for _ in range(MOST_SLOW - 1):
        breaker.failed(slow=True)
    assert breaker.may_ask()
    breaker.answered()
    for _ in range(MOST_SLOW - 1):
        breaker.failed(slow=True)
    assert breaker.may_ask()
    breaker.failed(slow=True)
    assert not breaker.may_ask()


@pytest.fixture
def mute():
    """A server that accepts and never answers; what it was asked."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


NOTHING = b'{"timed_out":false,"hits":{"total":{"value":0},"hits":[]},"suggest":{"word":[]}}'


@contextmanager
def a_server(seconds=0.0, status=200, answer=NOTHING):
    """A server that answers alike to all, after so long; what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.rfile.read(int(self.headers["content-length"])))
            time.sleep(seconds)
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def took(call):
    started = time.monotonic()
    with pytest.raises(SearchAway):
        call()
    return time.monotonic() - started


def asking(text):
    return SearchRequest(words=understand(text, None, ()))


def test_a_server_that_never_answers_costs_the_limit_and_then_nothing(mute):
    engine = ElasticEngine(Server(mute), timeout_s=0.2)
    for _ in range(MOST_SLOW):
        assert 0.15 < took(lambda: engine.search(asking("wrench"))) < 1
    assert took(lambda: engine.complete("wre", Buyer(), 5)) < 0.1
    with pytest.raises(SearchAway):
        engine.versions(None, 10)


def test_all_requests_of_one_search_share_one_limit():
    with a_server(0.4) as (url, asked):
        engine = ElasticEngine(Server(url), timeout_s=0.6)
        assert took(lambda: engine.search(asking("torque 4711"))) < 1.2
        assert 1 <= len(asked) <= 2


def test_whoever_writes_does_not_wait_long_for_a_server_that_never_answers(mute):
    engine = ElasticEngine(Server(mute), timeout_s=0.2)
    assert took(lambda: engine.store([("a", 1, b"{}")])) < 1


def test_the_other_engine_answers_at_once_while_this_one_is_left_alone(mute):
    class Other:
        name, outside = "other", False

        def search(self, request):
            return request

    both = FallbackEngine(ElasticEngine(Server(mute), timeout_s=0.2), Other())
    for _ in range(MOST_SLOW):
        both.search(asking("wrench"))
    started = time.monotonic()
    assert both.search(asking("wrench")).words.text == "wrench"
    assert time.monotonic() - started < 0.1


@pytest.mark.parametrize(
    ("status", "answer"),
    [(400, b'{"error":{"type":"query_shard_exception","reason":"secret field"}}'), (401, b'{"error":"secret"}'),
     (503, b"<html>secret</html>"), (200, b"<html>secret</html>"), (404, b'{"error":{"type":"index_not_found"}}')],
)  # fmt: skip
def test_whatever_a_server_says_instead_of_hits_is_a_problem_that_tells_nothing_of_it(client_as, cast, status, answer):
    app = client_as(cast.buyer).application
    before = app.extensions["kontor_search"], app.extensions["kontor_search_engines"]
    with a_server(status=status, answer=answer) as (url, _):
        provider.use(app, ElasticEngine(Server(url)), [])
        said = client_as(cast.buyer).get("/v1/search?q=wrench")
        page = client_as(cast.buyer).get("/offers?q=wrench", headers={"Accept": "text/html"})
        provider.use(app, *before)
    assert (said.status_code, said.json["type"], page.status_code) == (503, "/problems/search-away", 503)
    assert not {"secret", "shard", "index_not"} & set((said.text + page.text).replace('"', " ").split())
