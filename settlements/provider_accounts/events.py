"""What vendors' accounts at the provider announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class ProviderAccountRequested(Event):
    account_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class ProviderAccountChanged(Event):
    """What the vendor may receive, or what is due, is another than before; or he was blocked, or is no longer."""

    account_id: uuid.UUID
    vendor_id: uuid.UUID
