"""The app with a payment provider in memory, and the cast with an order between them."""

import pytest

from marketplace.kernel.db import transaction
from tests.builders.settlements import place_example_one
from tests.cast import cast  # noqa: F401  a fixture
from tests.settlements.memory_gateway import MemoryGateway


@pytest.fixture
def gateway(app):
    """The provider in memory, in place of any other for this test."""
    original = app.extensions["kontor_gateway"]
    app.extensions["kontor_gateway"] = memory = MemoryGateway()
    yield memory
    app.extensions["kontor_gateway"] = original


@pytest.fixture
def placed(session, cast, gateway):  # noqa: F811
    """Example 1, placed by the buyer with vendor and rival vendor."""
    with transaction():
        return place_example_one(cast.buyer, cast.vendor_company, cast.rival_vendor_company)


@pytest.fixture
def pay(client_as, cast):  # noqa: F811
    """`pay(order, "pm_card_visa", key="k", actor=...)`: the answer of paying it."""

    def ask(order, method="pm_card_visa", *, key="key-1", actor=None):
        client = client_as(actor or cast.buyer)
        return client.post(
            f"/v1/orders/{order.id}/payments", json={"payment_method": method}, headers={"Idempotency-Key": key}
        )

    return ask
