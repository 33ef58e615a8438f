"""A dispute moves as the payer's bank reports it; only its end is final, and what is decided stays decided."""

from enum import StrEnum

from settlements.gateway.connect import DisputeState

OPEN = (DisputeState.NEEDS_RESPONSE, DisputeState.WARNING_NEEDS_RESPONSE)  # evidence is heard
UNDECIDED = (*OPEN, DisputeState.UNDER_REVIEW, DisputeState.WARNING_UNDER_REVIEW)


class DisputeVerb(StrEnum):
    WARN = "warn"
    SUBMIT_WARNED = "submit_warned"
    CLOSE = "close"  # an enquiry that came to nothing
    PREVENT = "prevent"
    CHARGE_BACK = "charge_back"  # money is taken: at once, or after an enquiry
    SUBMIT = "submit"
    WIN = "win"
    LOSE = "lose"


S, V = DisputeState, DisputeVerb
VERB_TO: dict[DisputeState, DisputeVerb] = {
    S.WARNING_NEEDS_RESPONSE: V.WARN,
    S.WARNING_UNDER_REVIEW: V.SUBMIT_WARNED,
    S.WARNING_CLOSED: V.CLOSE,
    S.PREVENTED: V.PREVENT,
    S.NEEDS_RESPONSE: V.CHARGE_BACK,
    S.UNDER_REVIEW: V.SUBMIT,
    S.WON: V.WIN,
    S.LOST: V.LOSE,
}
_WARNED = (S.WARNING_NEEDS_RESPONSE, S.WARNING_UNDER_REVIEW)
DISPUTE_STATES: dict[tuple[DisputeState, DisputeVerb], DisputeState] = {
    # Each state may be reported again.
    **{(state, verb): state for state, verb in VERB_TO.items()},
    (S.WARNING_NEEDS_RESPONSE, V.SUBMIT_WARNED): S.WARNING_UNDER_REVIEW,
    **{(state, V.CLOSE): S.WARNING_CLOSED for state in _WARNED},
    **{(state, V.PREVENT): S.PREVENTED for state in (*_WARNED, S.NEEDS_RESPONSE)},
    **{(state, V.CHARGE_BACK): S.NEEDS_RESPONSE for state in (*_WARNED, S.WARNING_CLOSED)},
    **{(state, V.SUBMIT): S.UNDER_REVIEW for state in (*_WARNED, S.NEEDS_RESPONSE)},
    **{(state, V.WIN): S.WON for state in (*_WARNED, S.NEEDS_RESPONSE, S.UNDER_REVIEW)},
    **{(state, V.LOSE): S.LOST for state in (*_WARNED, S.NEEDS_RESPONSE, S.UNDER_REVIEW)},
}
