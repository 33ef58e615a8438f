"""A server that does not answer is left alone for a while, then asked by one caller: pure, but for its clock.

The libraries for it hold a lock for as long as a call takes, so that one slow answer stops all threads.
"""

import threading
import time
from collections.abc import Callable

REST_S = 5.0
MOST_SLOW = 3  # answers that did not come in time, one after another: a single one may be a search that asks too much


class Breaker:
    """Ask `may_ask` before, say `answered` or `failed` after it. While it is open, one caller in `rest_s` may ask."""

    def __init__(self, rest_s: float = REST_S, now: Callable[[], float] = time.monotonic) -> None:
        self.rest_s, self._now = rest_s, now
        self._lock = threading.Lock()
        self._slow = 0
        self._again_at: float | None = None  # None: closed, everybody asks

    def may_ask(self) -> bool:
        if self._again_at is None:
            return True
        with self._lock:
            if self._again_at is None:
                return True
            now = self._now()
            if now < self._again_at:
                return False
            self._again_at = now + self.rest_s  # the others wait for what becomes of this one
            return True

    def answered(self) -> None:
        if self._slow or self._again_at is not None:
            with self._lock:
                self._slow, self._again_at = 0, None

    def failed(self, *, slow: bool) -> None:
        """It refused the connection, or (`slow`) did not answer in time."""
        with self._lock:
            self._slow += 1
            if not slow or self._slow >= MOST_SLOW or self._again_at is not None:
                self._again_at = self._now() + self.rest_s
