"""A letter is requested inside the transaction of its fact, sent with no transaction open, and recorded."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app
from sqlalchemy.dialects.postgresql import insert

from marketplace.companies import queries as companies
from marketplace.kernel import clock, history
from marketplace.kernel.access import SYSTEM, Permission
from marketplace.kernel.db import db, new_id
from marketplace.kernel.outbox import publish
from marketplace.notifications import letters
from marketplace.notifications.events import LetterRequested
from marketplace.notifications.mailer import Mail
from marketplace.notifications.models import Letter
from marketplace.notifications.states import LetterState, LetterVerb


def notify(
    company_id: uuid.UUID, kind: str, source: str, facts: Mapping[str, Any], *, to: Permission | str
) -> list[uuid.UUID]:
    """Request the letter `kind` about `company_id`: to an e-mail address, or to the people there who hold a permission.

    `source` ("order:<id>:placed") and address make it unique: asked twice, it is sent once. `facts` are JSON values for
    the template letters/<kind>.txt, which also knows company, marketplace and base_url. Returns the new letters' ids.
    """
    if not letters.known(kind):
        raise ValueError(f"there is no letter {kind}")
    emails = [to] if not isinstance(to, Permission) else [m.email for m in companies.members(company_id, to)]
    return [
        letter_id
        for email in emails
        if (letter_id := _request(company_id, kind, source, dict(facts), email)) is not None
    ]


def _request(company_id: uuid.UUID, kind: str, source: str, facts: dict[str, Any], email: str) -> uuid.UUID | None:
    statement = (
        insert(Letter)
        .values(
            id=new_id(),
            company_id=company_id,
            source=source,
            kind=kind,
            email=email,
            facts=facts,
            state=LetterState.REQUESTED,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["source", "email"])
        .returning(Letter.id)
    )
    letter_id: uuid.UUID | None = db.session.execute(statement).scalar_one_or_none()
    if letter_id is not None:
        publish(LetterRequested(letter_id))
    return letter_id


def compose(letter: Letter, secrets: Mapping[str, Any]) -> Mail:
    """The letter in words; `secrets` are facts that are not stored."""
    settings = current_app.extensions["kontor_settings"]
    company = companies.companies_by_id([letter.company_id])[letter.company_id]
    shared = {"company": company.name, "marketplace": settings.operator_name, "base_url": settings.base_url}
    subject, text = letters.render(letter.kind, {**shared, **letter.facts, **secrets})
    return Mail(message_id=f"letter-{letter.id}", to=letter.email, subject=subject, text=text)


def record_sent(letters_sent: Sequence[Letter]) -> None:
    """The mail server took these letters, which the caller has locked."""
    for letter in letters_sent:
        history.move(letter, LetterVerb.SEND, SYSTEM)
        letter.sent_at = clock.now()


def record_refused(letters_refused: Sequence[Letter], reasons: Mapping[uuid.UUID, str]) -> None:
    """The mail server will never take these letters, which the caller has locked."""
    for letter in letters_refused:
        letter.note = reasons[letter.id][:500]
        history.move(letter, LetterVerb.REFUSE, SYSTEM, note=letter.note)
