"""The vendor answers for his lines: asks for evidence, approves with or without the goods, or declines."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from marketplace.kernel import clock, history, outbox
from marketplace.kernel.access import Actor
from marketplace.returns import queries
from marketplace.returns.actions.opening import claim
from marketplace.returns.actions.sides import answers, asks, still_open
from marketplace.returns.events import ReturnMoved
from marketplace.returns.models import ReturnLine
from marketplace.returns.states import LineState, LineVerb
from marketplace.rules.return_terms import ReturnTerms

GOODS = ("back", "kept", "scrapped")


def ask_evidence(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, note: str) -> ReturnLine:
    """The vendor wants to see more before he answers. Raises ReturnUnknown, NotYours, IllegalMove."""
    found, line = _to_answer(actor, case_id, line_id)
    history.move(line, LineVerb.ASK_EVIDENCE, actor, note=note)
    line.answer = note
    country = queries.countries_of([line.company_id])[line.company_id]
    wait_until(line, ReturnTerms(found.case.terms).evidence_by(clock.now(), country))
    told(line, "evidence")
    return line


def provide(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, note: str = "") -> ReturnLine:
    """The buyer has said or shown what was asked for. Raises ReturnUnknown, NotYours, IllegalMove."""
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    still_open(found)
    asks(actor, found.case)
    history.move(line, LineVerb.PROVIDE, actor, note=note)
    country = queries.countries_of([line.vendor_id])[line.vendor_id]
    wait_until(line, ReturnTerms(found.case.terms).answer_by(clock.now(), country))
    told(line, "requested")
    return line


def approve(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, goods: str = "back", note: str = "") -> ReturnLine:
    """The return is accepted: the goods come back, stay with the buyer (`kept`), or are scrapped where they are.

    Raises ReturnUnknown, NotYours, IllegalMove; a line under appeal is the operator's to approve (`arbitrate`).
    """
    found, line = _to_answer(actor, case_id, line_id)
    history.move(line, LineVerb.APPROVE, actor, note=note)
    line.goods, line.answer = goods, note
    send_by(found, line)
    told(line, "approved")
    return line


def decline(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, note: str) -> ReturnLine:
    """The return is not accepted; the buyer may appeal. Raises ReturnUnknown, NotYours, IllegalMove."""
    found, line = _to_answer(actor, case_id, line_id)
    history.move(line, LineVerb.DECLINE, actor, note=note)
    line.answer = note
    wait_until(line, clock.now() + ReturnTerms(found.case.terms).appeal)
    claim(found, line, 0)
    told(line, "declined")
    return line


def send_by(found: queries.Locked, line: ReturnLine) -> None:
    """An approved line waits for its goods, or to be decided where they stay."""
    terms = ReturnTerms(found.case.terms)
    wait_until(line, clock.now() + (terms.send if line.goods == "back" else terms.settle))


def wait_until(line: ReturnLine, moment: datetime) -> None:
    line.due_at = moment
    line.reminded_at = None


def told(line: ReturnLine, what: str) -> None:
    """Somebody will read of it in a letter."""
    told_all([line], what)


def told_all(lines: Sequence[ReturnLine], what: str) -> None:
    """The same of several lines of a case, in one letter a side."""
    if lines:
        outbox.publish(ReturnMoved(case_id=lines[0].case_id, what=what, line_ids=[str(line.id) for line in lines]))


def _to_answer(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID) -> tuple[queries.Locked, ReturnLine]:
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    still_open(found)
    answers(actor, line)
    if line.state is LineState.APPEALED:
        history.move(line, LineVerb.DECLINE, actor)  # refused by the table: an appeal is ruled upon, not answered
    return found, line
