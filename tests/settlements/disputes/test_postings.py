"""Chargebacks against the table of postings, and losses parted as the formula parts what the buyer paid."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlements.ledger.chart import AccountKind
from settlements.ledger.postings import disputes as postings
from settlements.ledger.postings.disputes import Bearer

A = AccountKind
ORDER, VENDOR, PART = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)


def booked(lines):
    assert sum(line.amount_minor for line in lines) == 0
    return {line.account.value: line.amount_minor for line in lines}


def test_opened_with_its_fee_in_one_entry():
    assert booked(postings.moved(ORDER, -34460, 2000, "EUR")) == {
        "disputes_in_process": 34460,
        "psp_dispute_fees": 2000,
        "psp_clearing": -36460,
    }


def test_won_brings_the_money_back():
    assert booked(postings.moved(ORDER, 34460, 0, "EUR")) == {"psp_clearing": 34460, "disputes_in_process": -34460}


def test_lost_is_borne_by_vendor_and_marketplace():
    bearer = Bearer(A.VENDOR_PAYABLE, VENDOR, PART, 8000)
    assert booked(postings.lost(ORDER, "EUR", 10000, 0, [bearer])) == {
        "chargeback_loss": 2000,
        "vendor_payable": 8000,
        "disputes_in_process": -10000,
    }
    assert booked(postings.lost(ORDER, "EUR", 10000, 4000, [bearer._replace(amount_minor=4800)])) == {
        "chargeback_loss": 1200,
        "vendor_payable": 4800,
        "refunds_payable": 4000,
        "disputes_in_process": -10000,
    }


@pytest.mark.parametrize(
    ("loss", "owes", "vendors", "parts"),
    [
        (10000, 10000, {"b": 8000}, {"b": 8000}),
        (43674, 43674, {"a": 24515, "b": 14888}, {"a": 24515, "b": 14888}),
        (1, 43674, {"a": 24515, "b": 14888}, {"a": 1}),
        (100, 100, {"a": 90, "b": 60}, {"a": 60, "b": 40}),  # the marketplace pays more of discounts than it earns
        (100, 0, {"a": 0}, {}),
        (100, 50, {"a": -20}, {}),  # a vendor who owes for the order bears nothing more of it
    ],
)
def test_a_loss_is_parted_as_the_money_was(loss, owes, vendors, parts):
    assert postings.shares(loss, owes, vendors, "EUR") == parts


@given(
    st.integers(1, 10**9),
    st.integers(0, 10**9),
    st.dictionaries(st.sampled_from("abcd"), st.integers(-(10**6), 10**9), max_size=4),
)
def test_vendors_never_bear_more_than_was_lost(loss, owes, vendors):
    parts = postings.shares(loss, owes, vendors, "EUR")
    assert all(part > 0 for part in parts.values())
    assert sum(parts.values()) <= loss
    assert all(vendors[vendor] > 0 for vendor in parts)
    if owes >= sum(due for due in vendors.values() if due > 0) and loss <= owes:
        assert all(part <= vendors[vendor] for vendor, part in parts.items())
