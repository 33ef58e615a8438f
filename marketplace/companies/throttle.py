"""How often secrets may be tried: by account and by address, so that neither many accounts nor many addresses help."""

from flask import current_app, request

from marketplace.kernel import limits
from marketplace.kernel.access import Actor
from marketplace.kernel.settings import Settings


def sign_in_try(email: str) -> None:
    """Count a try to sign in as `email` from the present request's address. Raises TooOften."""
    settings = _settings()
    limits.at_most(settings.sign_in_address_limit, "sign-in-address", _address())
    limits.at_most(settings.sign_in_limit, "sign-in-account", email.lower())


def password_try(actor: Actor) -> None:
    """Count a try of the present password by a signed-in person. Raises TooOften."""
    limits.at_most(_settings().sign_in_limit, "password", str(actor.person_id))


def reset_try(email: str) -> None:
    """Count a request for a letter to `email` from the present request's address. Raises TooOften."""
    settings = _settings()
    limits.at_most(settings.registration_limit, "reset-address", _address())
    limits.at_most(settings.registration_limit, "reset-account", email.lower())


def registration_try() -> None:
    """Count a registration or accepted invitation from the present request's address. Raises TooOften."""
    limits.at_most(_settings().registration_limit, "registration", _address())


def _address() -> str:
    return request.remote_addr or "unknown"


def _settings() -> Settings:
    settings: Settings = current_app.extensions["kontor_settings"]
    return settings
