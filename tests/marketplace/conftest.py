"""The market of the first worked example, which most rooms try what they do on."""

import pytest

from marketplace.kernel.db import transaction
from tests.builders.orders import Market, the_example


@pytest.fixture
def market(session: object) -> Market:
    with transaction():
        return the_example()
