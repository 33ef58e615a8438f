"""Buyer or vendor appeals, the other side replies, the operator rules, as he does on goods that are missing; his word
binds both and the books."""

import uuid
from collections.abc import Mapping
from typing import Any

from marketplace.kernel import clock, history
from marketplace.kernel.access import Actor
from marketplace.kernel.db import db, new_id
from marketplace.returns import queries
from marketplace.returns.actions.answering import send_by, told, wait_until
from marketplace.returns.actions.arriving import to_come
from marketplace.returns.actions.deciding import record, verdict_of
from marketplace.returns.actions.opening import claim
from marketplace.returns.actions.sides import asks, is_vendor, side_of
from marketplace.returns.models import ReturnAppeal, ReturnCase, ReturnLine
from marketplace.returns.refusals import (
    AppealDecided,
    AppealReplied,
    AppealsOpen,
    AppealTooLate,
    CaseNotEnded,
    NotAppealed,
    NotYours,
)
from marketplace.returns.states import ENDED, LineState, LineVerb
from marketplace.rules.return_terms import ReturnTerms


def appeal(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, text: str) -> ReturnAppeal:
    """Buyer or vendor does not accept what was said of a line, in time and before the operator has ruled upon it.

    Raises ReturnUnknown, NotYours, AppealDecided, AppealTooLate, IllegalMove.
    """
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    if not is_vendor(actor, line):
        asks(actor, found.case)
    if line.arbitrated:
        raise AppealDecided
    if line.state in ENDED and (line.due_at is None or line.due_at < clock.now()):
        raise AppealTooLate
    history.move(line, LineVerb.APPEAL, actor, note=text)
    line.due_at = None
    row = ReturnAppeal(
        id=new_id(),
        case_id=case_id,
        return_line_id=line.id,
        company_id=line.company_id,
        vendor_id=line.vendor_id,
        side=side_of(actor, found.case),
        person_id=actor.person_id,
        text=text,
    )
    db.session.add(row)
    db.session.flush()
    told(line, "appealed")
    return row


def reply(actor: Actor, case_id: uuid.UUID, appeal_id: uuid.UUID, text: str) -> ReturnAppeal:
    """What the other side says to an appeal, once. Raises ReturnUnknown, AppealUnknown, NotYours, AppealDecided,
    AppealReplied."""
    found = queries.locked(actor, case_id)
    row = queries.appeal(actor, case_id, appeal_id)
    line = found.line(row.return_line_id)
    if row.ruled_at is not None:
        raise AppealDecided
    other = asks_for_buyer(actor, found.case) if row.side == "vendor" else is_vendor(actor, line)
    if not (actor.sees_all or other):
        raise NotYours
    if row.replied_at is not None:
        raise AppealReplied
    row.reply, row.replied_at = text, clock.now()
    return row


def asks_for_buyer(actor: Actor, case: ReturnCase) -> bool:
    return side_of(actor, case) == "buyer"


def rule(actor: Actor, case_id: uuid.UUID, line_id: uuid.UUID, wanted: Mapping[str, Any]) -> queries.Locked:
    """The operator rules upon a line under appeal, or whose goods are missing: `outcome` decide (with a verdict),
    approve (the goods come back first: those on their way are waited for once more) or uphold (what was said before
    stands; of missing goods, that they never came). The case, for `settle_found`.

    Raises ReturnUnknown, ReturnLineUnknown, NotYours, NotAppealed, MoreThanApproved.
    """
    found = queries.locked(actor, case_id)
    line = found.line(line_id)
    if not actor.sees_all:
        raise NotYours
    if line.state not in {LineState.APPEALED, LineState.MISSING}:
        raise NotAppealed
    outcome, ruling = wanted["outcome"], wanted["ruling"]
    if outcome == "approve":
        history.move(line, LineVerb.APPROVE, actor, note=ruling)
        claim(found, line, line.quantity)
        line.goods = wanted.get("goods") or "back"
        send_by(found, line)
        if line.goods == "back" and line.received_quantity:
            history.move(line, LineVerb.RECEIVE, actor)  # what has arrived is decided, whether the rest is sent or not
        elif line.goods == "back" and to_come(line):
            history.move(line, LineVerb.ANNOUNCE, actor)
            wait_until(line, clock.now() + ReturnTerms(found.case.terms).arrive)
    elif outcome == "uphold" and line.verdict is None:
        history.move(line, LineVerb.UPHOLD, actor, note=ruling)
        line.due_at = None
        claim(found, line, 0)
    else:
        standing = outcome == "uphold"
        verdict = dict(line.verdict or {}) if standing else verdict_of(line, wanted, available=_announced(line))
        verdict["note"] = ruling
        record(actor, found, line, verdict, queries.evidence_of([line.id])[line.id])
    line.arbitrated = outcome != "approve"  # what is said of the goods once they are back may be appealed against
    _ruled(actor, line, ruling)
    told(line, "ruled")
    return found


def close(actor: Actor, case_id: uuid.UUID) -> ReturnCase:
    """Nothing more will happen to a case: nobody may appeal any more. A second time: nothing. Raises ReturnUnknown,
    NotYours, CaseNotEnded, AppealsOpen."""
    found = queries.locked(actor, case_id)
    if not actor.sees_all:
        raise NotYours
    if any(line.state not in ENDED for line in found.lines):
        raise CaseNotEnded
    last = max((line.due_at for line in found.lines if line.due_at), default=None)
    if last is not None and last >= clock.now():
        raise AppealsOpen(f"Its parties may appeal until {last:%d %b %Y}.", until=last.isoformat())
    if found.case.closed_at is None:
        found.case.closed_at = clock.now()
        for line in found.lines:
            line.due_at = None
    return found.case


def reopen_case(actor: Actor, case_id: uuid.UUID) -> ReturnCase:
    """A closed case is taken up again: its lines may be reopened, or decided differently. For the operator."""
    found = queries.locked(actor, case_id)
    if not actor.sees_all:
        raise NotYours
    found.case.closed_at = None
    return found.case


def _announced(line: ReturnLine) -> int | None:
    """Of a line whose goods are missing no more is decided than was sent of it."""
    if line.state is not LineState.MISSING:
        return None
    return min(line.quantity, sum(row.quantity for row, _ in queries.sent_of(line.id)))


def _ruled(actor: Actor, line: ReturnLine, ruling: str) -> None:
    for row in queries.open_appeals(line.id):
        row.ruling, row.ruled_by, row.ruled_at = ruling, actor.person_id, clock.now()
    db.session.flush()
