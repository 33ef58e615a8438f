"""How builders keep the rows they make: each is written at once, or all of a block together."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from marketplace.kernel.db import Row, db, new_id

R = TypeVar("R", bound=Row)
_waits: ContextVar[bool] = ContextVar("waits", default=False)


def kept(row: R) -> R:
    """In the session under its key, and written unless a block of `together` is open."""
    if "id" in row.__table__.c and row.__dict__.get("id") is None:
        row.id = new_id()
    db.session.add(row)
    if not _waits.get():
        db.session.flush()
    return row


@contextmanager
def together() -> Iterator[None]:
    """What builders make in this block, or in a function decorated with it, is written at its end in one statement, or
    before a query of the session in it. Until then a row has its key and what it was given, and no defaults."""
    inside = _waits.get()
    token = _waits.set(True)
    try:
        yield
    finally:
        _waits.reset(token)
    if not inside:
        db.session.flush()
