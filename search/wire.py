"""The way to Elasticsearch: the only file that knows its client. A request has a time limit, and none is sent while the
server is known to be away.

Of the client only what sends is used: its 40,000 lines of methods cost every web process 17 MB, and each search a
third of a millisecond.
"""

import time
from typing import Any

import orjson
import structlog
from elastic_transport import ConnectionTimeout, HttpHeaders, TransportError, Urllib3HttpNode
from elastic_transport.client_utils import url_to_node_config
from urllib3 import Timeout

from search.breaker import Breaker
from search.engine import SearchAway

log = structlog.get_logger("search")
_KIND = "application/vnd.elasticsearch+{};compatible-with=8"
_JSON, _LINES = _KIND.format("json"), _KIND.format("x-ndjson")
_CONNECTIONS = 64  # more than threads: nobody waits for another's
_LEAST_S = 0.005
AWAY = {401, 403, 408, 429, 500, 502, 503, 504}  # busy, full, broken, or not for us: nothing that the search caused


class Refusal(Exception):
    """The server answered, but not what was asked for."""

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(f"{status} {kind}: {reason}")
        self.status, self.kind = status, kind


class Deadline:
    """The moment until which all requests of one search together may take."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Raises SearchAway where nothing is."""
        seconds = self._until - time.monotonic()
        if seconds < _LEAST_S:
            raise SearchAway("The search took too long; ask for something narrower.")
        return seconds


class Server:
    """An Elasticsearch at an address (`https://name:secret@host:9200/prefix`)."""

    def __init__(self, url: str, *, api_key: str = "", ca_certs: str = "", breaker: Breaker | None = None) -> None:
        config = url_to_node_config(url, use_default_ports_for_scheme=True)
        headers = dict(config.headers) | {"accept": _JSON}
        if api_key:
            headers["authorization"] = f"ApiKey {api_key}"
        others: dict[str, Any] = {"ca_certs": ca_certs} if ca_certs else {}
        self._node = Urllib3HttpNode(
            config.replace(headers=HttpHeaders(headers), connections_per_node=_CONNECTIONS, **others)
        )
        self.breaker = breaker or Breaker()

    def ask(self, method: str, target: str, body: Any = None, *, seconds: float) -> Any:
        """What it answers; `body`: bytes are lines of a bulk request. Raises SearchAway, Refusal."""
        if not self.breaker.may_ask():
            raise SearchAway
        sent = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        headers = HttpHeaders({"content-type": _LINES if sent is body else _JSON} if sent is not None else {})
        limit: Any = Timeout(total=seconds)
        try:
            meta, raw = self._node.perform_request(method, target, sent, headers, limit)
        except TransportError as failure:
            self.breaker.failed(slow=isinstance(failure, ConnectionTimeout))
            log.warning("elasticsearch away", error=repr(failure)[:300])
            raise SearchAway from failure
        self.breaker.answered()
        return _read(meta.status, raw)


def _read(status: int, raw: bytes) -> Any:
    try:
        answer = orjson.loads(raw) if raw else {}
    except ValueError as failure:
        log.warning("elasticsearch answers no JSON", status=status, answer=raw[:300])
        raise SearchAway from failure
    if status < 400:
        return answer
    error = answer.get("error") if isinstance(answer, dict) else None
    kind, reason = (error.get("type"), error.get("reason")) if isinstance(error, dict) else (None, error)
    if status in AWAY:
        log.warning("elasticsearch refuses", status=status, kind=kind, reason=str(reason)[:300])
        raise SearchAway
    raise Refusal(status, str(kind), str(reason)[:300])
