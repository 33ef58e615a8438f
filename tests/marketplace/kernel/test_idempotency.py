"""One key, one effect: replays answer the same, other bodies are refused, refusals are not kept."""

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

import wsgi
from marketplace.kernel.access import Permission, Role, load_actors_with, requires
from marketplace.kernel.db import transaction
from marketplace.kernel.errors import Conflict
from marketplace.kernel.idempotency import idempotent
from marketplace.kernel.settings import Settings
from marketplace.kernel.web import api_blueprint
from tests.builders.companies import a_company, an_actor
from tests.cast import make_cast
from tests.conftest import close
from tests.marketplace.kernel.probe import trace, traces


@pytest.fixture
def trading(own_database: str, make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    """An app with one trading endpoint, on a database of its own; everyone is the buyer."""
    app = wsgi.create_app(make_settings(own_database))
    calls = []
    routes = api_blueprint("trading")

    @routes.post("/trades/<int:number>")
    @requires(Permission.ORDER_PLACE)
    @idempotent
    def trade(number):
        trace("trade", number)
        calls.append(number)
        if number == 13:
            raise Conflict("Not this one.")
        return {"number": number, "call": len(calls)}, 201

    with app.app_context(), transaction():
        buyer = make_cast().buyer
    app.register_blueprint(routes)
    load_actors_with(app, lambda: buyer)
    with app.app_context():
        yield app
    close(app)


def post(app: Flask, number: int, key: str | None = "k", body: dict | None = None):
    headers = {"Idempotency-Key": key} if key is not None else {}
    return app.test_client().post(f"/v1/trades/{number}", json=body or {}, headers=headers)


def test_a_replay_answers_the_same_and_does_nothing(trading: Flask) -> None:
    first, second = post(trading, 1), post(trading, 1)
    assert (first.status_code, first.json) == (201, {"number": 1, "call": 1})
    assert (second.status_code, second.json, second.headers["Idempotency-Replayed"]) == (201, first.json, "true")
    assert traces("trade") == [1]


def test_the_spelling_of_the_body_does_not_matter_its_meaning_does(trading: Flask) -> None:
    post(trading, 1, body={"a": 1, "b": 2})
    assert post(trading, 1, body={"b": 2, "a": 1}).status_code == 201
    changed = post(trading, 1, body={"a": 2, "b": 2})
    assert (changed.status_code, changed.json["type"]) == (409, "/problems/idempotency-key-reused")
    assert traces("trade") == [1]


@pytest.mark.parametrize("key", [None, "", " ", "x" * 256])
def test_without_a_usable_key_nothing_happens(trading: Flask, key: str | None) -> None:
    answer = post(trading, 1, key=key)
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/idempotency-key-missing")
    assert traces("trade") == []


def test_a_refusal_is_not_kept_and_leaves_nothing(trading: Flask) -> None:
    assert post(trading, 13).status_code == 409
    assert traces("trade") == []
    assert post(trading, 13).headers.get("Idempotency-Replayed") is None


def test_twenty_at_once_have_one_effect(trading: Flask) -> None:
    answers = []

    def send() -> None:
        answers.append(post(trading, 5))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [a for a in answers if a.status_code == 201 and "Idempotency-Replayed" not in a.headers]
    assert len(done) == 1
    assert {a.status_code for a in answers} <= {201, 503}  # a pool that is too busy says so and may be asked again
    assert traces("trade") == [5]


def test_keys_of_two_companies_do_not_meet(trading: Flask) -> None:
    post(trading, 1)
    with transaction():
        other = an_actor(a_company("Another"), Role.BUYER)
    load_actors_with(trading, lambda: other)
    answer = post(trading, 2)
    assert (answer.json, "Idempotency-Replayed" in answer.headers) == ({"number": 2, "call": 2}, False)
