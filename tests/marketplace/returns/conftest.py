"""The order of the first worked example, delivered: what of it comes back is each test's own."""

import pytest

from marketplace.kernel.access import Actor, Role
from marketplace.kernel.db import transaction
from tests.builders.companies import an_actor
from tests.builders.orders import EXAMPLE, Market
from tests.builders.returns import a_delivered_order


@pytest.fixture
def whole(market: Market):
    with transaction():
        return a_delivered_order(market, EXAMPLE)


@pytest.fixture
def operator(market: Market) -> Actor:
    with transaction():
        return an_actor(market.operator, Role.OPERATOR)
