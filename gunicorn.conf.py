"""How gunicorn serves the marketplace; `flask --app wsgi up` and the Dockerfile use it alike."""

import ctypes
import gc
import os
from typing import Any

from marketplace.kernel import serving

wsgi_app = "wsgi:serve()"
bind = os.environ.get("BIND", "127.0.0.1:8000")
worker_class = "marketplace.kernel.serving.Worker"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
preload_app = True  # one import, shared memory; connections are opened on first use, so none is inherited
timeout = 60
graceful_timeout = 10
keepalive = 5
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - a heartbeat that never waits for a disk


def when_ready(_server: object) -> None:
    """What was loaded stays for ever: the collector need not look at it with every round, nor copy its pages."""
    gc.collect()
    getattr(ctypes.CDLL(None), "malloc_trim", int)(0)  # where there is one: what only the start needed goes back
    gc.freeze()


def child_exit(_server: object, worker: Any) -> None:
    """Others take the connections that were left to it."""
    serving.left(worker)


def worker_exit(_server: object, worker: Any) -> None:
    """What a process gathered is written before it goes; a fork of `flask up` ends without Python's own endings."""
    if app := getattr(worker, "wsgi", None):
        app.extensions["kontor_search_notes"].end()
