"""Settings are read once from the environment, typed; nothing else reads the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path


class SettingMissing(Exception):
    """A start without this setting would be unsafe."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a deployment may choose. Each field is the environment variable of the same name in capitals."""

    database_url: str = ""
    redis_url: str = ""
    secret_key: str = ""
    stripe_api_key: str = ""
    stripe_api_base: str = ""  # another address than Stripe's own: a sandbox or a proxy
    stripe_webhook_secret: str = ""
    elasticsearch_url: str = ""  # without it search runs in the database
    elasticsearch_api_key: str = ""
    elasticsearch_ca_certs: str = ""  # a file, where its certificate is not one that everybody trusts
    elasticsearch_index: str = "kontor-products"  # the alias; indexes are named after it
    search_timeout_ms: int = 1500  # a search that takes longer is a problem, not a wait
    search_fallback: bool = False  # while Elasticsearch is away the database answers; both indexes are kept then
    base_url: str = "http://127.0.0.1:8000"  # as people reach it: links in letters, return addresses
    var_folder: str = "var"  # uploads, mail and embedded servers live below it
    time_zone: str = "Europe/Berlin"  # the operator's business time zone
    default_currency: str = "EUR"
    operator_name: str = "Kontor"
    session_hours: int = 12
    reservation_minutes: int = 30
    pay_within_hours: int = 72  # an order that is not paid by then is cancelled
    confirm_hours: int = 24  # a vendor confirms an order within these
    earned_after_shipping_days: int = 14  # what ships without a parcel, or without its number, counts as delivered
    delivered_after_shipping_days: int = 30  # a parcel with a number, of which nobody reports what became of it
    dunning_days: str = "3,10,20"  # so many days after an invoice was due each reminder is sent
    dunning_fee_level: int = 2  # from this reminder on interest and a flat sum are claimed
    dunning_freeze_level: int = 2  # from this reminder on nothing new is sold on account
    max_body_bytes: int = 2_000_000
    max_upload_bytes: int = 64_000_000
    max_evidence_bytes: int = 10_000_000  # of one file in a return case
    sign_in_limit: str = "10 per minute"  # tries of one account, from wherever
    sign_in_address_limit: str = "60 per minute"  # tries from one address, at whatever accounts
    registration_limit: str = "20 per hour"  # companies registered, and invitations accepted, from one address
    password_memory_kib: int = 19456  # argon2id; OWASP's second profile
    password_rounds: int = 2
    smtp_url: str = ""  # smtp://user:password@host:587, smtps://...:465; without it letters are files below var_folder
    mail_from: str = "Kontor <no-reply@kontor.invalid>"
    trusted_proxies: int = 0  # reverse proxies in front, whose X-Forwarded-For is believed
    database_pool: int = 8
    secure_cookies: bool = False
    log_level: str = "INFO"

    def require(self) -> "Settings":
        """The same settings, fit to serve. Raises SettingMissing naming what is missing."""
        for name in ("database_url", "redis_url", "secret_key"):
            if not getattr(self, name):
                raise SettingMissing(f"{name.upper()} is not set (`flask --app wsgi up` starts servers of its own).")
        return self

    @property
    def var(self) -> Path:
        return Path(self.var_folder)


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Settings of this environment. Raises SettingMissing where a value has the wrong type."""
    values: dict[str, object] = {}
    for field in fields(Settings):
        text = environment.get(field.name.upper())
        if text is not None and text != "":
            values[field.name] = _typed(field.name, str(field.type), text)
    return Settings(**values)  # type: ignore[arg-type]


def _typed(name: str, kind: str, text: str) -> object:
    if "int" in kind:
        if not text.lstrip("-").isdigit():
            raise SettingMissing(f"{name.upper()} must be a whole number, not {text!r}.")
        return int(text)
    if "bool" in kind:
        return text.lower() in {"1", "true", "yes", "on"}
    return text
