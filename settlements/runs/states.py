"""A run is open, collected, closed; a statement is a draft, closed, and then paid, held, or carried into the next."""

from enum import StrEnum


class RunState(StrEnum):
    OPEN = "open"
    COLLECTED = "collected"
    CLOSED = "closed"


class RunVerb(StrEnum):
    COLLECT = "collect"
    CLOSE = "close"


class StatementState(StrEnum):
    DRAFT = "draft"
    CLOSED = "closed"
    TRANSFERRING = "transferring"
    PAID = "paid"
    HELD = "held"
    CARRIED = "carried"  # what it came to is part of the statement after it


class StatementVerb(StrEnum):
    CLOSE = "close"
    TRANSFER = "transfer"
    CONFIRM = "confirm"
    HOLD = "hold"
    RELEASE = "release"
    CARRY = "carry"


R, RV, S, V = RunState, RunVerb, StatementState, StatementVerb
RUN_STATES: dict[tuple[RunState, RunVerb], RunState] = {
    (R.OPEN, RV.COLLECT): R.COLLECTED,
    (R.COLLECTED, RV.COLLECT): R.COLLECTED,
    (R.CLOSED, RV.COLLECT): R.CLOSED,
    (R.COLLECTED, RV.CLOSE): R.CLOSED,
    (R.CLOSED, RV.CLOSE): R.CLOSED,
}
STATEMENT_STATES: dict[tuple[StatementState, StatementVerb], StatementState] = {
    (S.DRAFT, V.CLOSE): S.CLOSED,
    (S.CLOSED, V.TRANSFER): S.TRANSFERRING,
    (S.TRANSFERRING, V.CONFIRM): S.PAID,
    (S.PAID, V.CONFIRM): S.PAID,
    (S.CLOSED, V.HOLD): S.HELD,
    (S.TRANSFERRING, V.HOLD): S.HELD,  # a transfer was refused
    (S.HELD, V.HOLD): S.HELD,
    (S.HELD, V.RELEASE): S.CLOSED,
    (S.CLOSED, V.CARRY): S.CARRIED,
    (S.HELD, V.CARRY): S.CARRIED,
}
