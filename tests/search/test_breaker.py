"""A server that is away or slow costs nobody more than his own time limit, and the others nothing."""

import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

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


@contextmanager
def slow_server(seconds):
    """A server that finds nothing, after so long; how often it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.rfile.read(int(self.headers["content-length"])))
            time.sleep(seconds)
            answer = b'{"timed_out":false,"hits":{"total":{"value":0},"hits":[]},"suggest":{"word":[]}}'
            self.send_response(200)
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
    with slow_server(0.4) as (url, asked):
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
