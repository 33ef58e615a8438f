"""A real shop behind a real server, looked at through a real Chromium: one of each for all tests of this folder."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

import wsgi
from marketplace.kernel.db import transaction
from marketplace.kernel.settings import Settings
from settlements.gateway.sandbox import launcher
from tests import needs
from tests.browser import seed
from tests.conftest import close

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PATIENCE_MS = 10_000


@dataclass
class Shop:
    """A marketplace that answers at `url`; `rows` are those that were planted."""

    app: Flask
    url: str
    rows: SimpleNamespace


@dataclass
class Visitor:
    """A browser window of its own, which notes what no page may do: console errors, failures, calls to other hosts."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def sign_in(self, login: str, password: str = seed.PASSWORD) -> None:
        self.go("/sign-in")
        self.page.get_by_label("E-mail").fill(f"{login}@example.test")
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("main").get_by_role("button", name="Sign in").click()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).last.click()

    def notes(self) -> str:
        """What the page says about what was just done."""
        return " ".join(self.page.locator(".note").all_inner_texts())


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("KONTOR_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        needs.missing("browser", "there is no Chromium here (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shop(
    make_database: Callable[[], str],
    make_settings: Callable[..., Settings],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    sandbox = launcher.start(tmp_path_factory.mktemp("sandbox"), webhook_secret="whsec_of_the_tests")
    settings = make_settings(
        make_database(),
        stripe_api_key=sandbox.api_key,
        stripe_api_base=sandbox.url,
        password_memory_kib=64,
        password_rounds=1,
        sign_in_limit="1000 per minute",
        sign_in_address_limit="1000 per minute",
    )
    app = wsgi.create_app(settings)
    with app.app_context(), transaction():
        rows = seed.plant()
    with app.app_context(), transaction():
        rows.trade = seed.trade(rows)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Shop(app, f"http://127.0.0.1:{server.server_port}", rows)
    server.shutdown()
    thread.join()
    server.server_close()
    close(app)
    sandbox.stop()


@pytest.fixture
def visit(chromium: Browser, shop: Shop) -> Iterator[Callable[..., Visitor]]:
    """`visit(login=None, size=WIDE)`: somebody who looks at the shop. At the end nobody may have had to complain."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def make(login: str | None = None, size: dict[str, int] = WIDE) -> Visitor:
        context = chromium.new_context(viewport=size, base_url=shop.url)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        visitor = Visitor(context.new_page(), shop.url)
        visitors.append(visitor)
        _listen(visitor)
        if login:
            visitor.sign_in(login)
        return visitor

    yield make
    for context in contexts:
        context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


def _listen(visitor: Visitor) -> None:
    page, complain = visitor.page, visitor.complaints.append
    page.on("pageerror", lambda error: complain(f"script: {error}"))
    page.on("request", lambda request: None if _ours(visitor, request.url) else complain(f"elsewhere: {request.url}"))
    page.on("response", lambda answer: complain(f"{answer.status} {answer.url}") if answer.status >= 500 else None)
    page.on("console", lambda message: complain(message.text) if _is_error(message) else None)


def _ours(visitor: Visitor, url: str) -> bool:
    return url.startswith((visitor.url + "/", "data:"))


def _is_error(message: object) -> bool:
    """A refusal shown on its form is an answer of 4xx, which Chromium writes to the console as well."""
    kind, text = message.type, message.text  # type: ignore[attr-defined]
    return kind in {"error", "warning"} and "the server responded with a status of 4" not in text
