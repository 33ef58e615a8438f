"""How often something may be tried: counted in the queue's server, in this process while that server is away."""

import time

import structlog
from flask import Flask, current_app
from limits import parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from marketplace.kernel.errors import Conflict

log = structlog.get_logger("limits")
_ASK_AGAIN_AFTER = 5.0  # seconds, once the server was away


class TooOften(Conflict):
    """The limit is reached; `retry_after_seconds` says when it is worth trying again."""

    message = "Too many tries. Wait a while and try again."


class Limits:
    """Counters by name and key. A server that is away must neither lock everyone out nor let everyone try forever."""

    def __init__(self, storage: Storage) -> None:
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def count(self, limit: str, name: str, key: str) -> None:
        """Count one try of `key` at `name`; `limit` as in "10 per minute". Raises TooOften."""
        item = parse(limit)
        limiter = self._limiter()
        try:
            allowed = limiter.hit(item, name, key)
            reset_at = limiter.get_window_stats(item, name, key).reset_time
        except StorageError as failure:
            log.warning("limits are counted in this process", error=repr(failure))
            self._away_until = time.monotonic() + _ASK_AGAIN_AFTER
            allowed = self._own.hit(item, name, key)
            reset_at = self._own.get_window_stats(item, name, key).reset_time
        if not allowed:
            raise TooOften(retry_after_seconds=max(1, int(reset_at - time.time()) + 1))

    def _limiter(self) -> MovingWindowRateLimiter:
        return self._own if time.monotonic() < self._away_until else self._shared


def init_app(app: Flask, redis_url: str) -> None:
    """Counters in the server at `redis_url` (redis://, rediss:// or unix://); "memory://" for this process."""
    uri = redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
    options: dict[str, float] = {} if uri.startswith("memory") else {"socket_connect_timeout": 1, "socket_timeout": 1}
    storage = storage_from_string(uri, wrap_exceptions=True, **options)
    if not isinstance(storage, Storage):
        raise TypeError(f"{uri} names an asynchronous storage")
    app.extensions["kontor_limits"] = Limits(storage)


def at_most(limit: str, name: str, key: str) -> None:
    """Count one try of `key` at `name` in the present app. Raises TooOften."""
    counters: Limits = current_app.extensions["kontor_limits"]
    counters.count(limit, name, key)
