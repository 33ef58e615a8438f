"""A signed-in browser over HTTP, and rows to sign in with."""

import pytest

from marketplace.companies.credentials import hash_password
from marketplace.kernel.access import Role
from tests.builders.companies import a_company, a_membership, a_person

PASSWORD = "correct horse battery"


@pytest.fixture
def browser(app, session):
    """A browser without any cookie."""
    return app.test_client()


@pytest.fixture
def acme(session):
    return a_company("Acme GmbH")


@pytest.fixture
def ada(acme):
    """Ada, administrator of Acme, with PASSWORD."""
    person = a_person("Ada", password_hash=hash_password(PASSWORD))
    a_membership(acme, person, Role.ADMINISTRATOR)
    return person


@pytest.fixture
def sign_in(app, session):
    """`sign_in(person)`: a browser signed in as the person, with its `csrf_token`."""

    def enter(person, **others):
        client = app.test_client()
        answer = client.post("/v1/session", json={"email": person.email, "password": PASSWORD, **others})
        assert answer.status_code == 201, answer.json
        client.token = answer.json["csrf_token"]
        client.protected = {"X-CSRFToken": client.token}
        return client

    return enter
