"""The web processes share connections out, and stay with their callers without keeping others waiting."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
APP = """
import os, time
def app(environ, start):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(0.5)
    body = f"{os.getpid()} {environ['PATH_INFO']}".encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
CONFIG = """
from marketplace.kernel import serving
worker_class = "marketplace.kernel.serving.Worker"
workers, threads, keepalive, graceful_timeout = 2, 2, 5, 5
control_socket_disable = True
def child_exit(server, worker):
    serving.left(worker)
"""


class Served:
    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


def asked(connection: http.client.HTTPConnection, path: str = "/") -> tuple[int, str]:
    connection.request("GET", path)
    pid, said = connection.getresponse().read().decode().split()
    return int(pid), said


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "tiny.py").write_text(APP)
    (tmp_path / "conf.py").write_text(CONFIG)
    with closing(socket.socket()) as plug:
        plug.bind(("127.0.0.1", 0))
        port = plug.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "conf.py", "-b", f"127.0.0.1:{port}", "--log-level", "critical"]
    command += ["--pythonpath", f"{tmp_path},{ROOT}", "tiny:app"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment)
    found = Served(process, port)
    try:
        until = time.monotonic() + 30
        seen: set[int] = set()
        while len(seen) < 2 and time.monotonic() < until:
            try:
                with closing(found.connection()) as one, closing(found.connection()) as other:
                    seen |= {asked(one)[0], asked(other)[0]}
            except OSError:
                time.sleep(0.1)
        assert len(seen) == 2
        yield found
    finally:
        process.terminate()
        process.wait(30)


def held(served: Served, count: int) -> tuple[Counter[int], list[http.client.HTTPConnection]]:
    connections = [served.connection() for _ in range(count)]
    for one in connections:
        one.connect()
    return Counter(asked(one)[0] for one in connections), connections


def test_kept_connections_are_shared_out(served):
    counts, connections = held(served, 8)
    assert len(counts) == 2
    assert max(counts.values()) <= 5, counts
    for one in connections:
        one.close()


def test_more_connections_than_threads_are_all_answered_again_and_again(served):
    _, connections = held(served, 12)
    for turn in range(3):
        for one in connections:
            assert asked(one, f"/{turn}")[1] == f"/{turn}"
    for one in connections:
        one.close()


def test_two_requests_in_one_piece_are_answered_in_turn(served):
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=20)) as plug:
        plug.sendall(b"".join(b"GET /%d HTTP/1.1\r\nHost: here\r\n\r\n" % number for number in (1, 2, 3)))
        received = b""
        while received.count(b"HTTP/1.1 200") < 3 or not received.endswith(b"/3"):
            piece = plug.recv(65536)
            assert piece
            received += piece
    assert received.index(b" /1") < received.index(b" /2") < received.index(b" /3")


def test_nothing_is_left_to_a_process_that_was_killed(served):
    gone = served.workers()[0]
    os.kill(gone, signal.SIGKILL)
    for _ in range(5):
        with closing(served.connection()) as one:
            assert asked(one)[0] != gone


def test_a_stop_answers_what_is_under_way_and_ends(served):
    with closing(served.connection()) as one, closing(served.connection()) as other:
        asked(one)
        other.request("GET", "/slow")
        time.sleep(0.1)
        served.process.terminate()
        assert other.getresponse().read().endswith(b"/slow")
    assert served.process.wait(15) == 0
