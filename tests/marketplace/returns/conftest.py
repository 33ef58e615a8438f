"""The order of the first worked example, delivered: what of it comes back is each test's own."""

import pytest

from marketplace.kernel.db import transaction
from tests.builders.orders import EXAMPLE, Market
from tests.builders.returns import a_delivered_order


@pytest.fixture
def whole(market: Market):
    with transaction():
        return a_delivered_order(market, EXAMPLE)
