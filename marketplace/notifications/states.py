"""A letter waits until a mail server took it, or refused it for good."""

from enum import StrEnum


class LetterState(StrEnum):
    REQUESTED = "requested"
    SENT = "sent"
    REFUSED = "refused"


class LetterVerb(StrEnum):
    SEND = "send"
    REFUSE = "refuse"


LETTER_STATES: dict[tuple[LetterState, LetterVerb], LetterState] = {
    (LetterState.REQUESTED, LetterVerb.SEND): LetterState.SENT,
    (LetterState.SENT, LetterVerb.SEND): LetterState.SENT,  # two jobs may have sent it at the same moment
    (LetterState.REQUESTED, LetterVerb.REFUSE): LetterState.REFUSED,
    (LetterState.REFUSED, LetterVerb.REFUSE): LetterState.REFUSED,
}
