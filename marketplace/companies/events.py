"""What companies announce."""

import uuid
from dataclasses import dataclass

from marketplace.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class CompanyRegistered(Event):
    company_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class InvitationSent(Event):
    invitation_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class PasswordForgotten(Event):
    """A person asked for a letter with a link to choose another password."""

    reset_id: uuid.UUID
    person_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class SellingChanged(Event):
    """The company may sell from now on, or no longer."""

    company_id: uuid.UUID
    allowed: bool
