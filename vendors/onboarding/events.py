"""What onboarding announces."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class ApplicationSubmitted(Event):
    application_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class ApplicationQuestioned(Event):
    """The operator asks; `number` counts the rounds."""

    application_id: uuid.UUID
    number: int


@dataclass(frozen=True, slots=True)
class ApplicationDeclined(Event):
    application_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class VendorApproved(Event):
    vendor_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class VendorSuspended(Event):
    vendor_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class VendorReinstated(Event):
    vendor_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class VendorClosed(Event):
    vendor_id: uuid.UUID
