"""Worked examples 8 and 15 to the cent, and what holds for every plan."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlements.transfers.planning import (
    Charge,
    Part,
    Recovery,
    Shared,
    Sources,
    plan_request,
    recover,
    take_back,
    transfer_plan,
)

A, B, C = (uuid.UUID(int=number) for number in (1, 2, 3))
PAYMENT = uuid.UUID(int=9)
minors = st.integers(0, 10**9)


def test_example_15_the_charge_is_shared_and_the_rest_is_plain():
    assert transfer_plan(80000, [54000, 36000]) == [Shared(48000, 6000), Shared(32000, 4000)]


def test_a_charge_that_reaches_carries_everything():
    assert transfer_plan(100, [54, 36]) == [Shared(54, 0), Shared(36, 0)]


def test_nothing_is_linked_to_a_charge_that_went_back():
    assert transfer_plan(0, [54, 36]) == transfer_plan(-5, [54, 36]) == [Shared(0, 54), Shared(0, 36)]


@given(minors, st.lists(minors, max_size=6))
def test_linked_and_plain_are_what_is_due_and_no_more_than_the_charge(charge, due):
    plan = transfer_plan(charge, due)
    assert [part.linked_minor + part.plain_minor for part in plan] == due
    assert sum(part.linked_minor for part in plan) == min(charge, sum(due))
    assert all(part.linked_minor >= 0 and part.plain_minor >= 0 for part in plan)


def charge(left=80000, linked=0, own=0, entitled=None, payment=PAYMENT):
    return Charge(payment, left, linked, own, entitled or {A: 54000, B: 36000})


def test_example_15_asked_vendor_by_vendor():
    assert plan_request(A, 54000, [charge()]) == [Part(PAYMENT, 48000), Part(None, 6000)]
    assert plan_request(B, 36000, [charge(linked=48000)]) == [Part(PAYMENT, 32000), Part(None, 4000)]


def test_a_vendor_has_what_is_left_of_his_share_only():
    assert plan_request(A, 10000, [charge(linked=40000, own=40000)]) == [Part(PAYMENT, 8000), Part(None, 2000)]
    assert plan_request(A, 10000, [charge(linked=79000)]) == [Part(PAYMENT, 1000), Part(None, 9000)]
    assert plan_request(C, 10000, [charge()]) == [Part(None, 10000)]


def test_charges_are_used_in_their_order_and_no_further_than_needed():
    second = charge(payment=uuid.UUID(int=10))
    third = charge(payment=uuid.UUID(int=11))
    assert plan_request(A, 50000, [charge(), second, third]) == [Part(PAYMENT, 48000), Part(second.payment_id, 2000)]


@given(minors.filter(bool), st.lists(st.tuples(minors, minors, minors, minors, minors), max_size=5))
def test_a_request_is_split_without_loss_and_stays_below_every_charge(amount, rows):
    charges = [
        charge(left, linked, min(own, linked), {A: a, B: b}, uuid.UUID(int=100 + number))
        for number, (left, linked, own, a, b) in enumerate(rows)
    ]
    parts = plan_request(A, amount, charges)
    assert sum(part.amount_minor for part in parts) == amount
    assert all(part.amount_minor > 0 for part in parts)
    by_payment = {part.payment_id: part.amount_minor for part in parts if part.payment_id}
    assert all(by_payment.get(row.payment_id, 0) <= max(0, row.left_minor - row.linked_minor) for row in charges)
    assert sum(part.payment_id is None for part in parts) <= 1


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (Sources(not_sent_minor=24515), Recovery(3888, 0, 0, 0)),
        (Sources(reversible_minor=24515, available_minor=24515), Recovery(0, 3888, 0, 0)),
        (Sources(0, reversible_minor=24515, available_minor=1500, reserve_minor=1000), Recovery(0, 1500, 1000, 1388)),
        (Sources(0, reversible_minor=24515, available_minor=0), Recovery(0, 0, 0, 3888)),
    ],
    ids=["nothing transferred yet", "transferred, not paid out", "paid out, 15.00 since, 10.00 reserve", "empty"],
)
def test_example_8(sources, expected):
    assert recover(3888, sources) == expected


@given(minors, st.builds(Sources, minors, minors, st.integers(-(10**6), 10**9), minors))
def test_a_recovery_loses_nothing_and_takes_no_more_than_there_is(debt, sources):
    found = recover(debt, sources)
    steps = (found.less_transfer_minor, found.reversal_minor, found.reserve_minor, found.carried_minor)
    assert sum(steps) == debt
    assert min(steps) >= 0
    assert found.reversal_minor <= max(0, min(sources.reversible_minor, sources.available_minor))
    assert found.less_transfer_minor <= sources.not_sent_minor
    assert found.reserve_minor <= sources.reserve_minor
    if found.reserve_minor:
        assert found.less_transfer_minor == sources.not_sent_minor
    if found.carried_minor:
        assert found.reserve_minor == sources.reserve_minor


def test_taking_back_goes_from_transfer_to_transfer():
    assert take_back(3888, [(A, 1500), (B, 0), (C, 9000)]) == [(A, 1500), (C, 2388)]
    assert take_back(0, []) == []
    with pytest.raises(ValueError, match="cannot be taken back"):
        take_back(3889, [(A, 3888)])
