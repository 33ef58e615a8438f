"""A difference is open until somebody resolves it, or it turns out to be none; what costs money takes two people."""

from enum import StrEnum


class DifferenceState(StrEnum):
    OPEN = "open"
    PROPOSED = "proposed"  # a posting of it waits for a second person
    RESOLVED = "resolved"


class DifferenceVerb(StrEnum):
    PROPOSE = "propose"
    WITHDRAW = "withdraw"
    RESOLVE = "resolve"
    REOPEN = "reopen"  # it differs again, or in another way


S, V = DifferenceState, DifferenceVerb
DIFFERENCE_STATES: dict[tuple[DifferenceState, DifferenceVerb], DifferenceState] = {
    (S.OPEN, V.PROPOSE): S.PROPOSED,
    (S.PROPOSED, V.WITHDRAW): S.OPEN,
    (S.OPEN, V.RESOLVE): S.RESOLVED,
    (S.PROPOSED, V.RESOLVE): S.RESOLVED,
    (S.RESOLVED, V.REOPEN): S.OPEN,
    (S.PROPOSED, V.REOPEN): S.OPEN,
}
