"""/health says that the process answers; /ready says whether it can do its work, and what is missing."""

from typing import Any

from flask import Blueprint, jsonify
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from marketplace.kernel import migrations, queue
from marketplace.kernel.access import public

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
        current = migrations.present()
    except (DBAPIError, PoolTimeout):
        return "away"
    return "ok" if current == migrations.newest() else "schema is not that of this code; run the migrations"
