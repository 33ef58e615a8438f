"""A vendor order's money is pending until it is delivered, earned while it may come back, then due."""

from enum import StrEnum

from settlements.ledger.postings import orders as postings


class EarningState(StrEnum):
    PENDING = "pending"
    INVOICED = "invoiced"  # on net terms: shipped and invoiced, the buyer has not paid it
    EARNED = "earned"
    DUE = "due"


class EarningVerb(StrEnum):
    INVOICE = "invoice"
    EARN = "earn"
    FALL_DUE = "fall_due"


S, V = EarningState, EarningVerb
EARNING_STATES: dict[tuple[EarningState, EarningVerb], EarningState] = {
    (S.PENDING, V.INVOICE): S.INVOICED,
    (S.INVOICED, V.INVOICE): S.INVOICED,
    (S.EARNED, V.INVOICE): S.EARNED,
    (S.DUE, V.INVOICE): S.DUE,
    (S.PENDING, V.EARN): S.EARNED,
    (S.INVOICED, V.EARN): S.EARNED,
    (S.EARNED, V.EARN): S.EARNED,
    (S.DUE, V.EARN): S.DUE,
    (S.EARNED, V.FALL_DUE): S.DUE,
    (S.DUE, V.FALL_DUE): S.DUE,
}
ACCOUNTS: dict[EarningState, postings.Stage] = {
    S.PENDING: postings.PENDING,
    S.INVOICED: postings.INVOICED,
    S.EARNED: postings.EARNED,
    S.DUE: postings.DUE,
}
