"""Each proof finds what it is there for: a row that says something else than the books."""

import pytest
from sqlalchemy import text

from marketplace.kernel.access import SYSTEM
from marketplace.kernel.db import db, transaction
from settlements.ledger import books
from settlements.transfers import actions, jobs
from settlements.transfers.actions import reversing
from tests.builders.transfers import due

SPOILT = {
    "transfers in transit": "UPDATE transfer SET state = 'requested'",
    "transfer is booked": "UPDATE transfer_attempt SET balance_transaction_id = 'txn_of_somebody'",
    "transfer arrived once": "UPDATE transfer_attempt SET balance_transaction_id = NULL",
    "transfer reversed": "UPDATE transfer SET reversed_minor = 99",
    "paid out below zero": "UPDATE transfer SET amount_minor = 250, payable_minor = 250",
}


@pytest.fixture
def reversed_in_part(vendor, account, gateway, cast):
    with transaction():
        due(vendor, 300, gateway=gateway)
        (transfer,) = actions.request(vendor, "EUR", 300, "test:1", SYSTEM)
    jobs.send(transfer.id)
    with transaction():
        reversal = reversing.request_by_hand(cast.operator, transfer.id, 100, "too much")
    jobs.take_back(reversal.id)
    assert books.check_books() == []


@pytest.mark.parametrize("what", SPOILT)
def test_what_was_spoilt_is_found(reversed_in_part, session, what):
    session.execute(text(SPOILT[what]))
    assert what in {difference.what for difference in books.check_books()}
    db.session.rollback()
