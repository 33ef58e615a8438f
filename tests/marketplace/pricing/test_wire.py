"""Facts survive JSON exactly, and a malformed document is refused where it is malformed."""

import copy
import json

import pytest

from marketplace.pricing.answers import valuation_from_json, valuation_to_json
from marketplace.pricing.facts import State
from marketplace.pricing.policy import B2B, CONSUMER
from marketplace.pricing.refusals import Refused
from marketplace.pricing.valuation import value
from marketplace.pricing.wire import (
    order_from_json,
    order_to_json,
    policy_from_json,
    policy_to_json,
    state_from_json,
    state_to_json,
)
from tests.marketplace.pricing.asked import back, delivery, fixed, line, order, percent

ORDER = order(
    line("A1", 100, (1, "10.000000"), (50, "0.0375"), delivery="g", tax_rate="0.1900"),
    line("B1", 1, "0.000001"),
    inclusive=True,
    promotions=[percent("P", "0.3333", (0, "0.10"), lines=("A1",)), fixed("F", "1", (5, 3))],
    deliveries=[delivery("g", "A", 990, 5000)],
)
STATE = back(("A1", "buyer", 60), ("B1", "carrier", 1), charges=(("A", "buyer", 2),))


def through_json(value):
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("policy", [B2B, CONSUMER])
@pytest.mark.parametrize("state", [STATE, State()])
def test_facts_and_answers_survive_json(policy, state):
    read = order_from_json(through_json(order_to_json(ORDER)))
    assert read == ORDER
    assert order_to_json(read) == order_to_json(ORDER)
    assert policy_from_json(through_json(policy_to_json(policy))) == policy
    assert state_from_json(through_json(state_to_json(state))) == state
    valuation = value(ORDER, policy, state)
    assert valuation_from_json(through_json(valuation_to_json(valuation))) == valuation


DOCUMENT = {"order": order_to_json(ORDER), "policy": policy_to_json(B2B), "state": state_to_json(STATE)}
READ = {"order": order_from_json, "policy": policy_from_json, "state": state_from_json}
MISSING = object()


def with_change(pointer, replacement):
    document = copy.deepcopy(DOCUMENT)
    *way, last = pointer.strip("/").split("/")
    holder = document
    for step in way:
        holder = holder[int(step) if isinstance(holder, list) else step]
    if replacement is MISSING:
        del holder[last]
    else:
        holder[int(last) if isinstance(holder, list) else last] = replacement
    room = pointer.split("/")[1]
    return room, document[room]


@pytest.mark.parametrize(
    ("pointer", "replacement"),
    [
        ("/order", []),
        ("/order", None),
        ("/order/lines", {}),
        ("/order/lines/0", "A1"),
        ("/order/lines/0/quantity", 1.0),
        ("/order/lines/0/quantity", True),
        ("/order/lines/0/quantity", "1"),
        ("/order/lines/0/quantity", None),
        ("/order/lines/0/quantity", 10**19),
        ("/order/lines/0/quantity", float("nan")),
        ("/order/lines/0/id", ""),
        ("/order/lines/0/id", 7),
        ("/order/lines/0/vendor", "v" * 201),
        ("/order/lines/0/prices/1/unit_price", 10),
        ("/order/lines/0/prices/1/unit_price", "1e2"),
        ("/order/lines/0/prices/1/unit_price", "NaN"),
        ("/order/lines/0/prices/1/unit_price", "0.0000001"),
        ("/order/lines/0/prices/1/unit_price", "1" * 13),
        ("/order/lines/0/prices/1/unit_price", "\u0661"),
        ("/order/lines/0/tax_rate", "1\n"),
        ("/order/lines/0/discount", 1),
        ("/order/lines/0/delivery", 1),
        ("/order/prices_include_tax", "yes"),
        ("/order/deliveries/0/free_basis", "all"),
        ("/order/deliveries/0/free_from_minor", "1"),
        ("/order/promotions/0/steps/0/rate", 0.1),
        ("/order/promotions/0/steps/0/amount", 1),
        ("/order/promotions/0/vendor_share_by", []),
        ("/order/promotions/0/vendor_share_by/A", 1),
        ("/order/promotions/0/lines/0", 1),
        ("/policy/discount", "requalified"),
        ("/policy/discount", ["requalify"]),
        ("/policy/protected_faults/0", "weather"),
        ("/policy/protected_faults", "vendor"),
        ("/policy/delivery_refund/weather", "none"),
        ("/policy/loss_borne_by/buyer", "nobody"),
        ("/policy/restocking_taxed", 1),
        ("/policy/restocking_cap_minor", "5"),
        ("/policy/commission_fee_rate", 0.2),
        ("/state/returned/0/fault", "weather"),
        ("/state/returned/0/quantity", 0.5),
        ("/state/charges/0/amount_minor", "2"),
        ("/state/charges/0/why", "goodwill"),
    ],
)
def test_a_malformed_member_is_refused_at_its_pointer(pointer, replacement):
    room, document = with_change(pointer, replacement)
    with pytest.raises(Refused) as refusal:
        READ[room](document, f"/{room}")
    assert refusal.value.pointer == pointer
    assert refusal.value.reason.endswith(f", at {pointer}")


@pytest.mark.parametrize("pointer", ["/order/currency", "/order/lines/0/delivery", "/policy/tier", "/state/charges"])
def test_a_missing_member_is_refused_at_its_object(pointer):
    room, document = with_change(pointer, MISSING)
    holder, name = pointer.rsplit("/", 1)
    with pytest.raises(Refused, match=f"{name} is missing, at {holder}$"):
        READ[room](document, f"/{room}")


def test_the_pointer_of_a_strange_key_is_escaped():
    with pytest.raises(Refused, match="unknown key, at /a~1b~0c"):
        state_from_json({"returned": [], "charges": [], "a/b~c": 1})
