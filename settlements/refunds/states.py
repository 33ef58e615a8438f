"""A refund moves by its table; what was confirmed may still bounce days later."""

from enum import StrEnum


class RefundState(StrEnum):
    REQUESTED = "requested"
    SENT = "sent"
    CONFIRMED = "confirmed"
    BOUNCED = "bounced"
    OTHER_WAY = "other_way"


class RefundVerb(StrEnum):
    SEND = "send"
    CONFIRM = "confirm"
    BOUNCE = "bounce"
    RETRY = "retry"
    GIVE_UP = "give_up"


S, V = RefundState, RefundVerb
REFUND_STATES: dict[tuple[RefundState, RefundVerb], RefundState] = {
    (S.REQUESTED, V.SEND): S.SENT,
    (S.SENT, V.RETRY): S.REQUESTED,
    (S.SENT, V.CONFIRM): S.CONFIRMED,
    (S.CONFIRMED, V.CONFIRM): S.CONFIRMED,
    (S.SENT, V.BOUNCE): S.BOUNCED,
    (S.CONFIRMED, V.BOUNCE): S.BOUNCED,
    (S.BOUNCED, V.BOUNCE): S.BOUNCED,
    (S.BOUNCED, V.RETRY): S.REQUESTED,
    (S.BOUNCED, V.GIVE_UP): S.OTHER_WAY,
    (S.REQUESTED, V.GIVE_UP): S.OTHER_WAY,
}
