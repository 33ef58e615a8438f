"""What the provider's web hooks tell of transfers and payouts, and what a step of an order sets going."""

import json
from dataclasses import replace

import pytest

from marketplace.kernel import queue
from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from marketplace.orders import actions as orders
from settlements.gateway.connect import PayoutRequest
from settlements.ledger import books
from settlements.ledger.chart import AccountKind as A
from settlements.ledger.chart import PostingKind as K
from settlements.ledger.postings.lines import Line
from settlements.transfers import actions
from settlements.transfers.models import VendorPayout
from settlements.transfers.queries import transfers
from settlements.webhooks import actions as webhook_actions
from settlements.webhooks import queries as webhook_queries
from tests.builders.settlements import place_example_one
from tests.builders.transfers import an_account, due, standing
from tests.cast import make_cast
from tests.settlements.memory_gateway import SIGNATURE, MemoryGateway


@pytest.fixture
def scene(own_app):
    """(cast, memory gateway, the vendor's account) with real commits, so that the queue has its way."""
    own_app.extensions["kontor_gateway"] = gateway = MemoryGateway()
    with own_app.app_context():
        with transaction():
            cast = make_cast()
            account = an_account(gateway, cast.vendor_company)
        queue.drain()
        yield cast, gateway, account
        db.session.rollback()


def hear(gateway, name, object_id, account=None):
    """The event by web hook; what was done about it, and why."""
    told = {"id": f"evt_{name}_{object_id}_{account}", "name": name, "object_id": object_id, "account": account}
    with transaction():
        webhook_actions.store(gateway.read_event(json.dumps(told).encode(), SIGNATURE))
    queue.drain()
    db.session.rollback()
    rows = db.session.scalars(webhook_queries.events(SYSTEM))
    found = next(row for row in rows if row.event_id == told["id"])
    return found.outcome, found.reason


def order(vendor, amount_minor, gateway):
    with transaction():
        due(vendor, amount_minor, gateway=gateway)
        return actions.request(vendor, "EUR", amount_minor, "test:1", SYSTEM)[0].id


def state_of(transfer_id):
    return transfers.transfer(SYSTEM, transfer_id).state.value


def test_an_ordered_transfer_is_sent_by_the_queue(scene):
    cast, gateway, _ = scene
    transfer_id = order(cast.vendor_company.id, 5000, gateway)
    queue.drain()
    db.session.rollback()
    assert state_of(transfer_id) == "made"


def test_a_transfer_whose_answer_was_lost_is_recorded_by_web_hook(scene):
    cast, gateway, _ = scene
    gateway.faults.append(("transfer", "unanswered"))
    transfer_id = order(cast.vendor_company.id, 5000, gateway)
    queue.drain()
    db.session.rollback()
    assert state_of(transfer_id) == "unknown"
    (made,) = gateway.transfers
    assert hear(gateway, "transfer.created", made) == ("handled", None)
    assert state_of(transfer_id) == "made"
    assert books.check_books() == []


def test_what_came_back_without_our_asking_is_kept_with_the_reason(scene):
    cast, gateway, _ = scene
    order(cast.vendor_company.id, 5000, gateway)
    queue.drain()
    (made,) = gateway.transfers
    gateway.reverse_transfer("by hand", made, 1000)
    outcome, reason = hear(gateway, "transfer.reversed", made)
    assert (outcome, reason) == ("kept", "10.00 EUR came back at the provider, 0.00 EUR of it asked for here")
    assert standing(cast.vendor_company.id) == {}


def test_a_transfer_that_is_none_of_ours_is_kept(scene):
    _, gateway, _ = scene
    assert hear(gateway, "transfer.created", "tr_x") == ("kept", "the provider does not know it: resource_missing")


def test_a_payout_and_its_failure_after_paid(scene):
    cast, gateway, account = scene
    order(cast.vendor_company.id, 5000, gateway)
    queue.drain()
    paid = gateway.create_payout(PayoutRequest(key="k", account=account, amount_minor=5000, currency="EUR"))
    gateway.become_paid(paid.provider_id)
    assert hear(gateway, "payout.paid", paid.provider_id, account) == ("handled", None)
    assert payout().state.value == "paid"
    gateway.fail_payout(paid.provider_id)
    assert hear(gateway, "payout.failed", paid.provider_id, account) == ("handled", None)
    assert (payout().state.value, payout().failure_code) == ("failed", "account_closed")
    assert hear(gateway, "payout.updated", paid.provider_id, account) == ("handled", None)
    assert payout().state.value == "failed"


def payout():
    return db.session.query(VendorPayout).one()


@pytest.mark.parametrize("account", ["acct_of_somebody", None])
def test_a_payout_of_another_account_is_not_recorded(scene, account):
    outcome, _ = hear(scene[1], "payout.paid", "po_1", account)
    assert outcome == ("kept" if account else "ignored")
    assert db.session.query(VendorPayout).count() == 0


def test_a_payout_in_the_name_of_another_account_is_kept(scene):
    cast, gateway, account = scene
    with transaction():
        other = an_account(gateway, cast.rival_vendor_company)
    gateway._move(account, "topup", 100, "EUR", "tu_1")
    paid = gateway.create_payout(PayoutRequest(key="k", account=account, amount_minor=100, currency="EUR"))
    assert hear(gateway, "payout.paid", paid.provider_id, other)[0] == "kept"


def test_what_an_account_takes_from_its_bank_is_no_payout(scene):
    """The provider fills up a debit there by a payout below zero."""
    _, gateway, account = scene
    gateway._move(account, "topup", 100, "EUR", "tu_1")
    paid = gateway.create_payout(PayoutRequest(key="k", account=account, amount_minor=100, currency="EUR"))
    gateway.payouts_made[paid.provider_id] = replace(paid, amount_minor=-100)
    assert hear(gateway, "payout.created", paid.provider_id, account)[0] == "ignored"
    assert db.session.query(VendorPayout).count() == 0


def test_a_step_of_an_order_recovers_what_its_vendor_owes(scene):
    """Transferred, and then something goes back: the vendor's money comes back by itself, in nobody's way."""
    cast, gateway, _ = scene
    vendor = cast.vendor_company.id
    with transaction():
        placed = place_example_one(cast.buyer, cast.vendor_company, cast.rival_vendor_company)
    transfer_id = order(vendor, 9000, gateway)
    queue.drain()
    with transaction():
        lines = [
            Line(A.VENDOR_PAYABLE, vendor, K.GOODS, 3888, "EUR"),
            Line(A.OPERATOR_LOSS, None, K.COMPENSATION, -3888, "EUR"),
        ]
        books.post("step:test", "order_step", lines)
        orders.cancel(cast.buyer, placed.order.id, [orders.Units(placed.lines["A1"], 3)])
    queue.drain()
    db.session.rollback()
    assert transfers.transfer(SYSTEM, transfer_id).reversed_minor == 3888
    assert standing(vendor) == {}
