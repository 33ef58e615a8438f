"""An API key acts as its person in its company; its secret is answered once and stored as a hash."""

import uuid

from sqlalchemy import update

from marketplace.companies import queries
from marketplace.companies.credentials import PREFIX_LENGTH, new_key, token_hash
from marketplace.companies.models import ApiKey
from marketplace.kernel import clock
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db
from marketplace.kernel.errors import Forbidden


class KeyMakesNoKeys(Forbidden):
    """A key that leaked must not be able to outlive its revocation by making another."""

    message = "API keys are made by a signed-in person, not by another key."


def create_key(actor: Actor, name: str) -> tuple[ApiKey, str]:
    """(the key, its secret): the secret is not known again afterwards. Raises KeyMakesNoKeys."""
    if actor.key_id is not None or actor.person_id is None:
        raise KeyMakesNoKeys
    secret = new_key()
    key = ApiKey(
        company_id=actor.company_id,
        person_id=actor.person_id,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        secret_hash=token_hash(secret),
    )
    db.session.add(key)
    db.session.flush()
    return key, secret


def revoke_key(actor: Actor, key_id: uuid.UUID) -> None:
    """The key opens nothing from now on; twice is once. Raises KeyNotFound."""
    key = queries.api_key(actor, key_id)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        db.session.flush()


def note_use(key_id: uuid.UUID) -> None:
    """Remember that the key was used now."""
    db.session.execute(
        update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
