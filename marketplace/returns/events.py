"""What return cases announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class ReturnMoved(Event):
    """Something that somebody should read happened to lines of a case; `what` names the letter."""

    case_id: uuid.UUID
    what: str
    line_ids: list[str]


@dataclass(frozen=True, slots=True)
class ReturnSettled(Event):
    """A decision of a case moved its order to another state of the formula."""

    case_id: uuid.UUID
    order_id: uuid.UUID
    number: int
    step_id: uuid.UUID
