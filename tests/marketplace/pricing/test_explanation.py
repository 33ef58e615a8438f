"""Every sum in words: the sentences of a party add up to what its share moved by, in every case that we have."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from marketplace.pricing import wording
from marketplace.pricing.cases import read_cases
from marketplace.pricing.explanation import Change, explain, moved_by
from marketplace.pricing.facts import (
    BUYER,
    MARKETPLACE,
    Charge,
    ChargeKind,
    FreeBasis,
    Promotion,
    PromotionStep,
    State,
)
from marketplace.pricing.policy import (
    B2B,
    CommissionPolicy,
    DeliveryRefund,
    DiscountPolicy,
    Fault,
    FreeDeliveryPolicy,
    TaxBase,
    TierPolicy,
)
from marketplace.pricing.valuation import value
from marketplace.pricing.wire import order_from_json, policy_from_json, state_from_json
from tests.builders.settlements import example_one, returned

NAMES = {"gA": "delivery", "gB": "delivery", "A1": "Bolt", "A2": "Nut", "B1": "Washer", "A": "Weiss", "B": "Blau"}


def change_of(order, policy, first, last, names=NAMES):
    return Change(order, policy, (first, last), (value(order, policy, first), value(order, policy, last)), names)


def said(first, last, party, order=None, policy=B2B):
    order = order or example_one("A", "B")
    return [
        (one.kind, one.amount_minor, one.text)
        for one in explain(change_of(order, policy, first, last))
        if one.party == party
    ]


def test_the_first_example_for_its_buyer():
    last = returned(("A1", "buyer", 3), ("B1", "vendor", 2))
    assert said(State(), last, BUYER) == [
        ("goods", -3750, "Bolt: 3 of 10 came back by the buyer's own choice: goods of 37.50 EUR less"),
        ("discount", 375, "Bolt: 3 of 10 came back by the buyer's own choice: discount of 3.75 EUR falls away"),
        ("tax", -720, "Bolt: 3 of 10 came back by the buyer's own choice: tax of 20 %, 7.20 EUR less"),
        ("goods", -4220, "Washer: 2 of 7 came back by the vendor's fault: goods of 42.20 EUR less"),
        ("discount", 422, "Washer: 2 of 7 came back by the vendor's fault: discount of 4.22 EUR falls away"),
        ("tax", -810, "Washer: 2 of 7 came back by the vendor's fault: tax of 20 %, 8.10 EUR less"),
        ("delivery", 0, "delivery 9.90 EUR: 3 of 13 units came back by the buyer's own choice: nothing returned"),
        (
            "delivery",
            -426,
            "delivery 14.90 EUR: 2 of 7 units by value came back by the vendor's fault: 4.26 EUR returned",
        ),
        (
            "delivery_tax",
            -85,
            "delivery 14.90 EUR: 2 of 7 units by value came back by the vendor's fault: 4.26 EUR returned; "
            "tax on it, 0.85 EUR less",
        ),
    ]


def test_a_vendor_reads_of_his_goods_alone():
    last = returned(("A1", "buyer", 3), ("B1", "vendor", 2))
    for_b = said(State(), last, "B")
    assert sum(amount for _, amount, _ in for_b) == 10635 - 14888
    assert {text.split(":")[0] for _, _, text in for_b} == {"Washer"}
    kinds = [kind for kind, _, _ in said(State(), last, "A")]
    assert kinds == ["goods", "vendor_discount", "tax", "commission", "delivery"]


def test_a_second_return_names_all_and_what_of_it_is_now():
    first, last = returned(("B1", "vendor", 2)), returned(("B1", "vendor", 4))
    texts = [text for kind, _, text in said(first, last, BUYER) if kind == "delivery"]
    assert texts == [
        "delivery 14.90 EUR: 4 of 7 units by value came back by the vendor's fault: "
        "8.51 EUR returned, 4.25 EUR of it now"
    ]


def test_a_fault_decided_differently():
    first, last = returned(("A1", "vendor", 2)), returned(("A1", "buyer", 1), ("A1", "vendor", 1))
    assert said(first, last, BUYER)[0][2].startswith(
        "delivery 9.90 EUR: 1 of 13 units by value came back by the vendor's fault"
    )


def cases(shared, name):
    for case in read_cases((shared / "cases/split-returns" / name).read_bytes()):
        yield case["name"], order_from_json(case["order"]), policy_from_json(case["policy"]), case["states"]


@pytest.mark.parametrize("name", ["worked.json", "random.json"])
def test_the_sentences_of_each_party_add_up(shared, name):
    checked = 0
    for case, order, policy, states in cases(shared, name):
        path = [State(), *(state_from_json(state) for state in states)]
        for first, last in pairwise(path):
            change = change_of(order, policy, first, last, {})
            sentences = explain(change)
            before, after = change.valuations
            assert moved_by(sentences, BUYER) == after.buyer_owes_minor - before.buyer_owes_minor, case
            for vendor, due in after.vendors_minor.items():
                assert moved_by(sentences, vendor) == due - before.vendors_minor[vendor], (case, vendor)
            for kind, field in (
                ("market_discount", "market_discount_minor"),
                ("compensation", "compensation_minor"),
                ("commission", "commission_minor"),
            ):
                assert moved_by(sentences, MARKETPLACE, kind) == getattr(after, field) - getattr(before, field), case
            sold = moved_by(sentences, MARKETPLACE, "delivery", "delivery_tax")
            assert sold == after.operator_delivery_minor - before.operator_delivery_minor, case
            assert all(one.text and wording.why(one.kind, one.rule) for one in sentences)
            checked += 1
    assert checked > 100
    json.dumps([one.text for one in sentences])


@pytest.mark.parametrize(
    ("scope", "limit", "counting", "seen_by_a"),
    [(None, 37000, "335.19", False), (("A1", "B1"), 25000, "235.20", False), (("A1", "A2"), 20000, "187.49", True)],
)
def test_a_lost_step_tells_a_vendor_no_sum_of_others(scope, limit, counting, seen_by_a):
    steps = (PromotionStep(0, rate=Decimal("0.05")), PromotionStep(limit, rate=Decimal("0.10")))
    promotion = Promotion("p", steps, Decimal("0.5"), lines=scope)
    order = replace(example_one("A", "B"), promotions=(promotion,))
    last = returned(("A1", "buyer", 3))
    why = f"as goods of {counting} EUR count for it"
    for party, kind, told in ((BUYER, "discount", True), ("A", "vendor_discount", seen_by_a)):
        texts = [text for of, _, text in said(State(), last, party, order) if of == kind and text.startswith("Bolt")]
        assert [(why in text, "the discount is 5 %" in text) for text in texts] == [(told, True)]


def test_free_delivery_lost_by_what_others_sold_tells_its_vendor_no_sum():
    order = example_one("A", "B", free_from_minor=37000)
    by_order = replace(order.deliveries[0], free_basis=FreeBasis.ORDER)
    order = replace(order, deliveries=(by_order, order.deliveries[1]))
    for party, told in ((BUYER, "goods of 309.39 EUR still count"), ("A", "less than that still counts")):
        texts = [text for _, _, text in said(State(), returned(("B1", "buyer", 3)), party, order) if "free" in text]
        assert texts
        assert all(told in text for text in texts), texts


TERMS = {
    "discount": DiscountPolicy,
    "tier": TierPolicy,
    "free_delivery": FreeDeliveryPolicy,
    "tax_base": TaxBase,
    "commission": CommissionPolicy,
    **{f"delivery_refund.{fault}": DeliveryRefund for fault in Fault},
}


def test_every_term_of_a_policy_has_plain_words():
    named = {f"{name}: {value}" for name, kind in TERMS.items() for value in kind}
    assert set(wording.RULES) == named | {"restocking", "restocking_taxed", "loss_borne_by", "charge"}
    keys = {"requalify", "rerate", "clawback", "proportional", "reverse"}
    for words in wording.RULES.values():
        assert "_" not in words
        assert not keys & set(words.split())
        assert words.endswith(".")
    assert wording.why("goods", "discount: requalify") == "Only goods that are kept are paid."
    assert wording.why("delivery", "delivery_refund.cancelled: full_on_full") == (
        "Delivery is given back for goods that were cancelled only where nothing of it is kept."
    )
    assert wording.why("goods", "a term of old") == ""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ChargeKind.OTHER, "a charge"),
        (ChargeKind.LABEL, "the return label"),
        (ChargeKind.DAMAGE, "damage"),
        (ChargeKind.GOODWILL, "goodwill"),
        (ChargeKind.WAIVED_DEFICIT, "what was still to be paid is let go"),
        (ChargeKind.FAULT_SHARE, "a share of the fault"),
        (ChargeKind.CARRIER_CLAIM, "a claim on the carrier"),
    ],
)
def test_a_charge_of_every_kind_is_said_with_its_currency(kind, words):
    state = State(charges=(Charge("A", "B", 110000, kind),))
    assert said(State(), state, "A") == [(kind, -110000, f"{words}: Weiss pays 1,100.00 EUR to Blau")]


def test_money_and_prices_are_written_in_their_currency():
    assert wording.money(-110000, "EUR") == "1,100.00 EUR"
    assert wording.money(1100, "JPY") == "1,100 JPY"
    assert wording.price(Decimal("1204.5"), "CHF") == "1,204.50 CHF"
    assert wording.price(Decimal("0.037500"), "EUR") == "0.0375 EUR"
