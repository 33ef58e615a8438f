"""A payment moves by its table; money that did arrive is a fact from whatever state, a refusal after it is not."""

from enum import StrEnum


class PaymentState(StrEnum):
    REQUESTED = "requested"
    AUTHORISED = "authorised"
    PARTLY_FUNDED = "partly_funded"
    CAPTURED = "captured"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class PaymentVerb(StrEnum):
    AUTHORISE = "authorise"
    FUND = "fund"
    CAPTURE = "capture"
    FAIL = "fail"
    CANCEL = "cancel"
    EXPIRE = "expire"


S, V = PaymentState, PaymentVerb
OPEN = (S.REQUESTED, S.AUTHORISED, S.PARTLY_FUNDED)  # may still take money
PAYMENT_STATES: dict[tuple[PaymentState, PaymentVerb], PaymentState] = {
    (S.REQUESTED, V.AUTHORISE): S.AUTHORISED,
    (S.AUTHORISED, V.AUTHORISE): S.AUTHORISED,
    (S.PARTLY_FUNDED, V.FUND): S.CAPTURED,
    (S.CAPTURED, V.FUND): S.CAPTURED,
    (S.REQUESTED, V.CAPTURE): S.CAPTURED,
    (S.AUTHORISED, V.CAPTURE): S.CAPTURED,
    (S.CAPTURED, V.CAPTURE): S.CAPTURED,
    (S.FAILED, V.CAPTURE): S.CAPTURED,
    (S.CANCELLED, V.CAPTURE): S.CAPTURED,
    (S.EXPIRED, V.CAPTURE): S.CAPTURED,
    (S.REQUESTED, V.FAIL): S.FAILED,
    (S.AUTHORISED, V.FAIL): S.FAILED,
    (S.FAILED, V.FAIL): S.FAILED,
    (S.REQUESTED, V.CANCEL): S.CANCELLED,
    (S.AUTHORISED, V.CANCEL): S.CANCELLED,
    (S.CANCELLED, V.CANCEL): S.CANCELLED,
    (S.REQUESTED, V.EXPIRE): S.EXPIRED,
    (S.AUTHORISED, V.EXPIRE): S.EXPIRED,
}
