"""What rules hold at a moment."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from marketplace.pricing.policy import B2B, CONSUMER
from marketplace.pricing.wire import policy_from_json
from marketplace.rules import actions, queries
from tests.builders import companies, rules

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_rates_are_those_of_the_day(session):
    rules.default_rules()
    assert queries.tax_rates(["EE", "DE"], date(2025, 6, 30)) == {
        ("DE", "standard"): Decimal("0.19"),
        ("DE", "reduced"): Decimal("0.07"),
        ("EE", "standard"): Decimal("0.22"),
        ("EE", "reduced"): Decimal("0.09"),
    }
    assert queries.tax_rates(["EE"], date(2025, 7, 1))["EE", "standard"] == Decimal("0.24")
    assert queries.tax_rates(["DE"], date(2023, 12, 31)) == {}


def test_the_defaults_may_be_installed_twice(session):
    rules.default_rules()
    rules.default_rules()
    assert queries.return_policy("b2b")[0] == "b2b/1"


def test_the_default_policies_are_those_of_the_formula(session):
    actions.install_defaults()
    assert policy_from_json(queries.return_policy("b2b")[1]) == B2B
    assert policy_from_json(queries.return_policy("consumer")[1]) == CONSUMER


def test_a_profile_without_policy_is_refused(session):
    with pytest.raises(queries.ReturnPolicyUnknown):
        queries.return_policy("b2b")


def test_promotions_run_between_their_dates_in_their_order(session):
    second = rules.a_promotion(position=20)
    first = rules.a_promotion(position=10, ends_at=datetime(2026, 3, 2, tzinfo=UTC))
    rules.a_promotion(ends_at=NOW)
    rules.a_promotion(starts_at=datetime(2026, 4, 1, tzinfo=UTC))
    rules.a_promotion(currency="CHF")
    rules.a_promotion(code="SPRING")
    assert queries.promotions_running("EUR", NOW) == [first, second]


def test_codes_add_their_promotions(session):
    spring = rules.a_promotion(code="SPRING")
    assert queries.promotions_running("EUR", NOW, [" spring "]) == [spring]


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("NEVER", queries.PromotionCodeUnknown),
        ("OVER", queries.PromotionCodeNotRunning),
        ("FRANCS", queries.PromotionCodeUnknown),
    ],
)
def test_a_code_that_does_not_count_is_named(session, code, refusal):
    rules.a_promotion(code="SPRING")
    rules.a_promotion(code="OVER", ends_at=NOW)
    rules.a_promotion(code="FRANCS", currency="CHF")
    with pytest.raises(refusal) as refused:
        queries.promotions_running("EUR", NOW, ["SPRING", code])
    assert (refused.value.pointer, refused.value.facts) == ("/codes/1", {"code": code})


def test_each_vendor_has_his_own_rates_then_the_operators(session):
    one, other = companies.a_company(may_sell=True), companies.a_company(may_sell=True)
    operators = rules.a_delivery_rate()
    late = rules.a_delivery_rate(one, position=9)
    early = rules.a_delivery_rate(one, position=1, countries=["DE", "FR"])
    rules.a_delivery_rate(one, countries=["FR"])
    rules.a_delivery_rate(one, active=False)
    rules.a_delivery_rate(one, currency="CHF")
    assert queries.delivery_rates([one.id, other.id], "EUR", "DE") == {
        one.id: [early, late, operators],
        other.id: [operators],
    }
