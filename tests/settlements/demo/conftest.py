"""The demonstration, loaded once for the tests that only read it."""

from dataclasses import replace

import pytest

from marketplace.kernel.db import db
from settlements.demo.loading import load_demo
from tests.conftest import close
from tests.settlements.memory_gateway import MemoryGateway

CHEAP = {"password_rounds": 1, "password_memory_kib": 64}  # of the hash of a password


class Provider(MemoryGateway):
    """Knows the cards that the sandbox declines; its accounts may do everything from the first."""

    def create_account(self, request):
        made = super().create_account(request)
        self.onboard(made.provider_id)
        return self.accounts[made.provider_id]

    def take_payment(self, request):
        declines = "Declined" in request.payment_method
        return super().take_payment(replace(request, payment_method="pm_declined") if declines else request)


@pytest.fixture(scope="session")
def fresh_app(make_database, make_app):
    """Makes apps with an empty database and a provider in memory."""
    made = []

    def make():
        made.append(make_app(make_database(), Provider(), **CHEAP))
        return made[-1]

    yield make
    for app in made:
        close(app)


@pytest.fixture(scope="session")
def loaded(fresh_app):
    """(the app with the demonstration, the lines that tell how to sign in)."""
    app = fresh_app()
    with app.app_context():
        lines = load_demo()
        db.session.remove()
    return app, lines


@pytest.fixture
def demo(loaded):
    """The same, inside the context of its app."""
    app, lines = loaded
    with app.app_context():
        yield lines
        db.session.remove()
