"""What time does to a line: silence is an answer, and what is decided is settled by itself."""

import uuid

from marketplace.kernel import clock
from marketplace.kernel.access import SYSTEM
from marketplace.orders import queries as order_queries
from marketplace.returns import judging, queries
from marketplace.returns.actions import answering, arriving, deciding, replacing, settling
from marketplace.returns.actions.answering import told
from marketplace.returns.actions.arbitration import close
from marketplace.returns.actions.opening import withdraw
from marketplace.returns.models import ReturnLine
from marketplace.returns.refusals import CaseNotEnded
from marketplace.returns.states import ENDED, REMINDED, TURN, LineState
from marketplace.rules.return_terms import Reason, ReturnTerms

_NO_ANSWER = "No answer in time: the return is accepted."
_NO_EVIDENCE = "What was asked for did not come in time."
_NOT_SENT = "The goods were not sent in time."
_NOT_REPLACED = "The replacement was not shipped in time: money instead."
_NOT_DECIDED = "Nothing was said in time: decided as the buyer claims."


def time_is_up(case_id: uuid.UUID, line_id: uuid.UUID) -> bool:
    """The turn of whoever a line waits for is over. False where it moved, or got more time, meanwhile."""
    found = queries.locked(SYSTEM, case_id)
    line = found.line(line_id)
    if line.due_at is None or line.due_at > clock.now():
        return False
    if line.state is LineState.REQUESTED:
        answering.approve(SYSTEM, case_id, line_id, _goods(line), _NO_ANSWER)
    elif line.state is LineState.EVIDENCE:
        answering.decline(SYSTEM, case_id, line_id, _NO_EVIDENCE)
    elif line.state is LineState.APPROVED and line.goods == "back":
        withdraw(SYSTEM, case_id, line_id, _NOT_SENT)
    elif line.state is LineState.IN_TRANSIT or (line.state is LineState.RECEIVED and arriving.to_come(line)):
        arriving.let_arrive(found, line)
    elif line.state in {LineState.APPROVED, LineState.RECEIVED, LineState.INSPECTED}:
        deciding.record(SYSTEM, found, line, deciding.verdict_of(line, {"note": _NOT_DECIDED}))
    elif line.state is LineState.DECIDED:
        due = [one.id for one in found.lines if one.state is LineState.DECIDED and _is_due(one)]
        settling.settle_found(SYSTEM, found, due)
    elif line.state is LineState.REPLACING:
        replacing.pay_instead(SYSTEM, found, line, _NOT_REPLACED)
    else:
        line.due_at = None  # the time to appeal is over
    return True


def close_ended(case_id: uuid.UUID) -> bool:
    """Close a case of which nothing is under way; False where it was taken up again meanwhile."""
    try:
        close(SYSTEM, case_id)
    except CaseNotEnded:
        return False
    return True


def let_go_deficit(case_id: uuid.UUID) -> bool:
    """A small deficit that is still carried when its case is closed is the marketplace's; False where there is none.

    What is not paid yet of an order on terms is no deficit: its invoices ask for it. Nor is what is left of more that
    a decision has asked for: that stays to be paid.
    """
    found = queries.locked(SYSTEM, case_id)
    if not found.case.decisions or found.order.payment_terms is not None:
        return False
    if any(line.state not in ENDED for line in found.lines):  # it was taken up again meanwhile
        return False
    terms, deficit = ReturnTerms(found.case.terms), found.order.owed_minor - order_queries.net_paid(found.order.id)
    if deficit <= 0 or not terms.is_small(deficit, found.order.currency):
        return False
    if any(terms.asks_for(row.deficit_minor, found.order.currency) for row in queries.decisions_of(case_id)):
        return False
    charge = judging.waived(deficit)
    settling.settle_found(SYSTEM, found, (), [charge], "A small rest is let go.")
    return True


def remind(case_id: uuid.UUID, line_id: uuid.UUID) -> bool:
    """Tell whoever a line waits for that his time is nearly over. False where its turn changed meanwhile: the new
    one is reminded of in its own time."""
    found, now = queries.locked(SYSTEM, case_id), clock.now()
    line, ahead = found.line(line_id), ReturnTerms(found.case.terms).remind
    if line.due_at is None or not line.due_at - ahead <= now < line.due_at:
        return False
    if line.reminded_at is not None or TURN.get(line.state) not in REMINDED:
        return False
    line.reminded_at = now
    told(line, "reminder")
    return True


def _goods(line: ReturnLine) -> str:
    return "kept" if line.reason == Reason.NOT_RECEIVED else "back"


def _is_due(line: ReturnLine) -> bool:
    return line.due_at is not None and line.due_at <= clock.now()
