"""The charges that a decision makes and takes back, and the state of the formula that it leads to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.orders.formula import in_words, valued
from marketplace.pricing.facts import BUYER, MARKETPLACE, Charge, ChargeKind, State
from marketplace.pricing.facts import Order as Facts
from marketplace.pricing.policy import Policy
from marketplace.returns import judging
from marketplace.returns.judging import Judged
from marketplace.returns.refusals import ChargeNotThere, ChargePartyUnknown
from marketplace.rules.return_terms import ReturnTerms

Charged = Sequence[Mapping[str, Any]]


def read(facts: Facts, charges: Charged) -> list[Charge]:
    """What was asked for, among the parties of the order. Raises ChargePartyUnknown."""
    parties = {BUYER, MARKETPLACE, *facts.by_vendor}
    for index, charge in enumerate(charges):
        for name in ("payer", "payee"):
            if charge[name] not in parties:
                raise ChargePartyUnknown(pointer=f"/charges/{index}/{name}")
        if charge["payer"] == charge["payee"]:
            raise ChargePartyUnknown(pointer=f"/charges/{index}/payee")
    return [judging.charge_from_json(charge) for charge in charges]


def standing(facts: Facts, before: State, taken_back: Charged) -> list[Charge]:
    """The charges to take back, each of which stands in the order's state. Raises ChargeNotThere."""
    removed = read(facts, taken_back)
    if Counter(removed) - Counter(before.charges):
        raise ChargeNotThere(pointer="/take_back")
    return removed


def next_state(
    terms: Mapping[str, Any],
    present: tuple[Facts, Policy, State],
    judged: Sequence[Judged],
    new: tuple[Sequence[Charge], Sequence[Charge]],
    removed: Sequence[Charge],
    paid: int,
) -> tuple[State, list[Charge], Sequence[tuple[int, Charge]]]:
    """The state to enter and every charge that is new in it: given, of labels (`new`), made by sharing a fault (again
    with the number of its line), or a deficit let go."""
    facts, policy, before = present
    given, labels = new
    with in_words():
        after, made, added = judging.state_after(facts, policy, before, judged, labels, given, removed)
    rule = ReturnTerms(terms)
    if rule.deficit.value == "waive":
        owed, owed_before = (
            valued(facts, policy, after).buyer_owes_minor,
            valued(facts, policy, before).buyer_owes_minor,
        )
        deficit = owed - paid
        if deficit > 0 and owed_before <= paid and rule.waives(deficit, facts.currency):
            let_go = Charge(MARKETPLACE, BUYER, deficit, ChargeKind.WAIVED_DEFICIT)
            after, added = State(after.returned, (*after.charges, let_go)), [*added, let_go]
    return after, added, made
