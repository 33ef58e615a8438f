"""Passwords and tokens: what is stored tells nobody the secret, and how long a check takes tells nobody who exists."""

import hashlib
import hmac
import secrets
import unicodedata
import uuid
from base64 import urlsafe_b64encode
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from marketplace.kernel.errors import Invalid
from marketplace.kernel.settings import SettingMissing, Settings

MIN_PASSWORD, MAX_PASSWORD = 12, 200
KEY_START = "kontor_"
PREFIX_LENGTH = len(KEY_START) + 6


class PasswordTooWeak(Invalid):
    """The password is too short, too long, or the e-mail address itself."""


def check_password_rules(password: str, email: str, pointer: str) -> None:
    """Raises PasswordTooWeak."""
    password = password.strip()
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        message = f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters."
        raise PasswordTooWeak(message, pointer=pointer)
    if password.casefold() == email.casefold() or len(set(password)) < 4:
        raise PasswordTooWeak("Choose a password that is not the e-mail address and not one letter.", pointer=pointer)


def hash_password(password: str) -> str:
    return _hasher().hash(_bytes(password))


def password_fits(password_hash: str | None, password: str) -> bool:
    """Is it the password of this hash? Takes as long where there is no hash (an unknown person)."""
    try:
        fits = _hasher().verify(password_hash or _dummy_hash(_costs()), _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Was it made with other costs than those of today?"""
    return _hasher().check_needs_rehash(password_hash)


def new_token() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def new_key() -> str:
    """The secret of an API key: recognisable by people and by scanners for leaked secrets."""
    return KEY_START + new_token()


def token_hash(token: str) -> str:
    """What is stored of a token. SHA-256 is enough: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def letter_token(purpose: str, row_id: uuid.UUID) -> str:
    """The token of the row that a letter's link opens, made from the app's secret key: the letter can be written after
    the answer. `purpose` keeps the link of one kind of row from opening another."""
    key = _settings().secret_key
    if not key:
        raise SettingMissing("SECRET_KEY is not set: the links of letters could be forged.")
    digest = hmac.digest(key.encode(), f"{purpose}:".encode() + row_id.bytes, "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["kontor_settings"]
    return settings


def _costs() -> tuple[int, int]:
    settings = _settings()
    return settings.password_rounds, settings.password_memory_kib


def _hasher() -> PasswordHasher:
    return _hasher_of(_costs())


@lru_cache
def _hasher_of(costs: tuple[int, int]) -> PasswordHasher:
    rounds, memory_kib = costs
    return PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)


@lru_cache
def _dummy_hash(costs: tuple[int, int]) -> str:
    return _hasher_of(costs).hash(secrets.token_bytes(16))


def _bytes(password: str) -> bytes:
    """Accents are typed as one sign or as two, and spaces around are copied along: it is the same password."""
    return unicodedata.normalize("NFC", password.strip()).encode()
