"""The schema's history: `flask db ...`, the upgrade of a start, and whether a database has the schema of this code."""

import re
from pathlib import Path
from typing import Any, cast

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from marketplace.kernel.db import db
from marketplace.kernel.lazily import lazily

flask_migrate: Any = lazily("flask_migrate")
_FOLDER = "kontor_migrations"
_TOLD = re.compile(r"^(revision|down_revision)\b.*?=(.*)$", re.MULTILINE)
_QUOTED = re.compile(r"""["']([^"']+)["']""")


class Commands(click.Group):
    """`flask db ...`, found where it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_known(context).list_commands(context))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return _known(context).get_command(context, name)


def _known(context: click.Context) -> click.Group:
    app = context.ensure_object(ScriptInfo).load_app()
    _prepare(app)
    return cast(click.Group, app.cli.commands["db"])  # by now those of flask_migrate


def _prepare(app: Flask) -> None:
    if "migrate" not in app.extensions:
        flask_migrate.Migrate(app, db, directory=app.extensions[_FOLDER])


def init_app(app: Flask, folder: Path) -> None:
    app.extensions[_FOLDER] = str(folder)
    app.cli.add_command(Commands("db", help="Change the schema, step by step."))


def upgrade() -> None:
    """Bring the database of this app to the schema of this code; others who do the same wait."""
    _prepare(current_app._get_current_object())  # type: ignore[attr-defined]
    flask_migrate.upgrade()


def newest() -> set[str]:
    """The revisions that no other follows, as their files say: to read them costs less than what would run them."""
    told: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for file in Path(current_app.extensions[_FOLDER], "versions").glob("*.py"):
        for name, value in _TOLD.findall(file.read_text()):
            told[name].update(_QUOTED.findall(value))
    return told["revision"] - told["down_revision"]


def present() -> set[str]:
    """The revisions of the database of this app; none where it was never migrated."""
    try:
        with db.engine.connect() as connection:
            return set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    except ProgrammingError:  # there is no such table
        return set()
