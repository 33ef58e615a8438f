"""Every route is tried by each of the cast: a new route is picked up from the app itself.

Strangers are asked to sign in, actors without the permission are refused, nobody meets a defect.
"""

import uuid
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, FloatConverter, IntegerConverter, UUIDConverter

from tests.cast import NAMES

SOME_ID = uuid.UUID("00000000-0000-7000-8000-000000000000")
LEFT_OUT = {"static", "api-docs.openapi_json"}  # files of the design and the API's description


@dataclass(frozen=True)
class Try:
    """One method of one route, with ids of nothing in its address."""

    endpoint: str
    method: str
    url: str
    access: tuple


def tries(app: Flask) -> list[Try]:
    found = []
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.endpoint in LEFT_OUT:
            continue
        values = {name: _value(converter) for name, converter in rule._converters.items()}
        view = app.view_functions[rule.endpoint]
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            url = adapter.build(rule.endpoint, values, method=method)
            found.append(Try(rule.endpoint, method, url, getattr(view, "__access__", None)))
    return found


def _value(converter) -> object:
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return {UUIDConverter: SOME_ID, IntegerConverter: 1, FloatConverter: 1.0}.get(type(converter), "x")


@pytest.fixture
def without_form_tokens(app, monkeypatch):
    """Who may is asked here; that forms need their token is tested where sessions are."""
    monkeypatch.setitem(app.config, "WTF_CSRF_METHODS", set())


@pytest.mark.parametrize("who", NAMES)
def test_each_of_the_cast_tries_every_route(app, client_as, cast, without_form_tokens, who):
    actor = getattr(cast, who)
    client = client_as(actor)
    asked, wrong = tries(app), []
    for attempt in asked:
        body = {} if attempt.method in {"GET", "DELETE"} else {"json": {}}
        answer = client.open(attempt.url, method=attempt.method, headers={"Idempotency-Key": "matrix"}, **body)
        if not fits(attempt, actor, answer):
            wrong.append((attempt.method, attempt.url, answer.status_code, answer.headers.get("Location")))
        answer.close()
    assert wrong == []
    assert len(asked) > 40


def fits(attempt: Try, actor, answer) -> bool:
    if attempt.access is None:
        return False
    if not attempt.access:
        return answer.status_code != 500
    if not actor.signed_in:
        return answer.status_code == 401 or (
            not attempt.url.startswith("/v1") and "/sign-in" in answer.headers.get("Location", "")
        )
    if not all(actor.may(permission) for permission in attempt.access):
        return answer.status_code == 403
    return answer.status_code not in {401, 500}
