"""Interest, sharing out and references: exact values, and what holds for all."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlements.receivables.arithmetic import Since, interest, shared_out
from settlements.receivables.rates import rates_with
from settlements.receivables.references import key_of, keys_in, longest_only, named_in

DUE = date(2026, 1, 31)
RATES = rates_with([])


def days(number):
    return DUE + timedelta(days=number)


@pytest.mark.parametrize(
    ("open_sums", "until", "expected"),
    [
        ([(days(-30), 100_000)], days(365), 10_270),  # a year at 10.27 percent
        ([(days(-30), 43_674)], days(10), 123),  # 436.74 * 10.27 % * 10 / 365 = 1.2288
        ([(days(-30), 43_674)], days(0), 0),  # in time on its last day
        ([(days(-30), 43_674), (days(6), 23_674)], days(10), 95),  # five days of all, five of what is left
        ([(days(-30), 43_674), (days(6), 0)], days(100), 61),
    ],
)
def test_interest(open_sums, until, expected):
    assert interest([Since(*row) for row in open_sums], RATES, DUE, until) == expected


def test_each_day_has_the_rate_of_its_day():
    rates = [Since(date(2025, 1, 1), Decimal("0.1127")), Since(date(2025, 7, 1), Decimal("0.1027"))]
    due = date(2025, 5, 31)
    # 30 days of June at 11.27 percent, 31 of July at 10.27: 926.30 + 872.25
    assert interest([Since(due, 10_000_000)], rates, due, date(2025, 7, 31)) == 179_855
    assert rates_with([])[-2:] == rates


def test_what_the_operator_adds_wins_from_its_day_on():
    added = rates_with([Since(date(2027, 1, 1), Decimal("0.2")), Since(date(2025, 7, 1), Decimal("0.1"))])
    assert added[-2:] == [Since(date(2025, 7, 1), Decimal("0.1")), Since(date(2027, 1, 1), Decimal("0.2"))]


SUMS = st.lists(st.tuples(st.integers(-40, 400), st.integers(0, 10**9)), min_size=1, max_size=6)


def since(rows):
    return [Since(days(number), minor) for number, minor in sorted(dict(rows).items())]


@given(rows=SUMS, until=st.integers(0, 500), cut=st.integers(0, 500))
def test_interest_never_falls_with_time_and_splits_to_a_cent(rows, until, cut):
    sums, first, last = since(rows), min(until, cut), max(until, cut)
    whole, early = interest(sums, RATES, DUE, days(last)), interest(sums, RATES, DUE, days(first))
    late = interest(sums, RATES, days(first), days(last))
    assert 0 <= early <= whole
    assert abs(whole - early - late) <= 1


@given(rows=SUMS, until=st.integers(0, 500), factor=st.integers(1, 9))
def test_interest_on_more_is_in_proportion(rows, until, factor):
    more = [Since(row.day, row.value * factor) for row in since(rows)]
    once = interest(since(rows), RATES, DUE, days(until))
    assert abs(interest(more, RATES, DUE, days(until)) - factor * once) <= (factor + 1) // 2 + 1


@given(amount=st.integers(0, 10**9), items=st.lists(st.integers(-(10**6), 10**8), max_size=8))
def test_a_payment_is_shared_out_whole_and_nothing_is_paid_twice(amount, items):
    shared = shared_out(amount, items)
    assert sum(shared.parts) + shared.left_minor == amount
    assert all(0 <= part <= max(0, wanted) for part, wanted in zip(shared.parts, items, strict=True))
    paid_in_part = [n for n, (part, wanted) in enumerate(zip(shared.parts, items, strict=True)) if part < wanted]
    assert shared.left_minor == 0 or paid_in_part == []
    assert all(part == 0 for part in shared.parts[paid_in_part[0] + 1 :]) if paid_in_part else True


@pytest.mark.parametrize(
    "text",
    ["K103-I26-000017", "Rg. k103 i26 000017 Danke", "INVOICE/K103I26000017 ", "K 103/I 26/000017, K-100042"],
)
def test_a_number_is_found_however_it_is_written(text):
    found = key_of("K103-I26-000017") in keys_in(text)
    assert found == ("I26000017" not in text)  # where two numbers run into one another, a person looks


def test_a_number_is_not_found_in_another():
    assert key_of("K-10004") not in keys_in("K-100042")
    assert longest_only({"K-100042", "K-100042-2", "K-7"}) == {"K-100042-2", "K-7"}


def test_who_names_a_claim_for_paying_late_names_its_invoice_only_beside_it():
    invoice, claim = key_of("K103-I26-000017"), key_of("K103-I26-000017/L2")
    assert named_in("Rechnung K103-I26-000017/L2", {invoice, claim}) == {claim}
    assert named_in("K103-I26-000017 und K103 I26 000017 L2", {invoice, claim}) == {invoice, claim}
    assert named_in("K103-I26-000017, danke", {invoice, claim}) == {invoice}


@given(st.text(max_size=200))
def test_any_reference_can_be_read(text):
    keys_in(text)
