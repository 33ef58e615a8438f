"""Guessing is slow, per account and per address, also while the queue's server is away."""

import dataclasses
import uuid

import pytest

from marketplace.kernel import limits
from marketplace.kernel.limits import Limits, TooOften
from tests.marketplace.companies.conftest import PASSWORD


@pytest.fixture
def limited(app, session, monkeypatch):
    """`limited(sign_in_limit=...)`: the app with these limits and with counters of its own."""
    before = app.extensions["kontor_limits"]

    def use(**chosen):
        settings = dataclasses.replace(app.extensions["kontor_settings"], **chosen)
        monkeypatch.setitem(app.extensions, "kontor_settings", settings)
        limits.init_app(app, "memory://")

    yield use
    app.extensions["kontor_limits"] = before


def tries(app, email, address, times):
    client = app.test_client()
    body = {"email": email, "password": "wrong"}
    return [
        client.post("/v1/session", json=body, environ_overrides={"REMOTE_ADDR": address}).status_code
        for _ in range(times)
    ]


def test_an_account_is_tried_ten_times_a_minute_from_wherever(limited, app, ada):
    limited(sign_in_limit="3 per minute")
    assert tries(app, ada.email, "192.0.2.1", 2) == [401, 401]
    assert tries(app, ada.email.upper(), "192.0.2.2", 2) == [401, 429]
    assert tries(app, "other@example.test", "192.0.2.2", 1) == [401]


def test_the_right_password_is_refused_too_and_told_when_to_come_back(limited, app, ada):
    limited(sign_in_limit="1 per minute")
    tries(app, ada.email, "192.0.2.1", 1)
    answer = app.test_client().post("/v1/session", json={"email": ada.email, "password": PASSWORD})
    assert (answer.status_code, answer.json["title"]) == (429, "Too often")
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert answer.json["retry_after_seconds"] == int(answer.headers["Retry-After"])
    assert answer.headers.getlist("Set-Cookie") == []


def test_an_address_is_limited_over_all_accounts(limited, app, session):
    limited(sign_in_address_limit="3 per minute")
    codes = [tries(app, f"guess{n}@example.test", "192.0.2.1", 1)[0] for n in range(4)]
    assert codes == [401, 401, 401, 429]
    assert tries(app, "guess9@example.test", "192.0.2.2", 1) == [401]


def test_registrations_and_accepted_invitations_share_a_limit(limited, app):
    limited(registration_limit="2 per hour")
    client = app.test_client()
    codes = [
        client.post("/v1/companies", json={"name": "Acme", "country": "DE"}).status_code,
        client.post("/v1/invitations/accept", json={"token": "unknown"}).status_code,
        client.post("/v1/invitations/accept", json={"token": "unknown"}).status_code,
        client.post("/v1/companies", json={"name": "Acme", "country": "DE"}).status_code,
    ]
    assert codes == [422, 404, 429, 429]


def test_two_processes_count_together_over_the_servers_socket(servers, app):
    key = uuid.uuid4().hex
    with app.app_context():
        first = limits.init_app(app, servers[1]) or app.extensions["kontor_limits"]
        second = limits.init_app(app, servers[1]) or app.extensions["kontor_limits"]
    assert first is not second
    first.count("2 per minute", "test", key)
    second.count("2 per minute", "test", key)
    with pytest.raises(TooOften):
        first.count("2 per minute", "test", key)


def test_while_the_server_is_away_the_process_counts_alone(app, tmp_path):
    before = app.extensions["kontor_limits"]
    limits.init_app(app, f"unix://{tmp_path}/nobody.sock")
    counters: Limits = app.extensions["kontor_limits"]
    app.extensions["kontor_limits"] = before
    counters.count("2 per minute", "test", "key")
    counters.count("2 per minute", "test", "key")
    with pytest.raises(TooOften):
        counters.count("2 per minute", "test", "key")
