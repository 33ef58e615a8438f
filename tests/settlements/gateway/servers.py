"""Real counterparts for the gateway: the sandbox, a receiver of its web hooks, and stripe-mock if it is installed."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest
import urllib3

from settlements.gateway.connect import AccountRequest, TransferRequest
from settlements.gateway.port import PaymentRequest
from settlements.gateway.sandbox import launcher
from settlements.gateway.stripe_gateway import StripeGateway
from tests import needs

SECRET = "whsec_of_the_tests"
NO_REDIRECTS = {"automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never"}


@dataclass
class Receiver:
    """Takes web hooks as they come; answers with the queued statuses, then 200."""

    url: str
    got: list[tuple[bytes, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def wait_for(self, count: int, patience_s: float = 8) -> list[tuple[bytes, str]]:
        """What came, as soon as it is `count` or more."""
        wait_until(lambda: len(self.got) >= count, patience_s)
        return self.got


def wait_until(ready: Callable[[], object], patience_s: float = 8) -> None:
    deadline = time.monotonic() + patience_s
    while not ready():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture(scope="session", name="shared_sandbox")
def _shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[launcher.Running]:
    running = launcher.start(tmp_path_factory.mktemp("sandbox"), webhook_secret=SECRET)
    yield running
    running.stop()


@pytest.fixture(name="sandbox")
def _sandbox(shared_sandbox: launcher.Running) -> launcher.Running:
    """An empty sandbox without web hooks, where what comes later comes soon."""
    shared_sandbox.reset()
    plain = dict.fromkeys(("url", "events", "copies", "delay_s", "jitter_s", "wrong_signature", "stale", "hold"))
    shared_sandbox.script(webhooks=plain | {"retry_s": 0.05}, later_s=0.05)
    return shared_sandbox


@pytest.fixture(name="gateway")
def _gateway(sandbox: launcher.Running) -> StripeGateway:
    return gateway_at(sandbox.url)


@cache
def gateway_at(url: str, read_timeout_s: float = 10) -> StripeGateway:
    return StripeGateway(api_key=launcher.API_KEY, webhook_secret=SECRET, api_base=url, read_timeout_s=read_timeout_s)


@pytest.fixture(name="receiver")
def _receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((body, self.headers["Stripe-Signature"]))
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet: pytest shows what matters."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hooks")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield receiver
        server.shutdown()


@pytest.fixture(scope="session", name="stripe_mock_url")
def _stripe_mock_url() -> Iterator[str]:
    """stripe-mock on a free port; left out where it is not installed, unless KONTOR_REQUIRE names it."""
    binary = _find_stripe_mock()
    if binary is None:
        needs.missing("stripe-mock", "stripe-mock is not installed (go install github.com/stripe/stripe-mock@latest)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([binary, "-http-port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(url), 30)
        yield url
    finally:
        process.kill()
        process.wait()


def _find_stripe_mock() -> str | None:
    found = shutil.which("stripe-mock")
    go = shutil.which("go")
    if found is None and go:
        path = subprocess.run([go, "env", "GOPATH"], capture_output=True, text=True, check=True).stdout.strip()
        found = shutil.which("stripe-mock", path=str(Path(path) / "bin"))
    return found


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, timeout=1, retries=False).status > 0
    except urllib3.exceptions.HTTPError:
        return False


def ask(url: str, verb: str, path: str, fields: dict[str, str] | None = None, **headers: str) -> tuple[int, dict]:
    """(status, body) of a raw request, past the SDK: a form for POST, a query for GET."""
    sent = {"Authorization": f"Bearer {launcher.API_KEY}"} | {k.replace("_", "-"): v for k, v in headers.items()}
    encoded = urlencode(fields or {})
    if verb == "POST":
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        answer = urllib3.request(verb, url + path, body=encoded, headers=sent, timeout=10, retries=False)
    else:
        answer = urllib3.request(verb, f"{url}{path}?{encoded}", headers=sent, timeout=10, retries=False)
    return answer.status, answer.json()


def order_payment(key: str = "payment:1:1", **changes: object) -> PaymentRequest:
    wanted = {
        "amount_minor": 12_000,
        "currency": "EUR",
        "payment_method": "pm_card_visa",
        "order_number": "K-1001",
        "transfer_group": "order-1",
    }
    return PaymentRequest(key=key, **(wanted | changes))


def account_request(key: str = "account:1:1", **changes: object) -> AccountRequest:
    wanted = {"country": "DE", "email": "ada@bolts.example", "company_name": "Bolts & Co", "currency": "EUR"}
    return AccountRequest(key=key, **(wanted | changes))


def transfer_of(account: str, amount: int = 2_000, key: str = "transfer:1:1", **changes: object) -> TransferRequest:
    wanted = {"amount_minor": amount, "currency": "EUR", "destination": account, "transfer_group": "order-1"}
    return TransferRequest(key=key, **(wanted | changes))
