"""All that a use case writes, in one statement: a flush of the session costs a round trip for each table, and more
processor time than the rows themselves.

What writes a row or two uses the session as everywhere. What is written with every order calls `all_of_it` where the
session would have been flushed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Column
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.exc import StaleDataError

from marketplace.kernel import reads
from marketplace.kernel.db import Row, Versioned, db

Model = type[Row]
Changed = tuple[Model, tuple[str, ...]]  # and the columns that differ


def all_of_it(*batches: Sequence[Row]) -> None:
    """INSERT rows that were never in the session, together with all that the session would flush: rows added to it, and
    changes of rows that it loaded. In any order of their tables: foreign keys are checked when all are there.

    Afterwards the session holds them as after a flush, except rows whose key the database makes (lines of the history),
    which leave it. What was deleted, or set to an SQL expression, is for a flush. Raises StaleDataError as that does.
    """
    session = db.session()
    added: dict[Model, list[Row]] = defaultdict(list)
    for row in [*session.new, *(row for rows in batches for row in rows)]:
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
        _hold(rows, forget=len(_written(model)) < len(_columns(model)))
    for rows in changed.values():
        for row in rows:
            instance_state(row)._commit_all(row.__dict__, session.identity_map)


def _hold(rows: Iterable[Row], *, forget: bool) -> None:
    """Let the session hold new rows as if it had loaded them, or let them go."""
    session = db.session()
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
    return tuple(names)


def _new_as_json(model: Model, rows: Sequence[Row]) -> str:
    """Rows that say nothing of a column get its default."""
    columns = _written(model)
    for row in rows:
        for column in columns:
            if column.name not in row.__dict__:
                row.__dict__[column.name] = _default(column)
    return _as_json(rows, tuple(column.name for column in columns))


def _default(column: Column[Any]) -> Any:
    default: Any = column.default
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
