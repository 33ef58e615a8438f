"""Serves the sandbox on this machine only: `python -m settlements.gateway.sandbox --port 0 --db FILE`."""

import argparse
import ctypes
import os
import signal
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from settlements.gateway.sandbox.app import create_app

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """The kernel ends this process with its parent, even one that was killed (Linux; elsewhere it outlives it)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


class Server(BaseApplication):  # type: ignore[misc]
    """One process beside its master, many threads: the file has one writer anyway."""

    def __init__(self, wanted: argparse.Namespace) -> None:
        self._wanted = wanted
        super().__init__()

    def load_config(self) -> None:
        master = os.getpid()
        options: dict[str, Any] = {
            "bind": f"fd://{self._wanted.fd}" if self._wanted.fd else f"127.0.0.1:{self._wanted.port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": 24,
            "keepalive": 75,
            "timeout": 120,
            "graceful_timeout": 1,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_fork": lambda server, worker: end_with_parent(master),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(
            self._wanted.db, webhook_url=self._wanted.webhook_url, webhook_secret=self._wanted.webhook_secret
        )


def main() -> None:
    reader = argparse.ArgumentParser(prog="python -m settlements.gateway.sandbox", description=__doc__)
    reader.add_argument("--port", type=int, default=12111)
    reader.add_argument("--fd", type=int, help="a listening socket that was handed over, instead of a port")
    reader.add_argument("--db", required=True, help="the SQLite file; made when missing")
    reader.add_argument("--webhook-url", help="where web hooks go; may be set later by POST /_script")
    reader.add_argument("--webhook-secret", default=os.environ.get("KONTOR_SANDBOX_WEBHOOK_SECRET"))
    reader.add_argument("--parent", type=int, help="end with the process of this number")
    wanted = reader.parse_args()
    if wanted.parent:
        end_with_parent(wanted.parent)
    Server(wanted).run()


if __name__ == "__main__":
    main()
