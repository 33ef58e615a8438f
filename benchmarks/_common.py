"""What the benchmarks share: servers, a fresh database, the web server, light callers, percentiles, the last line.

A benchmark runs alone: PostgreSQL and Valkey come from their wheels unless DATABASE_URL and REDIS_URL are set, in which
case a database of its own is made on that server and dropped at the end.
"""

import http.client
import json
import math
import multiprocessing
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from flask import Flask  # noqa: E402
from sqlalchemy import create_engine, make_url, text  # noqa: E402

import wsgi  # noqa: E402
from marketplace.kernel import local, migrations  # noqa: E402
from marketplace.kernel.db import Row  # noqa: E402
from marketplace.kernel.settings import Settings  # noqa: E402

SECRET = "only-for-benchmarks"
# A process that was just forked takes no connections yet: callers that come before stay with the first, which then
# does all the work while the other sleeps.
SETTLE_S = 1.0


@dataclass
class Stage:
    """A running set of servers with an empty, migrated database, and an app on it in this process."""

    database_url: str
    redis_url: str
    app: Flask
    var: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def conninfo(self) -> str:
        """For psycopg.connect: the same address without SQLAlchemy's driver name."""
        return self.database_url.replace("postgresql+psycopg://", "postgresql://", 1)


@contextmanager
def stage(**settings: object) -> Iterator[Stage]:
    """Servers, a fresh database and an app; `settings` override fields of Settings, here and in started processes."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kontor-bench-")))
        database, redis = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
        if not database:
            server = local.start_postgres(folder / "pg")
            stack.callback(server.stop)
            database = server.url
        if not redis:
            server = local.start_valkey(folder / "valkey")
            stack.callback(server.stop)
            redis = server.url
        url = stack.enter_context(_own_database(database))
        values: dict[str, Any] = {
            "database_url": url,
            "redis_url": redis,
            "secret_key": SECRET,
            "var_folder": str(folder / "var"),
            "log_level": "ERROR",
        } | settings
        app = wsgi.create_app(Settings(**values))
        _schema(app, url)
        environment = os.environ | {name.upper(): str(value) for name, value in values.items()}
        yield Stage(url, redis, app, folder / "var", environment)


@contextmanager
def _own_database(server_url: str) -> Iterator[str]:
    name = f"kontor_bench_{uuid.uuid4().hex[:12]}"
    admin = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        admin.dispose()


def _schema(app: Flask, url: str) -> None:
    """By the migrations; as the models say where there are none, or where SCHEMA_OF_MODELS is set."""
    if not os.environ.get("SCHEMA_OF_MODELS") and list((ROOT / "migrations" / "versions").glob("*.py")):
        with app.app_context():
            migrations.upgrade()
        return
    engine = create_engine(url)
    Row.metadata.create_all(engine)
    engine.dispose()


@dataclass
class WebServer:
    """gunicorn as in production; `address` is (host, port)."""

    process: subprocess.Popen[bytes]
    address: tuple[str, int]

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def resident_mb(self) -> float:
        """The largest resident set of its processes, in MB."""
        return max(resident_mb(pid) for pid in [self.process.pid, *self.workers()])


@contextmanager
def web_server(on: Stage, *, workers: int = 2, threads: int = 4) -> Iterator[WebServer]:
    """Serve the marketplace by gunicorn with the repository's own configuration, ready when all its processes are."""
    address = ("127.0.0.1", free_port())
    environment = on.environment | {
        "BIND": f"{address[0]}:{address[1]}",
        "WEB_CONCURRENCY": str(workers),
        "WEB_THREADS": str(threads),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        _await_health(process, address)
        web = WebServer(process, address)
        while len(web.workers()) < workers:
            time.sleep(0.05)
        time.sleep(SETTLE_S)
        yield web
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def flask_process(on: Stage, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process beside: `flask_process(on, "worker")`, `flask_process(on, "dispatcher")`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments], cwd=ROOT, env=on.environment
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        return int(plug.getsockname()[1])


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _await_health(process: subprocess.Popen[bytes], address: tuple[str, int]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"the web server ended with {process.returncode}")
        try:
            if Caller(address).call("GET", "/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web server did not answer within 60 s")


class Caller:
    """One client with one connection that it keeps: `Caller(address, key).call("POST", "/v1/carts", {...})`."""

    def __init__(self, address: tuple[str, int], key: str = "") -> None:
        self.connection = http.client.HTTPConnection(*address, timeout=30)
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """(status, parsed JSON or text, response headers)."""
        sent = self.headers | dict(headers or {})
        data = None
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            self.connection.request(method, path, data, sent)
            response = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.connection.close()  # the server closed an idle connection
            self.connection.request(method, path, data, sent)
            response = self.connection.getresponse()
        text_ = response.read()
        is_json = "json" in (response.getheader("Content-Type") or "")
        return response.status, json.loads(text_) if is_json and text_ else text_.decode(), response.headers


def in_processes(count: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """`work(number, *arguments)` in `count` forked processes at once; their answers in order."""
    with multiprocessing.get_context("fork").Pool(count) as pool:
        return pool.starmap(work, [(number, *arguments) for number in range(count)], chunksize=1)


@dataclass
class Load:
    """What the callers of `closed_loop` saw: milliseconds of each answer after the warm-up, and the statuses."""

    latencies_ms: list[float]
    statuses: dict[int, int]
    seconds: float

    @property
    def per_s(self) -> float:
        return len(self.latencies_ms) / self.seconds


def closed_loop(
    address: tuple[str, int], callers: int, seconds: float, request: Callable[[], bytes], *, warm_up: float = 2.0
) -> Load:
    """`callers` connections that each send the next request when the last is answered, in one light event loop.

    `request()` gives the bytes of a whole HTTP/1.1 request. Answers must carry Content-Length.
    """
    chooser = selectors.DefaultSelector()
    for _ in range(callers):
        plug = socket.create_connection(address)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chooser.register(plug, selectors.EVENT_READ, [0.0, bytearray()])
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    start = time.perf_counter() + warm_up
    end = start + seconds
    for key in list(chooser.get_map().values()):
        _send(key, request())
    while (now := time.perf_counter()) < end:
        for key, _ in chooser.select(1.0):
            status = _receive(key)
            if status is None:
                continue
            now = time.perf_counter()
            if now >= start:
                latencies.append((now - key.data[0]) * 1000)
                statuses[status] = statuses.get(status, 0) + 1
            _send(key, request())
    for key in list(chooser.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    chooser.close()
    return Load(latencies, statuses, seconds)


def _send(key: selectors.SelectorKey, request: bytes) -> None:
    key.data[0] = time.perf_counter()
    key.fileobj.sendall(request)  # type: ignore[union-attr]


def _receive(key: selectors.SelectorKey) -> int | None:
    """The status of a whole answer, None while some of it is missing."""
    received: bytearray = key.data[1]
    piece = key.fileobj.recv(262_144)  # type: ignore[union-attr]
    if not piece:
        raise SystemExit("the web server closed a connection")
    received += piece
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    at = head.index(b"content-length:") + 15
    length = int(head[at : head.find(b"\r", at) if b"\r" in head[at:] else None])
    if len(received) < end + 4 + length:
        return None
    received.clear()
    return int(head[9:12])


def get_request(path: str, key: str = "") -> bytes:
    """The bytes of a GET with an API key."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n{authorization}\r\n".encode()


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def finish(figures: Mapping[str, Any]) -> None:
    """The last line: one JSON object."""
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}), flush=True)
