"""Outcomes side by side: what each of a few decisions would come to for the party that looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.kernel.access import Actor
from marketplace.kernel.errors import Refusal
from marketplace.kernel.money import Money
from marketplace.pricing.policy import Fault
from marketplace.returns import actions, judging, views
from marketplace.returns.models import ReturnLine
from marketplace.returns.queries import WholeCase
from marketplace.returns.states import LineState
from marketplace.rules.return_terms import Reason

_NAMES = {
    Fault.BUYER: "Buyer's choice",
    Fault.VENDOR: "Vendor's fault",
    Fault.CARRIER: "Carrier's fault",
    Fault.OPERATOR: "Marketplace's fault",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One outcome by its name, as the party may see it."""

    name: str
    shown: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RowOfSums:
    """One sum in every outcome."""

    name: str
    minor: list[int | None]
    strong: bool = False


def can_be_decided(actor: Actor, line: ReturnLine) -> bool:
    """Is a line there to be decided by the actor now; the operator also decides again what is settled."""
    if not actions.may_decide_again(actor, line):
        return False
    if line.state in {LineState.APPEALED, LineState.MISSING, LineState.SETTLED}:
        return True
    if line.state is LineState.APPROVED:
        return line.goods != "back" or line.reason == Reason.NOT_RECEIVED
    return line.state in {LineState.RECEIVED, LineState.INSPECTED, LineState.DECIDED}


def column(name: str, outcome: actions.Outcome, party: str | None) -> Column:
    return Column(name, views.preview(outcome, party))


def alternatives(actor: Actor, whole: WholeCase, deciding: Sequence[ReturnLine], party: str | None) -> list[Column]:
    """As claimed, and by each fault alone; for those who decide."""
    open_lines = [line for line in deciding if line.state is not LineState.SETTLED]
    lines = open_lines or list(deciding)
    if not lines or party == "buyer":
        return []
    faults = list(_NAMES) if party is None else [Fault.BUYER, Fault.VENDOR]
    wanted = [("As claimed", [{"line_id": line.id} for line in lines])]
    wanted += [(_NAMES[fault], [_all_by(line, fault) for line in lines]) for fault in faults]
    if party is None:
        shares = [{"fault": "vendor", "percent": 70}, {"fault": "buyer", "percent": 30}]
        wanted.append(("Shared 70 : 30", [{"line_id": line.id, "shares": shares, "by": "units"} for line in lines]))
    columns = []
    for name, verdicts in wanted:
        try:
            columns.append(column(name, actions.preview(actor, whole.case.id, verdicts), party))
        except Refusal:
            continue  # an outcome that is not possible is not shown
    return columns


def rows(columns: Sequence[Column], rest: str) -> list[RowOfSums]:
    """The refund and how each party's share moves, one row a sum; `rest`: what is not paid then is called."""
    if not columns:
        return []
    found = []
    if "refund_minor" in columns[0].shown:
        found.append(RowOfSums("Refund now", [one.shown["refund_minor"] for one in columns], strong=True))
        for name, words in (("credited_minor", "Credited"), ("deficit_minor", rest)):
            if any(one.shown[name] for one in columns):
                found.append(RowOfSums(words, [one.shown[name] for one in columns]))
    for index, party in enumerate(columns[0].shown["parties"]):
        found.append(RowOfSums(party["name"], [one.shown["parties"][index]["change_minor"] for one in columns]))
    return found


def minor(text: str, currency: str) -> int:
    """`6` or `6.00` in minor units. ValueError where it is no sum above zero."""
    amount = Money.from_major(text, currency).minor
    if amount < 1:
        raise ValueError("a sum is above zero")
    return amount


def _all_by(line: ReturnLine, fault: Fault) -> dict[str, Any]:
    quantity = line.received_quantity or line.quantity
    return {"line_id": line.id, "units": judging.as_claimed(fault.value, quantity)["units"]}
