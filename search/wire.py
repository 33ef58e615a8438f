"""The way to Elasticsearch: the only file that knows its client. A request has a time limit, and none is sent while the
server is known to be away.

Of its clients none is used, but libcurl: what they add to the sending, some of it in Python with each search, took four
times as long, and 17 MB of each web process.
"""

import os
import threading
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import certifi
import orjson
import structlog

from marketplace.kernel.lazily import lazily
from search.breaker import Breaker
from search.engine import SearchAway

pycurl: Any = lazily("pycurl")
log = structlog.get_logger("search")
_KIND = "application/vnd.elasticsearch+{};compatible-with=8"
_JSON, _LINES = _KIND.format("json"), _KIND.format("x-ndjson")
_BUFFER = 512 * 1024  # an answer comes in few pieces: each of them waits for the interpreter
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
        """`ca_certs`: a file with the certificates that sign the server's; default: those that browsers trust."""
        address = urlsplit(url)
        self._url = address._replace(netloc=address.netloc.rpartition("@")[2]).geturl().rstrip("/")
        # curl waits a second for leave to send a large body unless it is told not to.
        known = [f"accept: {_JSON}", "expect:", *_authorization(address.username, address.password, api_key)]
        self._headers = {kind: [*known, f"content-type: {kind}"] for kind in (_JSON, _LINES)}
        self._ca_certs = ca_certs or certifi.where()
        self._own = threading.local()
        self.breaker = breaker or Breaker()

    def ask(self, method: str, target: str, body: Any = None, *, seconds: float) -> Any:
        """What it answers; `body`: bytes are lines, as of a bulk request. Raises SearchAway, Refusal."""
        if not self.breaker.may_ask():
            raise SearchAway
        try:
            status, raw = self._sent(method, target, body, seconds)
        except pycurl.error as failure:
            self.breaker.failed(slow=failure.args[0] == pycurl.E_OPERATION_TIMEDOUT)
            log.warning("elasticsearch away", error=repr(failure)[:300])
            raise SearchAway from failure
        self.breaker.answered()
        return _read(status, raw)

    def ask_several(self, target: str, searches: Sequence[Mapping[str, Any]], *, seconds: float) -> list[Any]:
        """What it answers to each of these searches, which are sent as one request. Raises SearchAway, Refusal."""
        lines = [line for asked in searches for line in (b"{}", orjson.dumps(asked))]
        answer = self.ask("POST", target, b"\n".join([*lines, b""]), seconds=seconds)
        return [_taken(one["status"], one) for one in answer["responses"]]

    def _sent(self, method: str, target: str, body: Any, seconds: float) -> tuple[int, bytes]:
        """(status, answer) of a request on this thread's connection, which is kept."""
        curl = self._connection()
        curl.setopt(pycurl.URL, self._url + target)
        curl.setopt(pycurl.HTTPHEADER, self._headers[_LINES if isinstance(body, bytes) else _JSON])
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(seconds * 1000)))
        if body is None:
            curl.setopt(pycurl.HTTPGET, 1)
        else:
            curl.setopt(pycurl.POSTFIELDS, body if isinstance(body, bytes) else orjson.dumps(body))
        curl.setopt(pycurl.CUSTOMREQUEST, method)
        answer = curl.perform_rb()
        return curl.getinfo(pycurl.RESPONSE_CODE), answer

    def _connection(self) -> Any:
        """The one of this thread in this process: a fork must not speak on its parent's."""
        held: tuple[int, Any] | None = getattr(self._own, "held", None)
        if held is not None and held[0] == os.getpid():
            return held[1]
        curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.CAINFO, self._ca_certs)
        curl.setopt(pycurl.BUFFERSIZE, _BUFFER)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        self._own.inherited = held  # to close it would say goodbye in the parent's name
        self._own.held = (os.getpid(), curl)
        return curl


def _authorization(name: str | None, secret: str | None, api_key: str) -> list[str]:
    if api_key:
        return [f"authorization: ApiKey {api_key}"]
    if name is None:
        return []
    said = f"{unquote(name)}:{unquote(secret or '')}".encode()
    return [f"authorization: Basic {b64encode(said).decode()}"]


def _read(status: int, raw: bytes) -> Any:
    try:
        answer = orjson.loads(raw) if raw else {}
    except ValueError as failure:
        log.warning("elasticsearch answers no JSON", status=status, answer=raw[:300])
        raise SearchAway from failure
    return _taken(status, answer)


def _taken(status: int, answer: Any) -> Any:
    if status < 400:
        return answer
    error = answer.get("error") if isinstance(answer, dict) else None
    kind, reason = (error.get("type"), error.get("reason")) if isinstance(error, dict) else (None, error)
    if status in AWAY:
        log.warning("elasticsearch refuses", status=status, kind=kind, reason=str(reason)[:300])
        raise SearchAway
    raise Refusal(status, str(kind), str(reason)[:300])
