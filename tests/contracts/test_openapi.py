"""The API does what its description says: every operation, asked with good and bad data as each side."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi

import wsgi
from marketplace.companies.actions import create_key
from marketplace.kernel.db import transaction
from marketplace.kernel.settings import Settings
from tests.cast import make_cast
from tests.conftest import close
from tests.settlements.memory_gateway import MemoryGateway


@pytest.fixture(scope="module")
def described(make_database: Callable[[], str], make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """An app with the cast in its database, and a key for each side."""
    app = make_app(make_database(), MemoryGateway())
    with app.app_context(), transaction():
        cast = make_cast()
        app.extensions["keys"] = {
            side: create_key(getattr(cast, side), "contract")[1] for side in ("buyer", "vendor", "operator")
        }
    yield app
    close(app)


description = schemathesis.openapi.from_wsgi("/openapi.json", wsgi.create_app(Settings(secret_key="only-for-tests")))
OPERATIONS = {result.ok().label: result.ok() for result in description.get_all_operations()}
CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.response_headers_conformance,
]


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_operation_is_as_described(label: str, described: Flask) -> None:
    keys = described.extensions["keys"]
    good, bad = (OPERATIONS[label].as_strategy(generation_mode=mode) for mode in GenerationMode)

    @settings(max_examples=6, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=good | bad, side=strategies.sampled_from(sorted(keys)))
    def ask(case: Any, side: str) -> None:
        response = case.call(app=described, headers={"Authorization": f"Bearer {keys[side]}"})
        case.validate_response(response, checks=CHECKS)

    ask()
