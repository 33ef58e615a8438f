"""The auditor's calculator answers every case it can read and says what it cannot."""

import json

import pytest
from flask import Flask

from marketplace.pricing.policy import B2B
from marketplace.pricing.wire import order_to_json, policy_to_json
from marketplace.returns.commands import returns
from tests.marketplace.pricing.asked import line, order

FORMAT = "split-return-cases/1"
NOTHING = {"returned": [], "charges": []}
ONE_BACK = {"returned": [{"line": "A1", "fault": "buyer", "quantity": 1}], "charges": []}


@pytest.fixture
def run():
    app = Flask("calculator")
    app.cli.add_command(returns)
    return lambda *words, **terms: app.test_cli_runner().invoke(args=["returns", "value", *words], **terms)


def case(name, *states, **facts):
    asked = {"order": order_to_json(order(line("A1", 3, "10.00"))), "policy": policy_to_json(B2B)}
    return {"name": name, **asked, "paid_minor": None, "states": list(states), **facts}


def asked(*cases):
    return json.dumps({"format": FORMAT, "cases": cases})


def answers(result):
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["format"] == FORMAT
    return document["cases"]


def test_the_answer_has_exactly_the_expected_keys(run, tmp_path):
    file = tmp_path / "cases.json"
    file.write_text(asked(case("one back", NOTHING, ONE_BACK, expected="looked past")))
    [answered] = answers(run(str(file)))
    assert answered["name"] == "one back"
    assert [entry["refund_minor"] for entry in answered["expected"]] == [0, 1000]
    assert answered["expected"][1] == {
        "buyer_owes_minor": 2000,
        "market_discount_minor": 0,
        "compensation_minor": 0,
        "commission_minor": 200,
        "operator_delivery_minor": 0,
        "vendors_minor": {"A": 1800},
        "promotion_steps": [],
        "lines": [
            {
                "id": "A1",
                "kept": 2,
                "gross_minor": 2000,
                "vendor_discount_minor": 0,
                "market_discount_minor": 0,
                "tax_minor": 0,
                "commission_minor": 200,
                "restocking_fee_minor": 0,
                "restocking_tax_minor": 0,
                "compensation_minor": 0,
                "buyer_owes_minor": 2000,
            }
        ],
        "deliveries": [],
        "refund_minor": 1000,
        "deficit_minor": 0,
    }


def test_what_was_paid_is_taken_from_the_case(run):
    [answered] = answers(run("-", input=asked(case("part paid", ONE_BACK, paid_minor=2500))))
    assert (answered["expected"][0]["refund_minor"], answered["expected"][0]["deficit_minor"]) == (500, 0)


def test_a_refused_case_does_not_stop_the_others(run):
    too_many = {"returned": [{"line": "A1", "fault": "buyer", "quantity": 4}], "charges": []}
    doubled = asked(case("a key twice", NOTHING)).split('"cases": [', 1)[1].removesuffix("]}")
    doubled = doubled.replace('"paid_minor": null', '"paid_minor": null, "paid_minor": 0')
    endless = json.dumps(case("an endless number", NOTHING)).replace(
        '"paid_minor": null', f'"paid_minor": {"9" * 5000}'
    )
    plain = [
        case("one bad state", NOTHING, too_many),
        case("a stray key", NOTHING, note="hello"),
        case("a negative payment", NOTHING, paid_minor=-1),
        case("no number", NOTHING, paid_minor=float("nan")),
        17,
        case("well", NOTHING),
    ]
    document = asked(*plain).removesuffix("]}") + f", {doubled}, {endless}]}}"
    answered = answers(run("-", input=document))
    assert [(entry["name"], entry.get("refused")) for entry in answered] == [
        ("one bad state", "returned more than was delivered"),
        ("a stray key", "an unknown key, at /cases/1/note"),
        ("a negative payment", "what was paid is not negative, nor larger than can be booked"),
        ("no number", "a whole number is expected, at /cases/3/paid_minor"),
        (None, "an object is expected, at /cases/4"),
        ("well", None),
        ("a key twice", "a key comes twice, at /cases/6"),
        ("an endless number", "a whole number is expected, at /cases/7/paid_minor"),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[]", "format"),
        (b'{"format": "split-return-cases/2", "cases": []}', "format"),
        (b'{"format": "split-return-cases/1"}', "no array"),
        (b'{"format": "split-return-cases/1", "cases": {}}', "no array"),
    ],
)
def test_a_file_that_cannot_be_read_ends_with_2(run, content, reason):
    result = run("-", input=content)
    assert result.exit_code == 2
    assert reason in result.output
    assert "Traceback" not in result.output


def test_a_file_that_is_not_there_ends_with_2(run, tmp_path):
    result = run(str(tmp_path / "none.json"))
    assert result.exit_code == 2
    assert "No such file" in result.output


def test_a_file_without_cases_is_answered_with_none(run):
    assert answers(run("-", input=asked())) == []
