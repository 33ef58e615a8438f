"""When an invoice is due: each way to count, at the ends of months."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.credit.terms import DueRule, TermsKind

DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))


@pytest.mark.parametrize(
    ("kind", "days", "invoiced", "due", "text"),
    [
        ("net", 30, "2026-01-31", "2026-03-02", "30 days net"),
        ("net", 1, "2028-02-28", "2028-02-29", "1 day net"),
        ("net", 0, "2026-05-04", "2026-05-04", "due at once"),
        ("days_end_of_month", 30, "2026-01-15", "2026-02-28", "30 days, then the end of the month"),
        ("days_end_of_month", 0, "2026-01-15", "2026-01-31", "end of the month"),
        ("days_end_of_month", 30, "2026-11-30", "2026-12-31", "30 days, then the end of the month"),
        ("end_of_month_days", 15, "2026-01-02", "2026-02-15", "15 days after the end of the month"),
        ("end_of_month_days", 30, "2026-12-31", "2027-01-30", "30 days after the end of the month"),
        ("end_of_month_days", 0, "2028-02-01", "2028-02-29", "end of the month"),
    ],
)
def test_due(kind, days, invoiced, due, text):
    rule = DueRule(TermsKind(kind), days)
    assert rule.due_on(date.fromisoformat(invoiced)) == date.fromisoformat(due)
    assert rule.text == text
    assert DueRule.from_json(rule.as_json()) == rule


@given(
    kind=st.sampled_from([kind for kind in TermsKind if kind is not TermsKind.NONE]), days=st.integers(0, 180), on=DAYS
)
def test_nothing_is_due_before_its_days_are_over_and_later_invoices_are_not_due_earlier(kind, days, on):
    rule = DueRule(kind, days)
    due = rule.due_on(on)
    assert due >= on + timedelta(days=days)
    assert rule.due_on(on + timedelta(days=1)) >= due


def test_without_terms_nothing_is_due():
    with pytest.raises(ValueError, match="without terms"):
        DueRule(TermsKind.NONE, 0).due_on(date(2026, 1, 1))
