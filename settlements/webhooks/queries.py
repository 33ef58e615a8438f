"""Stored events of the provider: every SELECT of this room."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Select, Uuid, any_, bindparam

from marketplace.kernel import reads
from marketplace.kernel.access import SYSTEM, Actor, prepared, visible
from settlements.payments.models import Payment
from settlements.payments.states import PaymentState
from settlements.webhooks.models import Outcome, WebHookEvent


@dataclass(frozen=True, slots=True)
class Told:
    """A stored event, and the payment that the provider knows by its object's id, where there is one."""

    id: uuid.UUID
    kind: str
    object_id: str
    account: str | None
    payment_id: uuid.UUID | None
    captured: bool


def waiting(row_ids: Iterable[uuid.UUID]) -> list[Told]:
    """Those of these events that nothing was done about yet."""
    statement = reads.in_driver_words(_waiting(SYSTEM))
    values = {"ids": list(row_ids), "outcome": Outcome.WAITING.value}
    return [
        Told(*rest, payment_id, state == PaymentState.CAPTURED.value)
        for *rest, payment_id, state in reads.in_session(statement, values)
    ]


@prepared
def _waiting(viewer: Actor) -> Select[Any]:
    told = (WebHookEvent.id, WebHookEvent.kind, WebHookEvent.object_id, WebHookEvent.account)
    statement = visible(viewer, WebHookEvent).with_only_columns(*told, Payment.id, Payment.state)
    statement = statement.outerjoin(Payment, Payment.provider_id == WebHookEvent.object_id)
    wanted = any_(bindparam("ids", type_=ARRAY(Uuid())))
    return statement.where(WebHookEvent.id == wanted, WebHookEvent.outcome == bindparam("outcome"))


def events(actor: Actor, *, outcome: Outcome | None = None) -> Select[Any]:
    """The events that the actor may see."""
    statement = visible(actor, WebHookEvent)
    return statement if outcome is None else statement.where(WebHookEvent.outcome == outcome.value)
