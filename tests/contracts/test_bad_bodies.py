"""Bodies that are too large, broken or of another kind are refused in words, at every endpoint that takes one."""

import pytest

from marketplace.carts.models import Cart
from marketplace.kernel.db import db
from tests.cast import Cast

HUGE = b'{"name": "' + b"x" * 10_000_000 + b'"}'
BODIES = {
    "ten megabytes": (HUGE, "application/json", 413),
    "cut off": (b'{"currency": "EUR"', "application/json", 422),
    "no text": (b"\xff\xfe\x00", "application/json", 422),
    "a list": (b"[1, 2]", "application/json", 422),
    "a number": (b"7", "application/json", 422),
    "a form": (b"currency=EUR", "application/x-www-form-urlencoded", 415),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_read_is_refused_and_writes_nothing(client_as, cast: Cast, name: str) -> None:
    body, kind, status = BODIES[name]
    answer = client_as(cast.buyer).post("/v1/carts", data=body, content_type=kind)
    assert (answer.content_type, answer.json["status"]) == ("application/problem+json", answer.status_code)
    assert answer.status_code == status
    assert db.session.query(Cart).count() == 0
