"""One use case, one transaction: the session, the base of all rows, and the only commit."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self, cast

import orjson
import psycopg
import uuid_utils
from flask import Flask, current_app, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from psycopg import Error as PsycopgError
from sqlalchemy import DDL, Connection, Engine, Enum, MetaData, Table, Uuid, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import BigInteger, DateTime, Numeric

TRUSTED_S = 1.0  # a connection used within this time is not asked whether it lives


@dataclass(slots=True)
class _Open:
    """The transaction() that is open: what it does after the commit, and the driver's cursor once it was asked for."""

    queued: list[Callable[[], None]] = field(default_factory=list)
    cursor: "Cursor | None" = None


_open: ContextVar[_Open | None] = ContextVar("transaction", default=None)


class Session(FlaskSession):
    """Reads of a GET run outside of a transaction: no BEGIN and no ROLLBACK to wait for, and the driver, which throws
    its prepared statements away at a ROLLBACK, keeps them, so that PostgreSQL does not plan every query anew.

    What a GET has to write, it writes inside transaction(), which is a transaction as everywhere.
    """

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:
        if kwargs.get("bind") is not None:
            return super().get_bind(*args, **kwargs)
        if _open.get() is None and has_request_context() and request.method in {"GET", "HEAD"}:
            reading: Engine = current_app.extensions["kontor_reading"]
            return reading
        return db.engine  # the only one: no statement has to be searched for its tables' engines


db = SQLAlchemy(session_options={"expire_on_commit": False, "class_": Session}, disable_autonaming=True)


class Row(DeclarativeBase):
    """Base of every row; constraints get names by rule, so that a migration can find them.

    A new row takes its values as they are, without the bookkeeping of changes: all of a new row is written.
    """

    def __init__(self, **values: Any) -> None:
        if unknown := values.keys() - type(self).__mapper__.columns.keys():
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        self.__dict__.update(values)

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        uuid.UUID: Uuid(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }


Minor = BigInteger  # a sum in minor units; the currency stands beside it
Rate = Numeric(18, 6)  # a unit price, tax rate or commission: never a sum


def new_id() -> uuid.UUID:
    """A UUIDv7: opaque outside, ascending inside, so that inserts stay local in the index."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def id_column() -> Mapped[uuid.UUID]:
    return mapped_column(Uuid(), primary_key=True, default=new_id)


@contextmanager
def transaction() -> Iterator[None]:
    """All of it or nothing: commits at the end, then runs what was queued by `after_commit`.

    Never nested; a nested call is a defect in the caller and raises RuntimeError.
    """
    if _open.get() is not None:
        raise RuntimeError("transaction() is opened once, in a route, page, job or command")
    opened = _Open()
    token = _open.set(opened)
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        _open.reset(token)
    for call in opened.queued:
        call()


def in_transaction() -> bool:
    return _open.get() is not None


def driver_cursor() -> "Cursor":
    """A cursor of the driver on the session's connection, the same one in a whole transaction()."""
    opened = _open.get()
    if opened is not None and opened.cursor is not None:
        return opened.cursor
    link: psycopg.Connection[Any] = db.session.connection().connection.dbapi_connection  # type: ignore[assignment]
    cursor = cast(Cursor, link.cursor())
    if opened is not None:
        opened.cursor = cursor
    return cursor


def after_commit(call: Callable[[], None]) -> None:
    """Run `call` once the transaction around has committed; a rollback forgets it.

    A crash in between loses the call: use it for courtesies (waking the dispatcher), never for an effect.
    """
    opened = _open.get()
    if opened is None:
        raise RuntimeError("after_commit() needs a transaction() around it")
    if call not in opened.queued:
        opened.queued.append(call)


def read_only_end() -> None:
    """Give the connection back after reading, before a call to a system outside; what was read stays loaded.

    By COMMIT, although nothing was written: at a ROLLBACK the driver throws its prepared statements away.
    """
    if in_transaction():
        raise RuntimeError("read_only_end() is for reading outside of a transaction()")
    if db.session.registry.has():  # whoever has read nothing holds nothing
        db.session.commit()


