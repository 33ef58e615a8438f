"""Money reaches a vendor once, within its charge or the balance, and comes back only while it is still there."""

from datetime import UTC, datetime, timedelta

import pytest

from settlements.gateway.connect import (
    Balance,
    Capability,
    PayoutRequest,
    PayoutState,
)
from settlements.gateway.port import EventKind, Later, Rejected, Unknown
from settlements.gateway.sandbox import launcher
from settlements.gateway.sandbox.launcher import Running
from settlements.gateway.stripe_gateway import StripeGateway
from tests.settlements.gateway.servers import (
    Receiver,
    account_request,
    ask,
    gateway_at,
    order_payment,
    transfer_of,
    wait_until,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LATE = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def account(gateway: StripeGateway, sandbox: Running) -> str:
    """A vendor's account that told everything."""
    made = gateway.create_account(account_request())
    sandbox.script(account={"id": made.provider_id, "onboard": True})
    return made.provider_id


@pytest.fixture
def charge(gateway: StripeGateway) -> str:
    """120.00 taken, 117.95 of it ours; pending for two days."""
    return gateway.take_payment(order_payment()).charge_id


def test_a_new_account_may_nothing_until_it_told_what_is_due(gateway: StripeGateway, sandbox: Running) -> None:
    made = gateway.create_account(account_request(metadata={"vendor_id": "7"}))

    assert (made.country, made.currency, made.currencies) == ("DE", "EUR", ())
    assert (made.transfers, made.payouts_enabled, made.details_submitted) == (Capability.INACTIVE, False, False)
    assert "external_account" in made.due
    assert made.disabled_reason == "requirements.past_due"
    assert made.metadata == {"vendor_id": "7", "kontor_key": "account:1:1"}
    assert gateway.find_account("account:1:1", LONG_AGO) == made
    assert gateway.find_account("account:2:1", LONG_AGO) is None
    assert gateway.create_account(account_request(metadata={"vendor_id": "7"})) == made
    sandbox.script(topup={"amount": 9_000})
    with pytest.raises(Rejected) as refusal:
        gateway.transfer(transfer_of(made.provider_id))
    assert refusal.value.code == "insufficient_capabilities_for_transfer"


def test_a_link_leads_to_a_page_that_serves_once(gateway: StripeGateway) -> None:
    made = gateway.create_account(account_request())
    link = gateway.account_link(
        made.provider_id, return_url="http://127.0.0.1:5000/x", refresh_url="http://127.0.0.1:5000/y"
    )

    url, path = link.url.rsplit("/_setup", 1)
    page = launcher._HTTP.request("GET", link.url)
    sent = launcher._HTTP.request("POST", link.url, redirect=False)

    assert (page.status, b"company.tax_id" in page.data) == (200, True)
    assert (sent.status, sent.headers["Location"]) == (302, "http://127.0.0.1:5000/x")
    assert launcher._HTTP.request("GET", f"{url}/_setup{path}").status == 404
    told = gateway.account(made.provider_id)
    assert (told.transfers, told.payouts_enabled, told.due) == (Capability.ACTIVE, True, ())
    assert told.currencies == ("EUR",)


def test_an_account_of_somebody_else_is_refused(gateway: StripeGateway) -> None:
    for asked in (gateway.account, gateway.balance, lambda name: list(gateway.payouts(name))):
        with pytest.raises(Rejected) as refusal:
            asked("acct_of_another_platform")
        assert refusal.value.code == "account_invalid"


def test_transfers_stay_within_their_charge(gateway: StripeGateway, account: str, charge: str) -> None:
    first = gateway.transfer(transfer_of(account, 11_000, source_charge_id=charge))
    with pytest.raises(Rejected) as refusal:
        gateway.transfer(transfer_of(account, 1_001, "transfer:2:1", source_charge_id=charge))
    second = gateway.transfer(transfer_of(account, 1_000, "transfer:3:1", source_charge_id=charge))

    assert refusal.value.code == "invalid_source_transaction"
    assert (first.source_charge_id, first.transfer_group, first.reversed_minor) == (charge, "order-1", 0)
    assert second.balance_transaction_id != first.balance_transaction_id
    assert gateway.balance(account) == Balance(available={"EUR": 0}, pending={"EUR": 12_000})
    assert gateway.balance().total_minor("EUR") == -205
    assert gateway.find_transfer("transfer:1:1", "order-1") == first
    assert gateway.find_transfer("transfer:2:1", "order-1") is None
    assert gateway.transfer_by_id(second.provider_id) == second


def test_a_plain_transfer_needs_available_money(gateway: StripeGateway, sandbox: Running, account: str) -> None:
    gateway.take_payment(order_payment())
    for _ in range(2):
        with pytest.raises(Later) as wait:
            gateway.transfer(transfer_of(account))
        assert wait.value.code == "balance_insufficient"

    sandbox.script(advance_s=3 * 86_400)
    with pytest.raises(Later):
        gateway.transfer(transfer_of(account))  # the key replays its answer: another attempt takes another one
    gateway.transfer(transfer_of(account, key="transfer:1:2"))

    assert gateway.balance() == Balance(available={"EUR": 12_000 - 205 - 2_000}, pending={"EUR": 0})


@pytest.mark.parametrize(
    ("script", "changes", "code"),
    [
        ({}, {"destination": "acct_of_nobody"}, "resource_missing"),
        ({"closed": True}, {}, "account_closed"),
        ({"capabilities": {"transfers": "inactive"}}, {}, "insufficient_capabilities_for_transfer"),
        ({}, {"currency": "USD"}, "invalid_currency"),
        ({}, {"amount_minor": 0}, "parameter_invalid_integer"),
        ({}, {"source_charge_id": "ch_of_nobody"}, "resource_missing"),
    ],
)
def test_transfers_that_cannot_be_are_refused(
    gateway: StripeGateway, sandbox: Running, account: str, script: dict, changes: dict, code: str
) -> None:
    sandbox.script(account={"id": account} | script, topup={"amount": 9_000})

    with pytest.raises(Rejected) as refusal:
        gateway.transfer(transfer_of(account, **changes))

    assert refusal.value.code == code
    assert gateway.balance() == Balance(available={"EUR": 9_000}, pending={"EUR": 0})


def test_a_transfer_is_made_once_whatever_happens(gateway: StripeGateway, sandbox: Running, account: str) -> None:
    sandbox.script(topup={"amount": 9_000}, fault={"kind": "error", "path": "/v1/transfers", "effect": True})
    with pytest.raises(Unknown):
        gateway.transfer(transfer_of(account))
    with pytest.raises(Unknown):
        gateway.transfer(transfer_of(account))  # the stored answer

    found = gateway.find_transfer("transfer:1:1", "order-1")

    assert found.amount_minor == 2_000
    sandbox.script(fault={"kind": "rate_limit", "path": "/v1/transfers"})
    with pytest.raises(Later):
        gateway.transfer(transfer_of(account, key="transfer:2:1"))
    sandbox.script(fault={"kind": "timeout", "path": "/v1/transfers", "effect": True, "seconds": 1})
    with pytest.raises(Unknown):
        gateway_at(sandbox.url, 0.2).transfer(transfer_of(account, key="transfer:3:1"))
    assert gateway.transfer(transfer_of(account, key="transfer:3:1")).amount_minor == 2_000
    assert sandbox.state()["objects"]["transfer"] == 2
    assert gateway.balance().total_minor("EUR") == 9_000 - 4_000


def test_a_reversal_takes_no_more_than_is_there(gateway: StripeGateway, sandbox: Running, account: str) -> None:
    sandbox.script(topup={"amount": 9_000}, payouts_wait=1)
    made = gateway.transfer(transfer_of(account, 5_000))

    first = gateway.reverse_transfer("reversal:1:1", made.provider_id, 1_500, {"debt": "1"})
    gateway.create_payout(PayoutRequest(key="payout:1:1", account=account, amount_minor=3_000, currency="EUR"))
    with pytest.raises(Later) as wait:
        gateway.reverse_transfer("reversal:2:1", made.provider_id, 501)
    gateway.reverse_transfer("reversal:3:1", made.provider_id, 500)
    with pytest.raises(Rejected) as refusal:
        gateway.reverse_transfer("reversal:4:1", made.provider_id, 3_001)

    assert wait.value.code == "balance_insufficient"
    assert refusal.value.code == "invalid_amount"
    assert (first.amount_minor, first.transfer_id) == (1_500, made.provider_id)
    assert first.metadata == {"debt": "1", "kontor_key": "reversal:1:1"}
    assert gateway.reverse_transfer("reversal:1:1", made.provider_id, 1_500, {"debt": "1"}) == first
    assert gateway.find_reversal("reversal:1:1", made.provider_id) == first
    assert gateway.find_reversal("reversal:2:1", made.provider_id) is None
    assert gateway.transfer_by_id(made.provider_id).reversed_minor == 2_000
    assert gateway.balance(account).available == {"EUR": 0}
    assert gateway.balance().available == {"EUR": 9_000 - 3_000}


def test_money_of_a_pending_charge_cannot_be_taken_back_yet(
    gateway: StripeGateway, sandbox: Running, account: str, charge: str
) -> None:
    made = gateway.transfer(transfer_of(account, source_charge_id=charge))
    with pytest.raises(Later):
        gateway.reverse_transfer("reversal:1:1", made.provider_id, 1)

    sandbox.script(advance_s=3 * 86_400)

    assert gateway.reverse_transfer("reversal:1:2", made.provider_id, 2_000).amount_minor == 2_000


def test_a_payout_goes_its_way_and_may_still_come_back(gateway: StripeGateway, sandbox: Running, account: str) -> None:
    sandbox.script(topup={"amount": 9_000})
    gateway.transfer(transfer_of(account, 5_000))
    wanted = PayoutRequest(key="payout:1:1", account=account, amount_minor=4_000, currency="EUR", metadata={"a": "b"})

    made = gateway.create_payout(wanted)
    assert (made.state, made.amount_minor, made.automatic, made.account) == (PayoutState.PENDING, 4_000, False, account)
    wait_until(lambda: gateway.payout_by_id(made.provider_id, account).state is PayoutState.PAID)
    sandbox.script(payout={"id": made.provider_id, "account": account, "to": "failed", "code": "account_closed"})

    failed = gateway.payout_by_id(made.provider_id, account)
    assert (failed.state, failed.failure_code) == (PayoutState.FAILED, "account_closed")
    assert failed.failure_balance_transaction_id.startswith("txn_")
    assert gateway.balance(account).available == {"EUR": 5_000}
    told = gateway.account(account)
    assert (told.payouts_enabled, told.currencies, told.due) == (False, (), ("external_account",))
    with pytest.raises(Rejected) as refusal:
        gateway.create_payout(PayoutRequest(key="payout:2:1", account=account, amount_minor=1, currency="EUR"))
    assert refusal.value.code == "payouts_not_allowed"
    assert gateway.find_payout("payout:1:1", account) == failed
    with pytest.raises(Rejected):
        gateway.payout_by_id(made.provider_id, None)


def test_payouts_by_schedule_take_what_is_available(gateway: StripeGateway, sandbox: Running, account: str) -> None:
    sandbox.script(topup={"amount": 9_000}, payouts_wait=1)
    gateway.transfer(transfer_of(account, 5_000))

    (first,) = sandbox.script(run_payouts=True)["run_payouts"]

    assert sandbox.script(run_payouts=True)["run_payouts"] == []
    (seen,) = gateway.payouts(account)
    assert (seen.provider_id, seen.automatic, seen.amount_minor) == (first, True, 5_000)
    assert list(gateway.payouts(None)) == []
    sandbox.script(payout={"id": first, "account": account, "to": "canceled"})
    assert gateway.payout_by_id(first, account).state is PayoutState.CANCELLED
    sandbox.script(account={"id": account, "payout_interval": "manual"})
    assert sandbox.script(run_payouts=True)["run_payouts"] == []


def test_every_movement_is_listed_once_page_by_page(gateway: StripeGateway, sandbox: Running, account: str) -> None:
    sandbox.script(topup={"amount": 900_000})
    for _ in range(120):
        ask(sandbox.url, "POST", "/v1/transfers", {"amount": "10", "currency": "eur", "destination": account})
    gateway.transfer(transfer_of(account, 100, metadata={"statement": "9"}))

    rows = list(gateway.balance_transactions(LONG_AGO, LATE))

    assert len({row.id for row in rows}) == len(rows) == 122
    assert (rows[0].kind, rows[0].net_minor, rows[0].metadata["statement"]) == ("transfer", -100, "9")
    assert (rows[-1].kind, rows[-1].amount_minor) == ("topup", 900_000)
    assert sum(row.net_minor for row in rows) == gateway.balance().total_minor("EUR") == 900_000 - 1_300
    there = list(gateway.balance_transactions(LONG_AGO, LATE, account))
    assert sum(row.net_minor for row in there) == gateway.balance(account).total_minor("EUR") == 1_300
    assert list(gateway.balance_transactions(LONG_AGO, rows[-1].created - timedelta(seconds=1))) == []
    assert gateway.balance_transaction(rows[0].id) == rows[0]


def test_web_hooks_tell_of_accounts_transfers_and_payouts(
    gateway: StripeGateway, sandbox: Running, receiver: Receiver
) -> None:
    sandbox.script(webhooks={"url": receiver.url, "copies": 2}, topup={"amount": 9_000})
    made = gateway.create_account(account_request())
    sandbox.script(account={"id": made.provider_id, "onboard": True})
    transfer = gateway.transfer(transfer_of(made.provider_id))
    gateway.reverse_transfer("reversal:1:1", transfer.provider_id, 100)
    payout = gateway.create_payout(
        PayoutRequest(key="payout:1:1", account=made.provider_id, amount_minor=500, currency="EUR")
    )
    wait_until(lambda: len({body for body, _ in receiver.got}) >= 7)

    told = {
        (event.kind, event.name, event.object_id, event.account)
        for event in (gateway.read_event(body, header) for body, header in receiver.got)
    }

    assert told == {
        (EventKind.ACCOUNT, "account.updated", made.provider_id, made.provider_id),
        (EventKind.TRANSFER, "transfer.created", transfer.provider_id, None),
        (EventKind.TRANSFER, "transfer.reversed", transfer.provider_id, None),
        (EventKind.PAYOUT, "payout.created", payout.provider_id, made.provider_id),
        (EventKind.PAYOUT, "payout.updated", payout.provider_id, made.provider_id),
        (EventKind.PAYOUT, "payout.paid", payout.provider_id, made.provider_id),
    }
    sandbox.script(webhooks={"url": None})
