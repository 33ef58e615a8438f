"""A server dies in the middle: a 503 that says so, then work goes on by itself and nothing is lost."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine

import wsgi
from marketplace.companies.actions import create_key
from marketplace.kernel import local
from marketplace.kernel.children import Fork
from marketplace.kernel.db import Row, transaction
from marketplace.kernel.settings import Settings
from tests import forks
from tests.cast import make_cast
from tests.conftest import close

pytestmark = pytest.mark.processes


@dataclass
class Shop:
    """A served marketplace whose servers the test may kill; `web` is signed in as the buyer."""

    folder: Path
    postgres: local.Server
    valkey: local.Server
    web: httpx.Client
    environment: dict[str, str]

    def start(self, *command: str) -> Fork:
        return forks.fork_module(*command, log=self.folder / "log", **self.environment)

    def status(self, path: str) -> int:
        return self.web.get(path).status_code


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    postgres = local.start_postgres(tmp_path / "pg")
    valkey = local.start_valkey(tmp_path / "valkey")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(postgres.url, valkey.url, "only-for-tests", var_folder=str(tmp_path / "var"))
    engine = create_engine(postgres.url)
    Row.metadata.create_all(engine)
    engine.dispose()
    app = wsgi.create_app(settings)
    with app.app_context(), transaction():
        secret = create_key(make_cast().buyer, "journey")[1]
    close(app)
    environment = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "VAR_FOLDER": settings.var_folder,
        "BIND": f"127.0.0.1:{port}",
        "WEB_CONCURRENCY": "1",
        "LOG_LEVEL": "CRITICAL",
    }
    web = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {secret}"}, timeout=20)
    found = Shop(tmp_path, postgres, valkey, web, environment)
    server = found.start("gunicorn", "--config", "gunicorn.conf.py", "--log-level", "critical")
    try:
        until(lambda: found.status("/health") == 200)
        yield found
    finally:
        server.terminate()
        server.wait(20)
        web.close()
        for running in (found.postgres, found.valkey):
            running.kill()


def an_address(recipient: str) -> dict[str, str]:
    return {"recipient": recipient, "line1": "Kai 1", "postal_code": "20457", "city": "Hamburg", "country": "DE"}


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if true():
                return
        except httpx.TransportError:
            pass  # not up yet
        time.sleep(0.05)
    raise AssertionError("it did not come true in time")


def test_the_database_dies_and_comes_back(shop: Shop) -> None:
    assert shop.web.post("/v1/addresses", json=an_address("before")).status_code == 201
    shop.postgres.kill()
    answer = shop.web.get("/v1/session")
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert (answer.headers["Retry-After"], answer.json()["type"]) == ("2", "/problems/service-away")
    assert shop.web.post("/v1/addresses", json=an_address("meanwhile")).status_code == 503
    assert (shop.status("/health"), shop.status("/ready")) == (200, 503)
    shop.postgres = local.start_postgres(shop.folder / "pg")
    until(lambda: shop.status("/v1/session") == 200)
    assert [row["recipient"] for row in shop.web.get("/v1/addresses").json()["items"]] == ["before"]
    assert shop.web.post("/v1/addresses", json=an_address("after")).status_code == 201


def test_the_queue_dies_and_what_happened_meanwhile_is_done_later(shop: Shop) -> None:
    shop.valkey.kill()
    invited = shop.web.post("/v1/invitations", json={"email": "new@example.test", "roles": ["buyer.requester"]})
    assert invited.status_code == 201
    assert shop.web.get("/ready").json()["checks"]["queue"] == "away"
    shop.valkey = local.start_valkey(shop.folder / "valkey")
    background = [shop.start("flask", "--app", "wsgi", "dispatcher"), shop.start("flask", "--app", "wsgi", "worker")]
    try:
        letters = shop.folder / "var" / "mail"
        until(lambda: letters.is_dir() and any("new@example.test" in f.read_text() for f in letters.glob("*.eml")))
        until(lambda: shop.web.get("/ready").json()["checks"]["queue"] == "ok")
    finally:
        for process in background:
            process.terminate()
            process.wait(20)