def advisory_lock(name: str) -> None:
    """Hold `name` until the transaction ends; others that ask for it wait."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def state_column(kind: type[StrEnum], start: StrEnum | None = None) -> Mapped[Any]:
    """The column of a state: the enum's values, checked by the database as well."""
    column_type = Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        name="state",
        length=40,
        values_callable=lambda k: [m.value for m in k],
    )
    return mapped_column(column_type, default=start)


class Versioned:
    """A row that people edit: `version` rises with each change and is its ETag; a lost race raises StaleDataError."""

    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]


class QueryCounter:
    """Counts the statements sent while it is open: `with QueryCounter() as seen: ...; seen.count`."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    @property
    def count(self) -> int:
        return len(self.statements)

    def __enter__(self) -> "QueryCounter":
        Cursor.watching.append(self.statements.append)
        return self

    def __exit__(self, *_exc: object) -> None:
        Cursor.watching.remove(self.statements.append)


class Cursor(psycopg.Cursor[Any]):
    """Describes its columns by plain tuples: the driver's own objects, built anew for every answer, cost as much as
    reading the rows. Whoever is `watching` hears each statement, whichever way it came here."""

    watching: ClassVar[list[Callable[[str], None]]] = []

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Self:
        for heard in self.watching:
            heard(str(query))
        return super().execute(query, *args, **kwargs)

    def executemany(self, query: Any, *args: Any, **kwargs: Any) -> None:
        for heard in self.watching:
            heard(str(query))
        super().executemany(query, *args, **kwargs)

    @property
    def description(self) -> list[Any] | None:
        found = self.pgresult
        if found is None or not (found.nfields or found.status == psycopg.pq.ExecStatus.TUPLES_OK):
            return None
        return [(found.fname(n).decode(), found.ftype(n), *_UNTOLD) for n in range(found.nfields)]  # type: ignore[union-attr]


_UNTOLD = (None, None, None, None, None)


def _as_json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def init_app(app: Flask, url: str, pool: int) -> None:
    """Connections of this app: few, checked when they rested, bounded in time."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url or "postgresql+psycopg://"
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_size": pool,
        "max_overflow": 2,
        "pool_timeout": 5,
        "json_serializer": _as_json,
        "json_deserializer": orjson.loads,
        "connect_args": {
            "application_name": "kontor",
            "connect_timeout": 3,
            "cursor_factory": Cursor,
            "options": "-c statement_timeout=30000 -c lock_timeout=10000 -c timezone=UTC -c jit=off",
        },
    }
    db.init_app(app)
    with app.app_context():
        app.extensions["kontor_reading"] = db.engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(db.engine, "checkin", _note_rest)
        event.listen(db.engine, "checkout", _check_rested)


def _note_rest(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["at_rest_since"] = time.monotonic()


def _check_rested(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """A connection that rested may have died meanwhile: then the pool takes another, and nobody sees it.

    One used a moment ago is trusted: asking before each use would cost every request a round trip.
    """
    since = record.info.get("at_rest_since")
    if since is None or time.monotonic() - since < TRUSTED_S:
        return
    try:
        connection.execute("")
        connection.rollback()
    except PsycopgError as failure:
        raise DisconnectionError from failure


APPEND_ONLY_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""


def append_only_trigger(table: str) -> str:
    """The DDL that lets rows of `table` be inserted and read, never changed or removed."""
    return (
        f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def _ddl(statement: str) -> DDL:
    return DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]


def append_only(model: type[Row]) -> type[Row]:
    """Class decorator: the table of `model` gets its trigger when it is created (the migration says the same)."""
    table: Table = model.__table__  # type: ignore[assignment]
    event.listen(table, "after_create", _ddl(APPEND_ONLY_FUNCTION))
    event.listen(table, "after_create", _ddl(append_only_trigger(table.name)))
    return model
