"""An event is stored once, and marked once with what was done about it."""

import uuid
from collections.abc import Iterable, Mapping

from sqlalchemy import update

from marketplace.kernel import clock, outbox, reads
from marketplace.kernel.db import db, new_id
from settlements.gateway.port import GatewayEvent
from settlements.webhooks.events import WebHookStored
from settlements.webhooks.models import Outcome, WebHookEvent

Verdict = tuple[Outcome, str | None]


_STORE = """
INSERT INTO webhook_event (id, event_id, kind, name, object_id, account, created_at, received_at, outcome)
VALUES (%(id)s, %(event_id)s, %(kind)s, %(name)s, %(object_id)s, %(account)s, %(created_at)s, %(received_at)s,
        %(outcome)s)
ON CONFLICT (event_id) DO NOTHING RETURNING id
"""


def store(event: GatewayEvent) -> bool:
    """Keep a genuine event. False: it was kept before."""
    row_id = new_id()
    values = {
        "id": row_id,
        "event_id": event.id,
        "kind": event.kind.value,
        "name": event.name,
        "object_id": event.object_id,
        "account": event.account,
        "created_at": event.created,
        "received_at": clock.now(),
        "outcome": Outcome.WAITING.value,
    }
    if not reads.in_session(_STORE, values):
        return False
    outbox.publish(WebHookStored(row_id=row_id))
    return True


def mark(verdicts: Mapping[uuid.UUID, Verdict]) -> None:
    """Write down what was done about some events."""
    alike: dict[Verdict, list[uuid.UUID]] = {}
    for row_id, verdict in verdicts.items():
        alike.setdefault(verdict, []).append(row_id)
    for (outcome, reason), row_ids in alike.items():
        _mark(row_ids, outcome, reason)


def _mark(row_ids: Iterable[uuid.UUID], outcome: Outcome, reason: str | None) -> None:
    db.session.execute(
        update(WebHookEvent)
        .where(WebHookEvent.id.in_(list(row_ids)))
        .values(outcome=outcome.value, reason=reason, handled_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
