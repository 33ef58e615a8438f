"""Transfers, what is taken back of them, payouts, debts and adjustments move by their tables."""

from enum import StrEnum


class TransferState(StrEnum):
    REQUESTED = "requested"
    SENT = "sent"
    UNKNOWN = "unknown"  # the provider did not answer: it may have been made
    MADE = "made"
    PART_REVERSED = "part_reversed"
    REVERSED = "reversed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # never sent: what it held went back to what the vendor is due


class TransferVerb(StrEnum):
    SEND = "send"
    DOUBT = "doubt"
    LOOK_UP = "look_up"
    POSTPONE = "postpone"
    CONFIRM = "confirm"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    REVERSE_PART = "reverse_part"
    REVERSE = "reverse"


S, V = TransferState, TransferVerb
UNDER_WAY = (S.REQUESTED, S.SENT, S.UNKNOWN)  # booked in transit
ARRIVED = (S.MADE, S.PART_REVERSED, S.REVERSED)
TRANSFER_STATES: dict[tuple[TransferState, TransferVerb], TransferState] = {
    (S.REQUESTED, V.SEND): S.SENT,
    (S.SENT, V.DOUBT): S.UNKNOWN,
    (S.UNKNOWN, V.DOUBT): S.UNKNOWN,
    (S.UNKNOWN, V.LOOK_UP): S.SENT,
    (S.SENT, V.POSTPONE): S.REQUESTED,
    (S.UNKNOWN, V.POSTPONE): S.REQUESTED,
    (S.SENT, V.CONFIRM): S.MADE,
    (S.UNKNOWN, V.CONFIRM): S.MADE,
    (S.MADE, V.CONFIRM): S.MADE,
    (S.PART_REVERSED, V.CONFIRM): S.PART_REVERSED,
    (S.REVERSED, V.CONFIRM): S.REVERSED,
    (S.REQUESTED, V.REFUSE): S.REFUSED,
    (S.SENT, V.REFUSE): S.REFUSED,
    (S.UNKNOWN, V.REFUSE): S.REFUSED,
    (S.REFUSED, V.REFUSE): S.REFUSED,
    (S.REQUESTED, V.WITHDRAW): S.WITHDRAWN,
    (S.MADE, V.REVERSE_PART): S.PART_REVERSED,
    (S.PART_REVERSED, V.REVERSE_PART): S.PART_REVERSED,
    (S.MADE, V.REVERSE): S.REVERSED,
    (S.PART_REVERSED, V.REVERSE): S.REVERSED,
}


class ReversalState(StrEnum):
    REQUESTED = "requested"
    SENT = "sent"
    UNKNOWN = "unknown"
    MADE = "made"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # the debt went another way before it was sent


class ReversalVerb(StrEnum):
    SEND = "send"
    DOUBT = "doubt"
    LOOK_UP = "look_up"
    POSTPONE = "postpone"  # not now: the balance there does not reach; it is tried later
    CONFIRM = "confirm"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


R, W = ReversalState, ReversalVerb
REVERSALS_UNDER_WAY = (R.REQUESTED, R.SENT, R.UNKNOWN)
REVERSAL_STATES: dict[tuple[ReversalState, ReversalVerb], ReversalState] = {
    (R.REQUESTED, W.SEND): R.SENT,
    (R.SENT, W.DOUBT): R.UNKNOWN,
    (R.UNKNOWN, W.DOUBT): R.UNKNOWN,
    (R.UNKNOWN, W.LOOK_UP): R.SENT,
    (R.SENT, W.POSTPONE): R.REQUESTED,
    (R.UNKNOWN, W.POSTPONE): R.REQUESTED,
    (R.SENT, W.CONFIRM): R.MADE,
    (R.UNKNOWN, W.CONFIRM): R.MADE,
    (R.MADE, W.CONFIRM): R.MADE,
    (R.SENT, W.REFUSE): R.REFUSED,
    (R.UNKNOWN, W.REFUSE): R.REFUSED,
    (R.REFUSED, W.REFUSE): R.REFUSED,
    (R.REQUESTED, W.WITHDRAW): R.WITHDRAWN,
}


class PayoutState(StrEnum):
    """As the provider reports it; `paid` may still become `failed` days later."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PayoutVerb(StrEnum):
    """What the provider reports; older news than what is known changes nothing."""

    AWAIT = "await"
    LEAVE = "leave"
    ARRIVE = "arrive"
    FAIL = "fail"
    CANCEL = "cancel"


Y, Z = PayoutState, PayoutVerb
PAYOUT_STATES: dict[tuple[PayoutState, PayoutVerb], PayoutState] = {
    **{(state, Z.AWAIT): state for state in Y},
    **{(state, Z.LEAVE): Y.IN_TRANSIT if state is Y.PENDING else state for state in Y},
    **{(state, Z.ARRIVE): Y.PAID if state in {Y.PENDING, Y.IN_TRANSIT} else state for state in Y},
    **{(state, Z.FAIL): state if state is Y.CANCELLED else Y.FAILED for state in Y},
    **{(state, Z.CANCEL): Y.CANCELLED if state in {Y.PENDING, Y.IN_TRANSIT} else state for state in Y},
}


class DebtState(StrEnum):
    OPEN = "open"
    REMINDED = "reminded"
    TO_DECIDE = "to_decide"
    SETTLED = "settled"
    WRITTEN_OFF = "written_off"


class DebtVerb(StrEnum):
    REMIND = "remind"
    ESCALATE = "escalate"
    SETTLE = "settle"
    WRITE_OFF = "write_off"


D, E = DebtState, DebtVerb
OPEN_DEBTS = (D.OPEN, D.REMINDED, D.TO_DECIDE)
DEBT_STATES: dict[tuple[DebtState, DebtVerb], DebtState] = {
    (D.OPEN, E.REMIND): D.REMINDED,
    (D.REMINDED, E.REMIND): D.REMINDED,
    (D.OPEN, E.ESCALATE): D.TO_DECIDE,
    (D.REMINDED, E.ESCALATE): D.TO_DECIDE,
    **{(state, E.SETTLE): D.SETTLED for state in OPEN_DEBTS},
    **{(state, E.WRITE_OFF): D.WRITTEN_OFF for state in OPEN_DEBTS},
}


class AdjustmentState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"


class AdjustmentVerb(StrEnum):
    APPROVE = "approve"
    DECLINE = "decline"


J, U = AdjustmentState, AdjustmentVerb
ADJUSTMENT_STATES: dict[tuple[AdjustmentState, AdjustmentVerb], AdjustmentState] = {
    (J.PROPOSED, U.APPROVE): J.APPROVED,
    (J.PROPOSED, U.DECLINE): J.DECLINED,
}


class AdjustmentKind(StrEnum):
    """What an operator books by hand; above zero is in the vendor's favour."""

    ADJUSTMENT = "adjustment"
    WRITE_OFF = "write_off"  # a debt that he will not pay
