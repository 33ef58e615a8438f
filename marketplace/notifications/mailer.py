"""The door for mail: a port in our words, a folder of .eml files behind it, or a mail server."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app

from marketplace.kernel import clock
from marketplace.kernel.errors import Upstream
from marketplace.kernel.settings import Settings

_TIMEOUT = 20.0  # seconds


class MailServerAway(Upstream):
    """The mail server does not answer; the letter waits."""


class LetterRefused(Upstream):
    """The mail server will not take this letter, now or later."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter ready to send; the same `message_id` twice is the same letter."""

    message_id: str
    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """Sends mail."""

    def send(self, mail: Mail) -> None:
        """Raises MailServerAway (try again) or LetterRefused (never again)."""


class FolderMailer:
    """Puts letters into a folder as .eml files, named by their id: sending twice leaves one file."""

    def __init__(self, folder: Path, sender: str) -> None:
        self.folder, self.sender = folder, sender

    def send(self, mail: Mail) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = "".join(c for c in mail.message_id if c.isalnum() or c in "-_")
        target = self.folder / f"{name}.eml"
        unfinished = target.with_suffix(".part")
        unfinished.write_bytes(written(mail, self.sender).as_bytes())
        unfinished.replace(target)


class SmtpMailer:
    """Hands letters to the server of `url`: smtp:// (STARTTLS where it is offered) or smtps://."""

    def __init__(self, url: str, sender: str) -> None:
        self.url, self.sender = urlsplit(url), sender

    def send(self, mail: Mail) -> None:
        message = written(mail, self.sender)
        try:
            with self._connected() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, why = next(iter(refused.recipients.values()))
            raise _of_code(code, why) from refused
        except smtplib.SMTPResponseException as refused:
            raise _of_code(refused.smtp_code, refused.smtp_error) from refused
        except (OSError, smtplib.SMTPException) as failure:
            raise MailServerAway(repr(failure)) from failure

    def _connected(self) -> smtplib.SMTP:
        host, tls = self.url.hostname or "localhost", ssl.create_default_context()
        if self.url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, self.url.port or 465, timeout=_TIMEOUT, context=tls)
        else:
            server = smtplib.SMTP(host, self.url.port or 25, timeout=_TIMEOUT)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=tls)
        if self.url.username:
            server.login(unquote(self.url.username), unquote(self.url.password or ""))
        return server


def _of_code(code: int, why: bytes | str) -> Upstream:
    text = why.decode(errors="replace") if isinstance(why, bytes) else why
    return LetterRefused(f"{code} {text}") if code >= 500 else MailServerAway(f"{code} {text}")


def written(mail: Mail, sender: str) -> EmailMessage:
    """The message as mail servers read it. Line breaks in the subject become spaces: no header is smuggled in."""
    message = EmailMessage()
    message["Message-ID"] = f"<{mail.message_id}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Date"] = format_datetime(clock.now())
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = " ".join(mail.subject.split())
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


def init_app(app: Flask, settings: Settings) -> None:
    """The mailer of this app, by its settings."""
    if settings.smtp_url:
        mailer: Mailer = SmtpMailer(settings.smtp_url, settings.mail_from)
    else:
        mailer = FolderMailer(settings.var / "mail", settings.mail_from)
    app.extensions["kontor_mailer"] = mailer


def mailer() -> Mailer:
    """The mailer of the present app."""
    chosen: Mailer = current_app.extensions["kontor_mailer"]
    return chosen
