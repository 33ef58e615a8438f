"""/health says that the process answers; /ready says whether it can do its work, and what is missing."""

from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, current_app, jsonify
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from marketplace.kernel import queue
from marketplace.kernel.access import public
from marketplace.kernel.db import db

routes = Blueprint("health", __name__)


@routes.get("/health")
@public
def health() -> Any:
    return jsonify(status="ok")


@routes.get("/ready")
@public
def ready() -> Any:
    """200 where the database answers with this code's schema and the queue answers; else 503 with what is wrong."""
    checks = {"database": _database(), "queue": "ok" if queue.answers() else "away"}
    good = all(state == "ok" for state in checks.values())
    return jsonify(status="ok" if good else "not ready", checks=checks), 200 if good else 503


def _database() -> str:
    try:
        with db.engine.connect() as connection:
            current = set(MigrationContext.configure(connection).get_current_heads())
    except (DBAPIError, PoolTimeout):
        return "away"
    wanted = set(ScriptDirectory(current_app.extensions["migrate"].directory).get_heads())
    return "ok" if current == wanted else "schema is not that of this code; run the migrations"
