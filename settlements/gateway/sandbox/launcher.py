"""Starts the sandbox as a process that never outlives its launcher."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

API_KEY = "sk_test_sandbox"
_ROOT = Path(__file__).resolve().parents[3]
_PATIENCE_S = 20
_HTTP = urllib3.PoolManager(timeout=10, retries=urllib3.Retry(total=1, redirect=0))


class SandboxDidNotStart(RuntimeError):
    """The process ended or stayed silent; the message holds what it said."""


@dataclass
class Running:
    """A sandbox that answers at `url` with `api_key`."""

    process: subprocess.Popen[bytes]
    url: str
    api_key: str

    def lives(self) -> bool:
        """Does the process run?"""
        return self.process.poll() is None

    def script(self, **wanted: Any) -> dict[str, Any]:
        """POST /_script: faults, web hooks, time; see script.py. Raises ValueError for what it refuses."""
        answer = _HTTP.request("POST", f"{self.url}/_script", json=wanted)
        if answer.status != 200:
            raise ValueError(answer.data.decode())
        done: dict[str, Any] = answer.json()
        return done

    def state(self) -> dict[str, Any]:
        """How many objects of each kind it has, and how many deliveries and faults are still waiting."""
        found: dict[str, Any] = _HTTP.request("GET", f"{self.url}/_state").json()
        return found

    def reset(self) -> None:
        """Forgets everything but where and how web hooks go."""
        _HTTP.request("POST", f"{self.url}/_reset")

    def stop(self) -> None:
        """Ends the process; what it held stays in its file."""
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(folder: Path, *, port: int = 0, webhook_url: str | None = None, webhook_secret: str) -> Running:
    """The sandbox with its file in `folder`, answering; port 0 takes a free one.

    It ends with the thread that calls this, so call it from a thread that lives as long as the sandbox should.
    Raises SandboxDidNotStart.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", port), backlog=256) as listener, (folder / "sandbox.log").open("ab") as log:
        # The socket is handed over open: nobody can take the port in between.
        command = [sys.executable, "-m", "settlements.gateway.sandbox", "--fd", str(listener.fileno())]
        command += ["--db", str(folder / "sandbox.sqlite3"), "--parent", str(os.getpid())]
        command += ["--webhook-url", webhook_url] if webhook_url else []
        process = subprocess.Popen(  # noqa: S603  our own interpreter, our own module
            command,
            cwd=_ROOT,
            env=os.environ | {"KONTOR_SANDBOX_WEBHOOK_SECRET": webhook_secret},
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C in the terminal is for the launcher, who stops it in order
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    _wait(process, url, folder / "sandbox.log")
    return Running(process, url, API_KEY)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if urllib3.request("GET", f"{url}/_state", timeout=1, retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.02)
    process.kill()
    process.wait()
    raise SandboxDidNotStart(log.read_text(errors="replace")[-2000:])
