"""A line is inspected and decided: how many units count, by whose fault; nothing moves before it is settled."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.kernel import clock, history
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db
from marketplace.orders.formula import facts_of, in_words
from marketplace.pricing.policy import Fault, Policy
from marketplace.returns import judging, queries
from marketplace.returns.actions import labels as labelling
from marketplace.returns.actions.answering import told_all, wait_until
from marketplace.returns.actions.opening import claim
from marketplace.returns.actions.sides import answers, side_of, still_open
from marketplace.returns.models import ReturnLine
from marketplace.returns.refusals import (
    DecidedByOperator,
    FaultNotYours,
    GoodsNotBack,
    LineNamedTwice,
    MoreThanApproved,
    NothingChanges,
    ReplacementHasLeft,
    SharesNotWhole,
)
from marketplace.returns.states import LineState, LineVerb
from marketplace.rules.return_terms import Reason, ReturnTerms

Verdicts = Sequence[tuple[ReturnLine, dict[str, Any]]]
STANDING = {LineState.REPLACING, LineState.SETTLED}
_BINDING = {LineState.APPEALED, LineState.MISSING, LineState.REPLACING, LineState.SETTLED}


def inspect(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, note: str) -> ReturnLine:
    """What the vendor found. Raises ReturnUnknown, NotYours, IllegalMove."""
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    still_open(found)
    answers(actor, line)
    history.move(line, LineVerb.INSPECT, actor, note=note)
    line.inspection = note
    return line


def decide(actor: Actor, case_id: uuid.UUID, wanted: Sequence[Mapping[str, Any]]) -> queries.Locked:
    """Decide lines, or decide them differently. `wanted` as of VerdictIn. The case, for `settle_found`.

    Raises ReturnUnknown, ReturnLineUnknown, LineNamedTwice, NotYours, DecidedByOperator, FaultNotYours, GoodsNotBack,
    MoreThanApproved, IllegalMove; UnitsNotReturnable where a line is taken up again whose units came back otherwise;
    NothingChanges where all of it stands settled so: nobody would read anything new, and no sum would move.
    """
    found, pairs = verdicts(actor, case_id, wanted)
    if stands(found, pairs):
        raise NothingChanges
    return write_down(actor, found, pairs)


def verdicts(actor: Actor, case_id: uuid.UUID, wanted: Sequence[Mapping[str, Any]]) -> tuple[queries.Locked, Verdicts]:
    """The locked case, and what is wanted as verdicts that the actor may give. Raises as `decide`."""
    found = queries.locked(actor, case_id)
    if not actor.sees_all:
        still_open(found)
    pairs = []
    for index, (line, want) in enumerate(zip(named(found, wanted), wanted, strict=True)):
        answers(actor, line)
        if not may_decide_again(actor, line):
            raise DecidedByOperator
        verdict = verdict_of(line, want, pointer=f"/lines/{index}")
        _may_decide(actor, found, line, verdict)
        pairs.append((line, verdict))
    return found, pairs


def stands(found: queries.Locked, pairs: Verdicts) -> bool:
    """Is all of it settled so, in these words or without any? A label that has become known since is a change."""
    for line, verdict in pairs:
        standing = line.settled or {}
        said_before = verdict["note"] in {"", standing.get("note")}
        if line.state not in STANDING or not said_before or not judging.is_the_same(standing, verdict):
            return False
    facts, policy, before = facts_of(found.order)
    made, ended = labelling.charges(found.case.id, found.lines, pairs, Counter(before.charges))
    labels = [charge for _, charge in made]
    judged = [judging.Judged(line.order_line_id, line.vendor_id, line.settled, verdict) for line, verdict in pairs]
    with in_words():
        after, _, _ = judging.state_after(facts, policy, before, judged, labels, taken_back=ended)
    return judging.moves_nothing(before, after)


def write_down(actor: Actor, found: queries.Locked, pairs: Verdicts) -> queries.Locked:
    """The verdicts are recorded, and their parties told."""
    evidence = queries.evidence_of([line.id for line, _ in pairs])
    for line, verdict in pairs:
        record(actor, found, line, verdict, evidence[line.id])
    db.session.flush()
    told_all([line for line, _ in pairs], "decided")
    return found


def may_decide_again(actor: Actor, line: ReturnLine) -> bool:
    """A vendor changes his own word until it is settled, never the operator's; that, he appeals against."""
    if actor.sees_all:
        return True
    said_by_operator = line.state is LineState.DECIDED and line.decided_side == "operator"
    return line.state not in _BINDING and not said_by_operator


def record(
    actor: Actor, found: queries.Locked, line: ReturnLine, verdict: dict[str, Any], evidence: Sequence[uuid.UUID] = ()
) -> None:
    """The verdict on a line is written down; what is not accepted may come back another time."""
    if line.state is LineState.RECEIVED:
        history.move(line, LineVerb.INSPECT, actor)
    history.move(line, _verb(line), actor, note=verdict["note"])
    verdict["evidence"] = [str(one) for one in evidence]
    line.verdict = verdict
    line.decided_by, line.decided_at = actor.person_id, clock.now()
    line.decided_side = side_of(actor, found.case)
    terms, policy = ReturnTerms(found.case.terms), facts_of(found.order)[1]
    wait_until(line, clock.now() if is_undisputed(line, policy) else clock.now() + terms.settle)
    claim(found, line, judging.total(verdict) + verdict["replaced"] - line.replaced_quantity)


