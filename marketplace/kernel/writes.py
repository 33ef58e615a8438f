"""All that a use case writes, in one statement: a flush of the session costs a round trip for each table, and more
processor time than the rows themselves.

Every flush comes here first, and leaves to the session what is not written as JSON. Who knows that nothing more comes
calls `all_of_it` itself, with rows that need not be in the session before.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Numeric,
    String,
    Uuid,
    event,
)
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import TypeEngine

from marketplace.kernel import reads
from marketplace.kernel.db import Row, Versioned, db

Model = type[Row]
_PLAIN = (Boolean, Date, DateTime, Float, Integer, JSON, Numeric, String, Uuid)
Changed = tuple[Model, tuple[str, ...]]  # and the columns that differ


def all_of_it(*batches: Sequence[Row]) -> None:
    """INSERT rows that were never in the session, together with all that the session would flush: rows added to it, and
    changes of rows that it loaded. In any order of their tables: foreign keys are checked when all are there.

    Afterwards the session holds them as after a flush, except rows whose key the database makes (lines of the history),
    which leave it. What was deleted is for a flush. Raises StaleDataError as that does.
    """
    session = db.session()
    batch = [row for rows in batches for row in rows]
    if _is_plain(session) and all(_is_plain_row(row) for row in batch):
        _write(session, batch)
    else:
        session.add_all(batch)
        session.flush()


@event.listens_for(Session, "before_flush")
def _before_flush(session: Session, *_: Any) -> None:
    if _is_plain(session):
        _write(session, [])


def _is_plain(session: Session) -> bool:
    """May all that the session holds unwritten be written as JSON?"""
    if session.deleted:
        return False
    changed = list(session.dirty)
    return all(map(_is_plain_row, session.new)) and all(_is_plain_row(row) and _is_known(row) for row in changed)


def _is_plain_row(row: Row) -> bool:
    """Not where it is set to an SQL expression, nor where the database makes what we read."""
    return _has_plain_columns(type(row)) and not any(
        isinstance(value, ClauseElement) for value in row.__dict__.values()
    )


def _is_known(row: Row) -> bool:
    """Is there what it takes to change the row: its key, and the version that was read?"""
    model: Model = type(row)
    return row.__dict__.keys() >= _needed(model)


@lru_cache
def _has_plain_columns(model: Model) -> bool:
    columns = model.__table__.columns
    made = {column.name for column in columns if column.computed is not None or column.server_default is not None}
    as_named = all(attribute.key == attribute.columns[0].name for attribute in model.__mapper__.column_attrs)
    read = made and not hasattr(model, "__written_only__")
    return as_named and not read and all(_is_plain_type(column.type) for column in columns)


def _is_plain_type(kind: TypeEngine[Any]) -> bool:
    if isinstance(kind, Enum):
        return kind.enum_class is not None and kind.enums == [member.value for member in kind.enum_class]
    if isinstance(kind, ARRAY):
        return _is_plain_type(kind.item_type)
    return isinstance(kind, _PLAIN)


def _write(session: Session, batch: Sequence[Row]) -> None:
    added: dict[Model, list[Row]] = defaultdict(list)
    for row in [*session.new, *batch]:
        added[type(row)].append(row)
    changed: dict[Changed, list[Row]] = defaultdict(list)
    for row in session.dirty:
        if names := _differing(row):
            changed[type(row), names].append(row)
    if not added and not changed:
        return
    values = {f"new_{n}": _new_as_json(model, rows) for n, (model, rows) in enumerate(added.items())}
    values |= {f"changed_{n}": _as_json(rows, _keys(of[0]) + of[1]) for n, (of, rows) in enumerate(changed.items())}
    ((found,),) = reads.in_session(_statement(tuple(added), tuple(changed)), values)
    if found != [len(rows) for rows in changed.values()]:
        raise StaleDataError("A row was changed or removed by others since it was read.")
    for model, rows in added.items():
        _hold(session, rows, forget=len(_written(model)) < len(_columns(model)))
    for rows in changed.values():
        for row in rows:
            instance_state(row)._commit_all(row.__dict__, session.identity_map)


def _hold(session: Session, rows: Iterable[Row], *, forget: bool) -> None:
    """Let the session hold new rows as if it had loaded them, or let them go."""
    for row in rows:
        if row in session:
            session.expunge(row)
        if not forget:
            make_transient_to_detached(row)
            session.add(row)


def _differing(row: Row) -> tuple[str, ...]:
    """The columns of a row that the session loaded which are to be written."""
    held, before = row.__dict__, instance_state(row).committed_state
    names = [name for name in _columns(type(row)) if name in before and before[name] != held.get(name)]
    if names and isinstance(row, Versioned) and "version" not in names:
        row.version += 1
        names.append("version")
    for name, column in _columns(type(row)).items():
        if names and column.onupdate is not None and name not in names:
            setattr(row, name, _made(column.onupdate))
            names.append(name)
    return tuple(names)


def _new_as_json(model: Model, rows: Sequence[Row]) -> str:
    """Rows that say nothing of a column get its default."""
    columns = _written(model)
    for row in rows:
        for column in columns:
            if column.name not in row.__dict__:
                row.__dict__[column.name] = _made(column.default)
    return _as_json(rows, tuple(column.name for column in columns))


def _made(default: Any) -> Any:
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg


def _as_json(rows: Sequence[Row], names: Sequence[str]) -> str:
    found = [{name: row.__dict__[name] for name in names} for row in rows]
    return orjson.dumps(found, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


@lru_cache
def _columns(model: Model) -> dict[str, Column[Any]]:
    return {column.name: column for column in model.__table__.columns}  # type: ignore[misc]


@lru_cache
def _written(model: Model) -> tuple[Column[Any], ...]:
    """The columns of a new row that are not made by the database."""
    return tuple(column for column in _columns(model).values() if column.identity is None)


@lru_cache
def _keys(model: Model) -> tuple[str, ...]:
    return tuple(column.name for column in model.__table__.primary_key)


@lru_cache
def _needed(model: Model) -> frozenset[str]:
    """What has to be known of a row to change it."""
    return frozenset((*_keys(model), *(["version"] if issubclass(model, Versioned) else [])))


@lru_cache
def _statement(added: tuple[Model, ...], changed: tuple[Changed, ...]) -> str:
    """What is written, and of each of `changed` how many rows were found."""
    parts = [f"added_{n} AS ({_insert(model, n)})" for n, model in enumerate(added)]
    parts += [f"found_{n} AS ({_update(*of, n)})" for n, of in enumerate(changed)]
    counts = ", ".join(f"(SELECT count(*) FROM found_{n})" for n in range(len(changed)))  # noqa: S608 - our own names
    return f"WITH {', '.join(parts)} SELECT ARRAY[{counts}]::bigint[]"


def _insert(model: Model, n: int) -> str:
    table, names = model.__table__, ", ".join(f'"{column.name}"' for column in _written(model))
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {_rows(model, f'new_{n}')}"  # noqa: S608 - our own names


def _update(model: Model, names: tuple[str, ...], n: int) -> str:
    """A version rises by one, whoever changed the row meanwhile: then it is not found."""
    assigned = ", ".join(f'"{name}" = r."{name}"' for name in names)
    same = [f't."{name}" = r."{name}"' for name in _keys(model)]
    if issubclass(model, Versioned):
        same.append("t.version = r.version - 1")
    rows = _rows(model, f"changed_{n}")
    return f"UPDATE {model.__table__} t SET {assigned} FROM {rows} WHERE {' AND '.join(same)} RETURNING 1"  # noqa: S608


def _rows(model: Model, name: str) -> str:
    return f"json_populate_recordset(NULL::{model.__table__}, %({name})s::json) r"
