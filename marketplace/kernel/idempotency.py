"""A key makes a request happen once: the same key answers again what it answered first.

The key, a hash of the request and the answer are stored in the transaction of the effect. Refusals are not stored:
nothing happened, so the caller may mend the request and use the key again.
"""

import hashlib
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import orjson
from flask import Response, current_app, request
from sqlalchemy import ForeignKey, Index, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, reads
from marketplace.kernel.access import Actor, current_actor
from marketplace.kernel.db import Row, db, transaction
from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.queue import job

HEADER = "Idempotency-Key"
FORM_FIELD = "idempotency_key"
KEEP = timedelta(days=7)


class IdempotencyKeyMissing(Invalid):
    """A POST that trades or moves money needs the header Idempotency-Key."""

    message = "Send the header Idempotency-Key: any text of 1 to 255 characters that is new for each intention."


class IdempotencyKeyReused(Conflict):
    """The key was used for another request."""

    message = "This Idempotency-Key was used for a different request; use a new one."


class StoredAnswer(Row):
    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_at", "at"),)

    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int]
    answer: Mapped[bytes]
    at: Mapped[datetime]


# An order's way passes here twice: the driver gets these as they stand.
_CLAIM = """
INSERT INTO idempotency_key (company_id, route, key, request_hash, status, answer, at)
VALUES (%(company_id)s, %(route)s, %(key)s, %(request_hash)s, %(status)s, %(answer)s, %(at)s)
ON CONFLICT DO NOTHING RETURNING status
"""
_ANSWER = """
UPDATE idempotency_key SET status = %(status)s, answer = %(answer)s
WHERE company_id = %(company_id)s AND route = %(route)s AND key = %(key)s RETURNING status
"""


def once(
    actor: Actor, route: str, key: str, request_hash: str, effect: Callable[[], tuple[int, bytes]]
) -> tuple[int, bytes, bool]:
    """Inside an open transaction: the stored answer of `key`, or that of `effect()`, stored with it.

    Returns (status, answer, replayed). Two at once: the second waits for the first's transaction. Raises
    IdempotencyKeyReused where the key belongs to another request.
    """
    claimed, stored = _claim(actor, route, key, request_hash, 0, b"")
    if not claimed:
        return *stored, True
    status, answer = effect()
    of_key = {"company_id": actor.company_id, "route": route, "key": key}
    reads.in_session(_ANSWER, of_key | {"status": status, "answer": answer})
    return status, answer, False


def claim(actor: Actor, route: str, key: str, request_hash: str, answer: bytes) -> tuple[bytes, bool]:
    """Inside an open transaction, for an effect whose answer is known before it: (answer, replayed) as `once`.

    Where it is not replayed, the caller has the effect in the same transaction. Raises IdempotencyKeyReused.
    """
    claimed, stored = _claim(actor, route, key, request_hash, 201, answer)
    return stored[1], not claimed


def _claim(
    actor: Actor, route: str, key: str, request_hash: str, status: int, answer: bytes
) -> tuple[bool, tuple[int, bytes]]:
    values = {
        "company_id": actor.company_id,
        "route": route,
        "key": key,
        "request_hash": request_hash,
        "status": status,
        "answer": answer,
        "at": clock.now(),
    }
    if reads.in_session(_CLAIM, values):
        return True, (status, answer)
    return False, _stored(actor, route, key, request_hash)


def _stored(actor: Actor, route: str, key: str, request_hash: str) -> tuple[int, bytes]:
    statement = select(StoredAnswer).where(
        StoredAnswer.company_id == actor.company_id, StoredAnswer.route == route, StoredAnswer.key == key
    )
    stored = db.session.scalars(statement).one()
    if stored.request_hash != request_hash:
        raise IdempotencyKeyReused
    return stored.status, stored.answer


def idempotent(view: Callable[..., Any]) -> Callable[..., Any]:
    """The view runs in one transaction and at most once per Idempotency-Key; it must not open a transaction itself.

    Stands directly on the function, below @requires and the schemas' decorators, so that what it stores is the final
    JSON: the view returns a dict, or (dict, status).
    """

    @wraps(view)
    def run_once(*args: Any, **kwargs: Any) -> Any:
        key = key_of_request()

        def effect() -> tuple[int, bytes]:
            result = view(*args, **kwargs)
            body, status = result if isinstance(result, tuple) else (result, 200)
            return status, current_app.json.dumps(body).encode()

        with transaction():
            status, answer, replayed = once(current_actor(), route_of_request(), key, hash_of_request(), effect)
        response = Response(answer, status, content_type="application/json")
        if replayed:
            response.headers["Idempotency-Replayed"] = "true"
        return response

    run_once.__idempotent__ = True  # type: ignore[attr-defined]
    return run_once


def once_for_form(effect: Callable[[], str]) -> tuple[str, bool]:
    """Inside an open transaction: the text that `effect()` returns (the address to go on to), at most once for the key
    in the form, and whether that was before. Raises IdempotencyKeyMissing, IdempotencyKeyReused."""
    fields = sorted((name, value) for name, value in request.form.items(multi=True) if name != "csrf_token")
    request_hash = hashlib.sha256(orjson.dumps(fields)).hexdigest()
    key = _checked_key(request.form.get(FORM_FIELD, ""))
    actor, route = current_actor(), route_of_request()
    _, answer, replayed = once(actor, route, key, request_hash, lambda: (303, effect().encode()))
    return answer.decode(), replayed


def key_of_request() -> str:
    """The key the caller sent. Raises IdempotencyKeyMissing."""
    return _checked_key(request.headers.get(HEADER, ""))


def _checked_key(text: str) -> str:
    key = text.strip()
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise IdempotencyKeyMissing
    return key


def route_of_request() -> str:
    return f"{request.method} {request.path}"


def hash_of_request() -> str:
    """Of the body's meaning, not of its spelling: order of keys and white space do not matter."""
    body = request.get_data()
    with suppress(orjson.JSONDecodeError):
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()


@job("idempotency.prune", every=3600)
def prune() -> None:
    """Forget keys that are old enough."""
    with transaction():
        db.session.execute(delete(StoredAnswer).where(StoredAnswer.at < clock.now() - KEEP))
