"""What happens below becomes a letter; a requested letter is sent by reserve, call, record."""

import uuid
from collections.abc import Sequence
from typing import Any

from marketplace.companies import actions as companies_actions
from marketplace.companies import queries as companies
from marketplace.companies.events import CompanyRegistered, InvitationSent, PasswordForgotten, SellingChanged
from marketplace.kernel import clock
from marketplace.kernel.access import Permission
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Upstream
from marketplace.notifications import actions, queries
from marketplace.notifications.events import LetterRequested
from marketplace.notifications.mailer import LetterRefused, Mail, mailer
from marketplace.notifications.models import Letter


def write_welcome(events: Sequence[CompanyRegistered]) -> None:
    for event in events:
        person = companies.person(event.person_id)
        source = f"company:{event.company_id}:registered"
        actions.notify(event.company_id, "welcome", source, {"name": person.name}, to=person.email)


def write_invitation(events: Sequence[InvitationSent]) -> None:
    for event in events:
        invitation = companies.open_invitation(event.invitation_id)
        if invitation is None:
            continue
        facts = {
            "inviter": companies.person(invitation.invited_by).name,
            "expires_on": invitation.expires_at.date().isoformat(),
            "invitation_id": str(invitation.id),
        }
        actions.notify(invitation.company_id, "invitation", f"invitation:{invitation.id}", facts, to=invitation.email)


def write_reset(events: Sequence[PasswordForgotten]) -> None:
    for event in events:
        person = companies.person(event.person_id)
        belongings = companies.belongings(person.id)
        if not belongings:  # removed from the last company since
            continue
        facts = {"name": person.name, "reset_id": str(event.reset_id)}
        actions.notify(
            belongings[0].company_id, "new_password", f"password_reset:{event.reset_id}", facts, to=person.email
        )


def write_selling(events: Sequence[SellingChanged]) -> None:
    for event in events:
        kind = "selling_allowed" if event.allowed else "selling_stopped"
        source = f"company:{event.company_id}:{kind}:{clock.now().isoformat()}"
        actions.notify(event.company_id, kind, source, {}, to=Permission.PEOPLE_MANAGE)


def send_letters(events: Sequence[LetterRequested]) -> None:
    """Outside any transaction: read, hand to the mail server, record. If it is away, the queue tries again."""
    with transaction():
        mails = {row.id: _in_words(row) for row in queries.waiting([event.letter_id for event in events])}
    sent, refused, away = _sent(mails)
    with transaction():
        actions.record_sent(queries.waiting(sent, lock=True))
        actions.record_refused(queries.waiting(list(refused), lock=True), refused)
    if away is not None:
        raise away


def _sent(mails: dict[uuid.UUID, Mail]) -> tuple[list[uuid.UUID], dict[uuid.UUID, str], Upstream | None]:
    """(sent, refused with the reason, the last failure that may pass)."""
    sent, refused, away = [], {}, None
    for letter_id, mail in mails.items():
        try:
            mailer().send(mail)
        except LetterRefused as refusal:
            refused[letter_id] = refusal.text
        except Upstream as failure:
            away = failure
        else:
            sent.append(letter_id)
    return sent, refused, away


def _in_words(letter: Letter) -> Mail:
    return actions.compose(letter, _secrets(letter))


def _secrets(letter: Letter) -> dict[str, Any]:
    """Facts that open a door are made while sending, so that no table holds them."""
    if letter.kind == "invitation":
        return {"link": companies_actions.invitation_link(uuid.UUID(letter.facts["invitation_id"]))}
    if letter.kind == "new_password":
        return {"link": companies_actions.reset_link(uuid.UUID(letter.facts["reset_id"]))}
    return {}
