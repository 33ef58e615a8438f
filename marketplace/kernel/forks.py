"""Work that one process cannot do fast enough, shared out among forks of it."""

import gc
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from flask import Flask, current_app, has_app_context

from marketplace.kernel.children import end_with
from marketplace.kernel.db import db, in_transaction
from marketplace.kernel.lazily import lazily

futures: Any = lazily("concurrent.futures.process")
multiprocessing: Any = lazily("multiprocessing")
Piece = TypeVar("Piece")
Result = TypeVar("Result")
AHEAD = 2  # pieces for each fork that wait, so that none has to
_work: list[Callable[[Any], Any]] = []  # in a fork: what it is for


def shared_out(work: Callable[[Piece], Result], pieces: Iterable[Piece], forks: int) -> Iterator[Result]:
    """What `work` makes of each piece, in their order; of the pieces no more are held than the forks are at.

    With no transaction open: a fork has the app of this process, if it has one, and connections of its own. Pieces,
    results and exceptions go through pipes. What fails of one piece is raised here, and the others are let go.
    """
    if in_transaction():
        raise RuntimeError("forks do not see what a transaction() has not committed")
    app: Flask | None = current_app._get_current_object() if has_app_context() else None  # type: ignore[attr-defined]
    pool = futures.ProcessPoolExecutor(forks, multiprocessing.get_context("fork"), _begin, (app, os.getpid(), work))
    under_way: deque[Future[Result]] = deque()
    try:
        for piece in pieces:
            under_way.append(pool.submit(_done, piece))
            if len(under_way) > AHEAD * forks:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(app: Flask | None, parent: int, work: Callable[[Any], Any]) -> None:
    """In a fork: what was this process's own is not, and it ends with it."""
    _work.append(work)
    gc.freeze()  # else the first look for garbage writes to all that is shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a terminal sends to all: the parent lets them go
    end_with(parent)
    if app is not None:
        app.app_context().push()
        db.engine.dispose(close=False)


def _done(piece: Any) -> Any:
    return _work[-1](piece)
