"""Callers who have whole conversations with a web server: what is asked next depends on the last answer.

One light event loop on bare sockets drives all of them, so that little of the machine is spent on asking.
"""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, with a JSON body unless it is None."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any


class Refused(Exception):
    """An answer that ends the conversation as failed."""


Talk = Generator[Ask, Answer, None]


@dataclass
class Heard:
    """What came of the conversations that began after the warm-up."""

    seconds: float = 0.0
    durations_ms: list[float] = field(default_factory=list)
    step_ms: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0
    refusals: Counter[str] = field(default_factory=Counter)

    @property
    def per_s(self) -> float:
        return len(self.durations_ms) / self.seconds if self.seconds else 0.0


def expect(answer: Answer, status: int) -> Any:
    """The body of an answer with this status. Raises Refused."""
    if answer.status != status:
        raise Refused(f"{answer.status} {orjson.dumps(answer.body)[:300].decode()}")
    return answer.body


@dataclass
class _Caller:
    plug: socket.socket
    start: Callable[[], Talk | None]
    key: str
    talk: Talk | None = None
    step: str = ""
    began: float = 0.0
    asked: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def begin(self) -> bool:
        """Begin the next conversation; False when there is none."""
        self.talk = self.start()
        if self.talk is None:
            return False
        self.began = time.perf_counter()
        self.ask(next(self.talk))
        return True

    def ask(self, ask: Ask) -> None:
        body = b"" if ask.body is None else orjson.dumps(ask.body)
        head = f"{ask.method} {ask.path} HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n"
        head += f"Authorization: Bearer {self.key}\r\n" if self.key else ""
        head += "".join(f"{name}: {value}\r\n" for name, value in ask.headers.items())
        if ask.body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.step = f"{ask.method} {'/'.join(part for part in ask.path.split('/') if len(part) < 30)}"
        self.asked = time.perf_counter()
        self.plug.sendall(head.encode() + b"\r\n" + body)

    def answer(self) -> Answer | None:
        """A whole answer, None while some of it is missing."""
        piece = self.plug.recv(262_144)
        if not piece:
            raise SystemExit("the web server closed a connection")
        self.received += piece
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self.received[:end]).lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at:].split(b"\r", 1)[0])
        if len(self.received) < end + 4 + length:
            return None
        text = bytes(self.received[end + 4 :])
        self.received.clear()
        return Answer(int(head[9:12]), orjson.loads(text) if text and b"json" in head else text.decode())


def hold(
    address: tuple[str, int],
    callers: list[tuple[str, Callable[[], Talk | None]]],
    *,
    seconds: float | None = None,
    warm_up: float = 0.0,
    on_measure: Callable[[], None] = lambda: None,
) -> Heard:
    """Hold conversations, one connection for each caller (API key, maker of his next conversation), until every maker
    answers None or the time is over; then those under way are finished. Who acts for several companies has the key ""
    and names one in the headers of each request. `on_measure` is called after the warm-up."""
    heard = Heard()
    chooser = selectors.DefaultSelector()
    for key, start in callers:
        plug = socket.create_connection(address)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        caller = _Caller(plug, start, key)
        if caller.begin():
            chooser.register(plug, selectors.EVENT_READ, caller)
    began = time.perf_counter()
    measure_from = began + warm_up
    until = measure_from + seconds if seconds is not None else float("inf")
    measuring = False
    while chooser.get_map():
        if not measuring and time.perf_counter() >= measure_from:
            measuring = True
            on_measure()
        for key, _ in chooser.select(1.0):
            caller = key.data
            answer = caller.answer()
            if answer is not None and not _go_on(caller, answer, heard, measure_from, until):
                chooser.unregister(caller.plug)
                caller.plug.close()
    heard.seconds = min(time.perf_counter(), until) - measure_from
    return heard


def _go_on(caller: _Caller, answer: Answer, heard: Heard, measure_from: float, until: float) -> bool:
    """Ask what comes next; False when this caller has nothing more to say."""
    now = time.perf_counter()
    measured = measure_from <= caller.began
    if measured:
        heard.step_ms.setdefault(caller.step, []).append((now - caller.asked) * 1000)
    assert caller.talk is not None
    try:
        caller.ask(caller.talk.send(answer))
        return True
    except StopIteration:
        if measured and now <= until:
            heard.durations_ms.append((now - caller.began) * 1000)
    except Refused as refusal:
        heard.failed += 1
        heard.refusals[str(refusal)] += 1
    return now < until and caller.begin()
