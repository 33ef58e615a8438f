"""What is decided is settled in numbered decisions: one step of the order, one journal, one refund, said in words."""

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import SYSTEM, Actor
from marketplace.kernel.db import db, new_id
from marketplace.orders import actions as orders
from marketplace.orders import queries as order_queries
from marketplace.orders.actions import Cause, Reason
from marketplace.orders.formula import facts_of, valued
from marketplace.orders.models import Order, OrderDelivery, OrderLine, OrderStep, VendorOrder
from marketplace.pricing.explanation import Change, Sentence, explain
from marketplace.pricing.facts import BUYER, MARKETPLACE, Charge, State, Valuation
from marketplace.pricing.facts import Order as Facts
from marketplace.pricing.policy import Policy
from marketplace.returns import judging, queries
from marketplace.returns.actions import charging
from marketplace.returns.actions import labels as labelling
from marketplace.returns.actions.answering import told, told_all, wait_until
from marketplace.returns.actions.charging import Charged
from marketplace.returns.actions.deciding import (
    STANDING,
    claimed_verdict,
    is_undisputed,
    named,
    stands,
    verdict_of,
    verdicts,
    write_down,
)
from marketplace.returns.actions.opening import claim
from marketplace.returns.actions.sides import answers
from marketplace.returns.events import ReturnSettled
from marketplace.returns.judging import Judged
from marketplace.returns.models import ReturnDecision, ReturnLine
from marketplace.returns.refusals import (
    DecisionDisputed,
    NotDecided,
    NothingChanges,
    NothingDecided,
    NotYours,
)
from marketplace.returns.states import LineState, LineVerb
from marketplace.rules.return_terms import ReturnTerms


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision comes to, before it is taken or after: valuations, the charges it adds, every sum in words."""

    order: Order
    parts: Sequence[VendorOrder]
    lines: Sequence[OrderLine]
    deliveries: Sequence[OrderDelivery]
    before: Valuation
    after: Valuation
    paid_minor: int
    charges: Sequence[Charge]
    sentences: Sequence[Sentence]

    @property
    def refund_minor(self) -> int:
        return max(0, self.paid_minor - self.after.buyer_owes_minor)

    @property
    def credited_minor(self) -> int:
        """What the buyer owes less and does not get back: so much less is left to be paid."""
        return max(0, self.before.buyer_owes_minor - self.after.buyer_owes_minor - self.refund_minor)

    @property
    def deficit_minor(self) -> int:
        return max(0, self.after.buyer_owes_minor - self.paid_minor)


def preview(
    actor: Actor, case_id: uuid.UUID, wanted: Charged, charges: Charged = (), taken_back: Charged = ()
) -> Outcome:
    """What an outcome would come to; nothing is written. `wanted` as of `decide`; empty: every line of the actor's that
    is not settled, as decided or as claimed. Charges are the operator's: whether they fit, or stand, would tell others
    what a party owes. Raises ReturnUnknown, ReturnLineUnknown, NotYours, MoreThanApproved, GoodsNotBack,
    ChargePartyUnknown, OrderCannotBeValued.
    """
    case = queries.case(actor, case_id)
    if (charges or taken_back) and not actor.sees_all:
        raise NotYours
    order = order_queries.order(SYSTEM, case.order_id)
    found = queries.Locked(case, order, queries.lines_of(actor, case_id))
    lines = named(found, wanted)
    pairs = [
        (line, verdict_of(line, want, pointer=f"/lines/{index}"))
        for index, (line, want) in enumerate(zip(lines, wanted, strict=True))
    ] or [(line, line.verdict or claimed_verdict(line)) for line in _open(found.lines)]
    facts, policy, before = facts_of(order)
    removed = charging.standing(facts, before, taken_back)
    made, ended = labelling.charges(case_id, found.lines, pairs, Counter(before.charges) - Counter(removed))
    new = charging.read(facts, charges), [charge for _, charge in made]
    paid = order_queries.net_paid(order.id)
    judged = [_judged(*pair) for pair in pairs]
    present = facts, policy, before
    after, added, _ = charging.next_state(case.terms, present, judged, new, [*removed, *ended], paid)
    first, last = valued(facts, policy, before), valued(facts, policy, after)
    return _outcome(order, facts, policy, (before, after), (first, last), paid, added)


def settle(
    actor: Actor,
    case_id: uuid.UUID,
    line_ids: Collection[uuid.UUID] | None = None,
    charges: Charged = (),
    note: str = "",
    taken_back: Charged = (),
) -> ReturnDecision:
    """Settle what is decided (`line_ids` None: all of it), with charges in any direction, the operator's alone, and
    without those that are taken back.

    Raises ReturnUnknown, NothingDecided, NotDecided, NotYours, DecisionDisputed, ChargePartyUnknown, ChargeNotThere,
    OrderCannotBeValued.
    """
    return settle_found(actor, queries.locked(actor, case_id), line_ids, charges, note, taken_back)


def settle_found(
    actor: Actor,
    found: queries.Locked,
    line_ids: Collection[uuid.UUID] | None = None,
    charges: Charged = (),
    note: str = "",
    taken_back: Charged = (),
) -> ReturnDecision:
    """The same for a case that is locked already, in the transaction in which it was decided.

    Where everything is decided as it was settled before, the decision that stands stays the last; where charges come to
    nothing, NothingChanges is raised.
    """
    return settle_lines(
        actor, found, _decided(actor, found, line_ids, [*charges, *taken_back]), charges, note, taken_back
    )


def settle_lines(
    actor: Actor,
    found: queries.Locked,
    lines: Sequence[ReturnLine],
    charges: Charged = (),
    note: str = "",
    taken_back: Charged = (),
) -> ReturnDecision:
    """The same for lines that the actor may settle, as the caller has made sure."""
    order, case = found.order, found.case
    facts, policy, before = facts_of(order)
    pairs = [(line, line.verdict or {}) for line in lines]
    removed = charging.standing(facts, before, taken_back)
    labels, ended = labelling.charges(case.id, found.lines, pairs, Counter(before.charges) - Counter(removed))
    judged = [_judged(*pair) for pair in pairs]
    paid = order_queries.net_paid(order.id)
    new = charging.read(facts, charges), [charge for _, charge in labels]
    present = facts, policy, before
    after, added, shared = charging.next_state(case.terms, present, judged, new, [*removed, *ended], paid)
    if judging.moves_nothing(before, after) and all(judging.is_the_same(line.settled, own) for line, own in pairs):
        return _as_it_was(actor, found, lines)
    cause = _cause(lines)
    number = case.decisions + 1
    parts = order_queries.parts_of(order.id, locked=True)
    last_step = order_queries.last_step(order.id)

    taken = orders.take_step(
        order,
        parts,
        after,
        Reason(actor, cause, note or f"{case.number}/{number}", source=f"return:{case.id}:{number}"),
    )
    outcome = _outcome(order, facts, policy, (before, after), (taken.before, taken.after), taken.paid_minor, added)
    decision = _decision(actor, found, lines, outcome, (last_step, taken.step), note)
    case.decisions = number
    _mark(found, lines, shared)
    labelling.note_charged(labels, [*added, *ended], number)
    _follow(actor, found, lines, decision)
    return decision


def decide_and_settle(
    actor: Actor, case_id: uuid.UUID, wanted: Charged, charges: Charged = (), note: str = ""
) -> ReturnDecision:
    """Decide lines and settle them in one go. `wanted` as of `decide`.

    Raises what both raise.
    """
    found, pairs = verdicts(actor, case_id, wanted)
    if not charges and stands(found, pairs):
        raise NothingChanges
    write_down(actor, found, pairs)
    return settle_found(actor, found, [line.id for line, _ in pairs], charges, note)


def _decided(
    actor: Actor, found: queries.Locked, line_ids: Collection[uuid.UUID] | None, charges: Sequence[Any]
) -> list[ReturnLine]:
    """The lines to settle; a vendor settles by himself where he gives all that is asked for."""
    decided = [line for line in found.lines if line.state is LineState.DECIDED]
    if line_ids is not None:
        wanted = [found.line(line_id) for line_id in line_ids]
        if any(line not in decided for line in wanted):
            raise NotDecided
        decided = wanted
    if not decided and not charges:
        raise NothingDecided
    if not actor.sees_all:
        if charges:
            raise NotYours
        policy = facts_of(found.order)[1]
        for line in decided:
            answers(actor, line)
            if not is_undisputed(line, policy) or line.settled is not None:
                raise DecisionDisputed
    return decided


def _open(lines: Sequence[ReturnLine]) -> list[ReturnLine]:
    return [line for line in lines if line.state not in STANDING | {LineState.DECLINED, LineState.WITHDRAWN}]


def _judged(line: ReturnLine, verdict: Mapping[str, Any]) -> Judged:
    return Judged(line.order_line_id, line.vendor_id, line.settled, verdict)


def _outcome(
    order: Order,
    facts: Facts,
    policy: Policy,
    states: tuple[State, State],
    valuations: tuple[Valuation, Valuation],
    paid: int,
    charges: Sequence[Charge],
) -> Outcome:
    parts = order_queries.parts_of(order.id)
    lines, deliveries = order_queries.lines_of(order.id), order_queries.deliveries_of(order.id)
    names = {str(line.id): line.name for line in lines} | {str(one.id): one.name for one in deliveries}
    names |= {str(part.vendor_id): part.vendor_name for part in parts}
    names |= {BUYER: "the buyer", MARKETPLACE: "the marketplace"}
    sentences = explain(Change(facts, policy, states, valuations, names))
    return Outcome(order, parts, lines, deliveries, *valuations, paid, charges, sentences)


def _cause(lines: Sequence[ReturnLine]) -> Cause:
    if not lines:
        return Cause.CHARGED
    return Cause.REJUDGED if all(line.settled is not None for line in lines) else Cause.RETURNED


def _decision(
    actor: Actor,
    found: queries.Locked,
    lines: Sequence[ReturnLine],
    outcome: Outcome,
    steps: tuple[OrderStep, OrderStep],
    note: str,
) -> ReturnDecision:
    last_step, step = steps
    decision = ReturnDecision(
        id=new_id(),
        case_id=found.case.id,
        company_id=found.case.company_id,
        order_id=found.order.id,
        number=found.case.decisions + 1,
        cause=step.cause,
        before_step_id=last_step.id,
        step_id=step.id,
        person_id=actor.person_id,
        at=clock.now(),
        note=note,
        lines=[
            {
                "line_id": str(line.id),
                "order_line_id": str(line.order_line_id),
                "vendor_id": str(line.vendor_id),
                "verdict": line.verdict,
                "was": line.settled,
            }
            for line in lines
        ],
        charges=[judging.charge_to_json(charge) for charge in outcome.charges],
        explanation=[asdict(sentence) for sentence in outcome.sentences],
        refund_minor=step.refund_minor,
        deficit_minor=outcome.deficit_minor,
    )
    db.session.add(decision)
    db.session.flush()
    return decision


def _mark(found: queries.Locked, lines: Sequence[ReturnLine], shared: Sequence[tuple[int, Charge]]) -> None:
    """The verdicts hold now, each with the charges it made, which go with it when it is decided differently."""
    for number, line in enumerate(lines):
        line.settled = dict(line.verdict or {})
        own = [judging.charge_to_json(charge) for index, charge in shared if index == number]
        if own:
            line.settled["charges"] = own
        claim(found, line, judging.total(line.settled) + line.to_replace)


def ask_to_replace(found: queries.Locked, line: ReturnLine, actor: Actor) -> None:
    """The vendor ships what replaces units of a settled line, in the time that the terms give him."""
    history.move(line, LineVerb.PROMISE, actor)
    country = queries.countries_of([line.vendor_id])[line.vendor_id]
    wait_until(line, ReturnTerms(found.case.terms).replace_by(clock.now(), country))
    told(line, "replacing")


def _follow(
    actor: Actor,
    found: queries.Locked,
    lines: Sequence[ReturnLine],
    decision: ReturnDecision,
) -> None:
    """The lines are settled, and everybody concerned is told."""
    _rest(actor, found, lines)
    told_all(lines, "settled")
    db.session.flush()
    outbox.publish(
        ReturnSettled(case_id=found.case.id, order_id=found.order.id, number=decision.number, step_id=decision.step_id)
    )


def _rest(actor: Actor, found: queries.Locked, lines: Sequence[ReturnLine]) -> None:
    """Nothing is waited for any more but an appeal, or a replacement."""
    appeal_until = clock.now() + ReturnTerms(found.case.terms).appeal
    for line in lines:
        history.move(line, LineVerb.SETTLE, actor)
        line.due_at = None if line.arbitrated else appeal_until
        if line.to_replace:
            ask_to_replace(found, line, actor)


def _as_it_was(actor: Actor, found: queries.Locked, lines: Sequence[ReturnLine]) -> ReturnDecision:
    """No sum moves and no unit: there is nothing to settle and nobody to tell, whatever was said in between.

    Raises NothingChanges where charges alone come to nothing.
    """
    if not lines:
        raise NothingChanges
    for line in lines:
        standing, said = dict(line.settled or {}), dict(line.verdict or {})
        said["note"] = said.get("note") or standing.get("note", "")
        line.verdict, line.settled = said, standing | said
        claim(found, line, judging.total(standing) + line.to_replace)
    _rest(actor, found, lines)
    db.session.flush()
    return queries.decisions_of(found.case.id)[-1]
