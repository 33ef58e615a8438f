"""Sums add up to the cent, refuse what is no sum, and read back as they were written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel.money import (
    CurrenciesDiffer,
    Money,
    allocate,
    minor_digits,
    round_half_up,
    round_half_up_each,
    share,
)

EUR = "EUR"
sums = st.integers(-(10**15), 10**15)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"), [(1, 2, 1), (-1, 2, 0), (3, 2, 2), (-3, 2, -1), (1, 3, 0), (2, 3, 1)]
)
def test_a_half_goes_up(numerator, denominator, rounded):
    assert round_half_up(numerator, denominator) == rounded
    assert round_half_up_each([numerator, numerator], denominator) == [rounded, rounded]


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_denominator_is_above_zero(denominator):
    with pytest.raises(ValueError, match="denominator"):
        round_half_up(1, denominator)
    with pytest.raises(ValueError, match="denominator"):
        round_half_up_each([1], denominator)


def test_shares_do_not_depend_on_the_packets():
    assert [share(1000, kept, 3) for kept in (3, 2, 1, 0)] == [1000, 667, 333, 0]
    assert share(5, 0, 0) == 0
    with pytest.raises(ValueError, match="ordered"):
        share(5, 1, -1)


@pytest.mark.parametrize(
    ("total", "by", "parts"),
    [
        (10000, [200, 200, 200], [3334, 3333, 3333]),
        (5, [1, 1, 1, 7], [1, 1, 0, 3]),
        (-10000, [1, 1, 1], [-3334, -3333, -3333]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_sharing_out_by_the_largest_remainder(total, by, parts):
    assert allocate(total, by) == parts


@pytest.mark.parametrize(("total", "by"), [(1, []), (1, [0, 0]), (1, [2, -1]), (0, [-1])])
def test_nothing_is_shared_out_by_no_weight_or_a_negative_one(total, by):
    with pytest.raises(ValueError, match="weight"):
        allocate(total, by)


@given(sums, weights)
def test_parts_add_up_and_are_off_by_less_than_one(total, by):
    parts = allocate(total, by)
    assert sum(parts) == total
    assert all(abs(part * sum(by) - total * weight) < sum(by) for part, weight in zip(parts, by, strict=True))
    assert [part.minor for part in Money(total, EUR).split(by)] == parts


def test_arithmetic_stays_in_one_currency():
    assert Money(5, EUR) + Money(7, EUR) - Money(2, EUR) == Money(10, EUR)
    assert -Money(5, EUR) < Money(0, EUR) <= Money(0, EUR) < Money(1, EUR)
    assert Money(2, EUR) > Money(1, EUR) >= Money(1, EUR)
    assert Money(1, EUR) != Money(1, "USD")
    for meet in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__, Money.__gt__, Money.__ge__):
        with pytest.raises(CurrenciesDiffer):
            meet(Money(1, EUR), Money(1, "USD"))
        with pytest.raises(TypeError, match="only money"):
            meet(Money(1, EUR), 1)
    with pytest.raises(TypeError):
        1 + Money(1, EUR)
    with pytest.raises(TypeError):
        Money(1, EUR) * 2
    with pytest.raises(TypeError):
        Money(1, EUR) / 2


@pytest.mark.parametrize("minor", [1.0, True, "1", Decimal(1), None])
def test_a_sum_is_a_whole_number(minor):
    with pytest.raises(TypeError, match="whole number"):
        Money(minor, EUR)


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "EU1", None, "EUR\n"])
def test_a_currency_is_three_capital_letters(currency):
    with pytest.raises(ValueError, match="capital letters"):
        Money(1, currency)


def test_a_rate_becomes_a_sum_once_and_half_up():
    assert Money(1050, EUR).times(Decimal("0.0375")) == Money(39, EUR)
    assert Money(10, EUR).times(Decimal("0.05")) == Money(1, EUR)
    assert Money(-10, EUR).times(Decimal("0.05")) == Money(0, EUR)
    for rate in (2, 0.5, True):
        with pytest.raises(TypeError, match="Decimal"):
            Money(1, EUR).times(rate)
    with pytest.raises(ValueError, match="number"):
        Money(1, EUR).times(Decimal("NaN"))


@pytest.mark.parametrize(
    ("money", "major", "written"),
    [
        (Money(123456789, EUR), "1234567.89", "1,234,567.89 EUR"),
        (Money(-5, EUR), "-0.05", "-0.05 EUR"),
        (Money(1234, "JPY"), "1234", "1,234 JPY"),
        (Money(-1234, "KWD"), "-1.234", "-1.234 KWD"),
    ],
)
def test_sums_are_written_with_the_digits_of_their_currency(money, major, written):
    assert (money.major(), money.format()) == (major, written)


@given(sums, st.sampled_from([EUR, "JPY", "KWD", "CLF"]))
def test_what_is_written_is_read_back(minor, currency):
    assert Money.from_major(Money(minor, currency).major(), currency) == Money(minor, currency)


@pytest.mark.parametrize("text", ["1.234", "1,00", "", ".5", "1.", "+1", "1e2", "NaN", "1 000"])
def test_what_is_no_sum_is_not_read(text):
    with pytest.raises(ValueError, match="digits"):
        Money.from_major(text, EUR)


def test_minor_digits_are_data():
    assert [minor_digits(currency) for currency in (EUR, "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
