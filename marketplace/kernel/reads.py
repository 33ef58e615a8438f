"""The few statements that every request makes, or that must be fast: straight to the driver.

What reads or changes rows as objects uses the session as everywhere.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import psycopg
from flask import Flask, current_app
from sqlalchemy import Engine, Select
from sqlalchemy.dialects.postgresql import psycopg as dialect
from sqlalchemy.exc import DBAPIError, OperationalError

from marketplace.kernel.db import db, driver_cursor, in_transaction

T = TypeVar("T")
_ASSUMED = 10
Rows = list[tuple[Any, ...]]
Read = Callable[[str, Mapping[str, Any]], Rows]


def init_app(app: Flask) -> None:
    """Reads of this app take a connection of its pool for one statement."""
    with app.app_context():
        engine = db.engine
    app.extensions["kontor_read"] = lambda statement, values: _read(engine, statement, values)


def fetch(statement: str, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    """The rows of a statement in the driver's words (`%(name)s`), which only reads.

    Inside a transaction() it is part of it, outside it sees what was committed.
    """
    read: Read = in_session if in_transaction() else current_app.extensions["kontor_read"]
    return read(statement, values)


def in_session(statement: str, values: Mapping[str, Any]) -> Rows:
    """The same on the connection of the session; may write as well, and returns what that returns.

    By the driver alone: SQLAlchemy's own way round it costs three times what the driver does.
    """
    cursor = driver_cursor()
    try:
        found = cursor.execute(statement, values).pgresult
        return cursor.fetchall() if found is not None and found.nfields else []
    except psycopg.Error as failure:
        raise _as_told(statement, values, failure) from failure


def as_planned_for(ids: Iterable[T]) -> list[T]:
    """The ids, repeated to as many as PostgreSQL assumes of a list that it does not know.

    With fewer it takes the plan made for these very ids to be cheaper, and plans the statement anew each time, which
    costs more than to run it.
    """
    found = list(ids)
    return (found * -(-_ASSUMED // len(found)))[:_ASSUMED] if 0 < len(found) < _ASSUMED else found


@cache
def in_driver_words(statement: Select[Any]) -> str:
    """The text of a statement that is made once, with named bind parameters, for `fetch`."""
    return str(statement.compile(dialect=dialect.dialect()))  # type: ignore[no-untyped-call]


def _read(engine: Engine, statement: str, values: Mapping[str, Any]) -> Rows:
    try:
        taken = engine.raw_connection()
    except psycopg.OperationalError as failure:
        raise _away(statement, failure) from failure
    try:
        connection: psycopg.Connection[tuple[Any, ...]] = taken.dbapi_connection  # type: ignore[assignment]
        connection.autocommit = True
        rows = connection.execute(statement, values).fetchall()
        connection.autocommit = False
        return rows
    except BaseException as failure:
        taken.invalidate(failure)
        if isinstance(failure, psycopg.OperationalError):
            raise _away(statement, failure) from failure
        raise
    finally:
        taken.close()


def _as_told(statement: str, values: Mapping[str, Any], failure: psycopg.Error) -> BaseException:
    """As the session says it, so that it is answered alike; and as there, a connection that died is used no more."""
    taken = db.session.connection()
    lost = taken.dialect.is_disconnect(failure, taken.connection.dbapi_connection, None)  # type: ignore[arg-type]
    if lost:
        taken.invalidate(failure)
    return DBAPIError.instance(statement, dict(values), failure, psycopg.Error, connection_invalidated=lost)


def _away(statement: str, failure: psycopg.OperationalError) -> OperationalError:
    """As the session says it, so that it is answered alike."""
    return OperationalError(statement, None, failure, connection_invalidated=True)
