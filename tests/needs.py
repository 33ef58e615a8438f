"""Counterparts that not every machine has: without one its tests are left out and say so, unless it has to be there."""

import os
from typing import NoReturn

import pytest


def missing(counterpart: str, reason: str) -> NoReturn:
    """Leave the test out for this reason, or fail where KONTOR_REQUIRE, names parted by commas, has the counterpart."""
    if counterpart in os.environ.get("KONTOR_REQUIRE", "").split(","):
        pytest.fail(f"{reason}; KONTOR_REQUIRE names {counterpart}")
    pytest.skip(reason)
