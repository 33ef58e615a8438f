"""Money to vendors as pages: what each side sees, and what the operator does there."""

import pytest

from marketplace.kernel.access import Role
from marketplace.kernel.db import db, transaction
from settlements.gateway.connect import PayoutRequest
from settlements.ledger import books
from settlements.ledger.chart import AccountKind
from settlements.transfers import actions, jobs, receivers
from settlements.transfers.actions import payouts
from settlements.transfers.models import Adjustment, TransferReversal
from tests.builders.companies import an_actor
from tests.builders.transfers import due, taken_off
from tests.pages import see, send


@pytest.fixture
def made(cast, vendor, account, gateway):
    """300.00 transferred and paid out; the bank sends it back; then 5.00 are owed."""
    with transaction():
        due(vendor, 30000, gateway=gateway)
        (transfer,) = actions.request(vendor, "EUR", 30000, "test:1", cast.operator)
    jobs.send(transfer.id)
    paid = gateway.create_payout(PayoutRequest(key="k", account=account, amount_minor=30000, currency="EUR"))
    with transaction():
        payouts.record(vendor, account, paid)
        taken_off(vendor, 500)
    jobs.recover(vendor, "EUR")
    gateway.fail_payout(paid.provider_id)
    jobs.look_at_payout(paid.provider_id, account)
    return transfer


def test_a_vendor_sees_his_transfers_his_payouts_and_what_he_owes(made, client_as, cast):
    text = see(client_as(cast.vendor), "/vendor/payouts").text
    for words in ("300.00", "made", "failed", "account closed", "you owe the marketplace", "5.00"):
        assert words in text, words
    assert "Check your bank account there" in text
    for secret in ("acct_", "tr_", "test:1"):
        assert secret not in text
    assert "300.00" not in see(client_as(cast.rival_vendor), "/vendor/payouts").text


def test_the_operator_sees_everything_and_takes_part_back(made, client_as, cast):
    operator = client_as(cast.operator)
    assert "Vendor GmbH" in see(operator, "/operator/transfers?state=made").text
    assert "No transfer is in this state" in see(operator, "/operator/transfers?state=refused").text
    page = f"/operator/transfers/{made.id}"
    assert "tr_" in see(operator, page).text
    refused = send(operator, page, "/reverse", amount="300.01", reason="too much")
    assert "More than is left" in refused.text
    refused = send(operator, page, "/reverse", amount="3,00", reason="too much")
    assert refused.status_code == 422
    assert send(operator, page, "/reverse", amount="3.00", reason="too much").status_code == 303
    assert [row.amount_minor for row in db.session.query(TransferReversal)] == [300]
    assert "account closed" in see(operator, "/operator/payouts").text


def test_an_adjustment_takes_two_people(made, client_as, cast, vendor):
    operator, page = client_as(cast.operator), "/operator/adjustments"
    values = {"vendor_id": str(vendor), "amount": "-12.50", "currency": "EUR", "reason": "a fee for labels"}
    assert send(operator, page, page, **(values | {"reason": ""})).status_code == 422
    assert send(operator, page, page, **values).status_code == 303
    assert "a fee for labels" in see(operator, page).text
    adjustment = db.session.query(Adjustment).one()
    own = send(operator, page, "/decline", to=f"{page}/{adjustment.id}/approve")
    assert "Another person" in own.text
    second = client_as(an_actor(cast.operator_company, Role.OPERATOR))
    assert send(second, page, "/approve").status_code == 303
    assert books.balance(AccountKind.VENDOR_PAYABLE, vendor, "EUR") == 500 + 1250


def test_a_debt_is_proposed_to_be_written_off_and_blocked_vendors_are_listed(made, client_as, cast, vendor):
    with transaction():
        receivers.block(vendor, "papers are missing")
    operator = client_as(cast.operator)
    text = see(operator, "/operator/debts").text
    assert "papers are missing" in text
    assert "5.00" in text
    assert send(operator, "/operator/debts", "/write-off", reason="insolvent").status_code == 303
    assert db.session.query(Adjustment).one().amount_minor == 500
    assert "write off" in see(operator, "/operator/adjustments").text


def test_asking_the_provider_by_hand(client_as, cast, vendor, account, gateway):
    with transaction():
        due(vendor, 100, gateway=gateway)
        (transfer,) = actions.request(vendor, "EUR", 100, "test:2", cast.operator)
    operator, page = client_as(cast.operator), f"/operator/transfers/{transfer.id}"
    assert send(operator, page, "/look-up").status_code == 303
    assert "made" in see(operator, page).text
