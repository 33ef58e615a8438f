"""What operators see of the machinery: what waits, how old it is, what runs and what failed."""

from typing import Any

from marshmallow import Schema, fields

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


@routes.get("/operations")  # type: ignore[untyped-decorator]
@requires(Permission.OPERATE)
@routes.response(200, OperationsOut)  # type: ignore[untyped-decorator]
def operations() -> Any:
    """The outbox, the queues and the periodic work."""
    return {"outbox": outbox.backlog(), "queues": queue.figures(), "periodic": queue.periodic()}
