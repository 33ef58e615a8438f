"""What notifications announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class LetterRequested(Event):
    letter_id: uuid.UUID
