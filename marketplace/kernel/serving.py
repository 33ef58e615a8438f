"""How a web process takes its connections: gunicorn's threads, which share them out and stay with their callers.

Which of several idle processes takes a connection is chance: of eight callers that keep theirs, often all are one
process's, while the other sleeps. And between two requests of one connection gunicorn hands it from its thread to the
main thread and back, which costs more than to read the request.
"""

import mmap
import select
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

PASS_S, MOST_PASSES = 0.001, 5  # how long another process has to take what it should, before this one does
STAY_S, LOOK_UP_S = 0.1, 0.01
_SLOTS = 256
_held = memoryview(mmap.mmap(-1, 4 * _SLOTS)).cast("i")  # one more than its connections per process, 0 where none is


class Worker(ThreadWorker):  # type: ignore[misc]
    """A process that leaves connections to those that hold fewer."""

    _passes = 0
    _rests_until = 0.0

    def accept(self, listener: Any) -> None:
        if self._passes < MOST_PASSES and self._others_hold_fewer():
            self._passes += 1
            self._rests_until = time.monotonic() + PASS_S
            self.set_accept_enabled(False)
            return
        self._passes = 0
        super().accept(listener)
        self._tell()

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled and time.monotonic() >= self._rests_until)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        self._tell()
        rest = self._rests_until - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, rest) if rest > 0 else timeout)

    def handle(self, conn: Any) -> Any:
        kept = super().handle(conn)
        while kept is True and self._asks_again(conn):
            kept = super().handle(conn)
        return kept

    def _tell(self) -> None:
        _held[self.age % _SLOTS] = self.nr_conns + 1

    def _others_hold_fewer(self) -> bool:
        return any(0 < held <= self.nr_conns for held in _held)

    def _asks_again(self, conn: Any) -> bool:
        """Wait a moment for the next request, while every connection can have a thread for itself."""
        if conn.parser.unreader.buf.getvalue():
            return True
        ready = select.poll()
        ready.register(conn.sock, select.POLLIN)
        until = time.monotonic() + STAY_S
        while self.alive and self.nr_conns <= self.cfg.threads and time.monotonic() < until:
            if ready.poll(LOOK_UP_S * 1000):
                return True
        return False


def left(worker: Any) -> None:
    """In the parent: a process has ended, however it did; nothing is left to it."""
    _held[worker.age % _SLOTS] = 0
