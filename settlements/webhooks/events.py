"""What web hooks announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class WebHookStored(Event):
    """A genuine event of the provider was stored for the first time."""

    row_id: uuid.UUID
