"""An invitation opens one door to one address for seven days; its token is stored as a hash only."""

import uuid
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from flask import current_app

from marketplace.companies import queries
from marketplace.companies.actions.members import check_roles_fit, give_roles, new_person
from marketplace.companies.actions.signing_in import SignInRefused
from marketplace.companies.credentials import letter_token, password_fits, token_hash
from marketplace.companies.events import InvitationSent
from marketplace.companies.models import Invitation, Person
from marketplace.kernel import clock
from marketplace.kernel.access import Actor, Role
from marketplace.kernel.db import advisory_lock, db, new_id
from marketplace.kernel.errors import Conflict, Invalid, NotFound
from marketplace.kernel.outbox import publish

OPEN_FOR = timedelta(days=7)


class AlreadyAMember(Conflict):
    """The person belongs to the company; change the roles instead."""


class InvitationUnknown(NotFound):
    """No invitation has this token."""

    message = "This invitation is not known, or was revoked. Ask for a new one."


class InvitationOver(Conflict):
    """The invitation was used, or is too old."""

    message = "This invitation was used already or is too old. Ask for a new one."


class NameMissing(Invalid):
    """A new person has a name and a password."""

    message = "You are new here: send a name and a password."


def invite(actor: Actor, email: str, roles: Collection[Role]) -> tuple[Invitation, str]:
    """(the invitation to the actor's company, its link): a letter with the same link follows.

    Raises RoleDoesNotFit, AlreadyAMember.
    """
    if actor.company_id is None or actor.person_id is None:
        raise queries.CompanyNotFound
    check_roles_fit(queries.company(actor, actor.company_id), roles)
    person = queries.person_by_email(email)
    if person is not None and queries.memberships(actor.company_id, person.id):
        raise AlreadyAMember(pointer="/email")

    invitation_id = new_id()
    invitation = Invitation(
        id=invitation_id,
        company_id=actor.company_id,
        email=email.lower(),
        roles=sorted(role.value for role in set(roles)),
        token_hash=token_hash(letter_token("invitation", invitation_id)),
        invited_by=actor.person_id,
        expires_at=clock.now() + OPEN_FOR,
    )
    db.session.add(invitation)
    db.session.flush()
    publish(InvitationSent(invitation.id))
    return invitation, invitation_link(invitation.id)


def invitation_link(invitation_id: uuid.UUID) -> str:
    """The address of the page where the invitation is accepted; whoever has it can join."""
    base = current_app.extensions["kontor_settings"].base_url.rstrip("/")
    return f"{base}/join/{letter_token('invitation', invitation_id)}"


def revoke_invitation(actor: Actor, invitation_id: uuid.UUID) -> None:
    """The door closes; twice is once. Raises InvitationNotFound, InvitationOver where it was used."""
    invitation = queries.invitation(actor, invitation_id)
    if invitation.accepted_at is not None:
        raise InvitationOver
    if invitation.revoked_at is None:
        invitation.revoked_at = clock.now()
        db.session.flush()


def opened_invitation(token: str, *, lock: bool = False) -> Invitation:
    """The invitation that this token opens. Raises InvitationUnknown, InvitationOver."""
    invitation = queries.invitation_of_token(token_hash(token), lock=lock)
    if invitation is None or invitation.revoked_at is not None:
        raise InvitationUnknown
    if invitation.accepted_at is not None or invitation.expires_at <= clock.now():
        raise InvitationOver
    return invitation


def accept_invitation(actor: Actor, token: str, facts: Mapping[str, Any]) -> Person:
    """The invited person belongs to the company: a new one, one who proves himself by password, or the actor himself.

    `facts`: name and password, as far as needed. Raises InvitationUnknown, InvitationOver, NameMissing,
    PasswordTooWeak, SignInRefused, RoleDoesNotFit.
    """
    invitation = opened_invitation(token, lock=True)
    company = queries.company_locked(invitation.company_id)
    roles = [Role(text) for text in invitation.roles]
    check_roles_fit(company, roles)
    person = _who_accepts(actor, invitation, facts)

    give_roles(company.id, person.id, roles)
    invitation.accepted_at = clock.now()
    db.session.flush()
    return person


def _who_accepts(actor: Actor, invitation: Invitation, facts: Mapping[str, Any]) -> Person:
    advisory_lock(f"person:{invitation.email}")  # a registration with this address may run at the same moment
    known = queries.person_by_email(invitation.email)
    if known is None:
        if not facts.get("name") or not facts.get("password"):
            raise NameMissing
        return new_person({**facts, "email": invitation.email}, "/password")
    if known.active and known.id == actor.person_id:
        return known
    if not (password_fits(known.password_hash, facts.get("password") or "") and known.active):
        raise SignInRefused
    return known
