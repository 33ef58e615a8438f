"""A forgotten password: a letter opens one door for an hour; asking tells nobody whether the address is known."""

import uuid
from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, update

from marketplace.companies import queries
from marketplace.companies.actions.signing_in import end_sessions
from marketplace.companies.credentials import check_password_rules, hash_password, letter_token, token_hash
from marketplace.companies.events import PasswordForgotten
from marketplace.companies.models import PasswordReset, Person
from marketplace.kernel import clock
from marketplace.kernel.db import db, new_id
from marketplace.kernel.errors import Conflict, NotFound
from marketplace.kernel.outbox import publish

OPEN_FOR = timedelta(hours=1)
KEEP_ENDED = timedelta(days=30)


class ResetUnknown(NotFound):
    """No letter has this token."""

    message = "This link is not known. Ask for a new one."


class ResetOver(Conflict):
    """The link was used, or is too old, or another password was chosen meanwhile."""

    message = "This link was used already or is too old. Ask for a new one."


def ask_for_reset(email: str) -> None:
    """A letter with a link goes to the person with this address; nothing happens where there is none."""
    person = queries.person_by_email(email)
    if person is None or not person.active or not queries.belongings(person.id):
        return
    reset_id = new_id()
    db.session.add(
        PasswordReset(
            id=reset_id,
            person_id=person.id,
            token_hash=token_hash(letter_token("password", reset_id)),
            expires_at=clock.now() + OPEN_FOR,
        )
    )
    db.session.flush()
    publish(PasswordForgotten(reset_id, person.id))


def reset_link(reset_id: uuid.UUID) -> str:
    """The address of the page where another password is chosen; whoever has it can choose it."""
    base = current_app.extensions["kontor_settings"].base_url.rstrip("/")
    return f"{base}/new-password/{letter_token('password', reset_id)}"


def opened_reset(token: str) -> PasswordReset:
    """The reset that this token opens, for update. Raises ResetUnknown, ResetOver."""
    reset = queries.password_reset_of_token(token_hash(token))
    if reset is None:
        raise ResetUnknown
    if reset.used_at is not None or reset.expires_at <= clock.now():
        raise ResetOver
    return reset


def choose_password(token: str, wanted: str) -> Person:
    """Another password for the person of the letter; all sessions end, and no other letter opens any more.

    Raises ResetUnknown, ResetOver, PasswordTooWeak.
    """
    reset = opened_reset(token)
    person = queries.person(reset.person_id)
    check_password_rules(wanted, person.email, "/password")

    person.password_hash = hash_password(wanted)
    others = update(PasswordReset).where(PasswordReset.person_id == person.id, PasswordReset.used_at.is_(None))
    db.session.execute(others.values(used_at=clock.now()))
    end_sessions(person.id)
    return person


def forget_old_resets() -> int:
    """Remove resets that ended a month ago; returns how many."""
    statement = delete(PasswordReset).where(PasswordReset.expires_at < clock.now() - KEEP_ENDED)
    gone = db.session.execute(statement.returning(PasswordReset.id), execution_options={"synchronize_session": False})
    return len(gone.all())