def verdict_of(
    line: ReturnLine, want: Mapping[str, Any], pointer: str = "", *, available: int | None = None
) -> dict[str, Any]:
    """What is wanted as a verdict that fits the line, or so many units of it: absent units mean what the buyer claims.

    Raises MoreThanApproved, GoodsNotBack, SharesNotWhole, ReplacementHasLeft.
    """
    available = available_units(line) if available is None else available
    shares, replaced = want.get("shares"), want.get("replaced")
    if replaced is None:
        replaced = available if line.wish == "replacement" and want.get("units") is None and not shares else 0
        replaced = max(replaced, line.replaced_quantity)
    if replaced < line.replaced_quantity:
        raise ReplacementHasLeft(
            f"The replacement of {line.replaced_quantity} has left.",
            pointer=f"{pointer}/replaced",
            replaced=line.replaced_quantity,
        )
    left = available - replaced
    verdict: dict[str, Any] = {"replaced": replaced, "note": want.get("note") or ""}
    if shares:
        by = [(Fault(share["fault"]), share["percent"]) for share in shares]
        if sum(percent for _, percent in by) != 100:
            raise SharesNotWhole(pointer=f"{pointer}/shares")
        quantity = want.get("quantity") or left
        if want.get("by") == "charge":
            verdict["units"] = [{"fault": by[0][0].value, "quantity": quantity}]
            verdict["shares"] = [{"fault": fault.value, "percent": percent} for fault, percent in by]
        else:
            verdict["units"] = judging.shared(by, quantity)
    elif want.get("units") is not None:
        verdict["units"] = [{"fault": Fault(one["fault"]).value, "quantity": one["quantity"]} for one in want["units"]]
    else:
        verdict["units"] = judging.as_claimed(line.fault_claimed, max(0, left))["units"]
    wanted = judging.total(verdict) + replaced
    if wanted > available:
        raise MoreThanApproved(
            f"{wanted} wanted, {available} of {line.quantity} are there to be decided.",
            pointer=f"{pointer}/units",
            wanted=wanted,
            available=available,
        )
    return verdict


def claimed_verdict(line: ReturnLine) -> dict[str, Any]:
    """What becomes of a line where nobody says otherwise; of goods that are not back yet, that all of them come."""
    try:
        return verdict_of(line, {})
    except GoodsNotBack:
        replaced = line.quantity if line.wish == "replacement" else 0
        return judging.as_claimed(line.fault_claimed, line.quantity - replaced) | {"replaced": replaced}


def available_units(line: ReturnLine) -> int:
    """Units that can be decided: what was received, or all where nothing is to come back. Raises GoodsNotBack."""
    if line.state in _BINDING | {LineState.DECIDED}:
        return line.received_quantity or line.quantity
    if line.goods != "back" or line.reason == Reason.NOT_RECEIVED:
        return line.quantity
    if not line.received_quantity:
        raise GoodsNotBack
    return line.received_quantity


def is_undisputed(line: ReturnLine, policy: Policy) -> bool:
    """Does the verdict give the buyer all he asks for? Another's fault than he claimed costs him nothing."""
    assert line.verdict is not None
    faults = set(judging.returned_units(line.verdict))
    whole = judging.total(line.verdict) + line.verdict["replaced"] == line.quantity
    claimed = Fault(line.fault_claimed)
    allowed = {claimed} | (set(policy.protected_faults) if claimed is not Fault.BUYER else set())
    return whole and faults <= allowed and not line.verdict.get("shares")


def named(found: queries.Locked, wanted: Sequence[Mapping[str, Any]]) -> list[ReturnLine]:
    """The lines that are named, each once. Raises ReturnLineUnknown, LineNamedTwice."""
    lines = [found.line(want["line_id"]) for want in wanted]
    for index, line in enumerate(lines):
        if line in lines[:index]:
            raise LineNamedTwice(pointer=f"/lines/{index}/line_id")
    return lines


def _verb(line: ReturnLine) -> LineVerb:
    if line.state in STANDING:
        return LineVerb.REJUDGE
    if line.state is LineState.APPROVED and (line.goods != "back" or line.reason == Reason.NOT_RECEIVED):
        return LineVerb.WAIVE_GOODS
    return LineVerb.DECIDE


def _may_decide(actor: Actor, found: queries.Locked, line: ReturnLine, verdict: Mapping[str, Any]) -> None:
    if actor.sees_all:
        return
    order, policy, _ = facts_of(found.order)
    faults = {*judging.returned_units(verdict), *(Fault(share["fault"]) for share in verdict.get("shares") or ())}
    if not all(judging.bears_loss(order, policy, line.order_line_id, fault) for fault in faults):
        raise FaultNotYours
