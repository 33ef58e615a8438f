"""The demonstration at its own sandbox: accounts are open, one dispute waits, and the balance is that of the books."""

import pytest

import wsgi
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db
from settlements.demo import cast, trouble
from settlements.demo.loading import load_demo
from settlements.disputes import queries as disputes
from settlements.gateway.connect import DisputeState
from settlements.gateway.provider import provider
from settlements.gateway.sandbox import launcher
from settlements.ledger import books
from settlements.provider_accounts import queries as provider_accounts
from settlements.reconciliation import queries as reconciliation
from tests.conftest import close
from tests.settlements.demo.conftest import CHEAP


@pytest.fixture
def shown(own_database, make_settings, tmp_path):
    """The demonstration in an app whose provider is a sandbox of its own."""
    sandbox = launcher.start(tmp_path, webhook_secret="whsec_only_for_tests")
    facts = {"stripe_api_key": sandbox.api_key, "stripe_api_base": sandbox.url}
    app = wsgi.create_app(make_settings(own_database, **facts, **CHEAP))
    with app.app_context():
        load_demo()
        yield sandbox
        db.session.remove()
    close(app)
    sandbox.stop()


@pytest.mark.processes
def test_accounts_a_dispute_and_a_balance_to_the_cent(shown):
    accounts = list(db.session.scalars(provider_accounts.accounts(SYSTEM)))
    assert len(accounts) == len(cast.of_side("vendor"))
    (waiting,) = [row for row in accounts if "external_account" in row.due]
    assert provider_accounts.why_not_payable(waiting, waiting.currency) == "transfers_inactive"

    (dispute,) = db.session.scalars(disputes.disputes(SYSTEM, to_answer=True))
    assert dispute.state is DisputeState.NEEDS_RESPONSE
    assert dispute.texts

    open_rows = reconciliation.unresolved()
    assert [(row.kind, row.difference_minor) for row in open_rows] == [("provider_fee", -650)]
    days = {day.currency: day.provider_minor - day.booked_minor for day in reconciliation.latest_days(SYSTEM, 9)}
    assert days == {currency: -650 if currency == "EUR" else 0 for currency in days}
    assert provider().balance().total_minor("EUR") - reconciliation.clearing()["EUR"] == -650
    assert [str(found) for found in books.check_books()] == []
    trouble.cause()
    assert len(list(db.session.scalars(disputes.disputes(SYSTEM)))) == 1
