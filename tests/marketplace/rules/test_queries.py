"""What rules hold at a moment."""

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pytest

from marketplace.pricing.policy import B2B, CONSUMER
from marketplace.pricing.wire import policy_from_json
from marketplace.rules import actions, queries
from tests.builders import companies, rules

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_rates_are_those_of_the_day(session):
    rules.default_rules()
    assert rules.in_force(countries=["EE", "DE"], day=date(2025, 6, 30)).tax_rates == {
        ("DE", "standard"): Decimal("0.19"),
        ("DE", "reduced"): Decimal("0.07"),
        ("EE", "standard"): Decimal("0.22"),
        ("EE", "reduced"): Decimal("0.09"),
    }
    assert rules.in_force(countries=["EE"], day=date(2025, 7, 1)).tax_rates["EE", "standard"] == Decimal("0.24")
    assert rules.in_force(day=date(2023, 12, 31)).tax_rates == {}


def test_the_defaults_may_be_installed_twice(session):
    rules.default_rules()
    rules.default_rules()
    assert rules.in_force().policy_version == "b2b/1"


def test_the_default_policies_are_those_of_the_formula(session):
    actions.install_defaults()
    assert policy_from_json(orjson.loads(rules.in_force().policy)) == B2B
    assert policy_from_json(orjson.loads(rules.in_force(profile="consumer").policy)) == CONSUMER


def test_a_profile_without_policy_is_refused(session):
    with pytest.raises(queries.ReturnPolicyUnknown):
        rules.in_force()


def test_promotions_run_between_their_dates_in_their_order(session):
    second = rules.a_promotion(position=20)
    first = rules.a_promotion(position=10, ends_at=datetime(2026, 3, 2, tzinfo=UTC))
    rules.a_promotion(ends_at=NOW)
    rules.a_promotion(starts_at=datetime(2026, 4, 1, tzinfo=UTC))
    rules.a_promotion(currency="CHF")
    rules.a_promotion(code="SPRING")
    rules.default_rules()
    assert [row.id for row in rules.in_force(moment=NOW).promotions] == [first.id, second.id]


def test_codes_add_their_promotions(session):
    spring = rules.a_promotion(code="SPRING")
    rules.default_rules()
    found = rules.in_force(moment=NOW, codes=[" spring "])
    assert [row.id for row in found.promotions] == [spring.id]
    assert found.not_running([" spring ", "SPRING"]) == []


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
    rules.default_rules()
    codes = ["SPRING", code]
    assert rules.in_force(moment=NOW, codes=codes).not_running(codes) == [code]
    refused = queries.code_refused("EUR", codes, code)
    assert (type(refused), refused.pointer, refused.facts) == (refusal, "/codes/1", {"code": code})


def test_each_vendor_has_his_own_rates_then_the_operators(session):
    one, other = companies.a_company(may_sell=True), companies.a_company(may_sell=True)
    operators = rules.a_delivery_rate()
    late = rules.a_delivery_rate(one, position=9)
    early = rules.a_delivery_rate(one, position=1, countries=["DE", "FR"])
    rules.a_delivery_rate(one, countries=["FR"])
    rules.a_delivery_rate(one, active=False)
    rules.a_delivery_rate(one, currency="CHF")
    rules.default_rules()
    found = rules.in_force(vendor_ids=[one.id, other.id]).delivery_rates([one.id, other.id])
    assert {vendor: [row.id for row in rates] for vendor, rates in found.items()} == {
        one.id: [early.id, late.id, operators.id],
        other.id: [operators.id],
    }


def test_a_change_of_a_rule_holds_at_once(session):
    rules.default_rules()
    rate = rules.a_delivery_rate(price_minor=100)
    assert [row.price_minor for row in rules.in_force().deliveries] == [100]
    rate.price_minor = 200
    session.flush()
    assert [row.price_minor for row in rules.in_force().deliveries] == [200]
