"""New rows of several tables in one statement: what is written with every order must not cost a round trip a table.

What writes a row or two uses the session as everywhere.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Table
from sqlalchemy.orm import make_transient_to_detached

from marketplace.kernel.db import Row, db


def insert_all(*batches: Sequence[Row]) -> None:
    """INSERT rows that were never in the session, one model a batch, in any order of their tables: foreign keys are
    checked when all are there. Afterwards the session holds them as it would after a flush.

    For models whose keys are made by us, not by the database.
    """
    wanted = [rows for rows in batches if rows]
    if not wanted:
        return
    values = {f"rows_{index}": _as_json(rows) for index, rows in enumerate(wanted)}
    statement = _statement(tuple(type(rows[0]) for rows in wanted))
    db.session.connection().exec_driver_sql(statement, values)
    for rows in wanted:
        for row in rows:
            make_transient_to_detached(row)
        db.session.add_all(rows)


def _as_json(rows: Sequence[Row]) -> str:
    """The rows as a JSON array of objects; those that say nothing of a column get its default."""
    defaults = _defaults(type(rows[0]))
    for row in rows:
        held = row.__dict__
        for name, make in defaults:
            if name not in held:
                setattr(row, name, make())
    names = [name for name, _ in defaults]
    found = [{name: row.__dict__[name] for name in names} for row in rows]
    return orjson.dumps(found, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


@lru_cache
def _defaults(model: type[Row]) -> list[tuple[str, Any]]:
    """Each column of the model with what makes the value of a row that has none."""
    return [(column.name, _maker(column.default)) for column in model.__table__.columns]


def _maker(default: Any) -> Any:
    if default is None:
        return lambda: None
    return (lambda: default.arg(None)) if default.is_callable else (lambda: default.arg)


@lru_cache
def _statement(models: tuple[type[Row], ...]) -> str:
    inserts = []
    for index, model in enumerate(models):
        table: Table = model.__table__  # type: ignore[assignment]
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        inserts.append(
            f"INSERT INTO {table.name} ({names}) SELECT {names} "  # noqa: S608 - names of our own tables
            f"FROM json_populate_recordset(NULL::{table.name}, %(rows_{index})s::json)"
        )
    *before, last = inserts
    parts = ", ".join(f"written_{index} AS ({one})" for index, one in enumerate(before))
    return f"WITH {parts} {last}" if parts else last
