"""What runs announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class RunOpened(Event):
    """A run knows whose statements it makes and up to where; they wait to be collected and closed."""

    run_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class StatementsClosed(Event):
    """Statements stand with their numbers and never change; what they come to may be paid out."""

    statement_ids: tuple[uuid.UUID, ...]
