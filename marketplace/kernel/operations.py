"""What operators see of the machinery: what waits, how old it is, what runs and what failed."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, current_app
from marshmallow import Schema, fields
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from marketplace.kernel import outbox, queue
from marketplace.kernel.access import Permission, requires
from marketplace.kernel.web import api_blueprint

routes = api_blueprint("operations", "The machinery: events, queues, periodic work.")


class BacklogOut(Schema):
    waiting = fields.Integer(metadata={"description": "Deliveries not yet handed to the queue."})
    under_way = fields.Integer(metadata={"description": "Handed out, their effect not yet committed."})
    oldest_seconds = fields.Float(metadata={"description": "Age of the oldest event that is not handled."})


class QueueOut(Schema):
    waiting = fields.Integer()
    running = fields.Integer()
    failed = fields.Integer()


class PeriodicOut(Schema):
    name = fields.String()
    every_seconds = fields.Integer()
    last_at = fields.AwareDateTime(allow_none=True)


class OperationsOut(Schema):
    outbox = fields.Nested(BacklogOut)
    queues = fields.Dict(keys=fields.String(), values=fields.Nested(QueueOut))
    periodic = fields.List(fields.Nested(PeriodicOut))
    rooms = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), values=fields.Float()),
        metadata={"description": "What rooms upstairs count: search: what waits for the index, and for how long."},
    )


def add_figures(app: Flask, room: str, figures: Callable[[], Mapping[str, float]]) -> None:
    """Numbers of a room upstairs that operators watch."""
    app.extensions.setdefault("kontor_figures", {})[room] = figures


def _rooms() -> dict[str, dict[str, float]]:
    return {room: dict(figures()) for room, figures in current_app.extensions.get("kontor_figures", {}).items()}


@routes.get("/operations")  # type: ignore[untyped-decorator]
@requires(Permission.OPERATE)
@routes.response(200, OperationsOut)  # type: ignore[untyped-decorator]
def operations() -> Any:
    """The outbox, the queues and the periodic work."""
    return {"outbox": outbox.backlog(), "queues": queue.figures(), "periodic": queue.periodic(), "rooms": _rooms()}


@routes.get("/metrics")  # type: ignore[untyped-decorator]
@requires(Permission.OPERATE)
@routes.doc(responses={"200": {"description": "Text.", "content": {"text/plain": {"schema": {"type": "string"}}}}})  # type: ignore[untyped-decorator]
def metrics() -> Response:
    """The same figures as Prometheus reads them; it sends an operator's API key as its bearer token."""
    registry = CollectorRegistry()
    backlog = {f"outbox_{name}": value for name, value in outbox.backlog().items()}
    rooms = {f"{room}_{name}": value for room, own in _rooms().items() for name, value in own.items()}
    for name, value in {**backlog, **rooms}.items():
        Gauge(f"kontor_{name}", name.replace("_", " "), registry=registry).set(value)
    for queue_name, figures in queue.figures().items():
        for name, value in figures.items():
            Gauge(f"kontor_queue_{queue_name}_{name}", f"jobs {name}", registry=registry).set(value)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
