"""The line of a return case carries the state; the case's state is computed from its lines."""

from collections.abc import Collection
from enum import StrEnum


class LineState(StrEnum):
    REQUESTED = "requested"
    EVIDENCE = "evidence"
    APPROVED = "approved"
    DECLINED = "declined"
    APPEALED = "appealed"
    IN_TRANSIT = "in_transit"
    MISSING = "missing"  # the vendor says that nothing of what was announced has arrived
    RECEIVED = "received"
    INSPECTED = "inspected"
    DECIDED = "decided"
    REPLACING = "replacing"  # settled, and the vendor still has to ship what replaces units of it
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"


class LineVerb(StrEnum):
    ASK_EVIDENCE = "ask_evidence"
    PROVIDE = "provide"
    APPROVE = "approve"
    DECLINE = "decline"
    APPEAL = "appeal"
    UPHOLD = "uphold"
    ANNOUNCE = "announce"
    MISS = "miss"
    RECEIVE = "receive"
    INSPECT = "inspect"
    WAIVE_GOODS = "waive_goods"
    DECIDE = "decide"
    SETTLE = "settle"
    PROMISE = "promise"
    SHIP = "ship"
    REJUDGE = "rejudge"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"


S, V = LineState, LineVerb
LINE_STATES: dict[tuple[LineState, LineVerb], LineState] = {
    (S.REQUESTED, V.ASK_EVIDENCE): S.EVIDENCE,
    (S.EVIDENCE, V.PROVIDE): S.REQUESTED,
    (S.REQUESTED, V.APPROVE): S.APPROVED,
    (S.EVIDENCE, V.APPROVE): S.APPROVED,
    (S.REQUESTED, V.DECLINE): S.DECLINED,
    (S.EVIDENCE, V.DECLINE): S.DECLINED,
    (S.APPROVED, V.ANNOUNCE): S.IN_TRANSIT,
    (S.IN_TRANSIT, V.ANNOUNCE): S.IN_TRANSIT,
    (S.RECEIVED, V.ANNOUNCE): S.RECEIVED,
    (S.APPROVED, V.RECEIVE): S.RECEIVED,
    (S.IN_TRANSIT, V.RECEIVE): S.RECEIVED,
    (S.RECEIVED, V.RECEIVE): S.RECEIVED,
    (S.IN_TRANSIT, V.MISS): S.MISSING,
    (S.MISSING, V.RECEIVE): S.RECEIVED,
    (S.RECEIVED, V.INSPECT): S.INSPECTED,
    (S.INSPECTED, V.DECIDE): S.DECIDED,
    (S.APPROVED, V.WAIVE_GOODS): S.DECIDED,
    (S.DECIDED, V.DECIDE): S.DECIDED,
    (S.DECIDED, V.SETTLE): S.SETTLED,
    (S.SETTLED, V.PROMISE): S.REPLACING,
    (S.REPLACING, V.SHIP): S.SETTLED,
    (S.REPLACING, V.REJUDGE): S.DECIDED,
    (S.SETTLED, V.REJUDGE): S.DECIDED,
    (S.DECLINED, V.APPEAL): S.APPEALED,
    (S.DECIDED, V.APPEAL): S.APPEALED,
    (S.SETTLED, V.APPEAL): S.APPEALED,
    (S.REPLACING, V.APPEAL): S.APPEALED,
    (S.APPEALED, V.DECIDE): S.DECIDED,
    (S.APPEALED, V.APPROVE): S.APPROVED,
    (S.APPEALED, V.UPHOLD): S.DECLINED,
    (S.MISSING, V.DECIDE): S.DECIDED,
    (S.MISSING, V.APPROVE): S.APPROVED,
    (S.MISSING, V.UPHOLD): S.DECLINED,
    (S.REQUESTED, V.WITHDRAW): S.WITHDRAWN,
    (S.EVIDENCE, V.WITHDRAW): S.WITHDRAWN,
    (S.APPROVED, V.WITHDRAW): S.WITHDRAWN,
    (S.IN_TRANSIT, V.WITHDRAW): S.WITHDRAWN,
    (S.MISSING, V.WITHDRAW): S.WITHDRAWN,
    (S.WITHDRAWN, V.REOPEN): S.REQUESTED,
    (S.DECLINED, V.REOPEN): S.REQUESTED,
}


class ParcelState(StrEnum):
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    LOST = "lost"


class ParcelVerb(StrEnum):
    RECEIVE = "receive"
    LOSE = "lose"


PARCEL_STATES: dict[tuple[ParcelState, ParcelVerb], ParcelState] = {
    (ParcelState.IN_TRANSIT, ParcelVerb.RECEIVE): ParcelState.RECEIVED,
    (ParcelState.IN_TRANSIT, ParcelVerb.LOSE): ParcelState.LOST,
}


class ReplacementState(StrEnum):
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    LOST = "lost"


class ReplacementVerb(StrEnum):
    DELIVER = "deliver"
    LOSE = "lose"


REPLACEMENT_STATES: dict[tuple[ReplacementState, ReplacementVerb], ReplacementState] = {
    (ReplacementState.IN_TRANSIT, ReplacementVerb.DELIVER): ReplacementState.DELIVERED,
    (ReplacementState.DELIVERED, ReplacementVerb.DELIVER): ReplacementState.DELIVERED,
    (ReplacementState.IN_TRANSIT, ReplacementVerb.LOSE): ReplacementState.LOST,
}


class CaseState(StrEnum):
    REQUESTED = "requested"
    UNDERWAY = "underway"
    APPEALED = "appealed"
    DECIDED = "decided"
    SETTLED = "settled"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


ENDED = frozenset({S.SETTLED, S.DECLINED, S.WITHDRAWN})
# Whose turn it is; what ended is nobody's.
TURN = {
    S.REQUESTED: "vendor",
    S.EVIDENCE: "buyer",
    S.APPROVED: "buyer",
    S.IN_TRANSIT: "vendor",  # who says that the goods have arrived, or have not
    S.MISSING: "operator",
    S.RECEIVED: "vendor",
    S.INSPECTED: "vendor",
    S.DECIDED: "operator",
    S.REPLACING: "vendor",
    S.APPEALED: "operator",
}
REMINDED = frozenset({"buyer", "vendor"})  # who is told that his turn is nearly over


def turn_of(state: LineState, goods: str) -> str | None:
    """Whose turn a line is: goods that stay with the buyer are not waited for, their vendor decides."""
    return "vendor" if state is S.APPROVED and goods != "back" else TURN.get(state)


# The first row that a line of the case is named in.
OF_LINES: tuple[tuple[CaseState, frozenset[LineState]], ...] = (
    (CaseState.APPEALED, frozenset({S.APPEALED, S.MISSING})),
    (CaseState.REQUESTED, frozenset({S.REQUESTED, S.EVIDENCE})),
    (CaseState.UNDERWAY, frozenset({S.APPROVED, S.IN_TRANSIT, S.RECEIVED, S.INSPECTED, S.REPLACING})),
    (CaseState.DECIDED, frozenset({S.DECIDED})),
    (CaseState.SETTLED, frozenset({S.SETTLED})),
    (CaseState.DECLINED, frozenset({S.DECLINED})),
    (CaseState.WITHDRAWN, frozenset({S.WITHDRAWN})),
)


def case_state(lines: Collection[LineState], *, closed: bool) -> CaseState:
    """The state of a case from those of its lines (one or more): the least that somebody still waits for."""
    return CaseState.CLOSED if closed else next(state for state, named in OF_LINES if named & set(lines))
