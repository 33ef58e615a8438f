"""What two people do at the same moment happens once."""

import threading

from marketplace.companies import actions
from marketplace.companies.actions.invitations import InvitationOver
from marketplace.companies.actions.profile import EmailTaken
from marketplace.companies.models import Address, Company, Person
from marketplace.kernel.access import ANONYMOUS, Role
from marketplace.kernel.db import db, transaction
from marketplace.kernel.errors import Refusal
from tests.builders.companies import a_company, an_actor
from tests.marketplace.companies.conftest import PASSWORD


def at_once(app, act, times=4):
    """The refusals of `times` threads that run `act` in a transaction each, all started together."""
    refusals, start = [], threading.Barrier(times)

    def run(number):
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    act(number)
            except Refusal as refusal:
                refusals.append(type(refusal))

    threads = [threading.Thread(target=run, args=[number]) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refusals


def test_one_address_registers_one_person(own_app):
    person = {"name": "Ada", "email": "ada@example.test", "password": PASSWORD}

    def register(number):
        actions.register_company(ANONYMOUS, {"name": f"Company {number}", "country": "DE", "person": person})

    assert at_once(own_app, register) == [EmailTaken] * 3
    with own_app.app_context():
        assert (db.session.query(Company).count(), db.session.query(Person).count()) == (1, 1)


def test_an_invitation_is_accepted_once(own_app):
    with own_app.app_context():
        with transaction():
            boss = an_actor(a_company(), Role.ADMINISTRATOR)
            _, link = actions.invite(boss, "new@example.test", [Role.BUYER])
        db.session.remove()
    token = link.rsplit("/", 1)[1]

    def accept(number):
        actions.accept_invitation(ANONYMOUS, token, {"name": f"Name {number}", "password": PASSWORD})

    assert at_once(own_app, accept) == [InvitationOver] * 3
    with own_app.app_context():
        assert db.session.query(Person).filter_by(email="new@example.test").count() == 1


def test_one_address_is_the_default(own_app):
    with own_app.app_context():
        with transaction():
            boss = an_actor(a_company(), Role.ADMINISTRATOR)
        db.session.remove()
    wanted = {"recipient": "A", "line1": "B", "postal_code": "1", "city": "C", "country": "DE", "is_default": True}
    assert at_once(own_app, lambda _: actions.add_address(boss, wanted)) == []
    with own_app.app_context():
        assert [a.is_default for a in db.session.query(Address)].count(True) == 1
