"""The app with the sandbox's process as its provider, and an order paid there."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from settlements.reconciliation import jobs
from settlements.reconciliation.recording import GRACE
from tests.settlements.gateway.servers import _sandbox, _shared_sandbox, gateway_at  # noqa: F401


@pytest.fixture
def gateway(app, sandbox):
    """The sandbox behind the adapter, where other tests have the provider in memory."""
    original = app.extensions["kontor_gateway"]
    app.extensions["kontor_gateway"] = made = gateway_at(sandbox.url)
    yield made
    app.extensions["kontor_gateway"] = original


@pytest.fixture
def paid(placed, pay):
    """Example 1, paid by card: 436.74, of which 429.94 reached our balance."""
    assert pay(placed.order, "pm_card_bypassPending").status_code == 201
    return placed


@pytest.fixture
def reconcile():
    """Look at the balance, as if what was done until now was done long enough ago; the days by currency."""

    def look(later=GRACE + timedelta(minutes=1)):
        with clock.moved(later):
            return {day.currency: day for day in jobs.run()}

    return look
