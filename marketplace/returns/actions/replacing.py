"""A replacement is shipped, arrives or is lost; where there is none, the buyer gets money by another decision.

It costs no order and moves no sum: the units that it replaces were never given back for money.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from marketplace.catalogue import stock
from marketplace.kernel import clock, history
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id
from marketplace.orders import queries as order_queries
from marketplace.pricing.policy import Fault
from marketplace.returns import judging, queries
from marketplace.returns.actions import settling
from marketplace.returns.actions.answering import told
from marketplace.returns.actions.deciding import record
from marketplace.returns.actions.opening import claim
from marketplace.returns.actions.sides import answers, asks, is_vendor
from marketplace.returns.models import ReturnDecision, ReturnLine, ReturnReplacement
from marketplace.returns.refusals import MoreThanApproved, NothingToReplace
from marketplace.returns.states import LineState, LineVerb, ReplacementVerb
from marketplace.rules.return_terms import ReturnTerms


def ship_replacement(
    actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, wanted: Mapping[str, Any]
) -> ReturnReplacement:
    """Units that replace those of a line leave the vendor and his stock. `wanted` as of ReplacementIn.

    Raises ReturnUnknown, ReturnLineUnknown, NotYours, NothingToReplace, MoreThanApproved, StockTooLow.
    """
    found, line = _to_replace(actor, case_id, line_id)
    quantity = wanted.get("quantity") or line.to_replace
    if quantity > line.to_replace:
        raise MoreThanApproved(
            f"{quantity} wanted, {line.to_replace} are to be replaced.",
            pointer="/quantity",
            wanted=quantity,
            left=line.to_replace,
        )
    own = order_queries.lines_of(found.order.id, line.vendor_order_id)
    offer_id = next(row.offer_id for row in own if row.id == line.order_line_id)
    stock.take([stock.Wanted(line.order_line_id, offer_id, quantity, "/quantity")])

    row = ReturnReplacement(
        id=new_id(),
        case_id=case_id,
        return_line_id=line.id,
        company_id=line.company_id,
        vendor_id=line.vendor_id,
        quantity=quantity,
        carrier=wanted["carrier"],
        tracking_number=wanted.get("tracking_number") or "",
    )
    db.session.add(row)
    line.replaced_quantity += quantity
    if not line.to_replace:
        history.move(line, LineVerb.SHIP, actor)
        line.due_at = None if line.arbitrated else clock.now() + ReturnTerms(found.case.terms).appeal
    claim(found, line, judging.total(line.settled) + line.to_replace)
    db.session.flush()
    told(line, "replacement_sent")
    return row


def cannot_replace(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, note: str) -> ReturnDecision:
    """The vendor has no replacement: money instead. Raises ReturnUnknown, ReturnLineUnknown, NotYours,
    NothingToReplace."""
    found, line = _to_replace(actor, case_id, line_id)
    return pay_instead(actor, found, line, note)


def pay_instead(actor: Actor, found: queries.Locked, line: ReturnLine, note: str) -> ReturnDecision:
    """What was not replaced comes back for money, by the fault that the buyer claims: decided and settled at once."""
    units = judging.returned_units(line.settled)
    fault = Fault(line.fault_claimed)
    units[fault] = units.get(fault, 0) + line.to_replace
    standing = {name: value for name, value in (line.settled or {}).items() if name != "charges"}
    verdict = standing | {
        "units": [{"fault": one.value, "quantity": quantity} for one, quantity in units.items()],
        "replaced": line.replaced_quantity,
        "note": note,
    }
    record(actor, found, line, verdict, queries.evidence_of([line.id])[line.id])
    return settling.settle_lines(actor, found, [line], note=note)


def replacement_arrived(actor: Actor, case_id: uuid.UUID, replacement_id: uuid.UUID) -> ReturnReplacement:
    """Buyer or vendor says that it arrived. A second time: nothing. Raises ReturnUnknown, ReplacementUnknown,
    NotYours, IllegalMove."""
    found = queries.locked(actor, case_id)
    row = queries.replacement(actor, case_id, replacement_id)
    if not is_vendor(actor, found.line(row.return_line_id)):
        asks(actor, found.case)
    if history.move(row, ReplacementVerb.DELIVER, actor):
        row.ended_at = clock.now()
    return row


def lose_replacement(actor: Actor, case_id: uuid.UUID, replacement_id: uuid.UUID, note: str = "") -> ReturnReplacement:
    """It was lost on its way: the vendor ships another, or the buyer gets money. Raises ReturnUnknown,
    ReplacementUnknown, NotYours, IllegalMove; UnitsNotReturnable where the units came back otherwise."""
    found = queries.locked(actor, case_id)
    row = queries.replacement(actor, case_id, replacement_id)
    line = found.line(row.return_line_id)
    answers(actor, line)
    history.move(row, ReplacementVerb.LOSE, actor, note=note)
    row.ended_at = clock.now()
    line.replaced_quantity -= row.quantity
    claim(found, line, min(line.quantity, line.claimed_quantity + row.quantity))  # whatever is said of the others
    if line.state is LineState.SETTLED:
        found.case.closed_at = None
        settling.ask_to_replace(found, line, actor)
    told(line, "replacement_lost")
    return row


def _to_replace(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID) -> tuple[queries.Locked, ReturnLine]:
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    answers(actor, line)
    if line.state is not LineState.REPLACING:
        raise NothingToReplace
    return found, line
