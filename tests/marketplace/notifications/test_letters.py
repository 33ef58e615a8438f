"""What happens becomes a letter, once; secrets are in the letter and in no table."""

import email
import json
import re
import smtplib
from email import policy

import pytest

from marketplace.companies import actions as companies
from marketplace.companies.models import Person
from marketplace.kernel import outbox, queue
from marketplace.kernel.access import SYSTEM, Permission, Role
from marketplace.kernel.db import db, transaction
from marketplace.notifications import actions, letters, mailer
from marketplace.notifications.mailer import FolderMailer, LetterRefused, Mail, MailServerAway, SmtpMailer
from marketplace.notifications.models import Letter
from marketplace.notifications.states import LetterState
from tests.builders.companies import a_company, a_person, an_actor


@pytest.fixture
def office(own_app):
    """An app whose commits are real, with the mail it wrote: `office()`."""

    def mails():
        folder = own_app.extensions["kontor_settings"].var / "mail"
        return [
            email.message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))
        ]

    with own_app.app_context():
        queue.connection().flushdb()
        yield mails


def test_an_invitation_arrives_with_the_link_that_the_inviter_saw(office):
    with transaction():
        boss = an_actor(a_company("Acme"), Role.ADMINISTRATOR, person=a_person("Ada"))
    with transaction():
        _, link = companies.invite(boss, "new@example.test", [Role.BUYER])
    queue.drain()
    (mail,) = office()
    assert mail["To"] == "new@example.test"
    assert mail["Subject"] == "Ada invites you to Acme on Kontor"
    assert link in mail.get_content()
    letter = db.session.query(Letter).one()
    assert letter.state is LetterState.SENT
    token = link.rsplit("/", 1)[1]
    stored = [letter.facts, *(e.payload for e in db.session.query(outbox.OutboxEvent))]
    assert token not in json.dumps(stored)


def test_an_event_that_comes_twice_writes_one_letter(office):
    with transaction():
        company = a_company("Acme")
    for _ in range(2):
        with transaction():
            actions.notify(company.id, "welcome", "test:1", {"name": "Ada"}, to="ada@example.test")
    queue.drain()
    assert [m["To"] for m in office()] == ["ada@example.test"]


def test_people_are_reached_by_what_they_may_do(office):
    with transaction():
        company = a_company("Acme")
        people = [an_actor(company, role) for role in (Role.ADMINISTRATOR, Role.REQUESTER)]
        companies.allow_selling(SYSTEM, company.id, True)
    queue.drain()
    (mail,) = office()
    assert mail["To"] == db.session.get(Person, people[0].person_id).email
    assert mail["Subject"] == "Acme may sell on Kontor"
    with transaction():
        ids = actions.notify(company.id, "selling_stopped", "test:2", {}, to=Permission.SESSION)
    assert len(ids) == 2


def test_a_server_that_is_away_keeps_the_letter_waiting(office, own_app):
    class Away:
        def send(self, mail):
            raise MailServerAway

    good = own_app.extensions["kontor_mailer"]
    with transaction():
        company = a_company("Acme")
        actions.notify(company.id, "welcome", "test:1", {"name": "Ada"}, to="ada@example.test")
    own_app.extensions["kontor_mailer"] = Away()
    with pytest.raises(MailServerAway):
        queue.drain()
    assert db.session.query(Letter).one().state is LetterState.REQUESTED
    own_app.extensions["kontor_mailer"] = good
    delivery = db.session.query(outbox.OutboxDelivery).filter_by(handled_at=None).one()
    outbox.deliver(delivery.handler, [delivery.event_id])
    assert [m["To"] for m in office()] == ["ada@example.test"]


def test_a_letter_refused_for_good_does_not_hold_up_the_next(office, own_app):
    real = own_app.extensions["kontor_mailer"]

    class Picky:
        def send(self, mail):
            if mail.to == "gone@example.test":
                raise LetterRefused("550 no such mailbox")
            real.send(mail)

    own_app.extensions["kontor_mailer"] = Picky()
    with transaction():
        company = a_company("Acme")
        for who in ("gone", "here"):
            actions.notify(company.id, "welcome", "test:1", {"name": who}, to=f"{who}@example.test")
    queue.drain()
    assert [m["To"] for m in office()] == ["here@example.test"]
    refused = db.session.query(Letter).filter_by(email="gone@example.test").one()
    assert (refused.state, refused.note) == (LetterState.REFUSED, "550 no such mailbox")


def test_sending_twice_leaves_one_file(tmp_path):
    box = FolderMailer(tmp_path, "Kontor <no-reply@example.test>")
    for _ in range(2):
        box.send(Mail("letter-1", "ada@example.test", "Hello", "Text\n"))
    assert [p.name for p in tmp_path.iterdir()] == ["letter-1.eml"]


def test_no_header_is_smuggled_in():
    message = mailer.written(
        Mail("letter-1", "ada@example.test", "Hello\r\nBcc: thief@example.test", "Text\n"), "K <k@example.test>"
    )
    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: thief@example.test"
    assert message["Message-ID"] == "<letter-1@example.test>"


def test_names_are_never_read_as_templates():
    facts = {"company": "{{ 7*7 }}", "marketplace": "Kontor", "base_url": "http://x", "name": "{% raise %}"}
    subject, text = letters.render("welcome", facts)
    assert subject == "Welcome to Kontor"
    assert "{{ 7*7 }}" in text
    assert "{% raise %}" in text


class FakeServer(smtplib.SMTP):
    """Answers without a network; `failure` is raised by send_message."""

    failure: Exception | None = None
    sent: list = []

    def __init__(self, *args, **kwargs):
        self.sock = None

    def ehlo(self, name=""):
        return 250, b""

    def has_extn(self, opt):
        return False

    def send_message(self, message, *args, **kwargs):
        if type(self).failure:
            raise type(self).failure
        self.sent.append(message)

    def __exit__(self, *args):
        return None


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (smtplib.SMTPRecipientsRefused({"a@example.test": (550, b"unknown")}), LetterRefused),
        (smtplib.SMTPRecipientsRefused({"a@example.test": (450, b"later")}), MailServerAway),
        (smtplib.SMTPDataError(554, b"spam"), LetterRefused),
        (smtplib.SMTPServerDisconnected("gone"), MailServerAway),
        (ConnectionRefusedError(), MailServerAway),
    ],
)
def test_what_passes_is_tried_again_and_what_does_not_is_not(monkeypatch, failure, expected):
    monkeypatch.setattr(smtplib, "SMTP", FakeServer)
    monkeypatch.setattr(FakeServer, "failure", failure)
    with pytest.raises(expected):
        SmtpMailer("smtp://mail.example.test:25", "K <k@example.test>").send(Mail("1", "a@example.test", "S", "T\n"))


def test_the_letter_about_a_forgotten_password_opens_the_door(office):
    with transaction():
        person = a_person("Ada")
        an_actor(a_company("Acme"), Role.ADMINISTRATOR, person=person)
    with transaction():
        companies.ask_for_reset(person.email)
    queue.drain()
    (mail,) = office()
    link = re.search(r"http\S+/new-password/(\S+)", mail.get_content())
    assert companies.opened_reset(link.group(1)).person_id == person.id
    assert link.group(1) not in json.dumps([letter.facts for letter in db.session.query(Letter)])
