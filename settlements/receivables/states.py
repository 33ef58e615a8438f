"""An open item is settled in parts or whole, or given up; a bank transfer waits until all of it is assigned."""

from enum import StrEnum


class ReceivableState(StrEnum):
    ISSUED = "issued"
    PART_SETTLED = "part_settled"
    SETTLED = "settled"
    WRITTEN_OFF = "written_off"


class ReceivableVerb(StrEnum):
    SETTLE_PART = "settle_part"
    SETTLE = "settle"
    UNSETTLE = "unsettle"  # nothing of it is settled any more
    WRITE_OFF = "write_off"


S, V = ReceivableState, ReceivableVerb
RECEIVABLE_STATES: dict[tuple[ReceivableState, ReceivableVerb], ReceivableState] = {
    (S.ISSUED, V.SETTLE_PART): S.PART_SETTLED,
    (S.PART_SETTLED, V.SETTLE_PART): S.PART_SETTLED,
    (S.SETTLED, V.SETTLE_PART): S.PART_SETTLED,
    (S.WRITTEN_OFF, V.SETTLE_PART): S.PART_SETTLED,
    (S.ISSUED, V.SETTLE): S.SETTLED,
    (S.PART_SETTLED, V.SETTLE): S.SETTLED,
    (S.SETTLED, V.SETTLE): S.SETTLED,
    (S.WRITTEN_OFF, V.SETTLE): S.SETTLED,
    (S.ISSUED, V.UNSETTLE): S.ISSUED,
    (S.PART_SETTLED, V.UNSETTLE): S.ISSUED,
    (S.SETTLED, V.UNSETTLE): S.ISSUED,
    (S.ISSUED, V.WRITE_OFF): S.WRITTEN_OFF,
    (S.PART_SETTLED, V.WRITE_OFF): S.WRITTEN_OFF,
    (S.WRITTEN_OFF, V.WRITE_OFF): S.WRITTEN_OFF,
}
STILL_OPEN = (S.ISSUED, S.PART_SETTLED)


class TransferState(StrEnum):
    """Of money that arrived at the bank."""

    OPEN = "open"
    ASSIGNED = "assigned"


class TransferVerb(StrEnum):
    ASSIGN_PART = "assign_part"
    ASSIGN = "assign"
    UNDO = "undo"


T, W = TransferState, TransferVerb
TRANSFER_STATES: dict[tuple[TransferState, TransferVerb], TransferState] = {
    (T.OPEN, W.ASSIGN_PART): T.OPEN,
    (T.OPEN, W.ASSIGN): T.ASSIGNED,
    (T.OPEN, W.UNDO): T.OPEN,
    (T.ASSIGNED, W.UNDO): T.OPEN,
}


class WriteOffState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"


class WriteOffVerb(StrEnum):
    APPROVE = "approve"
    DECLINE = "decline"


WRITE_OFF_STATES: dict[tuple[WriteOffState, WriteOffVerb], WriteOffState] = {
    (WriteOffState.REQUESTED, WriteOffVerb.APPROVE): WriteOffState.APPROVED,
    (WriteOffState.REQUESTED, WriteOffVerb.DECLINE): WriteOffState.DECLINED,
}
