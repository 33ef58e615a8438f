"""A session begins with a password, acts for one company, and gets a new token whenever what it may do changes."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from sqlalchemy import delete

from marketplace.companies import queries
from marketplace.companies.credentials import (
    check_password_rules,
    hash_password,
    needs_rehash,
    new_token,
    password_fits,
    token_hash,
)
from marketplace.companies.models import Person, Session
from marketplace.kernel import clock
from marketplace.kernel.access import Actor, SignInRequired
from marketplace.kernel.db import db
from marketplace.kernel.errors import Conflict, Forbidden, Invalid

KEEP_ENDED = timedelta(days=30)


class SignInRefused(SignInRequired):
    """One answer for an unknown address, a wrong password and a closed account."""

    message = "The e-mail address or the password is wrong."


class NotAMember(Forbidden):
    """The person does not belong to this company."""

    message = "You do not belong to this company."


class NoCompany(Forbidden):
    """The person belongs to no company, so there is nobody to act for."""

    message = "You do not belong to any company. Ask to be invited again."


class NotASession(Conflict):
    """The request came with an API key, which acts for one company and does not sign out."""

    message = "This works for a session. An API key acts for one company; revoke it to end it."


class PasswordWrong(Invalid):
    """The present password is not this one."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session, and its token: the only time that it is known."""

    token: str
    session: Session
    person: Person


def sign_in(
    email: str, password: str, company_id: uuid.UUID | None = None, replaced: uuid.UUID | None = None
) -> SignedIn:
    """A new session of the person, for `company_id` or the company joined first; the session `replaced` ends.

    Raises SignInRefused, NotAMember, NoCompany.
    """
    person = queries.person_by_email(email)
    fits = password_fits(person.password_hash if person else None, password)
    if person is None or not fits or not person.active:
        raise SignInRefused
    company = _company_to_act_for(person, company_id)

    if person.password_hash and needs_rehash(person.password_hash):
        person.password_hash = hash_password(password)
    if replaced is not None:
        _end(replaced)
    return _begin(person, company)


def switch_company(actor: Actor, company_id: uuid.UUID) -> SignedIn:
    """A new session of the same person for another of his companies; the present one ends.

    Raises NotASession, NotAMember.
    """
    person = queries.person(_session_person(actor))
    company = _company_to_act_for(person, company_id)

    _end(actor.session_id)
    return _begin(person, company)


def sign_out(actor: Actor) -> None:
    """The session ends. Raises NotASession."""
    _session_person(actor)
    _end(actor.session_id)


def change_password(actor: Actor, present: str, wanted: str) -> SignedIn:
    """Another password; every session of the person ends, and a new one begins.

    Raises NotASession, PasswordWrong, PasswordTooWeak.
    """
    person = queries.person(_session_person(actor))
    if not password_fits(person.password_hash, present):
        raise PasswordWrong("The present password is not this one.", pointer="/present")
    check_password_rules(wanted, person.email, "/wanted")

    person.password_hash = hash_password(wanted)
    end_sessions(person.id)
    assert actor.company_id is not None
    return _begin(person, actor.company_id)


def end_sessions(person_id: uuid.UUID, company_id: uuid.UUID | None = None, beside: uuid.UUID | None = None) -> None:
    """End the sessions of a person, everywhere or for one company; the session `beside` goes on."""
    for session in queries.sessions(person_id, company_id):
        if session.id != beside:
            session.revoked_at = clock.now()
    db.session.flush()


def forget_old_sessions() -> int:
    """Remove sessions that ended a month ago; returns how many."""
    statement = delete(Session).where(Session.expires_at < clock.now() - KEEP_ENDED).returning(Session.id)
    return len(db.session.execute(statement, execution_options={"synchronize_session": False}).all())


def _company_to_act_for(person: Person, company_id: uuid.UUID | None) -> uuid.UUID:
    companies = [belonging.company_id for belonging in queries.belongings(person.id)]
    if not companies:
        raise NoCompany
    if company_id is not None and company_id not in companies:
        raise NotAMember
    return company_id or companies[0]


def _begin(person: Person, company_id: uuid.UUID) -> SignedIn:
    token = new_token()
    hours = current_app.extensions["kontor_settings"].session_hours
    session = Session(
        token_hash=token_hash(token),
        person_id=person.id,
        company_id=company_id,
        expires_at=clock.now() + timedelta(hours=hours),
    )
    db.session.add(session)
    db.session.flush()
    return SignedIn(token, session, person)


def _end(session_id: uuid.UUID | None) -> None:
    session = queries.session(session_id) if session_id else None
    if session is not None and session.revoked_at is None:
        session.revoked_at = clock.now()


def _session_person(actor: Actor) -> uuid.UUID:
    if actor.session_id is None or actor.person_id is None:
        raise NotASession
    return actor.person_id
