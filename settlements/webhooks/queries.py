"""Stored events of the provider: every SELECT of this room."""

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select

from marketplace.kernel.access import SYSTEM, Actor, visible
from marketplace.kernel.db import db
from settlements.webhooks.models import Outcome, WebHookEvent


def waiting(row_ids: Iterable[uuid.UUID]) -> list[WebHookEvent]:
    """Those of these events that nothing was done about yet."""
    statement = visible(SYSTEM, WebHookEvent).where(WebHookEvent.id.in_(list(row_ids)))
    statement = statement.where(WebHookEvent.outcome == Outcome.WAITING)
    return list(db.session.scalars(statement, execution_options={"populate_existing": True}))


def events(actor: Actor, *, outcome: Outcome | None = None) -> Select[Any]:
    """The events that the actor may see."""
    statement = visible(actor, WebHookEvent)
    return statement if outcome is None else statement.where(WebHookEvent.outcome == outcome.value)
