"""The auditor's calculator: a document of cases in, for every case its answers or why it is refused."""

import json

from marketplace.pricing.answers import expected_to_json
from marketplace.pricing.facts import State
from marketplace.pricing.refusals import MAX_MINOR, Refused
from marketplace.pricing.valuation import decide, value
from marketplace.pricing.wire import (
    RepeatedKeys,
    each,
    members,
    optional,
    order_from_json,
    policy_from_json,
    state_from_json,
    text,
    whole,
)

FORMAT = "split-return-cases/1"
_MAX_DIGITS = 30


class NotACaseFile(ValueError):
    """The document as a whole cannot be read: no JSON, another format, or no cases."""


def read_cases(raw: bytes) -> list[object]:
    """The cases of a file, not yet looked at; NotACaseFile where it is none."""
    try:
        document = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_members_once, parse_int=_whole_number)
    except UnicodeDecodeError as error:
        raise NotACaseFile("it is not UTF-8") from error
    except RecursionError as error:
        raise NotACaseFile("it is nested too deeply") from error
    except ValueError as error:
        raise NotACaseFile(f"it is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise NotACaseFile(f'it is not an object with "format": "{FORMAT}"')
    if not isinstance(document.get("cases"), list):
        raise NotACaseFile('it holds no array "cases"')
    return list(document["cases"])


def answer(cases: list[object]) -> dict[str, object]:
    """The document of answers; a case that is refused does not stop the others."""
    return {"format": FORMAT, "cases": [_answered(case, f"/cases/{index}") for index, case in enumerate(cases)]}


def _answered(case: object, at: str) -> dict[str, object]:
    name = case.get("name") if isinstance(case, dict) else None
    try:
        return {"name": name, "expected": _expected(case, at)}
    except Refused as refusal:
        return {"name": name, "refused": refusal.reason}


def _expected(case: object, at: str) -> list[dict[str, object]]:
    o = members(case, at, "name order policy paid_minor states", "expected refused")
    text(o["name"], f"{at}/name")
    order = order_from_json(o["order"], f"{at}/order")
    policy = policy_from_json(o["policy"], f"{at}/policy")
    paid = optional(o["paid_minor"], f"{at}/paid_minor", whole)
    states = each(o["states"], f"{at}/states", state_from_json)
    before = value(order, policy, State())
    net_paid = before.buyer_owes_minor if paid is None else paid
    if not 0 <= net_paid <= MAX_MINOR:
        raise Refused("what was paid is not negative, nor larger than can be booked")
    expected = []
    for state in states:
        after = value(order, policy, state)
        decision = decide(before, after, net_paid)
        expected.append(expected_to_json(after, decision.refund_minor, decision.deficit_minor))
        net_paid -= decision.refund_minor
        before = after
    return expected


def _members_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else RepeatedKeys(found)


def _whole_number(digits: str) -> int | float:
    # A number that no sum or quantity can be becomes one that every reader refuses, at its place in the document.
    return int(digits) if len(digits) <= _MAX_DIGITS else float("inf")
