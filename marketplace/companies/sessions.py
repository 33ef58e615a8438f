"""Who sends a request: an API key in its header, or the cookie of a signed-in browser; one query either way."""

from datetime import timedelta

from flask import Response, current_app, g, request, session

from marketplace.companies import actions, queries
from marketplace.companies.credentials import token_hash
from marketplace.kernel import clock
from marketplace.kernel.access import ANONYMOUS, Actor, SignInRequired
from marketplace.kernel.db import in_transaction, transaction
from marketplace.kernel.settings import Settings
from marketplace.kernel.web import SAFE_METHODS

REMEMBER_S, REMEMBER_MOST = 1.0, 10_000
NOTE_USE_AFTER = timedelta(minutes=1)  # writing the last use with each request would be a write with each read


class KeyRefused(SignInRequired):
    """The API key is not known, or no longer."""

    message = "This API key is not known, or was revoked."


def load_actor() -> Actor:
    """The actor of the present request; ANONYMOUS for nobody. Raises KeyRefused: a wrong key is never just nobody."""
    if request.method not in SAFE_METHODS:
        _remembered.clear()
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _of_key(key.strip())
    token = request.cookies.get(cookie_name())
    return (queries.actor_of_session(token_hash(token)) if token else None) or ANONYMOUS


# Who a key acts as, by its hash, and until when that is believed. A program reads list after list with one key: who it
# is would be asked as often as what it wants. Only reads believe it, for a second: a revoked key may read that much
# longer in another process, and act no longer at all. In this process a request that acts makes all of it forgotten.
_remembered: dict[str, tuple[Actor, float]] = {}


def _of_key(key: str) -> Actor:
    hashed = token_hash(key)
    if request.method not in SAFE_METHODS:
        return _asked(hashed)
    known, until = _remembered.get(hashed, (ANONYMOUS, 0.0))
    now = clock.now().timestamp()
    if now < until:
        return known
    actor = _asked(hashed)
    if len(_remembered) >= REMEMBER_MOST:
        _remembered.clear()
    _remembered[hashed] = (actor, now + REMEMBER_S)
    return actor


def _asked(hashed: str) -> Actor:
    holder = queries.holder_of_key(hashed)
    if holder is None:
        g.actor = ANONYMOUS  # for the page that shows the refusal
        raise KeyRefused
    unnoted = holder.last_used_at is None or holder.last_used_at < clock.now() - NOTE_USE_AFTER
    if unnoted and holder.actor.key_id and not in_transaction():
        with transaction():
            actions.note_use(holder.actor.key_id)
    return holder.actor


def cookie_name() -> str:
    """The prefix makes browsers refuse a cookie of this name that another host, or plain HTTP, tries to set."""
    return "__Host-kontor" if _settings().secure_cookies else "kontor"


def set_cookie(response: Response, token: str) -> None:
    """Let the browser stay signed in by `token`; forms written before, by whomever, are not accepted any more."""
    session.clear()
    g.pop("csrf_token", None)
    settings = _settings()
    response.set_cookie(
        cookie_name(),
        token,
        max_age=settings.session_hours * 3600,
        secure=settings.secure_cookies,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def clear_cookie(response: Response) -> None:
    """Let the browser forget who is signed in."""
    response.delete_cookie(cookie_name(), secure=_settings().secure_cookies, httponly=True, samesite="Lax", path="/")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["kontor_settings"]
    return settings
